"""What system tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.command import Write, writing


@pytest.fixture
def write(tmp_path: Path) -> Iterator[Write]:
    """Writes lab files; whatever their labs leave is gone after the test."""
    with writing(tmp_path) as write:
        yield write
