"""The eswitch: keeps the eBPF program on the wire, on pf0 and on each VF's link in step with the tables.

A change fills a new set of rules and writes one slot: every frame sees one set or the other. Without VFs the
slot is empty.
"""

from collections.abc import Mapping
from struct import Struct
from typing import Final, NamedTuple

from netns import links
from vmdqemu.bpf.loader import BpfObject, Hook
from vmdqemu.datapath import eswitch_rules
from vmdqemu.datapath.eswitch_rules import FIRST_VF, MAX_RULES, PF, REASONS, WIRE
from vmdqemu.nic.counters import DropReason
from vmdqemu.nic.tables import Tables

_MOST_REASONS: Final = 16

_PLUG = Struct("=II")
_UNPLUGGED: Final = _PLUG.pack(0, 0)
_PORT = Struct("=I")
_BOOKS = Struct(f"=14Q{_MOST_REASONS}Q")
_GENERATION = Struct("=Q")  # behind every rule
_SLOT: Final = 0


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
    ifindex: int  # of the near end


class Eswitch:
    """The program on the ports of one adapter. A NIC that is the wire is free of it when the daemon ends.

    On a VF's link it stays as long as that: what VFs send each other needs nobody.
    """

    def __init__(self, tables: Tables) -> None:
        """Raises Missing if it cannot be loaded here."""
        self._object = BpfObject("eswitch")
        self._slot = self._object.map("slot")
        self._generation = self._object.map("generation")
        self._plugs = self._object.map("plugs")
        self._ports = self._object.map("ports")
        self._books = self._object.map("books")
        self._ns = ""
        self._published = 0
        self._ever: set[int] = {WIRE, PF}
        self._in_effect: dict[bytes, bytes] = {}
        self.plugged: dict[int, Plugged] = {}  # by VF
        self.publish(tables)

    def connect(self, ns: str, wire: str, pf: str) -> None:
        """Switch between the wire and the PF from now on.

        ns: the adapter's namespace. Frames go through both links, not past them: the law reads their books.
        """
        self._ns = ns
        self._plugs.write(PF, _PLUG.pack(links.index(ns, pf), False))
        self._plugs.write(WIRE, _PLUG.pack(links.index(ns, wire), False))
        self._object.serve("from_wire", ns, wire, Hook.INGRESS)
        self._object.serve("from_pf", ns, pf, Hook.INGRESS)

    def publish(self, tables: Tables) -> None:
        """Put other tables in effect: when it returns no frame is being switched by those before.

        What is in effect already is left: the kernel waits at every change.
        """
        written = eswitch_rules.compile_rules(tables)
        if written == self._in_effect:
            return
        if written:
            generation = self._forget()
            self._slot.lead_to({key: rule + generation for key, rule in written.items()}, MAX_RULES)
        else:
            self._slot.remove(_SLOT)
        self._in_effect = written

    def _forget(self) -> bytes:
        """Have no frame go by what rules said so far; returns the generation of the next ones."""
        self._published += 1
        generation = _GENERATION.pack(self._published)
        self._generation.write(_SLOT, generation)
        return generation

    def plug(self, vf: int, ifname: str, far: End) -> None:
        """Connect a VF by a cable that nothing has gone through yet; it begins at `ifname` beside the wire.

        Frames reach the VF, past the link's qdisc, as soon as a filter of the tables in effect names it.
        Raises LinkError, OSError.
        """
        index, before = links.index(self._ns, ifname), self.counters(vf)
        self._ports.write(index, _PORT.pack(FIRST_VF + vf))
        self._plugs.write(FIRST_VF + vf, _PLUG.pack(index, True))
        self._object.attach("from_vf", self._ns, ifname, Hook.INGRESS)
        self.plugged[vf] = Plugged(End(self._ns, ifname), far, before, index)
        self._ever.add(FIRST_VF + vf)

    def unplug(self, vf: int) -> None:
        """Cut a VF off at once; nothing to do if it is not plugged. What it still sends its link drops."""
        if vf not in self.plugged:
            return
        self._forget()
        self._plugs.write(FIRST_VF + vf, _UNPLUGGED)
        self._ports.remove(self.plugged.pop(vf).ifindex)

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
        """Leave the wire and the PF; VFs' links keep what is attached to them."""
        self._object.close()
