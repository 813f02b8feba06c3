"""A link's packet counters as the kernel has them: one read of /proc, no fork, about 35 us."""

from pathlib import Path
from typing import NamedTuple

from netns import namespace

# Linux net/core/net-procfs.c, dev_seq_printf_stats():
#   receive:  bytes packets errs drop fifo frame compressed multicast
#   transmit: bytes packets errs drop fifo colls carrier compressed
_HEADER_LINES = 2
_TRANSMIT = 8


class LinkCounters(NamedTuple):
    """One link since it was made, in packets (a superframe is one) and bytes.

    `rx_dropped` is the kernel's rx_dropped + rx_missed_errors: /proc/net/dev has only the sum.
    """

    rx_packets: int
    rx_bytes: int
    rx_errors: int
    rx_dropped: int
    tx_packets: int
    tx_bytes: int
    tx_errors: int
    tx_dropped: int


def read(ns: str) -> dict[str, LinkCounters]:
    """Counters of every link in the namespace, by link name.

    Raises NamespaceMissing.
    """
    with namespace.entered(ns):
        return parse(Path("/proc/thread-self/net/dev").read_text())


def parse(text: str) -> dict[str, LinkCounters]:
    """The text of /proc/net/dev as counters by link name."""
    return dict(_parse_line(line) for line in text.splitlines()[_HEADER_LINES:])


def _parse_line(line: str) -> tuple[str, LinkCounters]:
    name, _, numbers = line.partition(":")
    columns = [int(number) for number in numbers.split()]
    rx_bytes, rx_packets, rx_errors, rx_dropped = columns[:4]
    tx_bytes, tx_packets, tx_errors, tx_dropped = columns[_TRANSMIT : _TRANSMIT + 4]
    return name.strip(), LinkCounters(
        rx_packets, rx_bytes, rx_errors, rx_dropped, tx_packets, tx_bytes, tx_errors, tx_dropped
    )
