"""`up` and `validate`: from a lab file."""

import json
from ipaddress import ip_interface
from itertools import permutations
from pathlib import Path

from vmdqemu import config as lab_file
from vmdqemu.cli import table
from vmdqemu.config import LabConfig
from vmdqemu.config_adapter import describe
from vmdqemu.config_schema import toml_schema
from vmdqemu.daemon import main, start
from vmdqemu.errors import LabFileError, UsageError


def up(file: Path, detach: bool) -> None:
    """Build a lab, say how to use it, and serve it here or in the background."""
    lab = load(file)
    if detach:
        start.start_detached(file)
        show(lab, f"stop: vmdqemu down {lab.name}")
    else:
        main.run(lab, file, lambda: show(lab, "stop: Ctrl-C"))


def validate(file: Path | None, schema: bool) -> None:
    """Say that a lab file is right, or print the schema of all of them. Raises LabFileError, UsageError."""
    if schema:
        print(json.dumps(toml_schema(LabConfig), indent=2))
    elif file is None:
        raise UsageError("give a lab file, or --schema")
    else:
        load(file)
        print(f"{file}: ok")


def load(file: Path) -> LabConfig:
    """A lab file that is right in itself and asks nothing that its adapter refuses. Raises LabFileError."""
    lab = lab_file.load(file)
    try:
        describe(lab)
    except LabFileError as error:
        raise error.of(file) from None
    return lab


def show(lab: LabConfig, how_to_stop: str) -> None:
    """A lab that is up, in a few lines."""
    print(f"lab {lab.name} is up: model {lab.adapter.model}, mode {lab.adapter.mode}")
    rows = [(each.name, lab.namespace(each), " ".join(each.addresses)) for each in lab.machines]
    table.show(("name", "namespace", "addresses"), rows)
    if command := example(lab):
        print(f"try:  {command}")
    print(how_to_stop, flush=True)


def example(lab: LabConfig) -> str | None:
    """A ping that is answered: two machines in one VLAN and one network, if there are."""
    for machine, peer in permutations(lab.machines, 2):
        if machine.vlan == peer.vlan:
            networks = [ip_interface(address).network for address in machine.addresses]
            for address in map(ip_interface, peer.addresses):
                if address.network in networks:
                    return f"ip netns exec {lab.namespace(machine)} ping -c 3 {address.ip}"
    return None
