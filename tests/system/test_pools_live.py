"""A chip's switch on real frames: the worked example through wire and TAPs; registers change live."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.frames import Ports, frame, ports, tag
from tests.system.harness import RunningLab, running
from tests.unit import golden
from vmdqemu.errors import UsageError, VmdqemuError
from vmdqemu.nic.frame import BROADCAST, format_mac

pytestmark = pytest.mark.system

GOLDEN = golden.LAB.read_text().replace('name = "golden"\n', "")
OUTSIDE = format_mac(golden.OUTSIDE)
POOL1 = format_mac(golden.unicast(0x11))
NAMES = ("pool0", "pool1", "pool2", "pool3", "ext")
# How each column is reached, and how the next begins where it left.
LIVE = {
    "replication": ({}, {}),
    "no_replication": ({"replication": False}, {"replication": True}),
    "no_default_pool": ({"default_pool_disabled": True}, {"default_pool_disabled": False}),
    "open_port": ({"port_upe": True, "port_mpe": True}, {"port_upe": False, "port_mpe": False}),
    "no_vlan_filtering": ({"vlan_filtering": False}, {"vlan_filtering": True}),
}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    """One lab for this file; every test leaves the registers as they were."""
    with running(GOLDEN, tmp_path_factory.mktemp("registers")) as lab:
        yield lab
        assert lab.call("status")["crashes"] == 0


@pytest.fixture
def there(lab: RunningLab) -> Iterator[Ports]:
    with ports(lab) as there:
        yield there


def put(lab: RunningLab, pool: str | None = None, /, **keys: object) -> None:
    whose = {} if pool is None else {"pool": pool}
    lab.call("switch.set", keys=keys, **whose)


def row_frame(destination: bytes, vlan: int | None, source: str) -> bytes:
    return frame(format_mac(destination), source, *([] if vlan is None else [tag(vlan)]))


def who(received: dict[str, list[bytes]], sent: bytes) -> set[str]:
    """The ports that one frame came to, each once and as it was sent."""
    assert all(got.count(sent) <= 1 for got in received.values())
    return {name for name, got in received.items() if sent in got}


@pytest.mark.parametrize("column", LIVE)
def test_the_worked_example_from_the_wire(lab: RunningLab, there: Ports, column: str) -> None:
    """What the PF's pool gets is the vSwitch's: it has nobody to give it to where the adapter replicates."""
    turn, turn_back = LIVE[column]
    if turn:
        put(lab, **turn)
    for row in golden.WIRE.values():
        pools = getattr(row, column)
        sent = row_frame(row.destination, row.vlan, OUTSIDE)
        expected = set() if isinstance(pools, str) else {NAMES[pool] for pool in pools if pool}
        if column == "no_replication" and pools == (0,) and row.destination[0] & 1:
            expected = {None: {"pool1", "pool3"}, 100: {"pool1", "pool2"}}.get(row.vlan, set())
        assert who(there.send("ext", sent), sent) == expected, row
    if turn:
        put(lab, **turn_back)


@pytest.mark.parametrize("column", golden.POOL_COLUMNS)
def test_the_worked_example_from_pool_1(lab: RunningLab, there: Ports, column: str) -> None:
    turn = {"own_frames": ("pool1", "own_frames"), "pool2_disabled": ("pool2", "receive")}.get(column)
    if turn:
        put(lab, turn[0], **{turn[1]: column == "own_frames"})
    for row in golden.POOL1.values():
        pools, wire = getattr(row, column) or ((), False)
        sent = row_frame(row.destination, row.vlan, POOL1)
        expected = {NAMES[pool] for pool in pools if pool} | ({"ext"} if wire else set())
        assert who(there.send("pool1", sent), sent) == expected, row
    if turn:
        put(lab, turn[0], **{turn[1]: column != "own_frames"})


def test_a_vlan_is_let_in_as_soon_as_its_bit_is_set(lab: RunningLab, there: Ports) -> None:
    sent = frame(POOL1, OUTSIDE, tag(400))
    put(lab, "pool1", vlans=[100, 400])
    assert who(there.send("ext", sent), sent) == set()
    put(lab, vfta=[100, 200, 300, 400])
    assert who(there.send("ext", sent), sent) == {"pool1"}
    put(lab, vfta=[100, 200, 300])
    assert who(there.send("ext", sent), sent) == set()
    put(lab, "pool1", vlans=[100])


def test_a_priority_tag_counts_as_a_tag(lab: RunningLab, there: Ports) -> None:
    sent = frame(POOL1, OUTSIDE, tag(0, priority=3))
    assert who(there.send("ext", sent), sent) == set()
    put(lab, vfta=[0, 100, 200, 300])
    assert who(there.send("ext", sent), sent) == {"pool1"}
    put(lab, vfta=[100, 200, 300])


def test_each_hash_form_lets_in_what_its_own_bits_say(lab: RunningLab, there: Ports) -> None:
    """The forms leave 4, 3, 2 or no bits of the fifth octet out (MCSTCTRL.MO)."""
    groups = {fifth: f"01:00:5e:00:{fifth:02x}:fb" for fifth in (1, 2, 4, 8, 16)}
    sent = {fifth: frame(group, OUTSIDE) for fifth, group in groups.items()}
    for form, let_in in enumerate(({1, 2, 4, 8}, {1, 2, 4}, {1, 2}, set())):
        put(lab, hash_form=form)
        received = there.send("ext", *sent.values())
        assert {fifth for fifth, octets in sent.items() if who(received, octets) == {"pool1"}} == let_in
    put(lab, hash_form=0)


def test_a_promiscuous_pool_gets_every_group_that_the_port_lets_in(lab: RunningLab, there: Ports) -> None:
    exact, unknown = (row_frame(golden.group(last), None, OUTSIDE) for last in (0x05, 0x77))
    put(lab, "pool3", accept=["AUPE", "MPE"])
    assert who(there.send("ext", exact), exact) == {"pool1", "pool3"}
    assert who(there.send("ext", unknown), unknown) == set()
    put(lab, port_mpe=True)
    assert who(there.send("ext", unknown), unknown) == {"pool3"}
    put(lab, port_mpe=False)
    put(lab, "pool3", accept=["AUPE", "ROPE"])


def test_a_pool_whose_receiver_is_off_gets_nothing_and_nobody_gets_it_instead(
    lab: RunningLab, there: Ports
) -> None:
    """VFRE."""
    unicast, broadcast = (row_frame(to, None, OUTSIDE) for to in (golden.unicast(0x13), BROADCAST))
    put(lab, "pool3", accept=["AUPE", "BAM"])
    for on in (True, False):
        put(lab, "pool3", receive=on)
        received = there.send("ext", unicast, broadcast)
        assert who(received, unicast) == ({"pool3"} if on else set())
        assert who(received, broadcast) == ({"pool1", "pool3"} if on else {"pool1"})
    put(lab, "pool3", accept=["AUPE", "ROPE"], receive=True)


def test_frames_of_a_pool_that_may_not_send_wait_and_leave_in_order(lab: RunningLab, there: Ports) -> None:
    """VFTE."""
    numbered = [frame(OUTSIDE, POOL1, payload=bytes([number])) for number in range(8)]
    put(lab, "pool1", transmit=False)
    before = lab.port("pool1")["reads"]
    there.links["pool1"].send(*numbered)
    other = frame(OUTSIDE, format_mac(golden.unicast(0x13)))
    assert who(there.send("pool3", other), other) == {"ext"}  # nobody waits for it
    assert lab.port("pool1")["reads"] == before
    put(lab, "pool1", transmit=True)
    received = there.links["ext"].wait_for(numbered[-1])
    assert [octets for octets in received if octets in numbered] == numbered


def test_what_is_refused_changes_nothing_and_names_the_limit(lab: RunningLab) -> None:
    before = lab.call("switch.list")
    with pytest.raises(VmdqemuError, match="NDIS_STATUS_NOT_SUPPORTED: no pool of the 82599 is promiscuous"):
        put(lab, "pool1", accept=["UPE"])
    with pytest.raises(UsageError, match="unknown key"):
        put(lab, colour=1)
    with pytest.raises(UsageError, match="bridge: not while the lab runs"):
        put(lab, bridge="vepa")
    assert lab.call("switch.list") == before


VEPA = GOLDEN.replace('bridge = "veb"', 'bridge = "vepa"')


def test_in_a_vepa_what_the_outside_reflects_is_delivered_as_from_anybody(tmp_path: Path) -> None:
    """An 82599 prunes no source: a broadcast comes back to its sender too."""
    with running(VEPA, tmp_path) as lab, ports(lab) as there:
        for destination, receivers in ((golden.unicast(0x13), {"pool3"}), (BROADCAST, {"pool1"})):
            sent = row_frame(destination, None, POOL1)
            assert who(there.send("pool1", sent), sent) == {"ext"}
            assert who(there.send("ext", sent), sent) == receivers


ACCESS = """
adapter = { model = "82576", mode = "vmq", bridge = "veb", ring = 256 }
mtu = 9000
mirror = [{ kind = "downlink", to = "spy" }, { kind = "pool", to = "spy", pools = ["trunk"] }]
[wire]
[[vm]]
name = "access"
vlan = 100
vlan_priority = 5
[[vm]]
name = "trunk"
vlans = [100, 200]
strip_vlan = true
longest_frame = 1522
[[vm]]
name = "spy"
accept = []
vlans = [1]
[[vm]]
name = "silent"
untagged_only = true
accept = ["AUPE", "BAM"]
"""


@pytest.fixture(scope="module")
def access(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningLab, Ports]]:
    """An 82576, and a packet socket on each of its ports."""
    with running(ACCESS, tmp_path_factory.mktemp("access")) as lab, ports(lab) as there:
        yield lab, there


def test_a_port_vlans_tag_has_its_priority_and_what_goes_out_is_mirrored(
    access: tuple[RunningLab, Ports],
) -> None:
    lab, there = access
    sent = frame(lab.mac("ext"), lab.mac("access"))
    assert there.send("access", sent) == {"ext": [tagged(sent, 100, 5)], "spy": [tagged(sent, 100, 5)]}


@pytest.mark.parametrize(
    ("sender", "vid", "reason"),
    [
        ("access", 100, "tag_not_allowed"),
        ("silent", 100, "tag_not_allowed"),
        ("trunk", 300, "anti_spoof_vlan"),
    ],
    ids=["port VLAN", "no tags at all", "VLAN of others"],
)
def test_a_tag_that_a_pool_may_not_send_is_counted(
    access: tuple[RunningLab, Ports], sender: str, vid: int, reason: str
) -> None:
    """VMVIR 1 and 2, VLAN anti-spoof."""
    lab, there = access
    before = lab.port(sender)["drops"].get(reason, 0)
    assert there.send(sender, frame(lab.mac("ext"), lab.mac(sender), tag(vid))) == {}
    assert lab.port(sender)["drops"][reason] == before + 1


def test_a_tag_is_compared_before_it_is_stripped_and_who_watches_keeps_it(
    access: tuple[RunningLab, Ports],
) -> None:
    lab, there = access
    trunk = lab.mac("trunk")
    sent = frame(trunk, lab.mac("ext"), tag(200))
    assert there.send("ext", sent) == {"trunk": [untagged(sent)], "spy": [sent]}
    sent = frame(trunk, lab.mac("access"))  # has the port VLAN's tag inside the adapter
    assert there.send("access", sent) == {"trunk": [sent], "spy": [tagged(sent, 100, 5)]}


def test_a_pool_gets_no_frame_longer_than_it_takes(access: tuple[RunningLab, Ports]) -> None:
    """RLPML of the trunk; a copy of who watches has its own limit."""
    lab, there = access
    for payload, receivers in ((1000, {"trunk", "spy"}), (1600, {"spy"})):
        sent = frame(lab.mac("trunk"), lab.mac("ext"), tag(200), payload=bytes(payload))
        assert set(there.send("ext", sent)) == receivers


def test_by_vlan_an_82576_asks_for_no_address(access: tuple[RunningLab, Ports]) -> None:
    """VT_CTL.IGMAC."""
    lab, there = access
    sent = frame("02:ff:ff:00:00:01", lab.mac("ext"), tag(200))
    assert there.send("ext", sent) == {}
    put(lab, vmdq_by="vlan")
    assert there.send("ext", sent) == {"trunk": [untagged(sent)], "spy": [sent]}
    put(lab, vmdq_by="mac")


def tagged(octets: bytes, vid: int, priority: int) -> bytes:
    return octets[:12] + tag(vid, priority) + octets[12:]


def untagged(octets: bytes) -> bytes:
    return octets[:12] + octets[16:]


SOFTWARE = """
adapter = { model = "82598", mode = "vmq", bridge = "vepa" }
vm = [{ name = "vm1" }, { name = "vm2" }]
[wire]
"""


def test_a_software_only_chip_sends_what_is_for_another_vm_out(tmp_path: Path) -> None:
    with running(SOFTWARE, tmp_path) as lab, ports(lab) as there:
        sent = frame(lab.mac("vm2"), lab.mac("vm1"))
        assert who(there.send("vm1", sent), sent) == {"ext"}
    vswitch = SOFTWARE.replace(', bridge = "vepa"', "")
    with running(vswitch, tmp_path) as lab, ports(lab) as there:
        sent = frame(lab.mac("vm2"), lab.mac("vm1"))
        assert who(there.send("vm1", sent), sent) == {"vm2"}
