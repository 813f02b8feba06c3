"""Layers of offered load: who is started when, and ended."""

from contextlib import ExitStack, nullcontext
from types import SimpleNamespace
from typing import cast

import pytest

from vmdqemu.config import parse
from vmdqemu.experiments import measure
from vmdqemu.experiments.layers import Layers
from vmdqemu.experiments.rig import Rig

LAB = parse(
    'wire.address = "10.0.0.254/24"\n'
    'vm = [{ name = "a", address = "10.0.0.1/24" }, { name = "b", address = "10.0.0.2/24" }]',
    "lab",
)


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The commands that run now."""
    commands: list[tuple[str, ...]] = []

    def start(stack: ExitStack, _: object, name: str, *argv: str) -> None:
        commands.append((name, *argv))
        stack.callback(commands.remove, (name, *argv))

    monkeypatch.setattr(measure, "start", start)
    monkeypatch.setattr(measure, "until_listening", lambda *_: None)
    return commands


def senders(commands: list[tuple[str, ...]]) -> list[tuple[str, str, str]]:
    """To whom, at which port, with how many bit/s."""
    return [
        (command[3], command[5], command[-1])
        for command in commands
        if command[:3] == ("ext", "iperf3", "-c")
    ]


def test_layers_come_and_go_and_leave_the_others_alone(running: list[tuple[str, ...]]) -> None:
    rig = cast(Rig, SimpleNamespace(lab=LAB, interrupts=SimpleNamespace(taken=nullcontext)))
    with Layers(rig, {"low": 10.0, "full": None}) as layers:
        assert (len(running), senders(running)) == (4, [])
        layers.put({"low"})
        low = [("10.0.0.1", "5201", "5000000"), ("10.0.0.2", "5201", "5000000")]
        assert senders(running) == low
        layers.put({"low", "full"})
        assert senders(running) == [*low, ("10.0.0.1", "5202", "0"), ("10.0.0.2", "5202", "0")]
        layers.put({"full"})
        assert [port for _, port, _ in senders(running)] == ["5202", "5202"]
    assert running == []
