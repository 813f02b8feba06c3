"""The eswitch: keeps the eBPF program on the wire, on pf0 and on each VF's link in step with the tables.

`rules` asks the silicon's half of decide() about every address and every VLAN there is, and writes the
answers down as bpf/eswitch.bpf.c reads them. A change fills a new set and writes one slot: every frame sees
one set or the other. Without VFs the slot is empty.
"""

from collections.abc import Iterator, Mapping
from struct import Struct
from typing import Final, NamedTuple

from netns import links
from vmdqemu.bpf.loader import Attachment, BpfObject, Hook, Map
from vmdqemu.nic import switch
from vmdqemu.nic.counters import DropReason
from vmdqemu.nic.filters import ANY_VLAN, RESERVED_GROUP
from vmdqemu.nic.frame import BROADCAST, RESERVED_VID, Frame
from vmdqemu.nic.tables import Tables

WIRE, PF, FIRST_VF = range(3)  # ports of the eswitch
MOST_VFS: Final = 64
MAX_RULES: Final = 16384

# In the order of the program's; 0 is no reason.
REASONS: Final = (
    DropReason.TRUNCATED_TAG,
    DropReason.RESERVED_VID,
    DropReason.OVERSIZE,
    DropReason.SOURCE_MAC_IS_MULTICAST,
    DropReason.QUEUE_DISABLED,
    DropReason.TAG_NOT_ALLOWED,
    DropReason.ANTI_SPOOF_VLAN,
    DropReason.ANTI_SPOOF_MAC,
    DropReason.RESERVED_MULTICAST,
    DropReason.NO_POOL,
    DropReason.VFRE_OFF,
    DropReason.PORT_LOOPBACK_FILTER,
    DropReason.PORT_LIST_IS_EMPTY,
    DropReason.EGRESS_DOWN,
    DropReason.EGRESS_ERROR,
)
_MOST_REASONS: Final = 16

_KEY = Struct("=BBH6s2x")
_WAYS = Struct("=QBBB5x")
_RULE = Struct(f"={_WAYS.size}s{_WAYS.size}sQIHH6s2x")
_PLUG = Struct("=II")
_UNPLUGGED: Final = _PLUG.pack(0, 0)
_PORT = Struct("=I")
_BOOKS = Struct(f"=14Q{_MOST_REASONS}Q")
_FD = Struct("=i")
_SLOT: Final = 0

_TO_ADDRESS, _TO_UNICAST, _TO_GROUP, _SENDER, _SOURCE, _MEMBER = range(6)
_UNTAGGED, _OTHER_VLAN = 0x1000, 0x1001
_CHECKS_SOURCE, _CHECKS_VLAN, _TAKES_NO_TAG, _INSERTS_TAG, _HEARS_ITSELF, _SILENT = 1, 2, 4, 8, 16, 32

_NO_MAC = bytes(6)
_UNICAST, _GROUP = b"\x02" + bytes(5), b"\x03" + bytes(5)  # of nobody
_A_VF: Final = -1  # as a sender: none of ours, for the program leaves the sender out itself


class Direction(NamedTuple):
    """What the eswitch let through one way, added up over the processors."""

    skbs: int = 0
    wire_frames: int = 0
    octets: int = 0


class Books(NamedTuple):
    """What one port of the eswitch counted. Looped frames came from inside and stay inside."""

    entered: Direction  # of a VF: what it sent
    left: Direction  # of a VF: what it received
    looped_entered: Direction
    looped_left: Direction
    copies: int  # deliveries beyond the first of frames that entered here
    groups_left: int  # wire frames to a group
    drops: Mapping[DropReason, int]  # skbs; reasons that never came are left out


class End(NamedTuple):
    """One end of a cable."""

    ns: str
    ifname: str


class Plugged(NamedTuple):
    """A VF's cable, and what its port had counted before."""

    near: End
    far: End  # in the VM
    before: Books
    attachment: Attachment


def rules(tables: Tables) -> dict[bytes, bytes]:
    """Each rule by its key in the map; none without VFs."""
    if not tables.vfs:
        return {}
    stripped = sum(1 << vf.function for vf in tables.vfs.values() if vf.vport.strips)
    forwarding = {_KEY.pack(*key): _forwarding(frame, tables, stripped) for key, frame in _frames(tables)}
    sending = {key: rule for number in tables.vfs for key, rule in _sending(number, tables)}
    return forwarding | sending


def _frames(tables: Tables) -> Iterator[tuple[tuple[int, int, int, bytes], Frame]]:
    """The key of each kind of frame that has an answer of its own, and a frame of that kind."""
    keys = tables.addresses.keys() | tables.filters.keys()
    vlans = {vlan for _, vlan in keys} | {None, ANY_VLAN}
    if tables.pooling is not None:  # a chip's VLANs are its pools', not its addresses'
        keys = {(mac, vlan) for mac in {*tables.pooling.exact, *(mac for mac, _ in keys)} for vlan in vlans}
    for mac, vlan in keys:
        for vid, number in _tags(vlan):
            yield (_TO_ADDRESS, 0, number, mac), Frame(0, mac, vlan=vid)
    for last in range(0x10):
        mac = RESERVED_GROUP + bytes([last])
        for vlan in vlans:
            for vid, number in _tags(vlan):
                yield (_TO_ADDRESS, 0, number, mac), Frame(0, mac, vlan=vid)
    for kind, mac in ((_TO_UNICAST, _UNICAST), (_TO_GROUP, _GROUP), (_TO_ADDRESS, BROADCAST)):
        for vlan in vlans:
            for vid, number in _tags(vlan):
                yield (kind, 0, number, mac if kind == _TO_ADDRESS else _NO_MAC), Frame(0, mac, vlan=vid)


def _tags(vlan: int | None) -> tuple[tuple[int | None, int], ...]:
    """How frames in a VLAN are tagged, and as what the program looks for it."""
    if vlan is None:
        return (None, _UNTAGGED), (0, 0)
    return ((RESERVED_VID, _OTHER_VLAN),) if vlan == ANY_VLAN else ((vlan, vlan),)


def _forwarding(frame: Frame, tables: Tables, stripped: int) -> bytes:
    """What the wire drops decide() drops at the PF, and says why."""
    came = switch.receive(frame, tables)
    from_wire = _WAYS.pack(_bits(came.vfs), bool(came.queues) or came.drop is not None, False, 0)
    sent = switch.forward(frame, _A_VF, frame.vlan, tables)
    on_pf = bool(sent.pools - tables.vfs.keys())
    inside = _WAYS.pack(_bits(tables.functions(sent.pools)), on_pf, sent.wire, _number(sent.drop))
    return _RULE.pack(from_wire, inside, stripped, tables.max_frame, 0, 0, _NO_MAC)


def _bits(vfs: tuple[int, ...]) -> int:
    return sum(1 << vf for vf in vfs)


def _number(drop: DropReason | None) -> int:
    return 0 if drop is None else 1 + REASONS.index(drop)


def _sending(number: int, tables: Tables) -> Iterator[tuple[bytes, bytes]]:
    """What a VF may send: how it is checked, from which addresses, and in which VLANs."""
    function, vport, _ = tables.vfs[number]
    port = FIRST_VF + function
    flags = _CHECKS_SOURCE * vport.spoof_check | _CHECKS_VLAN * vport.vlan_check
    flags |= _TAKES_NO_TAG * (vport.untagged_only or vport.vlan is not None)
    flags |= _INSERTS_TAG * (vport.vlan is not None) | _SILENT * (not vport.transmit)
    if tables.pooling is not None and number in tables.pooling.own_frames:
        flags |= _HEARS_ITSELF
    to_itself = _WAYS.pack(0, False, False, _number(_drop_of_own(number, tables)))
    tag = vport.priority << 13 | (vport.vlan or 0)
    first = vport.macs[0] if vport.macs else _NO_MAC
    rule = _RULE.pack(b"", to_itself, 0, tables.max_frame, flags, tag, first)
    yield _KEY.pack(_SENDER, port, 0, _NO_MAC), rule
    nothing = bytes(_RULE.size)
    for mac in vport.macs:
        yield _KEY.pack(_SOURCE, port, 0, mac), nothing
    for vlan in vport.vlans:
        if vlan is not None:
            yield _KEY.pack(_MEMBER, port, vlan, _NO_MAC), nothing


def _drop_of_own(number: int, tables: Tables) -> DropReason | None:
    """Why a VF does not get what it sends to itself."""
    vport = tables.vfs[number].vport
    own = Frame(0, vport.macs[0] if vport.macs else _UNICAST)
    return switch.forward(own, number, vport.vlan, tables).drop


class Eswitch:
    """The program on the ports of one adapter. It goes with their links."""

    def __init__(self, tables: Tables) -> None:
        """Raises Missing if it cannot be loaded here."""
        self._object = BpfObject("eswitch")
        self._slot = self._object.map("slot")
        self._plugs = self._object.map("plugs")
        self._ports = self._object.map("ports")
        self._books = self._object.map("books")
        self._ns = ""
        self._ever: set[int] = {WIRE, PF}
        self.plugged: dict[int, Plugged] = {}  # by VF
        self.publish(tables)

    def connect(self, ns: str, wire: str, pf: str, *, peer: bool) -> None:
        """Switch between the wire and the PF from now on.

        ns: the adapter's namespace; peer: the wire is a cable, and what goes there goes straight to its end.
        """
        self._ns = ns
        self._plugs.write(PF, _PLUG.pack(links.index(ns, pf), False))
        self._plugs.write(WIRE, _PLUG.pack(links.index(ns, wire), peer))
        self._object.attach("from_wire", ns, wire, Hook.INGRESS)
        self._object.attach("from_pf", ns, pf, Hook.INGRESS)

    def publish(self, tables: Tables) -> None:
        """Put other tables in effect."""
        written = rules(tables)
        if not written:
            self._slot.remove(_SLOT)
            return
        with Map.new_hash(self._object.library, _KEY.size, _RULE.size, MAX_RULES) as fresh:
            for key, rule in written.items():
                fresh.set(key, rule)
            self._slot.write(_SLOT, _FD.pack(fresh.fd))

    def plug(self, vf: int, ifname: str, far: End, *, shaped: bool = False) -> None:
        """Connect a VF by a cable that nothing has gone through yet; it begins at `ifname` beside the wire.

        shaped: what the VF receives goes through the link's qdisc, which limits its rate. Frames reach the
        VF as soon as a filter of the tables in effect names it. Raises LinkError, OSError.
        """
        index, before = links.index(self._ns, ifname), self.counters(vf)
        self._ports.write(index, _PORT.pack(FIRST_VF + vf))
        self._plugs.write(FIRST_VF + vf, _PLUG.pack(index, not shaped))
        attachment = self._object.attach("from_vf", self._ns, ifname, Hook.INGRESS)
        self.plugged[vf] = Plugged(End(self._ns, ifname), far, before, attachment)
        self._ever.add(FIRST_VF + vf)

    def unplug(self, vf: int) -> None:
        """Cut a VF off; nothing to do if it is not plugged, or if its link is gone."""
        if vf not in self.plugged:
            return
        attachment = self.plugged.pop(vf).attachment
        self._plugs.write(FIRST_VF + vf, _UNPLUGGED)
        self._object.detach(attachment)
        self._ports.remove(attachment.ifindex)

    def reset(self, vf: int) -> None:
        """Let nothing reach a VF for an instant; what comes meanwhile is dropped and counted."""
        plug = self._plugs.read(FIRST_VF + vf, _PLUG)
        self._plugs.write(FIRST_VF + vf, _UNPLUGGED)
        self._plugs.write(FIRST_VF + vf, _PLUG.pack(*plug))

    def counters(self, vf: int) -> Books:
        """What a VF sent and received since the adapter was made, whoever had it."""
        return self.books(FIRST_VF + vf)

    @property
    def all_books(self) -> list[Books]:
        """Of every port that ever was."""
        return [self.books(port) for port in sorted(self._ever)]

    def books(self, port: int) -> Books:
        """What one port counted: WIRE, PF, or FIRST_VF and on."""
        per_cpu = self._books.read_per_cpu(port, _BOOKS)
        total = [sum(column) for column in zip(*per_cpu, strict=True)]
        drops = {reason: count for reason, count in zip(REASONS, total[15:], strict=False) if count}

        def size(first: int) -> Direction:
            return Direction(*total[first : first + 3])

        return Books(size(0), size(3), size(6), size(9), total[12], total[13], drops)

    def program(self, name: str) -> int:
        """A program's file descriptor."""
        return self._object.program(name)

    def close(self) -> None:
        """Give up our hold; links keep what is attached to them."""
        self._object.close()
