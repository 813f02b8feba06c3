"""A row says what was carried, and books who worked for it."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import pytest

from netns import links
from tests.unit.carrying import row, trip
from vmdqemu.config import parse
from vmdqemu.experiments import affinity, measure
from vmdqemu.experiments.carried import carry
from vmdqemu.experiments.contenders import ACROSS, BRIDGE, INWARD, VMQ
from vmdqemu.experiments.measure import Pair, RoundTrip, Throughput
from vmdqemu.experiments.rig import Rig
from vmdqemu.experiments.row import Cpu

LAB = parse("".join(f'[[vm]]\nname = "vm{number}"\n' for number in range(1, 5)), "lab")


class FakeLab:
    """A lab whose workers are this process; between two looks they read 30 skbs and write 12."""

    def __init__(self) -> None:
        self.looks = 0
        self.lab = LAB
        self.did: list[tuple[str, int]] = []

    def call(self, method: str) -> dict[str, Any]:
        self.looks += method == "stats"
        ports = [{"reads": 30 * self.looks, "writes": 5}, {"reads": 0, "writes": 12 * self.looks}]
        return {
            "workers": [{"role": "cpu0", "pid": 0}, {"role": "nic", "pid": os.getpid()}],
            "processors": [{"pid": os.getpid()}],
            "ports": ports,
        }

    def wait(self, seconds: float) -> None:
        """Nothing takes time here."""


class FakeFlows:
    """Every pair carries 2 Gbit/s."""

    def __init__(self, pairs: Sequence[Pair]) -> None:
        self._pairs = pairs

    def reports(self) -> list[Throughput]:
        return [Throughput(pair, 2.0, 1, 0.25, 0.125) for pair in self._pairs]


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> FakeLab:
    @contextmanager
    def flows(_: Rig, pairs: Sequence[Pair], *__: object, **___: object) -> Iterator[FakeFlows]:
        yield FakeFlows(pairs)

    @contextmanager
    def echoes(*_: object, **__: object) -> Iterator[Callable[[], RoundTrip]]:
        yield lambda: trip(0.4)

    monkeypatch.setattr(measure, "flows", flows)
    monkeypatch.setattr(measure, "echoes", echoes)

    made = FakeLab()

    def ping(*given: Any) -> RoundTrip:
        made.did.append(("ping", given[-1]))
        return trip(0.1)

    monkeypatch.setattr(measure, "ping", ping)
    monkeypatch.setattr(links, "receive_on", lambda _, ifname, cpu: made.did.append((ifname, cpu)))
    monkeypatch.setattr(affinity, "_cpus", lambda: [2, 3])
    return made


def test_what_workers_read_and_wrote_meanwhile_is_counted(lab: FakeLab) -> None:
    found = carry(cast(Rig, lab), VMQ, INWARD, 1)
    assert (found.handled, found.gbit_per_s, found.retransmits) == (42, 8.0, 4)
    assert (found.resting.median_ms, found.loaded.median_ms) == (0.1, 0.4)


def test_each_end_of_a_connection_is_booked_where_it_is(lab: FakeLab) -> None:
    inward = carry(cast(Rig, lab), BRIDGE, INWARD, 1)
    assert inward.cpu == Cpu(outside=4 * 0.25, adapter=0, host=0, guest=4 * 0.125)
    across = carry(cast(Rig, lab), BRIDGE, ACROSS, 1)
    assert across.cpu == Cpu(outside=0, adapter=0, host=0, guest=0.25 + 0.125)


def test_an_echo_at_rest_stays_on_one_cpu_and_a_load_has_all(lab: FakeLab) -> None:
    carry(cast(Rig, lab), BRIDGE, INWARD, 1)
    ports = [f"port{number}" for number in (1, 2, 3, 4)]
    assert lab.did == [*((port, 2) for port in ports), ("ping", 2), *zip(ports, (2, 3, 2, 3), strict=True)]


def test_without_an_adapter_nobody_is_asked(lab: FakeLab) -> None:
    assert carry(cast(Rig, lab), BRIDGE, ACROSS, 1).handled == 0
    assert lab.looks == 0


def test_the_cost_is_that_of_our_workers() -> None:
    cpu = Cpu(outside=0.5, adapter=0.1, host=0.4, guest=0.5)
    assert row(VMQ, INWARD, cpu=cpu, gbit_per_s=10.0).cpu_ms_per_gbit == pytest.approx(50)
