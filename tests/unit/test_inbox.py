"""An inbox: what is written into it is read from it, in order, and from nobody else."""

import os
import socket

import pytest

from vmdqemu.datapath import inbox

pytestmark = pytest.mark.system  # a large buffer takes CAP_NET_ADMIN


def test_frames_are_read_whole_and_in_order() -> None:
    fd = inbox.make()
    frames = [bytes([number]) * (60 + number) for number in range(200)] + [bytes(65_000)]
    for frame in frames:
        assert os.write(fd, frame) == len(frame)
    assert [os.read(fd, 1 << 17) for _ in frames] == frames
    with pytest.raises(BlockingIOError):
        os.read(fd, 1 << 17)
    os.close(fd)


def test_it_holds_what_a_default_ring_holds_and_refuses_the_rest() -> None:
    fd = inbox.make()
    for _ in range(4096):
        os.write(fd, bytes(70))
    with pytest.raises(BlockingIOError):
        _fill(fd)
    os.close(fd)


def _fill(fd: int) -> None:
    while True:
        os.write(fd, bytes(70))


def test_nobody_else_can_put_a_frame_in() -> None:
    fd = inbox.make()
    name = socket.socket(fileno=os.dup(fd)).getsockname()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger, pytest.raises(PermissionError):
        stranger.connect(name)
    os.close(fd)
