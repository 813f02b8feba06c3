"""The mailbox: what a VF's driver asks of the PF's (ixgbe_mbx.h; intel ixgbe_sriov.c:889-1470).

A message is 1 to 16 words of 32 bits, its kind in the low half of the first. The answer is the request with
ACK or NACK, and CTS while the VF may send more: until it has reset the VF, it may not. Whoever asks is known
by the VF that the message came from, and can change nothing but that VF's own.

The indirection table and the RSS key (0x0a, 0x0b) are refused as an ixgbe PF starts: query_rss is off.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from struct import Struct
from typing import Final, NamedTuple

from vmdqemu.nic.filter_requests import ClearFilter, SetFilter, clear_filter, set_filter
from vmdqemu.nic.frame import is_multicast
from vmdqemu.nic.state import Adapter, Outcome
from vmdqemu.nic.status import Status
from vmdqemu.nic.switch_objects import Cast, Driver, Vf
from vmdqemu.nic.vf_requests import VF_DRIVER, without_driver

WORDS: Final = 16
ACK: Final = 0x80000000
NACK: Final = 0x40000000
CTS: Final = 0x20000000

_MOST_GROUPS: Final = 30  # IXG ixgbe.h:217
_LONGEST: Final = 9728  # octets, FCS too (IXGBE_MAX_JUMBO_FRAME_SIZE)
_API_1_1, _API_1_2 = 2, 3
_APIS: Final = (0, _API_1_1, _API_1_2, 4)  # 1.0 to 1.3; 1 is another driver's
_MAC = Struct("<2I")


class Kind(IntEnum):
    """IXGBE_VF_..."""

    RESET = 0x01
    SET_MAC_ADDR = 0x02
    SET_MULTICAST = 0x03
    SET_VLAN = 0x04
    SET_LPE = 0x05
    SET_MACVLAN = 0x06
    API_NEGOTIATE = 0x08
    GET_QUEUES = 0x09
    UPDATE_XCAST_MODE = 0x0C


class AskPf(NamedTuple):
    """One message of a VF's driver. vm: whose driver it is, as the back channel knows it."""

    vf: int
    vm: str
    words: tuple[int, ...]


class Answer(NamedTuple):
    """What became of a message that is not refused; words: behind the first."""

    adapter: Adapter
    words: tuple[int, ...] = ()


class Message(NamedTuple):
    """A message that was read."""

    number: int  # of the VF
    vf: Vf
    port: int  # the VPort on it
    info: int  # what the first word says besides the kind
    words: tuple[int, ...]  # those behind it


def ask_pf(adapter: Adapter, request: AskPf) -> Outcome:
    """The answer is there whether it is yes or no; no answer is due to what is no message of this VM's VF."""
    vf, port = adapter.vfs.get(request.vf), adapter.vport_on(request.vf)
    if vf is None or vf.vm != request.vm or port is None:
        return Outcome(adapter, Status.INVALID_PARAMETER)
    if not 1 <= len(request.words) <= WORDS:
        return Outcome(adapter, Status.INVALID_LENGTH)
    if any(not 0 <= word < 1 << 32 for word in request.words) or request.words[0] & (ACK | NACK | CTS):
        return Outcome(adapter, Status.INVALID_DATA)
    first = request.words[0]
    message = Message(request.vf, vf, port, first >> 16, request.words[1:])
    answer = _answer(adapter, first & 0xFFFF, message)
    if answer is None:
        cts = CTS if vf.driver.ready else 0
        return Outcome(adapter, Status.NOT_ACCEPTED, words=(first | NACK | cts,))
    cts = 0 if first & 0xFFFF == Kind.RESET else CTS
    return Outcome(answer.adapter, Status.SUCCESS, words=(first | ACK | cts, *answer.words))


def _answer(adapter: Adapter, kind: int, message: Message) -> Answer | None:
    length, answer = _KINDS.get(kind, (0, None))
    may_ask = message.vf.driver.ready or kind == Kind.RESET
    if answer is None or len(message.words) < length or not may_ask:
        return None
    return answer(adapter, message)


def _driven(adapter: Adapter, number: int, driver: Driver) -> Adapter:
    """The adapter with what the VF's driver has asked for now."""
    return adapter._replace(vfs={**adapter.vfs, number: adapter.vfs[number]._replace(driver=driver)})


def _mac(words: Sequence[int]) -> bytes:
    return _MAC.pack(*words[:2])[:6]


def _is_address(mac: bytes) -> bool:
    return any(mac) and not is_multicast(mac)


def _reset(adapter: Adapter, message: Message) -> Answer:
    """The reply carries the address and the form of the multicast hash (MCSTCTRL.MO)."""
    fresh = _driven(without_driver(adapter, message.number), message.number, Driver(ready=True))
    return Answer(fresh, (*_MAC.unpack(message.vf.mac.ljust(8, b"\0")), 0))


def _set_mac(adapter: Adapter, message: Message) -> Answer | None:
    """The PF chose the VF's address: only one that is trusted has another."""
    mac, vf = _mac(message.words), message.vf
    if not _is_address(mac) or (mac != vf.mac and not vf.trusted):
        return None
    filters = {
        number: held._replace(mac=mac) if held.vport == message.port and held.mac == vf.mac else held
        for number, held in adapter.filters.items()
    }
    if len({held.key for held in filters.values()}) < len(filters):
        return None
    changed = {**adapter.vfs, message.number: vf._replace(mac=mac)}
    return Answer(adapter._replace(filters=filters, vfs=changed), message.words[:2])


def _set_multicast(adapter: Adapter, message: Message) -> Answer:
    """Two hashes a word; more than there is room for are cut off, as the driver does."""
    halves = [half for word in message.words for half in (word & 0xFFFF, word >> 16)]
    groups = tuple(half & 0xFFF for half in halves[: min(message.info & 0xFF, _MOST_GROUPS)])
    return Answer(_driven(adapter, message.number, message.vf.driver._replace(groups=groups)))


def _set_vlan(adapter: Adapter, message: Message) -> Answer | None:
    """A VLAN that the guest tags itself. Under a port VLAN there is none; VID 0 is never taken away."""
    vid, port = message.words[0] & 0xFFF, message.port
    if adapter.vports[port].vlan is not None:
        return None
    if vid == 0:
        return Answer(adapter, message.words[:1])
    if message.info & 0xFF:
        macs = dict.fromkeys(held.mac for held in adapter.filters.values() if held.vport == port)
        joined = _with_filters(adapter, port, [(mac, vid) for mac in macs])
        return None if joined is None else Answer(joined, message.words[:1])
    gone = [n for n, held in adapter.filters.items() if held.vport == port and held.vlan == vid]
    return Answer(_without_filters(adapter, gone), message.words[:1])


def _set_longest(adapter: Adapter, message: Message) -> Answer | None:
    longest = message.words[0]
    if longest > _LONGEST:
        return None
    return Answer(
        _driven(adapter, message.number, message.vf.driver._replace(longest=longest)), message.words[:1]
    )


def _set_extra_mac(adapter: Adapter, message: Message) -> Answer | None:
    """Index 0 takes them all away; one more address switches the VF's anti-spoof off."""
    vf, port = message.vf, message.port
    if not message.info & 0xFF:
        extra = [
            number
            for number, held in adapter.filters.items()
            if held.vport == port and held.owner == VF_DRIVER and held.mac != vf.mac
        ]
        return Answer(_without_filters(adapter, extra), message.words[:2])
    mac = _mac(message.words)
    if not _is_address(mac) or not vf.trusted:
        return None
    added = _with_filters(adapter, port, [(mac, adapter.vports[port].vlan)])
    if added is None:
        return None
    open_port = added.vports[port]._replace(spoof_check=False)
    return Answer(added._replace(vports={**added.vports, port: open_port}), message.words[:2])


def _negotiate(adapter: Adapter, message: Message) -> Answer | None:
    api = message.words[0]
    if api not in _APIS:
        return None
    return Answer(_driven(adapter, message.number, message.vf.driver._replace(api=api)), message.words[:1])


def _queues(adapter: Adapter, message: Message) -> Answer | None:
    """TX queues, RX queues, whether there is a port VLAN, the default queue."""
    if message.vf.driver.api < _API_1_1:
        return None
    port = adapter.vports[message.port]
    return Answer(adapter, (port.queue_pairs, port.queue_pairs, int(port.vlan is not None), 0))


def _set_cast(adapter: Adapter, message: Message) -> Answer | None:
    """Whoever is not trusted gets no more than the groups that he listed."""
    asked = message.words[0]
    if message.vf.driver.api < _API_1_2 or asked not in tuple(Cast):
        return None
    cast = Cast(asked) if message.vf.trusted else min(Cast(asked), Cast.MULTI)
    return Answer(_driven(adapter, message.number, message.vf.driver._replace(cast=cast)), (int(cast),))


def _with_filters(adapter: Adapter, port: int, keys: Sequence[tuple[bytes, int | None]]) -> Adapter | None:
    """The VPort with more filters, those that it has already left alone; None if one is refused."""
    for mac, vlan in keys:
        if any(held.vport == port and held.key == (mac, vlan) for held in adapter.filters.values()):
            continue
        outcome = set_filter(adapter, SetFilter(port, mac, vlan, VF_DRIVER))
        if outcome.status is not Status.SUCCESS:
            return None
        adapter = outcome.adapter
    return adapter


def _without_filters(adapter: Adapter, numbers: Sequence[int]) -> Adapter:
    for number in numbers:
        adapter = clear_filter(adapter, ClearFilter(number, VF_DRIVER)).adapter
    return adapter


Ask = Callable[[Adapter, Message], Answer | None]

# What is asked for, and with how many words behind the first at least.
_KINDS: Final[Mapping[int, tuple[int, Ask]]] = {
    Kind.RESET: (0, _reset),
    Kind.SET_MAC_ADDR: (2, _set_mac),
    Kind.SET_MULTICAST: (0, _set_multicast),
    Kind.SET_VLAN: (1, _set_vlan),
    Kind.SET_LPE: (1, _set_longest),
    Kind.SET_MACVLAN: (2, _set_extra_mac),
    Kind.API_NEGOTIATE: (1, _negotiate),
    Kind.GET_QUEUES: (0, _queues),
    Kind.UPDATE_XCAST_MODE: (1, _set_cast),
}
