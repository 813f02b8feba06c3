"""`down`: which labs to stop, running or left behind by a crash."""

from vmdqemu.daemon import privileges, runtime
from vmdqemu.daemon.runtime import Record
from vmdqemu.daemon.stop import stop
from vmdqemu.errors import NotRunning, UsageError


def down(name: str | None, everything: bool) -> None:
    """Stop one lab or all, and undo what is left of them. Raises NotRunning, UsageError, Missing."""
    privileges.require()
    for record in chosen(runtime.records(), name, everything):
        stop(record)
        print(f"lab {record.lab} is down")


def chosen(records: list[Record], name: str | None, everything: bool) -> list[Record]:
    """The labs that are meant: one by its name, all, or the only one."""
    if name is not None and everything:
        raise UsageError("give the name of a lab or --all, not both")
    if name is not None:
        records = [record for record in records if record.lab == name]
    if not records:
        what = "no lab is running" if name is None else f"lab {name} is not running"
        raise NotRunning(f"{what}, and nothing was left behind")
    if len(records) > 1 and not everything:
        names = ", ".join(record.lab for record in records)
        raise UsageError(f"there are several labs ({names}); name one, or use --all")
    return records
