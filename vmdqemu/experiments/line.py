"""What a cable carries: the most TCP that full frames leave room for."""

from typing import Final

HEADERS: Final = 52  # octets of each frame's MTU that are not payload: IPv4, TCP with timestamps
CABLE: Final = 38  # and beside the MTU: Ethernet, FCS, preamble, inter-frame gap


def payload(mtu: int) -> int:
    """Octets of TCP payload in a full frame."""
    return mtu - HEADERS


def capacity(rate: float, mtu: int) -> float:
    """Gbit/s of TCP payload on a line of `rate` Mbit/s: 9.415 of 10 GbE with frames of 1500."""
    return rate / 1e3 * payload(mtu) / (mtu + CABLE)


def gbit_per_s(frames_per_s: float, mtu: int) -> float:
    """TCP payload of so many full frames."""
    return frames_per_s * payload(mtu) * 8 / 1e9
