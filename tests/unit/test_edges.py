"""Rings speak once, and to a processor that rests not at all."""

import select
import socket
from collections.abc import Iterator

import pytest

from vmdqemu.datapath.edges import Edges

ARMED = select.EPOLLIN | select.EPOLLET


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with near, far:
        yield near, far


@pytest.fixture
def edges() -> Iterator[Edges]:
    made = Edges()
    yield made
    made.close()


def wakes(edges: Edges) -> bool:
    readable, _, _ = select.select([edges], [], [], 0)
    return bool(readable)


def test_a_ring_speaks_once(edges: Edges, ends: tuple[socket.socket, socket.socket]) -> None:
    near, far = ends
    edges.register(near.fileno(), ARMED)
    assert not wakes(edges)
    far.send(b"frame")
    assert wakes(edges)
    assert edges.poll() == [(near.fileno(), select.EPOLLIN)]
    assert not wakes(edges)


def test_what_speaks_during_a_rest_is_heard_afterwards(
    edges: Edges, ends: tuple[socket.socket, socket.socket]
) -> None:
    near, far = ends
    edges.register(near.fileno(), ARMED)
    edges.rest()
    far.send(b"frame")
    assert not wakes(edges)
    edges.listen()
    assert wakes(edges)
    assert edges.poll() == [(near.fileno(), select.EPOLLIN)]


def test_a_ring_that_was_let_go_is_silent(edges: Edges, ends: tuple[socket.socket, socket.socket]) -> None:
    near, far = ends
    edges.register(near.fileno(), ARMED)
    edges.unregister(near.fileno())
    far.send(b"frame")
    assert not wakes(edges)
