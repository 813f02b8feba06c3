"""MSI-X vectors: which one a queue raises, when its throttle lets it, and the frames that need not wait.

A frame sets its queue's cause on the queue's vector (IVAR). The vector interrupts at once if its counter has
run out and it is not masked; otherwise the cause is pending (EICR) until the interval ends or the mask is
lifted. A frame that a low-latency filter matches interrupts at once, as long as the vector has credits.

Time is passed in, in seconds, and never runs backwards. Sources: X550 7.3; I210 7.3.4 to 7.3.6 and 8.11, the
82576's successor, whose interrupt registers are the same. X550 itself has no low-latency interrupts.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from vmdqemu.nic.frame import TAG_OCTETS, Frame
from vmdqemu.nic.moderation import Moderation, Throttle
from vmdqemu.nic.packet import PROTOCOL_TCP

FIN, SYN, RST, PSH, ACK, URG = (1 << bit for bit in range(6))

MOST_CREDITS: Final = 31  # I210 7.3.6.1; EITR bits 20:16
CREDIT_STEP: Final = 4e-6  # seconds


class LowLatency(NamedTuple):
    """One filter (IMIR and IMIREXT); all that is given has to match (I210 8.11)."""

    port: int | None = None  # destination port of TCP
    below: int | None = None  # octets, without FCS and tags: only a shorter frame
    flags: int = 0  # TCP control bits: any of them is enough, which the manuals leave open; 0 for whichever
    ethertype: int | None = None

    def match(self, frame: Frame, flags: int) -> bool:
        """Whether the frame need not wait. flags: its TCP control bits."""
        tcp = frame.protocol == PROTOCOL_TCP and len(frame.ports) == 4
        return (
            (self.port is None or (tcp and int.from_bytes(frame.ports[2:], "big") == self.port))
            and (self.below is None or frame.length - TAG_OCTETS * frame.tags < self.below)
            and (not self.flags or (tcp and bool(flags & self.flags)))
            and (self.ethertype is None or frame.ethertype == self.ethertype)
        )


class Urgency(NamedTuple):
    """What interrupts at once, and how often it may."""

    filters: tuple[LowLatency, ...] = ()
    priority: int | None = None  # a tag's priority from this one on (I210 7.3.6)
    credit_steps: int = 0  # a vector earns a credit each so many CREDIT_STEP; 0: it needs none (I210 7.3.6.1)

    def match(self, frame: Frame, flags: int) -> bool:
        """Whether the frame need not wait. One with an error never does (I210 7.3.6)."""
        if frame.fault is not None:
            return False
        prior = self.priority is not None and frame.vlan is not None and frame.priority >= self.priority
        return prior or any(entry.match(frame, flags) for entry in self.filters)


NOT_URGENT: Final = Urgency()


class Interrupt(NamedTuple):
    """One message of a vector."""

    at: float
    vector: int
    queues: frozenset[int]  # its causes


class _Vector:
    """Counter, credits, mask and pending causes of one vector."""

    __slots__ = ("credits", "earned_at", "masked", "pending", "throttle")

    def __init__(self, moderation: Moderation) -> None:
        self.throttle = Throttle(moderation)
        self.pending: set[int] = set()
        self.masked = False
        self.credits = float(MOST_CREDITS)
        self.earned_at = 0.0

    def spend_credit(self, steps: int, now: float) -> bool:
        """Whether a low-latency interrupt may be raised now."""
        if not steps:
            return True
        earned = (now - self.earned_at) / (steps * CREDIT_STEP)
        self.credits = min(MOST_CREDITS, self.credits + earned)
        self.earned_at = now
        if self.credits < 1:
            return False
        self.credits -= 1
        return True


class Vectors:
    """The interrupt logic of one adapter."""

    def __init__(
        self,
        vector_of: Mapping[int, int],
        moderation: Mapping[int, Moderation],
        urgency: Urgency = NOT_URGENT,
    ) -> None:
        """vector_of: by RX queue; moderation: by vector."""
        self._vector_of = dict(vector_of)
        self._vectors = {number: _Vector(asked) for number, asked in moderation.items()}
        self._urgency = urgency

    def receive(self, queue: int, frame: Frame, now: float, flags: int = 0) -> Interrupt | None:
        """A frame was placed in a queue: the interrupt, if it is raised at once."""
        number = self._vector_of[queue]
        vector = self._vectors[number]
        vector.pending.add(queue)
        vector.throttle.carried(frame.length)
        if vector.masked:
            return None
        urgent = self._urgency.match(frame, flags)
        if now >= vector.throttle.due or (urgent and vector.spend_credit(self._urgency.credit_steps, now)):
            return self._raise(number, now)
        return None

    def due(self) -> float | None:
        """When the next pending cause will interrupt; None when none will."""
        waiting = [vector for vector in self._vectors.values() if vector.pending and not vector.masked]
        return min((vector.throttle.due for vector in waiting), default=None)

    def advance(self, now: float) -> list[Interrupt]:
        """What is raised up to now, in order of time."""
        ripe = [
            (vector.throttle.due, number)
            for number, vector in self._vectors.items()
            if vector.pending and not vector.masked and vector.throttle.due <= now
        ]
        return [self._raise(number, at) for at, number in sorted(ripe)]

    def mask(self, vector: int) -> None:
        """Raise nothing from now on; causes stay pending (EIMC)."""
        self._vectors[vector].masked = True

    def unmask(self, vector: int, now: float) -> Interrupt | None:
        """What is pending is raised now, if the interval has ended (EIMS)."""
        unmasked = self._vectors[vector]
        unmasked.masked = False
        ripe = unmasked.pending and unmasked.throttle.due <= now
        return self._raise(vector, now) if ripe else None

    def move(self, queue: int, vector: int) -> None:
        """Have a queue raise another vector from its next frame on; what is pending stays where it is."""
        self._vector_of[queue] = vector

    def _raise(self, number: int, at: float) -> Interrupt:
        """The counter restarts, for a low-latency interrupt too (I210 7.3.6)."""
        vector = self._vectors[number]
        raised = Interrupt(at, number, frozenset(vector.pending))
        vector.throttle.fire(at)
        vector.pending.clear()
        return raised


def by_processor(placement: Mapping[int, int]) -> dict[int, int]:
    """The vector of each queue where queues of one processor share one (NDIS: vmq-interrupt-requirements).

    A vector is numbered as its processor is, so a queue that moves away renumbers nobody. placement: RX queue
    to processor.
    """
    return dict(placement)


class Entry(NamedTuple):
    """Where a queue's vector is written."""

    register: int  # IVAR number
    bit: int  # of the entry's lowest

    @staticmethod
    def encode(vector: int) -> int:
        """A valid entry's octet."""
        return vector | 0x80


def ivar(chip: str, queue: int, *, transmit: bool = False) -> Entry:
    """A queue's entry in the vector map. chip: "82576", "82598" or "82599" (igb_main.c, ixgbe_main.c).

    82599: register n holds RX 2n, TX 2n, RX 2n+1, TX 2n+1. 82576: RX n, TX n, RX n+8, TX n+8, for n to 7.
    82598: four entries a register, RX queues from entry 0 on, TX queues from entry 64.
    """
    match chip:
        case "82599":
            return Entry(queue // 2, 16 * (queue % 2) + 8 * transmit)
        case "82576":
            return Entry(queue % 8, 16 * (queue // 8) + 8 * transmit)
        case "82598":
            entry = queue + 64 * transmit
            return Entry(entry // 4, 8 * (entry % 4))
    raise ValueError(f"no vector map of {chip!r}; use 82576, 82598 or 82599")
