"""Confinement: what a worker gives up before it reads the first frame.

A TAP's file descriptor is a control handle: with no capability at all its holder could change the VM's MAC,
remove the sorter or cut the carrier by ioctl. So a worker keeps no capability, becomes nobody, can gain no
privilege by exec, and is left with the system calls of its loop. What it may not do fails with EPERM.

Everything that is imported later would have to be opened, so all imports come first.
"""

import ctypes
import errno
import fcntl
import os
from typing import Final

import pyseccomp

NOBODY: Final = 65534

_PR_CAPBSET_DROP = 24
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_LAST_CAPABILITY = "/proc/sys/kernel/cap_last_cap"

ALLOWED: Final = (
    # the steady state
    *("read", "readv", "write", "writev", "epoll_pwait", "epoll_wait"),
    # moderation: mask and unmask a ring, and know when
    *("epoll_ctl", "timerfd_settime"),
    # the control channel: rings come and go, counters are mapped
    *("recvmsg", "sendmsg", "close", "mmap", "munmap", "mremap", "madvise", "brk"),
    # the interpreter and the event loop
    *(
        "fstat",
        "newfstatat",
        "futex",
        "clock_gettime",
        "clock_nanosleep",
        "sched_yield",
        "getpid",
        "gettid",
        "getrandom",
    ),
    *("rt_sigreturn", "rt_sigaction", "rt_sigprocmask", "sigaltstack", "exit", "exit_group"),
)

_libc = ctypes.CDLL(None, use_errno=True)


def refuse_io_uring() -> None:
    """Have no ring of system calls, which no filter sees. Called before the event loop looks for one."""
    deny_list = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    deny_list.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "io_uring_setup")
    deny_list.load()


def confine() -> None:
    """Give everything up, for good. Needs root; called once, with one thread running."""
    _drop_capabilities()
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)  # from root to another user: all capability sets are emptied
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _filter_system_calls()


def _drop_capabilities() -> None:
    with open(_LAST_CAPABILITY) as last:
        capabilities = range(int(last.read()) + 1)
    for capability in capabilities:
        _prctl(_PR_CAPBSET_DROP, capability)
    _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)


def _prctl(option: int, argument: int) -> None:
    if _libc.prctl(option, argument, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl({option}, {argument}): {os.strerror(number)}")


def _filter_system_calls() -> None:
    allow_list = pyseccomp.SyscallFilter(pyseccomp.ERRNO(errno.EPERM))
    for name in ALLOWED:
        allow_list.add_rule(pyseccomp.ALLOW, name)
    duplicate = pyseccomp.Arg(1, pyseccomp.EQ, fcntl.F_DUPFD_CLOEXEC)  # mmap.mmap() begins with it
    allow_list.add_rule(pyseccomp.ALLOW, "fcntl", duplicate)
    allow_list.load()
