"""`trace`: why a frame goes where it goes."""

import json
from collections.abc import Iterable
from pathlib import Path

from vmdqemu import config as lab_file
from vmdqemu.cli import frames
from vmdqemu.config import LabConfig
from vmdqemu.config_adapter import describe_running
from vmdqemu.errors import LabFileError, UsageError
from vmdqemu.host.vswitch import WIRE
from vmdqemu.nic.adapter import compile_tables
from vmdqemu.nic.frame import parse
from vmdqemu.nic.tables import Tables
from vmdqemu.observe import composer, explanation
from vmdqemu.observe.explanation import WIRE_NAME, Explanation
from vmdqemu.observe.neighbours import Neighbours
from vmdqemu.observe.short_form import ShortForm


def trace(lab: str | None, changes: list[str], source: str | None, frame: str | None, as_json: bool) -> None:
    """Explain frames in a lab that need not run. Raises LabFileError, UsageError."""
    if lab is None or source is None or frame is None:
        raise UsageError("give a lab file, a port and a frame: trace --lab LAB.toml --from wire FRAME")
    config = lab_file.load(Path(lab), changes)
    tables = _tables(Path(lab), config)
    port = port_number(source, tables)
    placement = config.host.placing.place(tables)
    neighbours = Neighbours(config, source)

    def compose(form: ShortForm) -> bytes:
        return composer.compose(neighbours.resolve(form), config.adapter.vxlan_port)

    show(
        (
            explanation.explain(parse(octets, length, tables.tunnels), port, tables, placement)
            for octets, length in frames.read(frame, compose)
        ),
        as_json,
    )


def show(explanations: Iterable[Explanation], as_json: bool) -> None:
    """Print each as it comes, or all of them as one document."""
    if as_json:
        print(json.dumps(explanation.report(list(explanations)), indent=2))
        return
    for number, each in enumerate(explanations):
        print(*([""] if number else []), *explanation.lines(each), sep="\n", flush=True)


def port_number(name: str, tables: Tables) -> int:
    """A port by its name: the wire, or a VM, which sends by its VF if it has one.

    Raises UsageError, which names those there are.
    """
    names = {vport.name: number for number, vport in tables.vports.items()}
    names |= {vf.vport.name: number for number, vf in tables.vfs.items()}
    if tables.wire:
        names[WIRE_NAME] = WIRE
    if name not in names:
        raise UsageError(f"no port {name!r}; use one of {', '.join(names)}")
    return names[name]


def _tables(file: Path, config: LabConfig) -> Tables:
    """What a lab's adapter rules by. Raises LabFileError."""
    try:
        adapter = describe_running(config)
    except LabFileError as error:
        raise error.of(file) from None
    return compile_tables(adapter, generation=1)
