"""The frames that a command is given: every form on the command line and on standard input."""

import io
import sys
from pathlib import Path

import pytest

from vmdqemu.cli import frames
from vmdqemu.errors import UsageError
from vmdqemu.observe import short_form
from vmdqemu.observe.pcap import Captured
from vmdqemu.observe.short_form import ShortForm


def compose(form: ShortForm) -> bytes:
    """No frame, but told from others."""
    if form.length == 0:
        raise ValueError("too short")
    return short_form.spelled(form).encode()


def octets(argument: str) -> list[bytes]:
    found = list(frames.read(argument, compose))
    assert all(len(frame.octets) == frame.length for frame in found)
    return [frame.octets for frame in found]


def test_a_frame_is_composed_or_read() -> None:
    assert octets("arp,10.0.0.9->10.0.0.1") == [b"arp,10.0.0.9->10.0.0.1"]
    assert octets("00:01 02ff") == [b"\0\1\2\xff"]


def test_lines_may_have_any_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = b"ether\r\n00 01\nether,vlan=5\n"
    file = tmp_path / "frames.txt"
    file.write_bytes(lines)
    assert octets(str(file)) == [b"ether", b"\0\1", b"ether,vlan=5"]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(lines))))
    assert octets("-") == octets(str(file))


def test_frames_come_one_by_one(tmp_path: Path) -> None:
    file = tmp_path / "frames.txt"
    file.write_text("00\nnone\n")
    found = frames.read(str(file), compose)
    assert next(found) == Captured(b"\0", 1)
    with pytest.raises(UsageError, match="line 2: neither a capture nor a frame"):
        next(found)


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("ether,length=0", "too short"),
        ("ether,vlan=x", "vlan: 'x' cannot be; use 0 to 4095"),
        ("tpc,10.0.0.9", "tpc,10.0.0.9: No such file or directory; give a frame such as tcp,10.0.0.9:1000"),
    ],
)
def test_what_is_no_frame_is_refused(argument: str, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        octets(argument)
    assert str(raised.value).startswith(said)
