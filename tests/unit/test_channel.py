"""The control channel: whole messages with their descriptors, and an end that is seen."""

import os
import socket
from collections.abc import Iterator

import pytest

from vmdqemu.datapath import channel

Ends = tuple[socket.socket, socket.socket]


@pytest.fixture
def ends() -> Iterator[Ends]:
    ours, theirs = channel.pair()
    with ours, theirs:
        yield ours, theirs


def test_messages_arrive_whole_and_in_order(ends: Ends) -> None:
    ours, theirs = ends
    channel.send(ours, {"do": "serve", "ports": [1, 2]})
    channel.send(ours, {"do": "stop"})
    assert channel.receive(theirs) == ({"do": "serve", "ports": [1, 2]}, [])
    assert channel.receive(theirs) == ({"do": "stop"}, [])


def test_tables_of_many_vms_fit_one_message(ends: Ends) -> None:
    ours, theirs = ends
    message = {"tables": "x" * 200_000}
    channel.send(ours, message)
    assert channel.receive(theirs) == (message, [])


def test_descriptors_arrive_in_order_and_are_the_same_files(ends: Ends) -> None:
    ours, theirs = ends
    files = [os.memfd_create(f"file{number}") for number in range(channel.MAX_FDS)]
    channel.send(ours, {"do": "rings"}, tuple(files))
    received = channel.receive(theirs)
    assert received is not None
    message, fds = received
    assert message == {"do": "rings"}
    assert [os.fstat(fd).st_ino for fd in fds] == [os.fstat(file).st_ino for file in files]
    for fd in (*files, *fds):
        os.close(fd)


def test_no_message_yet_is_not_an_end(ends: Ends) -> None:
    with pytest.raises(BlockingIOError):
        channel.receive(ends[1])


def test_the_other_end_gone_is_none_after_the_last_message(ends: Ends) -> None:
    ours, theirs = ends
    channel.send(ours, {"is": "last"})
    ours.close()
    assert channel.receive(theirs) == ({"is": "last"}, [])
    assert channel.receive(theirs) is None


def test_sending_to_nobody_is_an_error(ends: Ends) -> None:
    ours, theirs = ends
    theirs.close()
    with pytest.raises(OSError, match="Broken pipe"):
        channel.send(ours, {"is": "unheard"})
