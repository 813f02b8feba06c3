"""Offload state travels with a frame: checksums partial or wrong as they came, superframes as good segments.

Covers NDIS rows O4 and O5 and Intel rows 51 to 53. VMQ coexists with task offloads: what the adapter knows of
a frame passes through the vSwitch to the VM (NDIS: combining-types-of-task-offloads).
"""

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest

from netns import namespace
from tests.system.frames import Link, tag
from tests.system.harness import RunningLab, eventually, running, started
from tests.system.lab_texts import two_vms
from vmdqemu.config import load

pytestmark = pytest.mark.system

ADDRESSES = {"vm1": "10.0.0.1", "vm2": "10.0.0.2", "ext": "10.0.0.254"}
PORT = 4000
MSS: Final = 1448  # of TCP with time stamps in 1500 octets

NOBODY: Final = "10.0.0.99"  # an address that nobody has: no stack answers

_SOL_PACKET: Final = 263
_PACKET_VNET_HDR: Final = 15
_NOT_READY: Final = 0x08  # TP_STATUS_CSUMNOTREADY: the checksum is partial
_STATUS = struct.Struct("=I")


def lab_text(mode: str = "vmq", offloads: bool = True) -> str:
    return two_vms(mode, adapter=f"offloads = {str(offloads).lower()}")


@pytest.fixture(scope="module", params=["off", "vmq"])
def lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    with running(lab_text(request.param), tmp_path_factory.mktemp("offloads")) as lab:
        for name, peer in (("vm1", "vm2"), ("ext", "vm1"), ("ext", "vm2")):
            lab.run(name, "ping", "-c", "1", ADDRESSES[peer])  # who is where
        yield lab


def link(lab: RunningLab, name: str) -> Link:
    return Link(lab.ns(name), "wire0" if name == "ext" else "eth0")


def send_datagram(lab: RunningLab, name: str, address: str, payload: bytes) -> None:
    with namespace.entered(lab.ns(name)):
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sender:
        sender.sendto(payload, (address, PORT))


def partial(receiver: Link, payload: bytes) -> bool:
    """Whether the datagram with that payload came with a partial checksum."""

    def found() -> list[bool]:
        seen: list[bool] = []
        while True:
            try:
                data, auxiliary, _, _ = receiver.socket.recvmsg(2048, 256, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return seen
            if data.endswith(payload):
                (status,) = _STATUS.unpack_from(auxiliary[0][2])
                seen.append(bool(status & _NOT_READY))

    states: list[bool] = eventually(found, "the datagram")
    return states[0]


@pytest.mark.parametrize(("sender", "receiver"), [("vm1", "vm2"), ("vm1", "ext"), ("ext", "vm1")])
def test_a_partial_checksum_stays_partial(lab: RunningLab, sender: str, receiver: str) -> None:
    payload = f"{sender} to {receiver}".encode().ljust(40)
    with link(lab, receiver) as there:
        send_datagram(lab, sender, ADDRESSES[receiver], payload)
        assert partial(there, payload)


def test_without_offloads_every_checksum_is_finished(tmp_path: Path) -> None:
    with running(lab_text(offloads=False), tmp_path) as lab, link(lab, "vm2") as there:
        send_datagram(lab, "vm1", ADDRESSES["vm2"], b"finished".ljust(40))
        assert not partial(there, b"finished".ljust(40))


def ones_complement(octets: bytes) -> int:
    """RFC 1071."""
    total: int = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def datagram(lab: RunningLab, *, ip_sum: int | None = None, udp_sum: int | None = None) -> bytes:
    """A UDP frame from ext to vm1, whose sums are right unless they are given."""
    source, destination = (socket.inet_aton(ADDRESSES[name]) for name in ("ext", "vm1"))
    payload = b"checksum".ljust(40, b".")
    header = struct.pack("!BBHHHBB", 0x45, 0, 28 + len(payload), 1, 0, 64, 17)
    right = ones_complement(header + b"\0\0" + source + destination)
    packet = header + struct.pack("!H", right if ip_sum is None else ip_sum) + source + destination
    udp = struct.pack("!HHH", PORT, PORT, 8 + len(payload))
    pseudo = source + destination + struct.pack("!HH", 17, 8 + len(payload))
    right = ones_complement(pseudo + udp + b"\0\0" + payload)
    udp += struct.pack("!H", right if udp_sum is None else udp_sum)
    addresses = bytes.fromhex((lab.mac("vm1") + lab.mac("ext")).replace(":", ""))
    return addresses + b"\x08\x00" + packet + udp + payload


def counted(lab: RunningLab, counter: str) -> int:
    """One of the VM's kernel's counters since it was started."""
    return int(lab.run("vm1", "nstat", "-asz", counter).split()[-2])


@pytest.mark.parametrize(
    ("wrong", "counter"),
    [({"udp_sum": 0xDEAD}, "UdpInCsumErrors"), ({"ip_sum": 0xDEAD}, "IpExtInCsumErrors")],
)
def test_a_bad_checksum_is_delivered_and_the_receiver_sees_it(
    lab: RunningLab, wrong: dict[str, int], counter: str
) -> None:
    """X550 7.1.4: checksum errors are reported and the frame is delivered."""
    bad = datagram(lab, **wrong)
    before = counted(lab, counter)
    with link(lab, "vm1") as there, link(lab, "ext") as here, receiving(lab):
        here.send(bad)
        assert bad in there.wait_for(bad)
        eventually(lambda: counted(lab, counter) == before + 1, f"{counter} grows")


def test_a_udp_checksum_of_0_is_no_error(lab: RunningLab) -> None:
    """X550 7.1.6: UDP over IPv4 with checksum 0 is not checked."""
    before = counted(lab, "UdpInCsumErrors")
    with link(lab, "ext") as here, receiving(lab) as application:
        for udp_sum in (0, None):
            here.send(datagram(lab, udp_sum=udp_sum))
            assert application.recv(2048).startswith(b"checksum")
    assert counted(lab, "UdpInCsumErrors") == before


def receiving(lab: RunningLab) -> socket.socket:
    """An application on vm1's port."""
    with namespace.entered(lab.ns("vm1")):
        application = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    application.bind((ADDRESSES["vm1"], PORT))
    application.settimeout(5)
    return application


def test_a_superframe_leaves_as_good_segments_on_its_senders_queue(tmp_path: Path) -> None:
    """NDIS 14.3, X550 7.2: full size but for the last, identification counts up, PSH on the last alone."""
    data = bytes(number % 251 for number in range(64_000))
    with cutting(tmp_path) as lab, link(lab, "ext") as there:
        before = {name: lab.port(name) for name in ("vm1", "vm2")}
        send_superframe(lab, data)
        segments = received_by(there, len(data))
        assert b"".join(segment.payload for segment in segments) == data
        assert_numbered(segments)
        wire = before["vm1"]["read_wire"] + len(segments)
        after = eventually(lambda: (now := lab.port("vm1"))["read_wire"] >= wire and now, "it is booked")
        assert (after["read_wire"], after["reads"]) == (wire, before["vm1"]["reads"] + 1)
        assert lab.port("vm2")["reads"] == before["vm2"]["reads"]


@contextmanager
def cutting(tmp_path: Path) -> Iterator[RunningLab]:
    """A lab whose superframes are cut before the cable, as TSO does; no law counts what it then carries."""
    file = tmp_path / "cutting.toml"
    file.write_text(f'prefix = "cut-"\n{lab_text()}')
    config = load(file)
    with started(file) as daemon:
        lab = RunningLab(config, daemon)
        lab.run("nic", "ip", "link", "set", "wire", "gso_max_size", "1500")
        yield lab


class Segment:
    """A TCP segment as it was on the wire."""

    def __init__(self, octets: bytes) -> None:
        self.length, self.identification = struct.unpack_from("!HH", octets, 16)
        self.sequence = struct.unpack_from("!I", octets, 38)[0]
        self.push = bool(octets[47] & 0x08)
        self.payload = octets[34 + (octets[46] >> 4) * 4 : 14 + self.length]


def send_superframe(lab: RunningLab, data: bytes) -> None:
    """As vm1's stack hands it to its NIC, to be cut and summed there: a whole connection would send again."""
    source, destination = (socket.inet_aton(address) for address in (ADDRESSES["vm1"], NOBODY))
    header = struct.pack("!BBHHHBB", 0x45, 0, 52 + len(data), 65_500, 0x4000, 64, 6)
    right = ones_complement(header + b"\0\0" + source + destination)
    packet = header + struct.pack("!H", right) + source + destination
    pseudo = 0xFFFF ^ ones_complement(source + destination + struct.pack("!HH", 6, 32 + len(data)))
    ack_push, stamps = 0x18, struct.pack("!BBBBLL", 1, 1, 8, 10, 1, 1)
    segment = struct.pack("!HHLLBBHHH", PORT, PORT, 1000, 1, 8 << 4, ack_push, 1000, pseudo, 0) + stamps
    addresses = bytes.fromhex((lab.mac("ext") + lab.mac("vm1")).replace(":", ""))
    to_be_summed, tcp_over_ipv4 = 1, 1
    vnet = struct.pack("<BBHHHH", to_be_summed, tcp_over_ipv4, 66, MSS, 34, 16)
    with link(lab, "vm1") as here:
        here.socket.setsockopt(_SOL_PACKET, _PACKET_VNET_HDR, 1)
        here.send(vnet + addresses + b"\x08\x00" + packet + segment + data)


def received_by(there: Link, octets: int) -> list[Segment]:
    """The segments that came in, once they have so many octets of data."""
    segments: list[Segment] = []

    def complete() -> bool:
        frames = [frame for frame in there.receive() if frame[12:14] == b"\x08\x00" and frame[23] == 6]
        assert all(len(frame) <= 1514 for frame in frames)
        segments.extend(map(Segment, frames))
        return sum(len(segment.payload) for segment in segments) >= octets

    eventually(complete, f"{octets} octets")
    return segments


def assert_numbered(segments: list[Segment]) -> None:
    """Full segments whose identification counts up, and a last one with PSH."""
    for earlier, later in pairwise(segments):
        assert later.sequence == earlier.sequence + len(earlier.payload)
        assert (later.identification - earlier.identification) % 65536 == 1
    assert {len(segment.payload) for segment in segments[:-1]} == {MSS}
    assert [segment.push for segment in segments] == [False] * (len(segments) - 1) + [True]


def test_a_short_frame_is_padded_on_the_wire(lab: RunningLab) -> None:
    """Intel row 53: 60 octets without FCS."""
    short = bytes.fromhex((lab.mac("ext") + lab.mac("vm1")).replace(":", "")) + b"\x88\xb5" + tag(0)
    with link(lab, "vm1") as here, link(lab, "ext") as there:
        here.send(short)
        assert there.wait_for(short.ljust(60, b"\0"))
