"""`vm add`: a file's VMs for a running lab."""

from pathlib import Path

from vmdqemu import config as lab_file
from vmdqemu.cli import reading
from vmdqemu.errors import LabFileError


def add(file: Path, lab: str | None, as_json: bool) -> None:
    """Add the VMs of a file. Raises LabFileError, NotRunning, UsageError, VmdqemuError."""
    try:
        reading.change("vm.add", lab, as_json, tables=lab_file.read_text(file))
    except LabFileError as error:
        raise error.of(file) from None
