"""Who works for a row's VMs, and how much their wire can carry."""

from typing import Any

import pytest

from vmdqemu.config import parse
from vmdqemu.daemon import control
from vmdqemu.experiments import receive
from vmdqemu.experiments.interrupts import Interrupts
from vmdqemu.experiments.rig import Rig

LAB = 'vm = [{ name = "vm1" }, { name = "vm2" }]\n[wire]\n'
SHARED = [{"VmFriendlyName": "", "Processor": "0:0"}, {"VmFriendlyName": "", "Processor": "0:3"}]
OWNED = [{"VmFriendlyName": "vm1", "Processor": "0:1"}, {"VmFriendlyName": "vm2", "Processor": "0:2"}]


@pytest.mark.parametrize(
    ("queues", "names", "processors"),
    [
        (SHARED[:1], ["vm1", "vm2"], {0}),
        (SHARED, ["vm1"], {0, 3}),
        (SHARED + OWNED, ["vm1"], {1}),
        (SHARED + OWNED, ["vm1", "vm2"], {1, 2}),
    ],
)
def test_vms_with_queues_of_their_own_use_their_processors_and_others_the_shared_ones(
    queues: list[dict[str, Any]], names: list[str], processors: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "call", lambda *_: {"queues": queues})
    assert receive.processors_of(Rig(parse(LAB, "two"), Interrupts()), names) == processors


def test_a_wire_without_a_rate_has_no_end() -> None:
    assert receive.capacity(Rig(parse(LAB, "two"), Interrupts())) == float("inf")
    held = parse(LAB + "rate = 10000", "two")
    assert receive.capacity(Rig(held, Interrupts())) == pytest.approx(9.415, abs=1e-3)
