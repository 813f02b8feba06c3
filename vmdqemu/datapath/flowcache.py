"""The flow cache: memory of decide(), by a masked header key that covers all a verdict may depend on.

Layer 2 and flows are remembered apart, so that a flood of new flows leaves every address known. Both are
bounded by keeping two generations: when the young one is full it becomes the old one, and what is still in
use is carried over when it is asked for. Each ring has a cache of its own: a VM can only crowd out itself.
Keys hold `bytes`, whose hash Python seeds anew in every process.
"""

from collections.abc import Callable, Hashable
from struct import Struct
from typing import Final

from vmdqemu.datapath.action import BY_FLOW, Action, Rings, cast_of
from vmdqemu.datapath.vnet import FRAME, VNET_OCTETS, Buffer
from vmdqemu.host.decide import decide_behind
from vmdqemu.host.vswitch import WIRE
from vmdqemu.nic.frame import (
    ETHERNET_OCTETS,
    ETHERTYPE_IPV4,
    ETHERTYPE_IPV6,
    HEADER_OCTETS,
    Frame,
    parse,
)
from vmdqemu.nic.packet import PROTOCOL_TCP, PROTOCOL_UDP
from vmdqemu.nic.tables import Tables
from vmdqemu.nic.tunnel import Tunnels

ADDRESS_ENTRIES: Final = 4096
FLOW_ENTRIES: Final = 8192

_IPV4 = Struct("!BxH2xHxB")  # version and IHL, total length, flags and offset, protocol
_IPV6 = Struct("!B3xHB")  # version, payload length, next header
_PLAIN_IPV4 = 0x45  # no options
_HASHED = (PROTOCOL_TCP, PROTOCOL_UDP)
_FRAGMENT = 0x3FFF

L2_KEY: Final = slice(FRAME, FRAME + ETHERNET_OCTETS)  # both addresses and the EtherType
_L3 = FRAME + ETHERNET_OCTETS
_V4_FLOW = slice(_L3 + 12, _L3 + 24)  # addresses and ports
_V6_FLOW = slice(_L3 + 8, _L3 + 44)
_TO_PORT = slice(-2, None)  # of either


class Memory:
    """A bounded map that forgets what was not asked for during a whole generation."""

    def __init__(self, entries: int) -> None:
        self._entries = entries
        self.young: dict[Hashable, Action] = {}
        self._old: dict[Hashable, Action] = {}

    def recall(self, key: Hashable) -> Action | None:
        """What was remembered under a key."""
        value = self.young.get(key)
        if value is None:
            value = self._old.get(key)
            if value is not None:
                self.remember(key, value)
        return value

    def remember(self, key: Hashable, value: Action) -> None:
        """Keep a value for at least one generation."""
        if len(self.young) >= self._entries:
            self._old, self.young = self.young, {}
        self.young[key] = value

    def forget(self, outdated: Callable[[Action], bool]) -> None:
        """Forget some of the values."""
        for held in (self.young, self._old):
            for key in [key for key, value in held.items() if outdated(value)]:
                del held[key]

    def __len__(self) -> int:
        return len(self.young) + len(self._old)


class FlowKey:
    """Reads the flow key of the frame in a buffer, for the frames that need no parsing."""

    def __init__(self, buffer: Buffer, tunnels: Tunnels) -> None:
        view = memoryview(buffer)
        port = tunnels.vxlan_port
        self._vxlan_port = b"" if port is None else port.to_bytes(2, "big")
        self._buffer = buffer
        self.l2 = view[L2_KEY].tobytes
        self._v4 = view[_V4_FLOW].tobytes
        self._v6 = view[_V6_FLOW].tobytes

    def read(self, length: int) -> Hashable | None:
        """The key of an unfragmented TCP or UDP frame without options; None: parse it.

        length: octets in the buffer, vnet header included. Two frames with equal keys differ only in fields
        that no verdict reads. A frame whose IP length lies is left to the parser, and so is a tunnel, whose
        inner headers count.
        """
        l2 = self.l2()
        ethertype = l2[12] << 8 | l2[13]
        room = length - _L3
        if ethertype == ETHERTYPE_IPV4 and room >= 24:
            version_ihl, octets, fragment, protocol = _IPV4.unpack_from(self._buffer, _L3)
            whole = version_ihl == _PLAIN_IPV4 and 24 <= octets <= room
            if whole and protocol in _HASHED and not fragment & _FRAGMENT:
                flow = self._v4()
                if protocol == PROTOCOL_TCP or flow[_TO_PORT] != self._vxlan_port:
                    return l2, protocol, flow
        elif ethertype == ETHERTYPE_IPV6 and room >= 44:
            version, octets, protocol = _IPV6.unpack_from(self._buffer, _L3)
            if version >> 4 == 6 and protocol in _HASHED and 4 <= octets <= room - 40:
                flow = self._v6()
                if protocol == PROTOCOL_TCP or flow[_TO_PORT] != self._vxlan_port:
                    return l2, protocol, flow
        return None


class FlowCache:
    """Finds the action for the frame in a buffer. Serves one ring."""

    def __init__(self, buffer: Buffer, source: int, tables: Tables, rings: Rings) -> None:
        """source: the port that the ring belongs to."""
        self._source = source
        self._tables = tables
        self._rings = rings
        self._copy = source == WIRE and tables.default_copy  # a sending VM's frames are in nobody's queue
        self._looks_inside = source == WIRE and bool(tables.inside_filters)
        self._addresses = Memory(ADDRESS_ENTRIES)
        self._flows = Memory(FLOW_ENTRIES)
        self._key = FlowKey(buffer, tables.tunnels)
        self._head = memoryview(buffer)[FRAME : FRAME + HEADER_OCTETS]
        self.l2_key = self._key.l2
        self.misses = 0  # verdicts made since the reader last set it to 0

    def place(self, rings: Rings) -> None:
        """Other processors serve RX queues: what goes there is judged anew, and all else stays known."""
        before, vports = self._rings, self._tables.vports
        queues = {queue for queue, _ in rings.elsewhere.items() ^ before.elsewhere.items()}
        ports = {port for (port, _), _ in rings.channels.items() ^ before.channels.items()}
        queues |= {queue for port in ports if port in vports for queue in vports[port].queues}
        cells = {rings.layout.queue_cell(rings.worker, queue) for queue in queues}
        self._rings = rings
        for memory in (self._addresses, self._flows):
            memory.forget(lambda action: not cells.isdisjoint(action.queues))

    @property
    def known(self) -> Callable[[Hashable], Action | None]:
        """The quick look by layer 2. It is another function after each `look`."""
        return self._addresses.young.get

    def look(self, found: Action | None, length: int, longest: int) -> Action:
        """The action for a frame of common size that `known` did not settle; found: what it knew.

        length: octets in the buffer, vnet header included; longest: octets of its longest wire frame.
        """
        if found is None:
            found = self._look_by_address(length, longest)
        return self._look_by_flow(length, longest) if found.by_flow else found

    def look_closely(self, length: int, longest: int) -> Action:
        """The same for a frame of uncommon size."""
        return self._look_parsed(self._parse(length, longest))

    def _look_by_address(self, length: int, longest: int) -> Action:
        """By layer 2, in both generations; BY_FLOW if that is not enough."""
        key = self.l2_key()
        action = self._addresses.recall(key)
        if action is None:
            action, every_flow = self._judge(self._parse(length, longest))
            self._addresses.remember(key, action if every_flow else BY_FLOW)
        return action

    def _look_by_flow(self, length: int, longest: int) -> Action:
        key = self._key.read(length)
        if key is None:
            return self._look_parsed(self._parse(length, longest))
        action = self._flows.recall(key)
        if action is None:
            action, _ = self._judge(self._parse(length, longest))
            self._flows.remember(key, action)
        return action

    def _look_parsed(self, frame: Frame) -> Action:
        """By all that the headers say. Of the length only matters for whom it is too long."""
        length = self._tables.length_class(frame.length, frame.tags)
        inside_to = frame.inside_to if self._looks_inside else b""
        key = frame._replace(length=length, priority=0, inside_to=inside_to)
        action = self._flows.recall(key)
        if action is None:
            action, _ = self._judge(frame)
            self._flows.remember(key, action)
        return action

    def _parse(self, length: int, longest: int) -> Frame:
        """What is judged of a superframe is its wire frames: headers of the whole, length of one."""
        frame = parse(self._head, length - VNET_OCTETS, self._tables.tunnels)
        return frame if frame.length == longest else frame._replace(length=longest)

    def _judge(self, frame: Frame) -> tuple[Action, bool]:
        """A verdict made now, and whether it is that of every frame with these addresses and EtherType."""
        self.misses += 1
        verdict = decide_behind(frame, self._source, self._tables)
        action = self._rings.action(verdict, copy=self._copy, cast=cast_of(frame.destination))
        by_flow = verdict.spread or self._looks_inside
        return action, not by_flow and frame.tags == 0 and frame.fault is None
