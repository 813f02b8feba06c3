"""The baselines of VFs: a bridge, and a cable; the CPU that an experiment names takes in what a VM sends."""

import os

import pytest

from netns import namespace
from tests.system.command import Write
from vmdqemu.experiments import affinity, bare_lab, baselines
from vmdqemu.experiments.contenders import BRIDGE, VETH, Contender
from vmdqemu.experiments.interrupts import Interrupts

pytestmark = pytest.mark.system

LAB = """
vm = [{ name = "vm1", address = "10.0.0.1/24" }, { name = "vm2", address = "10.0.0.2/24" }]
[wire]
address = "10.0.0.254/24"
"""


@pytest.mark.parametrize(
    ("baseline", "ways"),
    [
        (BRIDGE, [("vm1", "10.0.0.2"), ("ext", "10.0.0.1"), ("vm2", "10.0.0.254")]),
        (VETH, [("vm1", "10.0.0.2"), ("vm2", "10.0.0.1")]),
    ],
)
def test_they_reach_each_other_and_receive_on_one_cpu(
    baseline: Contender, ways: list[tuple[str, str]], write: Write
) -> None:
    file, cpus = write(LAB), sorted(os.sched_getaffinity(0))
    command = (baselines.MODULE, baseline.name)
    with Interrupts() as interrupts, bare_lab.running(command, file.path, interrupts) as rig:
        cables = baseline.cables(rig)
        affinity.apart(rig.lab).take_in(cables)
        for source, target in ways:
            namespace.run(f"{file.lab}-{source}", ["ping", "-c", "1", "-W", "10", target])
        for vm, (ns, ifname) in enumerate(cables.values()):
            setting = f"/sys/class/net/{ifname}/queues/rx-0/rps_cpus"
            mask = namespace.run(ns, ["cat", setting]).stdout.strip().replace(",", "")
            assert int(mask, 16) == 1 << cpus[vm % len(cpus)]
    assert file.left == set()
