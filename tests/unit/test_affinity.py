"""Everybody who is compared has the same CPUs for the same work."""

import pytest

from netns import links
from vmdqemu.config import EXT, parse
from vmdqemu.experiments import affinity
from vmdqemu.experiments.measure import Pair

LAB = parse('vm = [{ name = "vm1" }, { name = "vm2" }, { name = "vm3" }]', "lab")


@pytest.fixture(autouse=True)
def _two_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(affinity, "_cpus", lambda: [4, 6])


def test_vms_take_turns_over_the_cpus_and_ext_is_on_the_next() -> None:
    apart = affinity.apart(LAB)
    assert [apart.of(vm) for vm in ("vm1", "vm2", "vm3")] == [4, 6, 4]
    assert apart.ends(Pair("vm1", "vm2")) == (4, 6)
    assert apart.ends(Pair(EXT, "vm1")) == (6, 4)
    assert str(apart) == "vm1 CPU 4, vm2 CPU 6, vm3 CPU 4"


def test_together_they_are_all_on_one() -> None:
    together = affinity.together(LAB)
    assert {together.of(vm) for vm in ("vm1", "vm2", "vm3")} == {4}
    assert together.ends(Pair(EXT, "vm3")) == (4, 4)


def test_what_a_vm_sends_its_cpu_takes_in_at_the_far_end(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, str, int]] = []
    monkeypatch.setattr(links, "receive_on", lambda *what: told.append(what))
    affinity.apart(LAB).take_in({"vm1": ("nic", "vf0"), "vm2": ("nic", "vf1")})
    assert told == [("nic", "vf0", 4), ("nic", "vf1", 6)]
