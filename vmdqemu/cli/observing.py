"""Looking at a running lab until enough was seen, or until Ctrl-C; stdout is for what was seen."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from vmdqemu.cli import client
from vmdqemu.experiments.interrupts import Interrupts
from vmdqemu.observe.live import Live


@contextmanager
def observing(lab: str | None, snaplen: int) -> Iterator[Live]:
    """Observe a lab. A signal ends the `with` block between two looks; then it is said what was not seen.

    Raises NotRunning, UsageError.
    """
    with suppress(KeyboardInterrupt, SystemExit), Interrupts() as interrupts:

        def pause(seconds: float) -> None:
            with interrupts.taken():
                time.sleep(seconds)

        live = Live(lambda octets: client.ask("observe", lab, snaplen=octets), snaplen, pause)
        _say("observing; Ctrl-C ends it")
        try:
            yield live
        finally:
            _say_what_was_missed(live)


def _say_what_was_missed(live: Live) -> None:
    if live.lost:
        _say(f"not seen, because they came faster than they were read: {live.lost:,} frames")
    if live.interrupted:
        _say("not seen, because this command was stopped or could not write: all frames for a while")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
