"""L1, L2: VMs move between two running labs, and what runs in them does not notice."""

from collections.abc import Iterator
from functools import partial

import pytest

from netns import namespace
from tests.system.frames import Link, frame, tag
from tests.system.harness import RunningLab, eventually
from tests.system.migrating import (
    ADAPTER,
    BRIDGE,
    OUT,
    OUTSIDE,
    VM,
    WIRE,
    Echo,
    Numbered,
    Pair,
    ping,
    two_labs,
    vms,
)

pytestmark = pytest.mark.system

VMS = f"""
vm = [
  {{ name = "vm1", address = "10.0.0.1/24" }},
  {{ name = "vm2", address = "{VM}/24", queues = 2, weight = 7, rate = 900.0, rss_table_size = 64 }},
  {{ name = "vm5", vlan = 5 }},
]
"""


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with two_labs(tmp_path_factory.mktemp("migration"), VMS + ADAPTER + WIRE) as pair:
        yield pair


def test_a_vm_moves_to_and_fro_under_numbered_datagrams_and_a_connection(pair: Pair, full: bool) -> None:
    vm = pair.one.ns("vm2")
    ping(OUT, VM)
    numbered, echo = Numbered(vm), Echo(vm)
    try:
        for _ in range(100 if full else 3):
            pair.go()
            pair.come_back()
    finally:
        arrivals, answered = numbered.stop(), echo.stop()
    assert (arrivals.lost, arrivals.doubled) == (0, 0)
    assert answered > 10
    pair.assert_laws()


def test_what_was_set_and_counted_goes_along(pair: Pair) -> None:
    pair.one.call("share.set", vm="vm2", weight=9)
    before = pair.one.port("vm2")
    (row,) = [row for row in pair.one.call("share.list")["shares"] if row["name"] == "vm2"]
    addresses = next(vm for vm in pair.one.call("vm.list")["vms"] if vm["name"] == "vm2")
    pair.go()
    try:
        assert (vms(pair.one), vms(pair.other)) == (["vm1", "vm5"], ["vm3", "vm2"])
        assert row in pair.other.call("share.list")["shares"]
        assert {**addresses, "port": 2} in pair.other.call("vm.list")["vms"]
        after = pair.other.port("vm2")
        for counter in ("reads", "writes", "read_octets"):
            assert after[counter] >= before[counter] > 0
        (vport,) = [vport for vport in pair.other.call("vport.list")["vports"] if vport["name"] == "vm2"]
        assert [held["mac"] for held in vport["filters"]] == [pair.one.mac("vm2")]
        assert "vm2" not in {queue["VmFriendlyName"] for queue in pair.one.call("queue.list")["queues"]}
        pair.assert_laws()
    finally:
        pair.come_back()


def test_everybody_reaches_the_vm_wherever_it_is(pair: Pair) -> None:
    machines = (OUT, pair.one.ns("vm1"), pair.other.ns("vm3"))
    for move in (pair.go, pair.come_back):
        move()
        for machine in machines:
            ping(machine, VM)
        ping(pair.one.ns("vm2"), OUTSIDE)
    pair.assert_laws()


def test_the_port_vlan_holds_from_the_first_frame_on(pair: Pair) -> None:
    """L2: frames of VLAN 5 and 6 all the time; the VM hears 5 alone, and sees no tag."""
    mac, outside = pair.one.mac("vm5"), "02:00:00:00:00:99"
    with Link(OUT, BRIDGE) as link, Link(pair.one.ns("vm5"), "eth0") as vm:
        pair.go("vm5")
        said = {vid: bytes([vid]) * 60 for vid in (6, 5)}
        link.send(*(frame(mac, outside, tag(vid), payload=said[vid]) for vid in said))
        received = vm.wait_for(frame(mac, outside, payload=said[5]))
        assert frame(mac, outside, payload=said[6]) not in received
        vm.send(frame(outside, mac, payload=said[5]))
        link.wait_for(frame(outside, mac, tag(5), payload=said[5]))
        pair.come_back("vm5")
    pair.assert_laws()


def test_without_a_free_queue_the_vm_goes_on_by_the_default_queue(pair: Pair) -> None:
    """NDIS: ndis-vmq-live-migration-support: the destination may have no VMQ for it."""
    pair.other.call("mode.set", mode="off")
    try:
        pair.go()
        ping(OUT, VM, count=3)
        assert "vm2" not in {queue["VmFriendlyName"] for queue in pair.other.call("queue.list")["queues"]}
        pair.come_back()
    finally:
        pair.other.call("mode.set", mode="vmq")
    ping(OUT, VM)
    pair.assert_laws()


def rss(lab: RunningLab) -> tuple[str, list[str], bool]:
    """vm2's key, hash types, and whether it is on."""
    (row,) = [row for row in lab.call("rss.list")["vports"] if row["name"] == "vm2"]
    return row["key"], row["types"], row["enabled"]


def test_rss_goes_along_on_or_off(pair: Pair) -> None:
    for lab in pair:
        lab.call("mode.set", mode="vmmq")
    try:
        pair.one.call("rss.set", vport="vm2", key="5a" * 40, types=["IPV4"])
        pair.one.call("rss.set", vport="vm2", enabled=False)
        before = rss(pair.one)
        pair.go()
        assert rss(pair.other) == before == ("5a" * 40, ["IPV4"], False)
        pair.other.call("rss.set", vport="vm2", enabled=True)
        pair.come_back()
        assert rss(pair.one) == ("5a" * 40, ["IPV4"], True)
    finally:
        for lab in pair:
            lab.call("mode.set", mode="vmq")
    pair.assert_laws()


def test_a_worker_that_is_replaced_afterwards_knows_the_vm(pair: Pair) -> None:
    pair.go()
    for role in ("nic", "cpu0"):
        pid = eventually(partial(pair.other.worker, role), "somebody serves")
        namespace.run(OUT, ["kill", "-9", str(pid)])
        ping(OUT, VM, count=3)
    pair.come_back()
    ping(OUT, VM)
    pair.assert_laws()
