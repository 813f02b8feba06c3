"""`migrate`: a VM goes to another lab."""

from vmdqemu.cli import client, reading
from vmdqemu.daemon import runtime
from vmdqemu.errors import UsageError


def migrate(vm: str, to: str, dry_run: bool, lab: str | None, as_json: bool) -> None:
    """Have a VM moved and print the steps. Raises NotRunning, UsageError, VmdqemuError if it stays."""
    reading.change("migrate", lab or _home(vm), as_json, vm=vm, to=to, dry_run=dry_run)


def _home(vm: str) -> str | None:
    """The running lab that has a VM of that name; None leaves the choice to `client`."""
    labs = [record.lab for record in runtime.records() if runtime.running(record.lab)]
    homes = [lab for lab in labs if vm in _vms(lab)]
    if len(homes) > 1:
        raise UsageError(f"several labs have a VM {vm} ({', '.join(homes)}); name one with --lab")
    if labs and not homes:
        raise UsageError(f"no running lab has a VM {vm!r}; vmdqemu vm list --lab LAB names a lab's")
    return homes[0] if homes else None


def _vms(lab: str) -> set[str]:
    return {vm["name"] for vm in client.ask("vm.list", lab)["vms"]}
