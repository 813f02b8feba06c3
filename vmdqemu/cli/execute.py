"""`exec`: this process becomes a command in a VM, so that its exit code, signals and terminal are its own."""

import os
from typing import NoReturn

from netns import namespace
from vmdqemu.cli import client
from vmdqemu.config import EXT
from vmdqemu.daemon.control import Document
from vmdqemu.errors import UsageError


def execute(vm: str, command: list[str], lab: str | None) -> NoReturn:
    """Run a command in a VM or an outside host. Raises NotRunning, UsageError."""
    argv = namespace.command(namespace_of(vm, client.ask("status", lab)), command)
    os.execvp(argv[0], argv)


def namespace_of(vm: str, status: Document) -> str:
    """The namespace of a VM, of an outside host, or of "ext". Raises UsageError."""
    namespaces = {row["name"]: row["namespace"] for row in (*status["vms"], *status["outside"])}
    if status["wire"] is not None:
        namespaces[EXT] = status["wire"]["namespace"]
    if vm not in namespaces:
        raise UsageError(f"lab {status['lab']} has no machine {vm}; choose one of: {', '.join(namespaces)}")
    return str(namespaces[vm])
