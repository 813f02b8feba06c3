"""A captured worker: confined as a worker is, it tries what an intruder would, and says what came of it.

python -m tests.system.captive TAP_FD
"""

import ctypes
import errno
import fcntl
import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from struct import Struct

import pyseccomp

from vmdqemu.datapath.confine import confine, refuse_io_uring

# linux/sockios.h, linux/if_tun.h
SIOCSIFHWADDR = 0x8924
TUNSETPERSIST = 0x400454CB
TUNSETQUEUE = 0x400454D9
TUNSETSTEERINGEBPF = 0x800454E0
TUNSETCARRIER = 0x400454E2
IFF_DETACH_QUEUE = 0x0400

_INT = Struct("i")
_IFREQ_MAC = Struct("16sH6s16x")
_IFREQ_FLAGS = Struct("16sH22x")
_ARPHRD_ETHER = 1

_libc = ctypes.CDLL(None, use_errno=True)


def call(name: str, *arguments: int) -> Callable[[], object]:
    """A system call by its name, for those that Python has no function for."""
    number = pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name)

    def attempt() -> None:
        if _libc.syscall(number, *arguments) < 0:
            raise OSError(ctypes.get_errno(), name)

    return attempt


def attempts(tap: int, friend: socket.socket) -> dict[str, Callable[[], object]]:
    """What is tried. tap: a TAP's descriptor; friend: a socket that was made before."""
    mac = _IFREQ_MAC.pack(b"eth0", _ARPHRD_ETHER, bytes.fromhex("026666666666"))
    return {
        "change the VM's MAC": lambda: fcntl.ioctl(tap, SIOCSIFHWADDR, mac),
        "remove the sorter": lambda: fcntl.ioctl(tap, TUNSETSTEERINGEBPF, _INT.pack(-1)),
        "cut the carrier": lambda: fcntl.ioctl(tap, TUNSETCARRIER, _INT.pack(0)),
        "keep the device for ever": lambda: fcntl.ioctl(tap, TUNSETPERSIST, 1),
        "detach the queue": lambda: fcntl.ioctl(tap, TUNSETQUEUE, _IFREQ_FLAGS.pack(b"", IFF_DETACH_QUEUE)),
        "open": lambda: os.open("/etc/passwd", os.O_RDONLY),
        "socket": lambda: socket.socket(),
        "bind": lambda: friend.bind(("127.0.0.1", 0)),
        "connect": lambda: friend.connect(("127.0.0.1", 1)),
        "setsockopt": lambda: friend.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20),
        "execve": lambda: os.execv("/bin/true", ["true"]),
        "fork": os.fork,
        "kill": lambda: os.kill(os.getppid(), 0),
        "become root": lambda: os.setuid(0),
        "bpf": call("bpf", 0, 0, 0),
        "ptrace": call("ptrace", 0, 0, 0, 0),
        "read another's memory": call("process_vm_readv", os.getppid(), 0, 0, 0, 0, 0),
        "take another's descriptor": call("pidfd_getfd", 0, 0, 0),
        "enter a namespace": call("setns", 0, 0),
        "lift the filter": call("prctl", signal.SIGKILL, 0, 0, 0, 0),
        "io_uring_setup": call("io_uring_setup", 1, 0),
    }


def outcome(attempt: Callable[[], object]) -> str:
    """The error's name, or that there was none."""
    try:
        attempt()
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    return "done"


if __name__ == "__main__":
    refuse_io_uring()
    with socket.socket() as friend:
        intrusions = attempts(int(sys.argv[1]), friend)
        confine()
        print(json.dumps({name: outcome(attempt) for name, attempt in intrusions.items()}), flush=True)
        os._exit(0)  # as a worker does
