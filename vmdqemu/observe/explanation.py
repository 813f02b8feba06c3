"""Why a frame goes where it goes: its verdict with every step, for the eye and for programs.

The steps are those that the data path itself would take: `decide` makes the verdict, and tells.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from vmdqemu.host import processors
from vmdqemu.host.decide import Verdict, decide
from vmdqemu.host.processors import Placement
from vmdqemu.host.vswitch import WIRE, Delivery, Edit
from vmdqemu.nic import rss, words
from vmdqemu.nic.frame import Frame
from vmdqemu.nic.steps import Step, Steps
from vmdqemu.nic.switch import NicVerdict, ToQueue
from vmdqemu.nic.tables import DEFAULT_VPORT, Tables

SCHEMA_VERSION: Final = 1
WIRE_NAME: Final = "wire"

Document = dict[str, Any]


class Explanation(NamedTuple):
    """One frame's verdict, and how it came about."""

    source: int  # port
    adapter: tuple[Step, ...]
    host: tuple[Step, ...]
    out: tuple[Step, ...]  # the adapter's, with what the host lets out
    verdict: Verdict
    processor: int | None  # who serves the RX queue; None for what a VM sends
    tables: Tables


def explain(
    frame: Frame, source: int, tables: Tables, placement: Placement, arrival: str = ""
) -> Explanation:
    """What becomes of a frame that comes in at port `source`.

    placement: of every RX queue in `tables`; arrival: how it came, in words.
    """
    adapter, host, out, service = Steps(), Steps(), Steps(), Steps()
    verdict = decide(frame, source, tables, adapter.take, host.take, out.take)
    processor = None
    if source not in tables.vports:
        for placed in verdict.nic.queues:
            processor = service.take(processors.processor, placed.queue, placement)
    came = arrival or f"from {port_name(source, tables)}"
    parsed = Step("parse", f"{came}: {words.frame(frame)}", "802.1Q, RFC 791, RFC 8200")
    steps = (parsed, *adapter.taken), (*service.taken, *host.taken), tuple(out.taken)
    return Explanation(source, *steps, verdict, processor, tables)


def port_name(port: int, tables: Tables) -> str:
    """The wire, the VM behind a VPort, or a VF and its VM."""
    if port in tables.vfs:
        return _vf_name(tables.vfs[port].function, tables)
    return WIRE_NAME if port == WIRE else tables.vports[port].name


def _vf_name(vf: int, tables: Tables) -> str:
    vms = {table.function: table.vport.name for table in tables.vfs.values()}
    return f"VF {vf} of {vms[vf]}"


def report(explanations: list[Explanation]) -> Document:
    """All of them in one document."""
    return {"schema_version": SCHEMA_VERSION, "frames": [document(each) for each in explanations]}


def document(explanation: Explanation) -> Document:
    """One frame as JSON types."""
    nic, host = explanation.verdict.nic, explanation.verdict.host
    return {
        "steps": [{"half": half, **step._asdict()} for half, steps in _halves(explanation) for step in steps],
        "nic": {
            "deliveries": [_placed(placed, explanation) for placed in nic.queues],
            "vfs": [_vf_name(vf, explanation.tables) for vf in _switched(explanation.verdict).vfs],
            "wire": _leaves(explanation.verdict),
            "hash": _hash(explanation),
            "drop": nic.drop,
        },
        "host": {
            "deliveries": [_to_vm(to, explanation) for to in _to_vms(explanation.verdict)],
            "lookup": host.lookup,
            "drop": host.drop,
        },
    }


def lines(explanation: Explanation) -> Iterator[str]:
    """One frame for the eye: each half's steps, and what comes of it."""
    widest = max(len(step.name) for _, taken in _halves(explanation) for step in taken)
    for half, taken in _halves(explanation):
        if taken:
            yield half
        for step in taken:
            yield f"  {step.name:{widest}}  {step.outcome}  [{step.source}]"
    served = "" if explanation.processor is None else f" by processor {explanation.processor}"
    yield f"verdict: {summary(explanation.verdict, explanation.tables)}{served}"


def _halves(explanation: Explanation) -> tuple[tuple[str, tuple[Step, ...]], ...]:
    """In the order in which they took their steps."""
    return ("adapter", explanation.adapter), ("host", explanation.host), ("adapter", explanation.out)


def summary(verdict: Verdict, tables: Tables) -> str:
    """What comes of a frame in a few words. A copy may be dropped, and another be a VF's."""
    ways = [
        *([WIRE_NAME] if _leaves(verdict) else []),
        *(f"{port_name(to.port, tables)} channel {to.channel}" for to in _to_vms(verdict)),
        *(_vf_name(vf, tables) for vf in _switched(verdict).vfs),
    ]
    return f"to {', '.join(ways)}" if ways else f"drop, {verdict.drop or _switched(verdict).drop}"


def _switched(verdict: Verdict) -> NicVerdict:
    """What the embedded switch made of the frame: as it came in, or as the host let it out."""
    return verdict.out or verdict.nic


def _leaves(verdict: Verdict) -> bool:
    """Whether it is sent out on the wire. Without VFs that is all that the host's delivery can mean."""
    by_host = any(to.port == WIRE for to in verdict.deliveries)
    return _switched(verdict).wire or (by_host and verdict.out is None)


def _to_vms(verdict: Verdict) -> list[Delivery]:
    return [to for to in verdict.deliveries if to.port != WIRE]


def _placed(placed: ToQueue, explanation: Explanation) -> Document:
    """The default VPort's tags are the vSwitch's to strip."""
    edits = {to.port: to.edit for to in explanation.verdict.deliveries}
    if placed.vport == DEFAULT_VPORT:
        name, edit = explanation.tables.default_name, Edit.KEEP
    else:
        name, edit = port_name(placed.vport, explanation.tables), edits.get(placed.vport, Edit.KEEP)
    return {"vport": name, "queue": placed.queue, "vlan": edit.value}


def _hash(explanation: Explanation) -> Document | None:
    """The hash that the adapter reports, and the entry of the indirection table that it names."""
    nic = explanation.verdict.nic
    spread = (explanation.tables.queues_of(placed.vport)[1] for placed in nic.queues)
    parameters = next((each for each in spread if each is not None), None)
    if nic.hash is None or parameters is None:
        return None
    return {
        "function": "NdisHashFunctionToeplitz",
        "type": nic.hash.type.ndis_name,
        "value": f"{nic.hash.value:#010x}",
        "index": rss.table_index(nic.hash.value, parameters),
    }


def _to_vm(to: Delivery, explanation: Explanation) -> Document:
    name = port_name(to.port, explanation.tables)
    return {"vm": name, "channel": to.channel, "processor": explanation.processor}
