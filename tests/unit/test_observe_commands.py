"""`stats`, `events`, `why`, `trace`, `capture`: what each of them does."""

from typing import Any

import pytest

from tests.unit.asking import run
from vmdqemu.cli import capture, events, trace, trace_live, why
from vmdqemu.errors import UsageError


@pytest.mark.parametrize(
    "arguments",
    [
        ("stats", "--ethtool", "--registers"),
        ("trace", "--live", "1", "00"),
        ("trace", "--live", "1", "--set", "mtu=1500"),
    ],
    ids=" ".join,
)
def test_two_answers_at_once_are_a_usage_error(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError):
        run(monkeypatch, *arguments)


@pytest.mark.parametrize(
    ("module", "name", "arguments", "call"),
    [
        (events, "events", ("events", "--follow", "-j"), (None, True, True)),
        (why, "why", ("why", "vm1", "--lab", "two"), ("vm1", "two", False)),
        (trace, "trace", ("trace", "--lab", "a", "--from", "vm1", "00"), ("a", [], "vm1", "00", False)),
        (trace, "trace", ("trace", "--set", "mtu=9000", "-j"), (None, ["mtu=9000"], None, None, True)),
        (trace_live, "trace_live", ("trace", "--live", "3", "--from", "vm1"), (None, 3, "vm1", False)),
        (capture, "capture", ("capture", "--port", "vm1", "-c", "3"), (None, None, ["vm1"], 3, 256)),
        (capture, "capture", ("capture", "-w", "-", "--snaplen", "64"), (None, "-", [], None, 64)),
    ],
)
def test_a_command_is_carried_out_as_it_was_given(
    module: object,
    name: str,
    arguments: tuple[str, ...],
    call: tuple[Any, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[tuple[Any, ...]] = []
    monkeypatch.setattr(module, name, lambda *made: calls.append(made))
    run(monkeypatch, *arguments)
    assert calls == [call]
