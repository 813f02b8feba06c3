"""Asking the daemon of a running lab."""

from vmdqemu.daemon import control, runtime
from vmdqemu.daemon.control import Document


def ask(method: str, lab: str | None, **params: object) -> Document:
    """The daemon's answer. lab: its name; None means the only one running. Raises VmdqemuError."""
    record = runtime.find(lab)
    answer: Document = control.call(runtime.path(record.lab, "sock"), method, params)
    return answer
