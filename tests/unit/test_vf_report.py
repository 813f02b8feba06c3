"""What is told of VFs, and of VMs that have one."""

from types import SimpleNamespace
from typing import cast

import pytest

from netns import counters as kernel_counters
from netns.counters import LinkCounters
from tests.unit.plants import Kernel, plant
from tests.unit.test_mailbox import TWO
from vmdqemu.daemon import vf_report
from vmdqemu.datapath.eswitch import Books, Direction
from vmdqemu.datapath.uplink import Uplink
from vmdqemu.datapath.vf_device import VfDevice
from vmdqemu.nic.counters import DropReason

LAB = 'vm = [{ name = "vm1" }, { name = "vm2" }]'
NONE = Direction(0, 0, 0)
BOOKS = Books(
    Direction(1, 45, 65_000), Direction(2, 2, 120), NONE, NONE, 0, 0, {DropReason.ANTI_SPOOF_MAC: 3}
)


def test_a_vf_is_told_with_its_terms_and_its_books() -> None:
    lab = plant(LAB)
    lab.adapter = TWO
    lab.uplink = cast(Uplink, SimpleNamespace(eswitch=SimpleNamespace(counters=lambda _: BOOKS)))
    lab.vfs["vm1"] = cast(VfDevice, SimpleNamespace(cpu=1))
    bound, unbound = vf_report.rows(lab)
    assert bound == {
        "vf": 0,
        "vm": "vm1",
        "vport": 255,
        "state": "attached",
        "link": "vf0",
        "processor": 1,
        "mac": "02:00:00:00:00:01",
        "vlan": None,
        "trust": False,
        "spoofchk": True,
        "rate": None,
        "sent": {"skbs": 1, "wire_frames": 45, "octets": 65_000},
        "received": {"skbs": 2, "wire_frames": 2, "octets": 120},
        "drops": {"anti_spoof_mac": 3},
    }
    assert (unbound["vm"], unbound["link"], unbound["processor"]) == ("vm2", None, None)


def test_a_vms_total_is_what_both_its_links_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    lab = plant(LAB)
    kernel = Kernel(lab)
    kernel.set("vm1", rx_packets=3, tx_bytes=100)
    kernel.links["vm1"]["vf0"] = LinkCounters(5, 0, 0, 0, 0, 900, 0, 0)
    monkeypatch.setattr(kernel_counters, "read", kernel.read)
    found = vf_report.total(lab.ports[0])
    assert found is not None
    assert (found["rx_packets"], found["tx_bytes"]) == (8, 1000)
    del kernel.links["vm1"]
    assert vf_report.total(lab.ports[0]) is None
