"""`vmdqemu trace` answers the worked example of pool selection: every row, in every column."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit import golden
from tests.unit.golden import FromPool1, FromWire
from tests.unit.tracing import Trace, changed
from vmdqemu.nic.counters import DropReason
from vmdqemu.nic.frame import format_mac


@pytest.fixture
def trace(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Trace:
    return Trace(golden.LAB, monkeypatch, capsys)


def in_short(row: FromWire | FromPool1) -> str:
    tag = "" if row.vlan is None else f",vlan={row.vlan}"
    return f"ether,dst={format_mac(row.destination)}{tag}"


def pools(frame: dict[str, Any]) -> tuple[int, ...]:
    """They are called pool0 to pool3."""
    return tuple(int(placed["vport"].removeprefix("pool")) for placed in frame["nic"]["deliveries"])


def rows(file: Path, table: dict[int, Any]) -> str:
    """All frames of a table in one file."""
    file.write_text("".join(f"{in_short(row)}\n" for row in table.values()))
    return str(file)


@pytest.mark.parametrize("column", golden.WIRE_COLUMNS)
def test_a_frame_from_the_wire_is_in_the_pools_that_the_rules_give(
    column: str, trace: Trace, tmp_path: Path
) -> None:
    file = rows(tmp_path / "rows", golden.WIRE)
    frames = trace.frames("--from", "wire", *changed(*golden.WIRE_COLUMNS[column]), file)
    for row, frame in zip(golden.WIRE.values(), frames, strict=True):
        fate = getattr(row, column)
        expected = ((), fate) if isinstance(fate, DropReason) else (fate, None)
        assert (pools(frame), frame["nic"]["drop"]) == expected, row


@pytest.mark.parametrize("column", golden.POOL_COLUMNS)
def test_a_frame_from_a_pool_stays_inside_or_leaves_as_the_rules_say(
    column: str, trace: Trace, tmp_path: Path
) -> None:
    file = rows(tmp_path / "rows", golden.POOL1)
    frames = trace.frames("--from", "pool1", *changed(*golden.POOL_COLUMNS[column]), file)
    for row, frame in zip(golden.POOL1.values(), frames, strict=True):
        fate = getattr(row, column)
        assert (pools(frame), frame["nic"]["wire"]) == (((), False) if fate is None else fate), row
        assert (frame["nic"]["drop"] is None) == (fate is not None)


@pytest.mark.parametrize("change", ["local_switch=false", "bridge=vepa"])
def test_without_loopback_every_frame_leaves(change: str, trace: Trace, tmp_path: Path) -> None:
    file = rows(tmp_path / "rows", golden.POOL1)
    for frame in trace.frames("--from", "pool1", "--set", change, file):
        assert (pools(frame), frame["nic"]["wire"], frame["nic"]["drop"]) == ((), True, None)


@pytest.mark.parametrize("column", golden.WIRE_COLUMNS)
def test_the_chips_own_words_need_no_table(column: str, trace: Trace, tmp_path: Path) -> None:
    file, changes = rows(tmp_path / "rows", golden.WIRE), golden.WIRE_COLUMNS[column]
    bare = [change.removeprefix("adapter.") for change in changes]
    frames = [trace.frames("--from", "wire", *changed(*each), file) for each in (changes, bare)]
    assert frames[0] == frames[1]


def test_another_pool_may_be_the_default_one(trace: Trace) -> None:
    stray = in_short(golden.WIRE[4])
    (frame,) = trace.frames("--from", "wire", "--set", "default_pool=pool3", stray)
    assert pools(frame) == (3,)


def test_every_step_has_a_source(trace: Trace, tmp_path: Path) -> None:
    for port, table in (("wire", golden.WIRE), ("pool1", golden.POOL1)):
        for frame in trace.frames("--from", port, rows(tmp_path / port, table)):
            assert all(step["source"] and step["outcome"] for step in frame["steps"])
