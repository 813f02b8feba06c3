"""`trace --live`: why the frames of a running lab go where they go, as they come."""

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

from vmdqemu.cli.observing import observing
from vmdqemu.cli.trace import port_number, show
from vmdqemu.nic.frame import HEADER_OCTETS
from vmdqemu.observe.explanation import Explanation
from vmdqemu.observe.live import Live


def trace_live(lab: str | None, count: int, source: str | None, as_json: bool) -> None:
    """Explain the next `count` frames, from one port or from all. Raises NotRunning, UsageError."""
    with observing(lab, HEADER_OCTETS) as live:
        ports = {port_number(source, live.tables)} if source else set()
        show(_until_interrupted(islice(_explanations(live, ports), count)), as_json)


def _explanations(live: Live, ports: set[int]) -> Iterator[Explanation]:
    for batch in live.frames():
        yield from (seen.explain() for seen in batch if not ports or seen.record.port in ports)


def _until_interrupted(explanations: Iterator[Explanation]) -> Iterator[Explanation]:
    """What came before a signal is shown."""
    with suppress(KeyboardInterrupt, SystemExit):
        yield from explanations
