"""Topology: the machine's processors, and the set of them that may serve receive queues.

Sources: NDIS: standardized-inf-keywords-for-rss, introduction-to-receive-side-scaling; Microsoft's "VMQ Deep
Dive" 2, for the rules of thumb.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from vmdqemu.host.rss_profiles import CLOSEST, RssProfile

GROUP_SIZE = 64  # processors that one affinity mask can name
ANY_NODE = 65535  # NDIS: *NumaNodeId
MOST_PROCESSORS = 16  # of one adapter (NDIS: *MaxRssProcessors)

Address = tuple[int, int]  # group:number; compared in this order (NDIS: *RssBaseProcNumber)


class Processor(NamedTuple):
    """A logical processor."""

    number: int  # counted over the machine, as a placement names it
    group: int
    member: int  # its number inside the group
    node: int  # NUMA node
    sibling: bool  # a further hyper-thread of a core

    @property
    def address(self) -> Address:
        """As the keywords and Get-NetAdapterVmqQueue write it."""
        return self.group, self.member


def regular(cores: int, threads: int = 1, nodes: int = 1, group_size: int = GROUP_SIZE) -> list[Processor]:
    """A machine whose cores are alike: a core's threads have consecutive numbers, a node's too."""
    per_node = -(-cores // nodes)
    return [
        Processor(number, *divmod(number, group_size), core // per_node, sibling=number % threads > 0)
        for number in range(cores * threads)
        for core in (number // threads,)
    ]


class Selection(NamedTuple):
    """Which processors the adapter may use: the parameters of Set-NetAdapterVmq."""

    base: Address = (0, 0)  # the lowest; -BaseProcessorGroup, -BaseProcessorNumber
    last: Address | None = None  # the highest; -MaxProcessorNumber
    max_processors: int = MOST_PROCESSORS  # so many at most; -MaxProcessors
    node: int = ANY_NODE  # only this one's; -NumaNode


def processor_set(
    machine: Sequence[Processor], selection: Selection, profile: RssProfile = CLOSEST
) -> tuple[int, ...]:
    """The processors that may serve queues, the home processor first and the others by their nearness to it.

    Hyper-thread siblings serve none (NDIS: introduction-to-receive-side-scaling). A profile that stays close
    stays in the home processor's group, as one affinity mask does; one that goes round the nodes ignores
    `node` (NDIS: *NumaNodeId). Raises ValueError, naming the field.
    """
    _check(machine, selection)
    left = [processor for processor in machine if in_range(processor.address, selection)]
    left = [processor for processor in left if not processor.sibling]
    if not profile.round_nodes and selection.node != ANY_NODE:
        left = [processor for processor in left if processor.node == selection.node]
    if not left:
        raise ValueError("base: no processor is left; use a lower base, a higher last, or another node")
    left.sort(key=lambda processor: processor.address)
    ordered = _round_nodes(left) if profile.round_nodes else _closest(left)
    return tuple(processor.number for processor in ordered[: selection.max_processors])


def in_range(address: Address, selection: Selection) -> bool:
    """Whether it lies from base to last, both included (NDIS: *RssMaxProcNumber)."""
    return selection.base <= address and (selection.last is None or address <= selection.last)


def _check(machine: Sequence[Processor], selection: Selection) -> None:
    known = {processor.address for processor in machine}
    for field, address in (("base", selection.base), ("last", selection.last)):
        if address is not None and address not in known:
            raise ValueError(f"{field}: no processor {_spelled(address)}; use up to {_spelled(max(known))}")
    if selection.last is not None and selection.last < selection.base:
        raise ValueError(f"last: {_spelled(selection.last)} is below base; use {_spelled(selection.base)} on")
    if selection.max_processors < 1:
        raise ValueError(f"max_processors: {selection.max_processors}; use at least 1")
    nodes = {processor.node for processor in machine}
    if selection.node not in nodes | {ANY_NODE}:
        raise ValueError(f"node: no NUMA node {selection.node}; use 0 to {max(nodes)}, or {ANY_NODE} for any")


def _spelled(address: Address) -> str:
    return f"{address[0]}:{address[1]}"


def _closest(left: list[Processor]) -> list[Processor]:
    home = left[0]
    group = [processor for processor in left if processor.group == home.group]
    return sorted(group, key=lambda processor: abs(processor.node - home.node))


def _round_nodes(left: list[Processor]) -> list[Processor]:
    """The first of each node, then the second of each."""
    seen: Counter[int] = Counter()
    rounds = []
    for processor in left:
        rounds.append((seen[processor.node], processor))
        seen[processor.node] += 1
    return [processor for _, processor in sorted(rounds, key=lambda entry: entry[0])]


def recommended(logical_processors: int, adapters: int = 1, hyper_threading: bool = False) -> Selection:
    """Microsoft's rule of thumb for one of `adapters` that share a host ("Deep Dive" 2).

    The first core is left to the rest of the system; max_processors of 0 says that there are too few.
    """
    left, base = (logical_processors - 2, 2) if hyper_threading else (logical_processors - 1, 1)
    cores = left // 2 if hyper_threading else left
    return Selection(
        base=divmod(base, GROUP_SIZE), max_processors=min(max(cores, 0) // adapters, MOST_PROCESSORS)
    )
