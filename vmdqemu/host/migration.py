"""Live migration: a VM leaves the adapter of one host for that of another, and goes on running.

The steps are a table, each with the side that takes it and its undo. Up to COMMIT the VM is the source's, and
whatever fails, everything done so far is undone, last first; from there on it is the destination's.

For a while both hosts deliver to the VM, so that no frame is lost on its way: a broadcast of that moment may
arrive twice. Only one of them reads what the VM sends.

Sources: NDIS: ndis-vmq-live-migration-support, hyper-v-extensible-switch-live-migration-support,
freeing-a-vm-queue, sr-iov-vf-failover-and-live-migration-support.
"""

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Final, NamedTuple

from vmdqemu.nic.frame import BROADCAST


class Side(StrEnum):
    """Who takes a step."""

    SOURCE = "source"
    DESTINATION = "destination"


class Step(NamedTuple):
    """One step of a migration."""

    name: str
    side: Side
    does: str
    undo: str | None = None  # None: it leaves nothing to undo
    vf: bool = False  # only where the VM has a VF


COMMIT: Final = "own"  # from here on the VM is the destination's

STEPS: Final = (
    Step("remove-vf", Side.SOURCE, "takes the VF away: the VM goes on without", "grants it again", vf=True),
    Step(
        "admit",
        Side.DESTINATION,
        "makes a VPort and a filter for the VM, takes its rings, reads none",
        "unmakes them",
    ),
    Step(
        "pause",
        Side.SOURCE,
        "reads no more of what the VM sends, which waits in its rings",
        "reads it again, and announces the VM",
    ),
    Step("resume", Side.DESTINATION, "reads what the VM sends", "reads no more of it"),
    Step("announce", Side.DESTINATION, "announces the VM: the bridge learns its new way"),
    Step("relearn", Side.SOURCE, "hears that come in on its own wire: new frames go the new way"),
    Step("free", Side.SOURCE, "clears the filter, delivers what waits, frees the queue", "sets them again"),
    Step(COMMIT, Side.DESTINATION, "is given the VM with its books"),
    Step("forget", Side.SOURCE, "closes its rings"),
    Step("grant-vf", Side.DESTINATION, "grants a VF", vf=True),
)


def plan(*, vf: bool) -> tuple[Step, ...]:
    """The steps of a VM that has a VF, or of one that has none."""
    return tuple(step for step in STEPS if vf or not step.vf)


Act = Callable[[Step], Awaitable[None]]


async def carry_out(steps: tuple[Step, ...], do: Act, undo: Act) -> None:
    """Take every step, or undo those taken before one that fails, past every failure of an undo.

    Raises what the step raised, with its name and what could not be undone as notes.
    """
    taken: list[Step] = []
    try:
        for step in steps:
            await do(step)
            taken.append(step)
    except Exception as failure:
        failure.add_note(step.name)
        for done in [] if _is_over(taken) else reversed(taken):
            try:
                await undo(done)
            except Exception as stuck:
                failure.add_note(f"{done.name} was not undone: {stuck}")
        raise


def _is_over(taken: list[Step]) -> bool:
    return any(step.name == COMMIT for step in taken)


class Terms(NamedTuple):
    """What a VM relies on in its host."""

    lab: str
    wire: bool
    mtu: int
    offloads: bool


def obstacle(source: Terms, destination: Terms) -> str | None:
    """Why no VM can go from one to the other, with the cure; None if it can."""
    for terms in (source, destination):
        if not terms.wire:
            return f"lab {terms.lab} has no wire; give both labs a [wire] with the same bridge"
    if source.mtu != destination.mtu:
        return f"mtu is {source.mtu} in one lab and {destination.mtu} in the other; make them equal"
    if source.offloads != destination.offloads:
        return "adapter.offloads differs between the labs; make it equal"
    return None


def announcement(mac: bytes) -> bytes:
    """What tells every bridge where a VM is: a reverse ARP request (RFC 903), which nobody answers."""
    ethernet = BROADCAST + mac + (0x8035).to_bytes(2, "big")
    kinds = bytes.fromhex("0001 0800 06 04 0003")  # Ethernet, IPv4, their lengths, request reverse
    nobody = bytes(4)
    return (ethernet + kinds + mac + nobody + mac + nobody).ljust(60, b"\0")
