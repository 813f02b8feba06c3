"""What several unit tests share: an event loop of their own, and a worker on it."""

import asyncio
from collections.abc import Iterator

import pytest

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
