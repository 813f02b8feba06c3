"""Ctrl-C at any moment, and nothing left behind.

What is made in one step and registered for its undo in the next must not be parted by a signal. So signals
are taken only where the program waits, and once: the undo is never cut short by a second Ctrl-C.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final, Self

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """Holds signals back while the `with` block runs, except inside `taken`; one that still waits ends it.

    Ctrl-C is KeyboardInterrupt; another signal is SystemExit with the shell's exit code for it.
    """

    def __init__(self) -> None:
        self._came: int | None = None
        self._raised = self._open = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup, or a shell's background
                self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._raise()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """A wait that a signal may end."""
        self._open = True
        try:
            self._raise()
            yield
        finally:
            self._open = False

    def _take(self, number: int, _: FrameType | None) -> None:
        if self._came is None:
            self._came = number
        if self._open:
            self._raise()

    def _raise(self) -> None:
        if self._came is not None and not self._raised:
            self._raised = True
            raise KeyboardInterrupt if self._came == signal.SIGINT else SystemExit(128 + self._came)
