"""Numbered frames that flow while something is done to the lab: which of them came, how often, in order?"""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.system import numbered
from tests.system.harness import DEADLINE, RunningLab

PACE = 0.002  # seconds between two bursts
ON_THE_WAY = 1000  # frames at most: every ring has room for them, whoever does not read it for a while
QUIET = 2.0  # seconds without a frame: none is on its way any more


class Stream:
    """Frames from one machine to another, numbered from 0."""

    def __init__(self) -> None:
        self.sent = 0
        self.received: list[int] = []

    @property
    def on_the_way(self) -> int:
        """Those that were sent after the last one that came."""
        return self.sent - 1 - (self.received[-1] if self.received else -1)

    @property
    def missing(self) -> list[int]:
        """Those that never came."""
        return sorted(set(range(self.sent)) - set(self.received))

    @property
    def doubled(self) -> int:
        """Copies beyond the first."""
        return len(self.received) - len(set(self.received))

    @property
    def disturbances(self) -> int:
        """Stretches in which later frames came before earlier ones: between two of them all are in order."""
        stretches, disturbed, highest, seen = 0, False, -1, 0
        for number in self.received:
            disturbed = disturbed or number < highest
            highest, seen = max(highest, number), seen + 1
            if seen == highest + 1:  # whatever was sent until here has come
                stretches += disturbed
                disturbed = False
        return stretches + disturbed

    def assert_whole(self, disturbances: int) -> None:
        """Nothing lost, nothing doubled, and out of order no more often than that."""
        assert (self.missing, self.doubled) == ([], 0)
        assert self.disturbances <= disturbances


@contextmanager
def streaming(lab: RunningLab, sender: str, receiver: str, rate: int = 5000) -> Iterator[Stream]:
    """So many frames a second until the block ends; then those are waited for that are still on their way.

    Fewer if they are not received as fast.
    """
    stream, stop = Stream(), threading.Event()
    links = {name: "wire0" if name == "ext" else "eth0" for name in (sender, receiver)}
    with (
        numbered.link(lab, sender, links[sender]) as source,
        numbered.link(lab, receiver, links[receiver]) as sink,
    ):

        def run() -> None:
            numbered.stay_on_one_cpu()
            while not stop.wait(PACE):
                if stream.on_the_way < ON_THE_WAY:
                    for _ in range(int(rate * PACE)):
                        source.send(numbered.frame(lab, receiver, stream.sent, sender))
                        stream.sent += 1
                stream.received += numbered.read(sink)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield stream
        finally:
            stop.set()
            thread.join()
        _receive_the_rest(stream, sink)


def _receive_the_rest(stream: Stream, sink: socket.socket) -> None:
    """Until all have come, or none has for a while."""
    until = time.monotonic() + QUIET
    while len(stream.received) < stream.sent and time.monotonic() < until:
        if more := numbered.read(sink):
            stream.received += more
            until = time.monotonic() + QUIET
        time.sleep(PACE)


def let_flow(stream: Stream, frames: int = 200) -> None:
    """Wait until some more frames have come."""
    enough = len(stream.received) + frames
    until = time.monotonic() + DEADLINE
    while len(stream.received) < enough:
        assert time.monotonic() < until, "the stream stands still"
        time.sleep(PACE)
