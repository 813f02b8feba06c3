"""`trace`: why a frame goes where it goes."""

import json
import sys
from collections.abc import Iterable, Iterator
from io import BufferedReader
from pathlib import Path
from typing import Final

from vmdqemu import config as lab_file
from vmdqemu.config_adapter import describe
from vmdqemu.errors import LabFileError, UsageError
from vmdqemu.host.processors import Placing
from vmdqemu.host.vswitch import WIRE
from vmdqemu.nic.adapter import compile_tables
from vmdqemu.nic.frame import parse
from vmdqemu.nic.tables import Tables
from vmdqemu.observe import explanation, pcap
from vmdqemu.observe.explanation import WIRE_NAME, Explanation
from vmdqemu.observe.pcap import Captured

STANDARD_INPUT: Final = "-"


def trace(lab: str | None, changes: list[str], source: str | None, frame: str | None, as_json: bool) -> None:
    """Explain frames in a lab that need not run. Raises LabFileError, UsageError."""
    if lab is None or source is None or frame is None:
        raise UsageError("give a lab file, a port and a frame: trace --lab LAB.toml --from wire FRAME")
    tables, placing = _tables(Path(lab), changes)
    port = port_number(source, tables)
    placement = placing.place(tables)
    frames = _frames(frame)
    show(
        (
            explanation.explain(parse(octets, length, tables.tunnels), port, tables, placement)
            for octets, length in frames
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
    """A port by its name: the wire, or a VM. Raises UsageError, which names those there are."""
    names = {vport.name: number for number, vport in tables.vports.items()}
    if tables.wire:
        names[WIRE_NAME] = WIRE
    if name not in names:
        raise UsageError(f"no port {name!r}; use one of {', '.join(names)}")
    return names[name]


def _tables(file: Path, changes: list[str]) -> tuple[Tables, Placing]:
    """What a lab's adapter rules by, and how its host places queues."""
    config = lab_file.load(file, changes)
    try:
        adapter = describe(config)
    except LabFileError as error:
        raise error.of(file) from None
    return compile_tables(adapter, generation=1), config.host.placing


def _frames(argument: str) -> Iterator[Captured]:
    """Hex digits, or what a file or standard input holds."""
    if argument == STANDARD_INPUT:
        yield from _read(sys.stdin.buffer, "standard input")  # type: ignore[arg-type]
    elif (octets := _hex(argument)) is not None:
        yield Captured(octets, len(octets))
    else:
        try:
            with open(argument, "rb") as stream:
                yield from _read(stream, argument)
        except OSError as error:
            cure = "give a frame as hex digits, or the name of a pcap or pcapng file"
            raise UsageError(f"{argument}: {error.strerror}; {cure}") from None


def _read(stream: BufferedReader, name: str) -> Iterator[Captured]:
    """A capture, or hex digits with a frame a line."""
    if pcap.is_capture(stream.peek(4)):
        try:
            yield from pcap.read(stream)
        except ValueError as error:
            raise UsageError(f"{name}: {error}; give another capture file") from None
        return
    for number, line in enumerate(stream, start=1):
        octets = _hex(line.decode("ascii", "replace"))
        if octets is None:
            raise UsageError(f"{name}, line {number}: neither a capture nor hex digits; give one of them")
        yield Captured(octets, len(octets))


def _hex(text: str) -> bytes | None:
    """Octets as hex digits, spaces and colons between them allowed."""
    try:
        return bytes.fromhex(text.replace(":", " "))
    except ValueError:
        return None
