"""What several unit tests share: an event loop of their own, a worker on it, and a command line."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.unit.asking import Asks
from tests.unit.serving import Rig


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture
def rig(loop: asyncio.AbstractEventLoop) -> Iterator[Rig]:
    rig = Rig(loop)
    yield rig
    rig.close()


@pytest.fixture
def asks(monkeypatch: pytest.MonkeyPatch) -> Asks:
    return Asks(monkeypatch)
