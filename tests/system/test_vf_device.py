"""A VF's device: made whole and unmade whole, and one CPU takes in what it sends."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from netns import namespace
from netns.lab import Lab
from vmdqemu.config import LabConfig, parse
from vmdqemu.datapath import tap
from vmdqemu.datapath.eswitch import End, Eswitch
from vmdqemu.datapath.tap import Tap
from vmdqemu.datapath.vf_device import GUEST_END, VfDevice, host_end

pytestmark = pytest.mark.system

NAME = f"v{os.getpid() % 100_000}"
LAB = f'name = "{NAME}"\nprefix = "{NAME}-"\nadapter.offloads = false\nvm = [{{ name = "vm1" }}]'
VM, NIC = f"{NAME}-vm1", f"{NAME}-nic"
MAC = "02:00:00:00:00:01"


class Plugs:
    """In place of the eswitch: what is plugged in."""

    def __init__(self) -> None:
        self.plugged: dict[int, str] = {}
        self.broken = False

    def plug(self, vf: int, ifname: str, far: End) -> None:
        if self.broken:
            raise OSError("the map is full")
        assert far == (VM, GUEST_END)
        self.plugged[vf] = ifname

    def reset(self, vf: int) -> None:
        assert vf in self.plugged

    def unplug(self, vf: int) -> None:
        self.plugged.pop(vf, None)


@pytest.fixture
def config() -> Iterator[LabConfig]:
    with Lab() as lab:
        for ns in (VM, NIC):
            lab.namespace(ns)
        yield parse(LAB, NAME)


@pytest.fixture
def eth0(config: LabConfig) -> Iterator[Tap]:
    """The VM's own link."""
    made = tap.open_tap(config.namespace(config.vms[0]), "eth0", rings=1, ring=64, offloads=True)
    yield made
    tap.close(made.fds)


def device(plugs: Plugs, config: LabConfig, eth0: Tap) -> VfDevice:
    return VfDevice(3, VM, "eth0", eth0, config, cast(Eswitch, plugs))


def found(ns: str) -> set[str]:
    with namespace.entered(ns):
        return {
            line.split(":")[0].strip()
            for line in Path("/proc/thread-self/net/dev").read_text().splitlines()[2:]
        }


def test_it_is_there_plugged_in_and_gone_again(config: LabConfig, eth0: Tap) -> None:
    before, plugs = (found(VM), found(NIC)), Plugs()
    made = device(plugs, config, eth0)
    made.add(MAC)
    assert (found(VM) - before[0], found(NIC) - before[1]) == ({GUEST_END}, {host_end(3)})
    assert plugs.plugged == {3: host_end(3)}
    assert MAC in namespace.run(VM, ["ip", "link", "show", GUEST_END]).stdout
    assert "inet" not in namespace.run(VM, ["ip", "address", "show", GUEST_END]).stdout
    made.bind()
    made.reset()
    made.release()
    made.unplug()
    assert plugs.plugged == {}
    made.remove()
    made.remove()
    assert (found(VM), found(NIC), plugs.plugged) == (*before, {})
    made.bind()
    made.release()


def test_one_cpu_takes_in_what_it_sends(config: LabConfig, eth0: Tap) -> None:
    made = device(Plugs(), config, eth0)
    made.add(MAC)
    setting = f"/sys/class/net/{host_end(3)}/queues/rx-0/rps_cpus"
    mask = namespace.run(NIC, ["cat", setting]).stdout.strip().replace(",", "")
    assert int(mask, 16) == 1 << made.cpu
    made.remove()


def test_what_cannot_be_plugged_in_leaves_nothing(config: LabConfig, eth0: Tap) -> None:
    before, plugs = (found(VM), found(NIC)), Plugs()
    plugs.broken = True
    with pytest.raises(OSError, match="the map is full"):
        device(plugs, config, eth0).add(MAC)
    assert (found(VM), found(NIC)) == before


def test_its_limit_is_set_and_taken_off(config: LabConfig, eth0: Tap) -> None:
    made = device(Plugs(), config, eth0)
    made.add(MAC)

    def discipline() -> str:
        return namespace.run(VM, ["tc", "qdisc", "show", "dev", GUEST_END, "root"]).stdout

    made.limit(100, tagged=False)
    made.limit(200, tagged=False)
    assert "tbf" in discipline()
    assert "200Mbit" in discipline()
    made.limit(None, tagged=False)
    assert "tbf" not in discipline()
    made.remove()


def test_the_address_is_changed_on_both_links(config: LabConfig, eth0: Tap) -> None:
    made = device(Plugs(), config, eth0)
    made.add(MAC)
    made.set_mac("02:00:00:00:00:09")
    for ifname in ("eth0", GUEST_END):
        assert "02:00:00:00:00:09" in namespace.run(VM, ["ip", "link", "show", ifname]).stdout
    made.remove()
