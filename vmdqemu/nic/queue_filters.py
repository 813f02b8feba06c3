"""Queue filters: frames of one EtherType, TCP SYNs, or one flow go to a queue of their own, not to RSS'.

The first filter that a frame matches decides: EtherType, SYN, then 5-tuple by priority; only then comes the
formula (X550 7.1.3). They act on the pool that was chosen first; replicas go by the formula alone. A frame
that no pool takes is delivered all the same if a filter takes it.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from vmdqemu.nic.frame import Frame
from vmdqemu.nic.packet import PROTOCOL_TCP
from vmdqemu.nic.queue_rules import QueueRules

MAX_PRIORITY: Final = 7  # of a 5-tuple filter: 1 to 7 (X550 7.1.3)


class EthertypeFilter(NamedTuple):
    """ETQF with its queue."""

    ethertype: int
    queue: int

    def takes(self, frame: Frame) -> bool:
        """The EtherType behind the tags."""
        return frame.ethertype == self.ethertype


class TupleFilter(NamedTuple):
    """A 5-tuple filter; what is None is not compared. It holds IPv4 addresses (ixgbe_type.h: SAQF, DAQF)."""

    queue: int
    source: bytes | None = None  # 4 octets
    destination: bytes | None = None
    source_port: int | None = None
    destination_port: int | None = None
    protocol: int | None = None
    priority: int = 1

    def takes(self, frame: Frame) -> bool:
        """A fragment has no ports, and so matches none."""
        if frame.ip != 4:
            return False
        source_port, destination_port = _ports(frame)
        compared = (
            (self.source, frame.addresses[:4]),
            (self.destination, frame.addresses[4:]),
            (self.source_port, source_port),
            (self.destination_port, destination_port),
            (self.protocol, frame.protocol),
        )
        return all(wanted is None or wanted == found for wanted, found in compared)


class QueueFilters(NamedTuple):
    """All of an adapter's."""

    ethertypes: tuple[EthertypeFilter, ...] = ()
    syn: int | None = None  # the queue of TCP segments with SYN set
    tuples: tuple[TupleFilter, ...] = ()


def check(filters: QueueFilters, rules: QueueRules) -> None:
    """Raise ValueError, naming the field and the cure, if a model cannot hold them."""
    for field, held, most in (
        ("ethertypes", len(filters.ethertypes), rules.ethertype_filters),
        ("syn", int(filters.syn is not None), rules.syn_filters),
        ("tuples", len(filters.tuples), rules.tuple_filters),
    ):
        if held > most:
            raise ValueError(f"{field}: {held} filters; use at most {most}")
    for index, held_filter in enumerate(filters.tuples):
        if not 1 <= held_filter.priority <= MAX_PRIORITY:
            raise ValueError(f"tuples[{index}]: priority {held_filter.priority}; use 1 to {MAX_PRIORITY}")


def filtered_queue(frame: Frame, syn: bool, filters: QueueFilters) -> int | None:
    """The queue that a filter sends a frame to; None: no filter takes it. syn: its TCP flag."""
    for ethertype in filters.ethertypes:
        if ethertype.takes(frame):
            return ethertype.queue
    if syn and frame.protocol == PROTOCOL_TCP and filters.syn is not None:
        return filters.syn
    taking = [held for held in filters.tuples if held.takes(frame)]
    return max(taking, key=lambda held: held.priority).queue if taking else None  # the first of the highest


def queues(
    frame: Frame, syn: bool, pools: Sequence[int], filters: QueueFilters, formula: Callable[[int], int]
) -> tuple[int, ...]:
    """The queue of each copy of a frame. formula: the queue that RSS and traffic class give in a pool."""
    filtered = filtered_queue(frame, syn, filters)
    if filtered is None:
        return tuple(formula(pool) for pool in pools)
    return (filtered, *(formula(pool) for pool in pools[1:]))


def _ports(frame: Frame) -> tuple[int | None, int | None]:
    if not frame.ports:
        return None, None
    return int.from_bytes(frame.ports[:2], "big"), int.from_bytes(frame.ports[2:], "big")
