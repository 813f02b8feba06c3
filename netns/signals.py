"""Signals that wait until what must not be cut short is done."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

ENDS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}  # Ctrl-C, `kill`, a terminal that closes


def heard() -> set[signal.Signals]:
    """Those that would end this process. nohup, or a shell's background, has some of them ignored."""
    return {number for number in ENDS if signal.getsignal(number) is not signal.SIG_IGN}


@contextmanager
def uninterrupted() -> Iterator[None]:
    """For this thread and for the commands it runs meanwhile. A signal that comes now is taken at the end."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def heed() -> None:
    """Between two steps of what is `uninterrupted`: KeyboardInterrupt if a signal waits, whichever it is."""
    if signal.sigpending() & heard():
        raise KeyboardInterrupt
