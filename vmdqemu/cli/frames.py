"""The frames that `trace` is given: in short form, as hex digits, or captured."""

import sys
from collections.abc import Callable, Iterator
from io import BufferedReader
from typing import Final

from vmdqemu.errors import UsageError
from vmdqemu.observe import pcap, short_form
from vmdqemu.observe.pcap import Captured
from vmdqemu.observe.short_form import ShortForm

STANDARD_INPUT: Final = "-"
FORMS: Final = "a frame such as tcp,10.0.0.9:1000->10.0.0.1:80, as hex digits"

Compose = Callable[[ShortForm], bytes]  # may raise ValueError


def read(argument: str, compose: Compose) -> Iterator[Captured]:
    """One frame, or what a file or standard input holds. Raises UsageError."""
    if argument == STANDARD_INPUT:
        yield from _read_stream(sys.stdin.buffer, "standard input", compose)  # type: ignore[arg-type]
    elif (octets := _octets(argument, compose)) is not None:
        yield Captured(octets, len(octets))
    else:
        try:
            with open(argument, "rb") as stream:
                yield from _read_stream(stream, argument, compose)
        except OSError as error:
            cure = f"give {FORMS}, or the name of a pcap or pcapng file"
            raise UsageError(f"{argument}: {error.strerror}; {cure}") from None


def _read_stream(stream: BufferedReader, name: str, compose: Compose) -> Iterator[Captured]:
    """A capture, or a frame a line."""
    if pcap.is_capture(stream.peek(4)):
        try:
            yield from pcap.read(stream)
        except ValueError as error:
            raise UsageError(f"{name}: {error}; give another capture file") from None
        return
    for number, line in enumerate(stream, start=1):
        octets = _octets(line.decode("ascii", "replace").strip(), compose)
        if octets is None:
            raise UsageError(f"{name}, line {number}: neither a capture nor a frame; give {FORMS}")
        yield Captured(octets, len(octets))


def _octets(text: str, compose: Compose) -> bytes | None:
    """A frame in short form, or octets as hex digits with spaces and colons between them; None: neither."""
    if short_form.is_short_form(text):
        try:
            return compose(short_form.read(text))
        except ValueError as error:
            raise UsageError(str(error)) from None
    try:
        return bytes.fromhex(text.replace(":", " "))
    except ValueError:
        return None
