"""Looking ends by a signal without an error, and says what was not seen."""

import os
import signal

import pytest

from tests.unit.builders import mac, octets
from tests.unit.observed import observed
from vmdqemu.cli import client
from vmdqemu.cli.observing import observing

STARTED = "observing; Ctrl-C ends it\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_without_an_error(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(number)
    taken = []
    with observed() as lab:
        monkeypatch.setattr(client, "ask", lambda *_, snaplen: lab(snaplen))
        with observing(None, 256) as live:
            for batch in live.frames():
                os.kill(os.getpid(), number)
                taken.append(batch)  # what was seen is done with first
    assert taken == [[]]
    assert signal.getsignal(number) is before
    assert capsys.readouterr() == ("", STARTED)


def test_what_was_not_seen_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with observed() as lab:
        monkeypatch.setattr(client, "ask", lambda *_, snaplen: lab(snaplen))
        with observing("two", 256) as live:
            lab.read(1, octets(mac(1), mac(9)), port=9)
            next(live.frames())
            live.interrupted = True
    assert capsys.readouterr().err == (
        f"{STARTED}not seen, because they came faster than they were read: 1 frames\n"
        "not seen, because this command was stopped or could not write: all frames for a while\n"
    )
