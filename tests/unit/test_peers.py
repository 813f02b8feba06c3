"""Daemons that speak with each other: answers, refusals, descriptors, and what happens when one goes."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vmdqemu.daemon import peers, runtime
from vmdqemu.daemon.peers import Peer
from vmdqemu.datapath.channel import Message
from vmdqemu.errors import NotRunning, UsageError, VmdqemuError


class Guest:
    """Does what it is told, and says so."""

    def __init__(self) -> None:
        self.left = asyncio.Event()
        self.over: list[bool] = []

    async def do(self, message: Message, fds: tuple[int, ...], is_over: Callable[[], bool]) -> Message:
        self.over.append(is_over())
        match message["do"]:
            case "read":
                with os.fdopen(fds[0], "rb") as file:
                    return {"octets": file.read().decode()}
            case "refuse":
                raise UsageError("no such thing")
            case "sleep":
                await asyncio.sleep(60)
        return {"said": message["word"]}

    async def leave(self) -> None:
        self.left.set()


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "DIRECTORY", tmp_path)


def conversing(talk: Callable[[Guest], Any]) -> None:
    """Run a talk while lab b answers; the guest leaves afterwards."""

    async def both() -> None:
        guest = Guest()
        path = runtime.path("b", "peer")
        stop = peers.serve(path, lambda: guest)
        assert path.stat().st_mode & 0o777 == 0o600
        await talk(guest)
        await asyncio.wait_for(guest.left.wait(), 5)
        stop()
        assert not path.exists()

    asyncio.run(both())


def test_a_message_gets_its_answer_and_a_refusal_is_what_it_was() -> None:
    async def talk(guest: Guest) -> None:
        with Peer("b") as peer:
            assert await peer.ask("echo", word="x") == {"said": "x"}
            with pytest.raises(UsageError, match="lab b: no such thing"):
                await peer.ask("refuse")
            assert await peer.ask("echo", word="y") == {"said": "y"}
        assert guest.over == [False] * 3

    conversing(talk)


def test_descriptors_travel_along() -> None:
    async def talk(_: Guest) -> None:
        ours, theirs = os.pipe()
        os.write(theirs, b"hello")
        os.close(theirs)
        with Peer("b") as peer:
            assert await peer.ask("read", (ours,)) == {"octets": "hello"}
        os.close(ours)

    conversing(talk)


def test_who_asks_and_goes_is_noticed() -> None:
    async def talk(guest: Guest) -> None:
        with Peer("b") as peer:
            peer._send({"do": "echo", "word": "x"}, ())
        await asyncio.wait_for(guest.left.wait(), 5)
        assert guest.over == [True]

    conversing(talk)


def test_an_answer_that_does_not_come_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "DEADLINE", 0.05)

    async def talk(guest: Guest) -> None:
        with Peer("b") as peer, pytest.raises(VmdqemuError, match="lab b does not answer any more"):
            await peer.ask("sleep")
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.wait_for(guest.left.wait(), 5)

    conversing(talk)


def test_a_lab_that_does_not_run_is_named() -> None:
    with pytest.raises(NotRunning, match="lab c is not running"):
        Peer("c")
