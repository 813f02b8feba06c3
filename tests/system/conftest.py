"""What system tests share."""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.command import LabFile, Write
from vmdqemu.daemon import runtime
from vmdqemu.daemon.stop import stop

_numbers = itertools.count(1)


@pytest.fixture
def write(tmp_path: Path) -> Iterator[Write]:
    """Writes lab files; whatever their labs leave is gone after the test."""
    labs = []

    def write(text: str) -> LabFile:
        lab = f"c{os.getpid() % 100_000}-{next(_numbers)}"
        path = tmp_path / f"{lab}.toml"
        path.write_text(f'prefix = "{lab}-"\n{text}')
        labs.append(lab)
        return LabFile(lab, path)

    yield write
    for record in runtime.records():
        if record.lab in labs:
            stop(record)
