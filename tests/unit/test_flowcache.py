"""The flow cache: never another verdict than decide()'s, few misses, bounded, and no crowding out."""

import struct
from collections.abc import Iterator
from itertools import islice
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.builders import OUTSIDE, STRANGER, Vm, mac, octets, packet, tag
from tests.unit.chips import SOFTWARE_ONLY, SWITCHING, register_files, requests_for
from tests.unit.fates import due, found, judged
from tests.unit.hostile import families, frames
from tests.unit.pumping import PLAIN, TCPV4, Fabric, Pumped, vnet
from vmdqemu.datapath.flowcache import ADDRESS_ENTRIES, FLOW_ENTRIES, FlowCache, Memory
from vmdqemu.datapath.inbox import INBOX
from vmdqemu.datapath.pump import BUFFER_OCTETS
from vmdqemu.host.decide import Verdict
from vmdqemu.host.vswitch import WIRE
from vmdqemu.nic.frame import BROADCAST
from vmdqemu.nic.models import I82576, IDEAL, X550
from vmdqemu.nic.modes import MODES, VMMQ, VMQ
from vmdqemu.nic.pools import PoolSettings, PortSettings
from vmdqemu.nic.rss import ALL_TYPES, HashType, Rss

CHANNELS = 8
FLOWS = 64


@st.composite
def labs(draw: st.DrawFn) -> Fabric:
    """Adapters of three VMs; most have several channels, so that a verdict depends on the flow."""
    vlans = draw(st.sampled_from([(None, None, None), (None, None, None), (10, 10, None), (10, 20, 10)]))
    channels = draw(st.sampled_from([1, CHANNELS, CHANNELS]))
    rss = Rss.spread(CHANNELS, types=ALL_TYPES) if channels > 1 and draw(st.booleans()) else None
    queued = draw(st.sampled_from([3, 3, 1]))  # VMs with RX queues of their own
    vrss = draw(st.booleans())
    return Fabric(
        *(
            Vm(vlan, channels, spoof_check=False, rss=rss, own_queues=number < queued, vrss=vrss)
            for number, vlan in enumerate(vlans)
        ),
        mode=MODES[draw(st.sampled_from(sorted(MODES)))],
        model=IDEAL._replace(inner_headers=draw(st.sampled_from([True, True, False]))),
        default_queue_pairs=draw(st.sampled_from([1, 4])),
        local_switch=draw(st.booleans()),
        wire=draw(st.integers(0, 3)) > 0,
    )


def assert_each_is_due(lab: Fabric, source: int, arriving: list[bytes]) -> None:
    """Equal keys, equal verdicts: each frame's fate, with all the earlier ones in the cache's memory."""
    with lab as fabric:
        pumped = Pumped(fabric, source if fabric.tables.wire else max(1, source))
        for frame in [*arriving, *arriving]:
            assert found(frame, pumped, fabric) == due(frame, pumped.line[0], fabric)


@settings(max_examples=300)
@given(labs(), st.integers(0, 3), families() | st.lists(frames(), max_size=10))
def test_a_remembered_verdict_is_the_one_that_decide_would_make_now(
    lab: Fabric, source: int, arriving: list[bytes]
) -> None:
    assert_each_is_due(lab, source, arriving)


@st.composite
def chip_labs(draw: st.DrawFn) -> Fabric:
    """Adapters of three VMs on a chip whose registers have any values."""
    model = draw(st.sampled_from([*SWITCHING, *SOFTWARE_ONLY]))
    vlans = draw(st.sampled_from([(None, None, None), (None, 10, 10)]))
    bridged = draw(st.booleans()) and (model.transmit.port_vlan or vlans == (None, None, None))
    vms = [Vm(vlan, 4, spoof_check=draw(st.booleans())) for vlan in vlans]
    modes = [VMQ, VMMQ] if model is X550 else [VMQ]
    return Fabric(
        *vms,
        model=model,
        mode=draw(st.sampled_from(modes)),
        local_switch=bridged,
        loopback=model.transmit.local_switch and draw(st.booleans()),
        wire=draw(st.integers(0, 3)) > 0,
        requests=draw(register_files(model, len(vms))),
    )


@settings(max_examples=300)
@given(chip_labs(), st.integers(0, 3), families() | st.lists(frames(), max_size=10))
def test_a_chips_remembered_verdict_is_the_one_that_decide_would_make_now(
    lab: Fabric, source: int, arriving: list[bytes]
) -> None:
    assert_each_is_due(lab, source, arriving)


@pytest.mark.parametrize("vids", [(), (0,)])
@pytest.mark.parametrize("protocol", [6, 17])
@pytest.mark.parametrize("ips", [("192.0.2.1", "192.0.2.2"), ("2001:db8::1", "2001:db8::2")])
def test_a_neighbour_of_a_known_flow_is_never_taken_for_it(
    ips: tuple[str, str], protocol: int, vids: tuple[int, ...]
) -> None:
    """Every octet of the headers changed in turn, and the frame cut at every length, all others known."""
    plain = octets(mac(2), mac(3), vids, *packet(*ips, protocol, (5001, 80)))
    changes = [1 << bit for bit in range(8)] + [0x03, 6 ^ 17]  # one option; TCP for UDP
    changed = [
        plain[:at] + bytes([plain[at] ^ change]) + plain[at + 1 :]
        for at in range(min(len(plain), 80))
        for change in changes
    ]
    cut = [plain[:length] for length in range(len(plain))]
    rss = Rss.spread(CHANNELS, types=ALL_TYPES & ~(HashType.UDP_IPV4 if protocol == 6 else HashType.TCP_IPV4))
    with Fabric(Vm(), Vm(queue_pairs=CHANNELS, rss=rss)) as fabric:
        pumped = Pumped(fabric, WIRE)
        for frame in (PLAIN + octets for octets in [plain, *changed, *cut, plain]):
            assert found(frame, pumped, fabric) == due(frame, WIRE, fabric)


def test_a_superframe_may_be_the_first_frame_of_its_addresses() -> None:
    """A worker that takes over in the middle of a stream has seen no handshake."""
    header = vnet(TCPV4, gso_size=1448, csum_start=34)
    frame = octets(
        mac(2), mac(1), ethertype=0x0800, payload=packet("192.0.2.1", "192.0.2.2", 6)[1] + bytes(8000)
    )
    with Fabric(Vm(), Vm()) as fabric:
        Pumped(fabric, 1).burst([header + frame])
        assert fabric.written() == {(2, 0): [header + frame]}


def traffic(random: Random, count: int, *, tagged: bool = False) -> Iterator[bytes]:
    """Frames of 64 flows to VM 2; random is whatever no verdict reads."""
    for number in range(count):
        flow = number % FLOWS
        version = b"\x45" if flow < FLOWS // 2 else b"\x60"
        body = random.randbytes(8) + random.randbytes(random.randrange(40))
        ports = struct.pack("!HH", 1000 + flow, 80)
        if version == b"\x45":
            length = struct.pack("!H", 24 + len(body))
            rest = random.randbytes(2) + b"\x40\x00" + random.randbytes(1)
            head = version + random.randbytes(1) + length + rest + bytes([6]) + random.randbytes(2) + bytes(8)
            ethertype = b"\x08\x00"
        else:
            label = bytes([0x60 | random.randrange(16)]) + random.randbytes(3)
            head = label + struct.pack("!HB", 4 + len(body), 17) + random.randbytes(1) + bytes(32)
            ethertype = b"\x86\xdd"
        tags = tag(0, random.randrange(8)) if tagged else b""
        yield PLAIN + mac(2) + OUTSIDE + tags + ethertype + head + ports + body


@pytest.mark.parametrize("tagged", [False, True])
def test_64_flows_of_1000_frames_miss_once_a_flow(tagged: bool) -> None:
    """And once for each EtherType, whose frames turn out to depend on their flow."""
    with Fabric(Vm(), Vm(queue_pairs=CHANNELS)) as fabric:
        pumped = Pumped(fabric, WIRE)
        frames = traffic(Random(1), FLOWS * 1000, tagged=tagged)
        while burst := list(islice(frames, 16)):
            pumped.drain(burst)
            fabric.written()
        row = fabric.counters.ring(WIRE, 0)
        assert row["reads"] == FLOWS * 1000
        assert FLOWS <= row["misses"] <= FLOWS + 2


def test_frames_between_two_addresses_miss_once_whatever_their_flow() -> None:
    with Fabric(Vm(), Vm()) as fabric:
        pumped = Pumped(fabric, WIRE)
        for number in range(200):
            payload = packet("192.0.2.1", "192.0.2.2", 17, (number, 80))[1]
            pumped.burst([PLAIN + octets(mac(2), OUTSIDE, ethertype=0x0800, payload=payload)])
            fabric.written()
        assert fabric.counters.ring(WIRE, 0)["misses"] == 1


def cached(fabric: Fabric, port: int = WIRE) -> tuple[bytearray, FlowCache]:
    """A cache and the buffer that it looks into."""
    buffer = bytearray(BUFFER_OCTETS)
    return buffer, FlowCache(buffer, port, fabric.tables, fabric.rings)


def look(buffer: bytearray, cache: FlowCache, frame: bytes) -> int:
    """Look one frame up; the verdicts that had to be made."""
    before = cache.misses
    buffer[: len(frame)] = frame
    cache.look(cache.known(cache.l2_key()), len(frame), len(frame) - len(PLAIN))
    return cache.misses - before


@pytest.mark.parametrize("what", ["addresses", "ports"])
def test_a_flood_of_random_headers_fills_a_bounded_memory_and_an_address_in_use_stays_known(
    what: str, full: bool
) -> None:
    random = Random(2)
    with Fabric(Vm(), Vm(), Vm(queue_pairs=CHANNELS)) as fabric:
        buffer, cache = cached(fabric)
        in_use = PLAIN + octets(mac(2), OUTSIDE)
        look(buffer, cache, in_use)
        for _ in range(100 if full else 20):
            for _ in range(1000):
                if what == "addresses":
                    frame = octets(mac(2), b"\x02" + random.randbytes(5))
                else:
                    ports = random.randrange(1 << 16), random.randrange(1 << 16)
                    frame = octets(
                        mac(3),
                        OUTSIDE,
                        ethertype=0x0800,
                        payload=packet("192.0.2.1", "192.0.2.2", 6, ports)[1],
                    )
                look(buffer, cache, PLAIN + frame)
            assert look(buffer, cache, in_use) == 0
        assert len(cache._addresses) <= 2 * ADDRESS_ENTRIES
        assert len(cache._flows) <= 2 * FLOW_ENTRIES
        assert cache.misses > 18_000


def test_a_flood_of_flows_leaves_every_address_known() -> None:
    with Fabric(Vm(), Vm(), Vm(queue_pairs=CHANNELS)) as fabric:
        buffer, cache = cached(fabric)
        quiet = [PLAIN + octets(mac(2), b"\x02\xaa" + number.to_bytes(4, "big")) for number in range(1000)]
        for frame in quiet:
            look(buffer, cache, frame)
        for number in range(2 * FLOW_ENTRIES + 10):
            payload = packet("192.0.2.1", "192.0.2.2", 6, (number & 0xFFFF, number >> 16))[1]
            look(buffer, cache, PLAIN + octets(mac(3), OUTSIDE, ethertype=0x0800, payload=payload))
        assert sum(look(buffer, cache, frame) for frame in quiet) == 0


def test_an_unknown_address_is_remembered_too() -> None:
    with Fabric(Vm(), wire=False) as fabric:
        buffer, cache = cached(fabric, port=1)
        frame = PLAIN + octets(STRANGER, mac(1))
        assert [look(buffer, cache, frame) for _ in range(3)] == [1, 0, 0]


def test_memory_keeps_what_is_asked_for_and_forgets_the_rest() -> None:
    with Fabric(Vm()) as fabric:
        action = fabric.rings.action(Verdict(judged(PLAIN + octets(STRANGER, mac(1)), 1, fabric).nic))
    memory = Memory(10)
    memory.remember("wanted", action)
    memory.remember("forgotten", action)
    for number in range(40):
        memory.remember(number, action)
        assert memory.recall("wanted") is action
        assert len(memory) <= 20
    assert memory.recall("forgotten") is None


def test_when_a_queue_changes_hands_only_what_goes_there_is_judged_anew() -> None:
    with Fabric(Vm(), Vm(), mode=MODES["vmq"]) as fabric:
        buffer, cache = cached(fabric)
        to_1, to_2, to_nobody = (PLAIN + octets(to, OUTSIDE) for to in (mac(1), mac(2), STRANGER))
        assert [look(buffer, cache, frame) for frame in (to_1, to_2, to_nobody)] == [1, 1, 1]
        elsewhere = fabric.rings._replace(fds={**fabric.rings.fds, (INBOX, 1): 99}, elsewhere={2: 1})
        cache.place(elsewhere)
        assert [look(buffer, cache, frame) for frame in (to_1, to_2, to_nobody)] == [0, 1, 0]
        look(buffer, cache, to_2)
        assert cache.look(None, len(to_2), len(to_2)).outputs[0].fd == 99
        cache.place(elsewhere)
        assert [look(buffer, cache, frame) for frame in (to_1, to_2, to_nobody)] == [0, 0, 0]
        cache.place(fabric.rings)
        assert [look(buffer, cache, frame) for frame in (to_1, to_2, to_nobody)] == [0, 1, 0]


def test_a_frame_is_remembered_by_the_limits_that_it_passes() -> None:
    """82576 8.19.37: pools 1 and 2 take no frame longer than theirs, and the port takes more."""
    limits = {1: PoolSettings(longest=1522), 2: PoolSettings(longest=3000)}
    requests = requests_for(PortSettings(replication=True), limits)
    lab = Fabric(Vm(), Vm(), Vm(), model=I82576, mode=VMQ, local_switch=True, mtu=9000, requests=requests)
    with lab as fabric:
        pumped = Pumped(fabric, WIRE)
        for length in (1000, 2000, 5000, 1000, 2000, 5000, 9014, 9015):
            frame = PLAIN + octets(BROADCAST, OUTSIDE).ljust(length, b"\0")
            assert found(frame, pumped, fabric) == due(frame, WIRE, fabric)
            reached = {1000: 3, 2000: 2, 5000: 1, 9014: 1, 9015: 0}
            assert len(due(frame, WIRE, fabric).delivered) == reached[length]
