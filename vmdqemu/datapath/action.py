"""Actions: verdicts made ready to be carried out again and again, on rings instead of ports."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from vmdqemu.datapath.inbox import INBOX
from vmdqemu.datapath.shm import RING_OFFSET, Layout
from vmdqemu.host.decide import Verdict
from vmdqemu.host.vswitch import WIRE, Edit
from vmdqemu.nic.counters import RingCounter
from vmdqemu.nic.frame import is_broadcast, is_multicast

NO_RING: Final = -1
NO_DROP: Final = -1
SHORTEST_ON_WIRE: Final = 60  # octets without FCS; the adapter pads what is shorter (82599 HLREG0.TXPADEN)


class Output(NamedTuple):
    """A ring that frames are written to."""

    fd: int
    row: int  # its first counter cell in this worker's block
    edit: Edit = Edit.KEEP
    shortest: int = 0  # octets; a frame that has fewer is padded
    arena: memoryview | None = None  # the VM's memory, where each frame is copied on its way
    outbound: bool = False  # it leads to the wire


class Cast(NamedTuple):
    """Counters of frames that are not for one receiver: where they were read, and where they are written."""

    read: int
    write: int


MULTICAST: Final = Cast(RING_OFFSET[RingCounter.READ_MULTICAST], RING_OFFSET[RingCounter.WRITE_MULTICAST])
BROADCAST: Final = Cast(RING_OFFSET[RingCounter.READ_BROADCAST], RING_OFFSET[RingCounter.WRITE_BROADCAST])


def cast_of(destination: bytes) -> Cast | None:
    """What frames to this address count as; None for one receiver's."""
    if is_broadcast(destination):
        return BROADCAST
    return MULTICAST if is_multicast(destination) else None


class Action:
    """What is done with every frame of one kind."""

    __slots__ = (
        "arena",
        "by_flow",
        "cast",
        "copies",
        "discarded",
        "drop",
        "fd",
        "lookup",
        "outputs",
        "queues",
        "tag",
    )

    def __init__(
        self,
        outputs: tuple[Output, ...] = (),
        queues: tuple[int, ...] = (),
        *,
        tag: int | None = None,
        lookup: bool = False,
        drop: int = NO_DROP,
        discarded: bool = False,
        cast: Cast | None = None,
        by_flow: bool = False,
    ) -> None:
        """queues: counter cells of the RX queues it is placed in; drop: offset of the reason's counter.

        discarded: it is the adapter that drops it; then it has no cast.
        tag: priority and VID of the tag that an Edit.INSERT puts in.
        """
        as_it_is = len(outputs) == 1 and outputs[0].edit is Edit.KEEP
        self.fd = outputs[0].fd if as_it_is else NO_RING  # the only ring, for a frame that is not edited
        self.arena = outputs[0].arena if as_it_is else None
        self.outputs = outputs
        self.queues = queues
        self.tag = tag
        self.lookup = lookup
        self.copies = max(0, len(outputs) - 1)
        self.drop = drop
        self.discarded = discarded
        self.cast = None if discarded else cast
        self.by_flow = by_flow  # not an action: it depends on the flow, so look there


BY_FLOW: Final = Action(by_flow=True)


class Rings(NamedTuple):
    """Where ports and queues are, for one worker: what turns a verdict into an action."""

    worker: int
    layout: Layout
    cells: memoryview  # all workers' counters; this one writes its own block only
    fds: Mapping[tuple[int, int], int]  # by port and ring
    elsewhere: Mapping[int, int] = {}  # RX queues that another processor serves, and its number
    channels: Mapping[tuple[int, int], int | None] = {}  # by vRSS, and the other processor that serves each
    places: bool = True  # counts what the silicon placed in the queues; not of a frame that was handed over
    arenas: Mapping[int, memoryview] = {}  # this worker's slot of each VM's memory, by port

    def row(self, port: int, ring: int) -> int:
        """The first counter cell of a ring, in this worker's block."""
        return self.layout.ring_cell(self.worker, port, ring)

    def direct(self) -> "Rings":
        """For the one reader that is left while owners change: it hands nothing over."""
        return self._replace(elsewhere={}, channels={})

    def taken(self) -> "Rings":
        """For what was handed over to us: it is placed already, and ours."""
        return self._replace(elsewhere={}, channels={}, places=False)

    def action(self, verdict: Verdict, *, copy: bool = False, cast: Cast | None = None) -> Action:
        """Make a verdict ready. A frame of another processor's queue is handed over as it is.

        copy: frames lie in the host's memory, and what a VM gets of them is copied into its own.
        """
        placed = verdict.nic.queues
        queues = tuple(self.layout.queue_cell(self.worker, to.queue) for to in placed if self.places)
        if placed and (processor := self._elsewhere(verdict)) is not None:
            inbox = Output(self.fds[INBOX, processor], self.row(INBOX, processor))
            return Action((inbox,), queues, cast=cast)
        outputs = tuple(
            Output(
                self.fds[to.port, to.channel],
                self.row(to.port, to.channel),
                to.edit,
                SHORTEST_ON_WIRE if to.port == WIRE else 0,
                self.arenas[to.port] if copy and to.port != WIRE else None,
                to.port == WIRE,
            )
            for to in verdict.deliveries
        )
        drop = NO_DROP if verdict.drop is None else RING_OFFSET[verdict.drop]
        nic = verdict.nic
        return Action(
            outputs,
            queues,
            tag=None if nic.vlan is None else nic.priority << 13 | nic.vlan,
            lookup=verdict.host.lookup,
            drop=drop,
            discarded=nic.drop is not None,
            cast=cast,
        )

    def _elsewhere(self, verdict: Verdict) -> int | None:
        """The other processor whose frame this is: its flow's by vRSS, else its queue's; None: ours."""
        if len(verdict.deliveries) == 1:
            to = verdict.deliveries[0]
            if (to.port, to.channel) in self.channels:
                return self.channels[to.port, to.channel]
        return self.elsewhere.get(verdict.nic.queues[0].queue)
