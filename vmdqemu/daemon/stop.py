"""Stopping a lab from outside its daemon: `down` and `demo`."""

import os
import select
import signal
from contextlib import suppress
from typing import Final

from netns import lending
from vmdqemu.daemon import runtime
from vmdqemu.daemon.runtime import Record

DEADLINE: Final = 10.0  # seconds a daemon has to undo its lab; four VMs take one


def stop(record: Record) -> None:
    """Stop a lab, and undo what its daemon leaves behind if it is dead or has to be killed."""
    if runtime.running(record.lab):  # who holds the lab's lock wrote the record: the number is the daemon's
        end(record.pid)
    clean(record)


def clean(record: Record) -> None:
    """Undo what a killed lab left behind, the NIC that it borrowed first.

    Raises NetnsError for a NIC that cannot be given back from here; then nothing else is undone either.
    """
    if record.loan is not None:
        lending.give_back(record.loan)
    runtime.clean(record)


def end(pid: int) -> None:
    """Ask a daemon to end, at any moment of its life; kill it if it needs longer than DEADLINE."""
    with suppress(ProcessLookupError):
        daemon = os.pidfd_open(pid)
        try:
            signal.pidfd_send_signal(daemon, signal.SIGTERM)
            if not select.select([daemon], [], [], DEADLINE)[0]:
                signal.pidfd_send_signal(daemon, signal.SIGKILL)
                select.select([daemon], [], [], DEADLINE)
        finally:
            os.close(daemon)
