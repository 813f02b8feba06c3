"""A timer of the kernel's (timerfd), to the microsecond: the event loop's own count whole milliseconds."""

import ctypes
import os
import time
from typing import Final

_NONBLOCK: Final = os.O_NONBLOCK
_CLOEXEC: Final = os.O_CLOEXEC
_ABSOLUTE: Final = 1  # TFD_TIMER_ABSTIME
_NANOSECONDS: Final = 1_000_000_000

_libc = ctypes.CDLL(None, use_errno=True)
_Setting = ctypes.c_long * 4  # struct itimerspec: period and first expiration, each seconds and nanoseconds


class Timer:
    """Readable from a moment on. Made before confinement, which leaves only the setting of it."""

    def __init__(self) -> None:
        self._fd: int = _libc.timerfd_create(time.CLOCK_MONOTONIC, _NONBLOCK | _CLOEXEC)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")

    def fileno(self) -> int:
        """For the event loop."""
        return self._fd

    def set(self, moment: float) -> None:
        """Expire at a moment of time.monotonic(); one in the past is now. It replaces an earlier setting."""
        seconds, nanoseconds = divmod(max(1, int(moment * _NANOSECONDS)), _NANOSECONDS)
        setting = _Setting(0, 0, seconds, nanoseconds)
        if _libc.timerfd_settime(self._fd, _ABSOLUTE, ctypes.byref(setting), None) < 0:
            raise OSError(ctypes.get_errno(), "timerfd_settime")

    def clear(self) -> None:
        """It is not readable any more until it is set again."""
        try:
            os.read(self._fd, 8)
        except BlockingIOError:  # set anew meanwhile, and not yet expired
            return

    def close(self) -> None:
        """Give it up."""
        os.close(self._fd)
