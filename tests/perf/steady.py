"""A steady stream of small UDP frames, numbered from 0, to be run inside a namespace.

    python -m tests.perf.steady ADDRESS PORT

trafgen's own pacing comes in bursts of many milliseconds; this one is even to a quarter of one.
"""

import socket
import sys
import time
from itertools import count
from struct import Struct
from typing import Final

NUMBER: Final = Struct("!Q10x")  # a datagram's octets
TICK: Final = 0.000_25  # seconds
FRAMES_A_TICK: Final = 5
FRAMES_A_SECOND: Final = round(FRAMES_A_TICK / TICK)
MOST_SECONDS: Final = 300.0  # it ends by itself at the latest after these


def main(address: str, port: int) -> None:
    """Send; what was late is caught up with, so the rate is kept."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect((address, port))
        due = time.monotonic()
        until, numbers = due + MOST_SECONDS, count()
        while due < until:
            for _ in range(FRAMES_A_TICK):
                sender.send(NUMBER.pack(next(numbers)))
            due += TICK
            time.sleep(max(0.0, due - time.monotonic()))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
