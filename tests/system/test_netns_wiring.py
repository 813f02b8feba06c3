"""Links on the real kernel: what is asked for is set, what crosses is counted, what is refused says why."""

import asyncio
import gc
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from netns import counters, ipv6, links, namespace
from netns.errors import NetnsError
from netns.lab import Lab

pytestmark = pytest.mark.system

A, B, C = (f"netns{os.getpid()}-{letter}" for letter in "abc")


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        yield lab


@pytest.fixture
def pair(lab: Lab) -> Lab:
    """Two machines and a cable between them, up: A eth0 10.0.0.1, B eth0 10.0.0.2."""
    lab.namespace(A)
    lab.namespace(B)
    lab.veth(A, "eth0", B, "eth0", mtu=1500)
    for ns, address in ((A, "10.0.0.1/24"), (B, "10.0.0.2/24")):
        links.add_address(ns, "eth0", address)
        links.up(ns, "eth0")
    return lab


def eventually(holds: Callable[[], bool], seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while not (held := holds()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return held


def shown(ns: str, ifname: str) -> dict[str, Any]:
    link: dict[str, Any] = json.loads(namespace.run(ns, ["ip", "-j", "-d", "link", "show", ifname]).stdout)[0]
    return link


def ipv6_addresses(ns: str, ifname: str) -> list[str]:
    with namespace.entered(ns):
        lines = Path("/proc/thread-self/net/if_inet6").read_text().splitlines()
    return [line.split()[0] for line in lines if line.split()[-1] == ifname]


def ping(ns: str, address: str) -> None:
    namespace.run(ns, ["ping", "-c", "3", "-i", "0.01", "-W", "5", address])


@pytest.mark.usefixtures("pair")
def test_fifty_cycles_leak_no_file() -> None:
    def cycle() -> None:
        links.up(A, "eth0")
        counters.read(A)
        with pytest.raises(links.LinkError):
            links.up(A, "eth9")

    cycle()
    gc.collect()  # what earlier tests forgot to close is not closed in between
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(50):
        cycle()

    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.usefixtures("pair")
def test_every_frame_on_a_link_is_one_that_was_asked_for() -> None:
    ping(A, "10.0.0.2")

    near, far = counters.read(A)["eth0"], counters.read(B)["eth0"]
    echo, arp = 14 + 20 + 8 + 56, 14 + 28
    assert (near.tx_packets, near.tx_bytes) == (4, 3 * echo + arp)
    assert (far.rx_packets, far.rx_bytes) == (near.tx_packets, near.tx_bytes)
    assert (near.rx_packets, near.rx_bytes) == (far.tx_packets, far.tx_bytes) == (4, 3 * echo + arp)
    assert ipv6_addresses(A, "eth0") == ipv6_addresses(A, "lo") == []


@pytest.mark.usefixtures("pair")
def test_frames_nobody_wants_are_counted_as_dropped() -> None:
    ping(A, "10.0.0.2")
    before = counters.read(B)["eth0"]
    with namespace.entered(A), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
        raw.bind(("eth0", 0))
        for _ in range(6):
            raw.send(b"\xff" * 6 + b"\x02\0\0\0\0\1" + b"\x88\xb5" + bytes(46))  # IEEE 802: experimental

    assert eventually(lambda: counters.read(B)["eth0"].rx_dropped - before.rx_dropped == 6)
    after = counters.read(B)["eth0"]
    assert (after.rx_packets - before.rx_packets, after.rx_bytes - before.rx_bytes) == (6, 6 * 60)


def test_ipv6_takes_static_addresses_at_once_and_makes_none(lab: Lab) -> None:
    lab.namespace(A, ipv6=True)
    lab.namespace(B, ipv6=True)
    lab.veth(A, "eth0", B, "eth0", mtu=1500)
    for ns, address in ((A, "fd00::1/64"), (B, "fd00::2/64")):
        links.add_address(ns, "eth0", address)
        links.up(ns, "eth0")

    ping(A, "fd00::2")
    assert ipv6_addresses(A, "eth0") == ["fd00" + "0" * 27 + "1"]


def test_a_link_made_later_starts_quiet(lab: Lab) -> None:
    lab.namespace(A, ipv6=True)
    lab.veth(A, "eth0", A, "eth1", mtu=1500)

    with namespace.entered(A):
        found = {name: (ipv6.CONF / "eth0" / name).read_text().strip() for name in ipv6.QUIET}
    assert found == ipv6.QUIET


def test_a_veth_has_both_ends_as_asked(lab: Lab) -> None:
    lab.namespace(A)
    lab.namespace(B)
    macs = ("02:00:00:00:00:0a", "02:00:00:00:00:0b")
    lab.veth(A, "wire", B, "wire0", mtu=9000, mac_a=macs[0], mac_b=macs[1], queues=2)

    for ns, ifname, mac in ((A, "wire", macs[0]), (B, "wire0", macs[1])):
        link = shown(ns, ifname)
        assert (link["mtu"], link["address"]) == (9000, mac)
        assert (link["num_tx_queues"], link["num_rx_queues"]) == (2, 2)
        assert link["ifindex"] == links.index(ns, ifname)


def test_what_is_set_on_a_link_is_set(lab: Lab) -> None:
    lab.namespace(A)
    lab.veth(A, "eth0", A, "eth1", mtu=1500)
    links.set_mac(A, "eth0", "02:00:00:00:00:07")
    links.set_tx_queue_length(A, "eth0", 4095)
    links.up(A, "eth0", mtu=9000)

    link = shown(A, "eth0")
    assert (link["address"], link["txqlen"], link["mtu"]) == ("02:00:00:00:00:07", 4095, 9000)
    assert "UP" in link["flags"]


@pytest.mark.usefixtures("pair")
@pytest.mark.parametrize("cpu", {0, (os.cpu_count() or 1) - 1})
def test_one_cpu_takes_in_what_a_link_receives(cpu: int) -> None:
    links.receive_on(A, "eth0", cpu)
    mask = namespace.run(A, ["cat", "/sys/class/net/eth0/queues/rx-0/rps_cpus"]).stdout
    assert int(mask.replace(",", ""), 16) == 1 << cpu


@pytest.mark.usefixtures("pair")
def test_a_shaped_link_is_unshaped_again_and_one_that_is_not_stays_so() -> None:
    links.unshape(A, "eth0")
    links.shape(A, "eth0", 10_000_000)
    assert "tbf" in namespace.run(A, ["tc", "qdisc", "show", "dev", "eth0"]).stdout
    links.unshape(A, "eth0")
    assert "tbf" not in namespace.run(A, ["tc", "qdisc", "show", "dev", "eth0"]).stdout


@pytest.mark.usefixtures("pair")
@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: links.veth(A, "eth0", A, "x", mtu=1500), "File exists: remove what is there"),
        (lambda: links.veth(A, "n" * 17, A, "x", mtu=1500), "1 to 15 characters"),
        (lambda: links.veth(A, "x", A, "y", mtu=1500, mac_a="02:00"), "'02:00' is not a MAC"),
        (lambda: links.veth(A, "x", "no-such-vm", "y", mtu=1500), "no namespace 'no-such-vm'"),
        (lambda: links.up(A, "eth9"), "link 'eth9' up: No such device"),
        (lambda: links.up(A, "eth0", mtu=10), "mtu less than device minimum"),
        (lambda: links.index(A, "eth9"), "No such device"),
        (lambda: links.set_mac(A, "eth0", "01:00:00:00:00:01"), "use a unicast MAC"),
        (lambda: links.add_address(A, "eth0", "10.0.0.300/24"), "does not appear to be an IPv4 or IPv6"),
        (lambda: links.add_address(A, "eth0", "10.0.0.1/24"), "already assigned"),
        (lambda: links.add_address(A, "eth0", "fd00::1/64"), "ipv6=True"),
        (lambda: links.add_route(A, "default", "10.9.9.9"), "address in the gateway's network"),
        (lambda: links.add_route(A, "10.0.0.1/8", "10.0.0.2"), "has host bits set"),
        (lambda: links.bridge(A, "br0", ["eth9"]), "No such device"),
    ],
)
def test_a_refusal_names_the_cause(act: Callable[[], object], message: str) -> None:
    before = set(counters.read(A))

    with pytest.raises(NetnsError) as caught:
        act()
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert set(counters.read(A)) == before


@pytest.mark.usefixtures("pair")
def test_a_removed_link_takes_its_far_end_along_and_may_be_removed_again() -> None:
    links.remove(A, "eth0")
    links.remove(A, "eth0")

    assert set(counters.read(A)) == set(counters.read(B)) == {"lo"}


def test_a_bridge_joins_its_members_and_filters_nothing(lab: Lab) -> None:
    for ns in (A, B, C):
        lab.namespace(ns)
    for ns, port, address in ((A, "port-a", "10.0.0.1/24"), (B, "port-b", "10.0.0.2/24")):
        lab.veth(ns, "eth0", C, port, mtu=1500)
        links.add_address(ns, "eth0", address)
        links.up(ns, "eth0")
    lab.bridge(C, "br0", ["port-a", "port-b"])

    ping(A, "10.0.0.2")
    with namespace.entered(C):
        assert {f.read_text() for f in Path("/proc/sys/net/bridge").glob("bridge-nf-call-*")} <= {"0\n"}


@pytest.mark.parametrize(
    ("addresses", "gateway", "far"),
    [
        (("10.0.0.1/24", "10.0.0.2/24"), "10.0.0.2", "10.8.0.1"),
        (("fd00::1/64", "fd00::2/64"), "fd00::2", "fd08::1"),
    ],
)
@pytest.mark.parametrize("default", [True, False])
def test_a_route_leads_through_its_gateway(
    lab: Lab, addresses: tuple[str, str], gateway: str, far: str, default: bool
) -> None:
    for ns in (A, B):
        lab.namespace(ns, ipv6=True)
    lab.veth(A, "eth0", B, "eth0", mtu=1500)
    for ns, address in zip((A, B), addresses, strict=True):
        links.add_address(ns, "eth0", address)
        links.up(ns, "eth0")
    links.add_address(B, "lo", far)
    links.add_route(A, "default" if default else far, gateway)

    ping(A, far)


@pytest.mark.usefixtures("pair")
def test_a_thread_beside_an_event_loop_may_use_links() -> None:
    async def call() -> int:
        return await asyncio.to_thread(links.index, A, "eth0")

    assert asyncio.run(call()) == links.index(A, "eth0")
