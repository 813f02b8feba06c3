"""The flow cache and tunnels: a key covers the inner headers, and a flow inside of a tunnel hits."""

import struct
from collections.abc import Iterator
from itertools import islice
from random import Random

import pytest

from tests.unit.builders import OUTSIDE, STRANGER, Vm, mac, octets, packet
from tests.unit.fates import due, found
from tests.unit.pumping import PLAIN, Fabric, Pumped
from vmdqemu.host.vswitch import WIRE
from vmdqemu.nic.frame import HEADER_OCTETS
from vmdqemu.nic.models import IDEAL
from vmdqemu.nic.modes import VMMQ, VMQ
from vmdqemu.nic.tunnel import VXLAN_PORT

QUEUES = 8
FLOWS = 64
OUTER = [("192.0.2.1", "192.0.2.2"), ("2001:db8::1", "2001:db8::2")]
INNER = ("10.0.0.1", "10.0.0.2")
VM2 = mac(2)


def inner_frame(port: int) -> bytes:
    """Of one flow."""
    return octets(mac(8), mac(9), (), *packet(*INNER, 6, (port, 80)))


def through(
    kind: str,
    ips: tuple[str, str],
    inner: bytes,
    from_port: int = 50000,
    random: int = 0,
    to: bytes = VM2,
) -> bytes:
    """A frame that carries another; random: 32 bits that no verdict reads."""
    if kind == "nvgre":
        upper = struct.pack("!HHI", 0x2000, 0x6558, random) + inner
        return octets(to, OUTSIDE, (), *packet(*ips, 47, upper=upper))
    upper = struct.pack("!HHIII", from_port, VXLAN_PORT, random, 0x08FFFFFF, random) + inner
    return octets(to, OUTSIDE, (), *packet(*ips, 17, upper=upper))


def taken(fabric: Fabric) -> list[int]:
    """The RX queues of VM 2 that frames were placed in."""
    queues = fabric.tables.vports[2].queues
    return [queue for queue in queues if fabric.counters.queue(queue)["rx-packets"]]


def traffic(random: Random, count: int, kind: str, ips: tuple[str, str]) -> Iterator[bytes]:
    """Frames of 64 inner flows, each with an outer source port of its own (RFC 7348 5)."""
    for number in range(count):
        flow = number % FLOWS
        inner = random.randbytes(12) + inner_frame(1000 + flow)[12:] + random.randbytes(random.randrange(40))
        yield PLAIN + through(kind, ips, inner, 50000 + flow, random.getrandbits(32))


@pytest.mark.parametrize("kind", ["vxlan", "nvgre"])
@pytest.mark.parametrize("ips", OUTER)
def test_64_flows_in_a_tunnel_miss_once_a_flow(ips: tuple[str, str], kind: str) -> None:
    """And once for the EtherType, whose frames turn out to depend on their flow."""
    with Fabric(Vm(), Vm(queue_pairs=QUEUES), mode=VMMQ) as fabric:
        pumped = Pumped(fabric, WIRE)
        frames = traffic(Random(1), FLOWS * 1000, kind, ips)
        while burst := list(islice(frames, 16)):
            pumped.drain(burst)
            fabric.written()
        row = fabric.counters.ring(WIRE, 0)
        assert row["reads"] == FLOWS * 1000
        assert FLOWS <= row["misses"] <= FLOWS + 1
        assert len(taken(fabric)) == QUEUES


@pytest.mark.parametrize("kind", ["vxlan", "nvgre"])
@pytest.mark.parametrize("ips", OUTER)
@pytest.mark.parametrize("inner_headers", [True, False])
def test_flows_with_the_same_outer_headers_are_told_apart_where_the_model_looks_inside(
    ips: tuple[str, str], kind: str, inner_headers: bool
) -> None:
    model = IDEAL._replace(inner_headers=inner_headers)
    with Fabric(Vm(), Vm(queue_pairs=QUEUES), mode=VMMQ, model=model) as fabric:
        pumped = Pumped(fabric, WIRE)
        for port in range(FLOWS):
            frame = PLAIN + through(kind, ips, inner_frame(port))
            assert found(frame, pumped, fabric) == due(frame, WIRE, fabric)
        assert len(taken(fabric)) == (QUEUES if inner_headers else 1)


@pytest.mark.parametrize("kind", ["vxlan", "nvgre"])
@pytest.mark.parametrize("ips", OUTER)
def test_a_neighbour_of_a_known_flow_in_a_tunnel_is_never_taken_for_it(
    ips: tuple[str, str], kind: str
) -> None:
    """Every octet of the headers changed in turn, and the frame cut at every length, all others known."""
    plain = through(kind, ips, inner_frame(5001))
    changed = [
        plain[:at] + bytes([plain[at] ^ change]) + plain[at + 1 :]
        for at in range(min(len(plain), HEADER_OCTETS))
        for change in (0x01, 0x02, 0x08, 0x10, 0x20, 0x80)
    ]
    cut = [plain[:length] for length in range(len(plain))]
    with Fabric(Vm(), Vm(queue_pairs=QUEUES), mode=VMMQ, default_queue_pairs=4) as fabric:
        pumped = Pumped(fabric, WIRE)
        for frame in (PLAIN + octets for octets in [plain, *changed, *cut, plain]):
            assert found(frame, pumped, fabric) == due(frame, WIRE, fabric)


@pytest.mark.parametrize("kind", ["vxlan", "nvgre"])
@pytest.mark.parametrize("ips", OUTER)
def test_an_address_inside_is_told_from_its_neighbours_where_a_filter_compares_it(
    ips: tuple[str, str], kind: str
) -> None:
    """Every octet of the headers changed in turn; of a frame with a filter outside nothing inside counts."""
    plain = through(kind, ips, inner_frame(5001), to=STRANGER)
    changed = [plain[:at] + bytes([plain[at] ^ 1]) + plain[at + 1 :] for at in range(len(plain))]
    outside = through(kind, ips, inner_frame(5001))
    with Fabric(Vm(), Vm(), mode=VMQ) as fabric:
        fabric.tables = fabric.tables._replace(inside_filters={(mac(8), None): 1})
        pumped = Pumped(fabric, WIRE)
        for frame in (PLAIN + octets for octets in [plain, *changed, outside, plain]):
            assert found(frame, pumped, fabric) == due(frame, WIRE, fabric)
        assert due(PLAIN + plain, WIRE, fabric).queues == [1]
        assert due(PLAIN + outside, WIRE, fabric).queues == [2]
