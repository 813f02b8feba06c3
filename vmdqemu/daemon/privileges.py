"""What the kernel asks of the one who builds a lab: root, with capabilities that a container may lack."""

import os
from pathlib import Path
from typing import Final

from vmdqemu.errors import Missing

STATUS: Final = Path("/proc/thread-self/status")

# capabilities(7), by bit
NEEDED: Final = {
    "CAP_KILL": 5,  # end a worker, which is nobody's
    "CAP_SETGID": 6,  # workers become nobody
    "CAP_SETUID": 7,
    "CAP_SETPCAP": 8,  # and give their capabilities up
    "CAP_NET_ADMIN": 12,  # TAPs, links, tc
    "CAP_SYS_ADMIN": 21,  # namespaces and eBPF
    "CAP_SYS_NICE": 23,  # choose a worker's processor
}


def require() -> None:
    """Raises Missing, with the cure, unless this process may build and stop labs."""
    if os.geteuid() != 0:
        raise Missing("namespaces and TAPs need root", "run as root, or with sudo")
    if absent := lacking(STATUS.read_text()):
        cure = "in a container, run it --privileged"
        raise Missing(f"root lacks {', '.join(absent)} here", cure)


def lacking(status: str) -> list[str]:
    """The needed capabilities that are not effective. status: the text of /proc/PID/status."""
    effective = next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapEff:"))
    return [name for name, bit in NEEDED.items() if not effective >> bit & 1]
