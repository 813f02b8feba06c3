"""The uplink without a worker: what the outside sends waits in pf0's ring, what is written there goes out."""

import os
import socket
from collections.abc import Callable

import pytest

from netns import counters, namespace
from tests.system.frames import EXPERIMENT
from tests.system.harness import eventually
from tests.system.uplinks import bed
from tests.unit.builders import OUTSIDE, mac, octets, tag
from vmdqemu.config import LabConfig
from vmdqemu.datapath.eswitch import Direction
from vmdqemu.datapath.outside import WIRE_END
from vmdqemu.datapath.uplink import PF, Uplink
from vmdqemu.datapath.wires import WIRE

pytestmark = pytest.mark.system

NAME = f"up{os.getpid() % 100_000}"
PLAIN = bytes(10)
ALL_PROTOCOLS = 0x0003
VLAN = 0x123


def outside(lab_config: LabConfig, protocol: int = ALL_PROTOCOLS) -> socket.socket:
    """A raw socket on the outside host's link; of one protocol alone: behind the link's programs."""
    with namespace.entered(lab_config.ext_namespace):
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    raw.bind((WIRE_END, protocol))
    raw.setblocking(False)
    return raw


def reading(read: Callable[[], bytes], wanted: Callable[[bytes], bool]) -> bytes:
    """The first frame that is wanted; a link has frames of its own when it comes up."""

    def attempt() -> bytes | None:
        try:
            frame = read()
        except BlockingIOError:
            return None
        return frame if wanted(frame) else None

    frame: bytes = eventually(attempt, "the frame arrives")
    return frame


def ring(up: Uplink) -> Callable[[], bytes]:
    return lambda: os.read(up.pf.fds[0], 1 << 17)


def test_a_frame_from_outside_waits_in_the_pfs_ring() -> None:
    frame = octets(mac(1), OUTSIDE)
    with bed(NAME) as (_, up, lab_config), outside(lab_config) as raw:
        raw.send(frame)
        assert reading(ring(up), lambda got: got[16:22] == OUTSIDE) == PLAIN + frame


def test_a_frame_written_to_the_pf_is_heard_outside() -> None:
    frame = octets(OUTSIDE, mac(1))
    with bed(NAME) as (_, up, lab_config), outside(lab_config) as raw:
        os.write(up.pf.fds[0], PLAIN + frame)
        assert reading(lambda: raw.recv(2000), lambda got: got[6:12] == mac(1)) == frame


def test_each_direction_counts_what_it_redirected() -> None:
    with bed(NAME) as (_, up, lab_config), outside(lab_config) as raw:
        inward, outward = up.from_wire(), up.to_wire()
        for _ in range(3):
            raw.send(octets(mac(1), OUTSIDE))
        os.write(up.pf.fds[0], PLAIN + octets(OUTSIDE, mac(1)))
        # A frame that was sent may wait in the cable's backlog for a while.
        eventually(lambda: _more(inward, up.from_wire()) == Direction(3, 3, 180), "all have come")
        assert _more(outward, up.to_wire()) == Direction(1, 1, 60)


@pytest.mark.parametrize("vids", [(), (VLAN,)])
def test_a_superframe_counts_as_the_wire_frames_it_stands_for(vids: tuple[int, ...]) -> None:
    header = octets(OUTSIDE, mac(1), vids, 0x0800, _ipv4_tcp(4000))
    offloads = bytes([1, 1]) + (len(header)).to_bytes(2, "little") + (1000).to_bytes(2, "little")
    offloads += (len(header) - 20).to_bytes(2, "little") + (16).to_bytes(2, "little")
    with bed(NAME) as (_, up, _):
        before = up.to_wire()
        os.write(up.pf.fds[0], offloads + header + bytes(4000))
        assert _more(before, up.to_wire()) == Direction(1, 4, 4 * len(header) + 4000)


def test_the_kernels_counters_agree_with_the_programs() -> None:
    with bed(NAME) as (_, up, lab_config), outside(lab_config) as raw:
        raw.send(octets(mac(1), OUTSIDE))
        os.write(up.pf.fds[0], PLAIN + octets(OUTSIDE, mac(1)))
        reading(ring(up), lambda got: got[16:22] == OUTSIDE)  # counted when it is read
        links = counters.read(lab_config.nic_namespace)
        assert links[WIRE].rx_packets == up.from_wire().skbs == links[PF].tx_packets + links[PF].tx_dropped
        assert links[PF].rx_packets == up.to_wire().skbs == links[WIRE].tx_packets


def test_an_access_port_tags_what_the_outside_host_sends_and_hears_its_own_vlan_only() -> None:
    plain = octets(mac(1), OUTSIDE)
    with bed(NAME, vlan=VLAN) as (_, up, lab_config), outside(lab_config, EXPERIMENT) as raw:
        raw.send(plain)
        arrived = reading(ring(up), lambda got: got[16:22] == OUTSIDE)
        assert arrived[10:] == plain[:12] + tag(VLAN) + plain[12:]
        for sender, vids in enumerate(((VLAN + 1,), (), (VLAN,)), start=2):
            os.write(up.pf.fds[0], PLAIN + octets(OUTSIDE, mac(sender), vids))
        # In the order in which they were sent: of the first two there is none.
        assert reading(lambda: raw.recv(2048), bool) == octets(OUTSIDE, mac(4))


def test_offloads_off_reach_the_uplink_too() -> None:
    with bed(NAME, offloads=False) as (_, up, _):
        assert up.pf.offloads == 0


def _more(before: Direction, after: Direction) -> Direction:
    return Direction(*(b - a for a, b in zip(before, after, strict=True)))


def _ipv4_tcp(payload: int) -> bytes:
    """An IPv4 and a TCP header for `payload` octets."""
    length = (40 + payload).to_bytes(2, "big")
    addresses = bytes([10, 0, 0, 1, 10, 0, 0, 254])
    ip = b"\x45\0" + length + bytes(4) + bytes([64, 6]) + bytes(2) + addresses
    return ip + bytes(12) + b"\x50\x10" + bytes(6)
