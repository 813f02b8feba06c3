"""RSS of a running lab: entries move, keys change, RSS goes off and on; no frame is lost or out of order."""

import random
import socket
import struct
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from netns import namespace
from tests.system import numbered
from tests.system.harness import RunningLab, eventually, running
from vmdqemu.errors import VmdqemuError

pytestmark = pytest.mark.system

FLOWS = 16
PAUSE = 0.006  # seconds between two rounds of frames: a third of what a processor takes, at its speed
SLOW = "0.1"  # frames wait in their rings when a change comes
NERVOUS = """placement = "dynamic"
[host.balancer]
upper = 0.04
lower = 0.03
margin = 0.01
period = 0.1
patience = 0.1
rest = 0.1
budget = 1000
"""
SENDER = bytes([192, 0, 2, 1])
LAB = """
[adapter]
mode = "vmmq"
ring = 8192
[host]
processors = 2
speed = SPEED
[wire]
[[vm]]
name = "vm1"
queues = 4
rss_table_size = 32
[[vm]]
name = "vm2"
"""


def frame(lab: RunningLab, flow: int, number: int) -> bytes:
    """A UDP frame from ext to vm1, to an IP address that nobody has."""
    link = bytes.fromhex((lab.mac("vm1") + lab.mac("ext")).replace(":", "")) + b"\x08\x00"
    ip = struct.pack(
        "!BBHHHBBH4s4s", 0x45, 0, 32, 0, 0, 64, 17, 0, bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2])
    )
    return (link + ip + struct.pack("!4HI", flow, 9, 12, 0, number)).ljust(60, b"\0")


@contextmanager
def raw(lab: RunningLab) -> Iterator[socket.socket]:
    """The IPv4 frames that reach vm1."""
    with namespace.entered(lab.ns("vm1")):
        inside = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
    with inside:
        inside.setsockopt(socket.SOL_SOCKET, numbered.SO_RCVBUFFORCE, 1 << 26)
        inside.setblocking(False)
        yield inside


def seen(end: socket.socket, into: dict[int, list[int]]) -> int:
    """Take what has come in: the numbers of each flow in their order. How many there are by now."""
    while True:
        try:
            octets = end.recv(2048)
        except BlockingIOError:
            return sum(map(len, into.values()))
        if octets[23] == 17 and octets[26:30] == SENDER:
            into[struct.unpack_from("!H", octets, 34)[0]].append(struct.unpack_from("!I", octets, 42)[0])


def any_change(lab: RunningLab, random_: random.Random) -> None:
    """Move some entries, or change how frames are hashed and spread."""
    name = random_.choice(["vm1", "vm1", "vm1", "default"])
    first = random_.randrange(30)
    entries = random_.choice([f"{first}-{first + 1}", f"{first}", "default", "primary", "all"])
    changes: list[Callable[[], object]] = [
        lambda: lab.call("rss.move", vport=name, entries=entries, processor=random_.randrange(2)),
        lambda: lab.call("rss.set", vport=name, enabled=random_.choice([True, True, False])),
        lambda: lab.call("rss.set", vport=name, key=random_.randbytes(40).hex()),
        lambda: lab.call("rss.set", vport=name, types=random_.choice([["IPV4"], ["IPV4", "UDP_IPV4"]])),
        lambda: lab.call("queue.set", queue=random_.randrange(7), processor=random_.randrange(2)),
    ]
    random_.choice([changes[0], changes[0], *changes])()


@contextmanager
def flowing(lab: RunningLab, outside: socket.socket, *, unrelated: bool = True) -> Iterator[list[int]]:
    """Send to every flow and to vm2, round by round, all the time; the list has the rounds' numbers.

    unrelated: whether vm2 gets any.
    """
    rounds: list[int] = []
    end = threading.Event()

    def send() -> None:
        numbered.stay_on_one_cpu()
        while not end.wait(PAUSE):
            for flow in range(FLOWS):
                outside.send(frame(lab, flow, len(rounds)))
            if unrelated:
                outside.send(numbered.frame(lab, "vm2", len(rounds)))
            rounds.append(len(rounds))

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield rounds
    finally:
        end.set()
        sender.join()


def test_numbered_flows_survive_every_change_of_rss(tmp_path: Path, full: bool) -> None:
    random_ = random.Random(4)
    text = LAB.replace("SPEED", SLOW)
    with running(text, tmp_path) as lab, numbered.link(lab, "ext", "wire0") as outside:
        with raw(lab) as inside, numbered.link(lab, "vm2", "eth0") as other:
            flows: dict[int, list[int]] = defaultdict(list)
            unrelated: list[int] = []
            with flowing(lab, outside) as sent:
                for _ in range(300 if full else 40):
                    any_change(lab, random_)
                    seen(inside, flows)
                    unrelated += numbered.read(other)
            eventually(lambda: seen(inside, flows) == FLOWS * len(sent), "every frame arrives")
            numbered.receive(other, unrelated, len(sent))
        assert unrelated == sent
        assert flows == dict.fromkeys(range(FLOWS), sent)
        assert lab.port("wire")["drops"] == {}
        assert lab.port("wire")["ring_overflow"] == 0


def test_numbered_flows_survive_a_balancer_that_moves_entries(tmp_path: Path, full: bool) -> None:
    """An operator who draws all entries together gives it something to do.

    The other processor has nothing else to serve: on a busy machine it would have no room, since a worker
    that waits for the CPU is busy too.
    """

    def moves() -> int:
        events = lab.call("events")["events"]
        return sum(event["event"] == "entries-moved" and event["by"] == "balancer" for event in events)

    text = LAB.replace("SPEED", SLOW).replace("[wire]", f"{NERVOUS}[wire]")
    with running(text, tmp_path) as lab, numbered.link(lab, "ext", "wire0") as outside, raw(lab) as inside:
        flows: dict[int, list[int]] = defaultdict(list)
        with flowing(lab, outside, unrelated=False) as sent:
            for processor in range(20 if full else 4):
                made = moves()  # before: the balancer may be quicker than the next question
                lab.call("rss.move", vport="vm1", entries="all", processor=processor % 2)
                eventually(partial(_more, moves, made), "the balancer moves entries")
                seen(inside, flows)
        eventually(lambda: seen(inside, flows) == FLOWS * len(sent), "every frame arrives")
        assert flows == dict.fromkeys(range(FLOWS), sent)
        assert lab.port("wire")["drops"] == {}
        assert lab.port("wire")["ring_overflow"] == 0


def _more(count: Callable[[], int], before: int) -> bool:
    return count() > before


def arrivals(lab: RunningLab) -> list[int]:
    """At each RX queue of vm1, counted in the kernel."""
    return [row["arrivals"] for row in lab.call("queue.list")["queues"] if row["VmFriendlyName"] == "vm1"]


def arrived(lab: RunningLab, outside: socket.socket) -> set[int]:
    """The queues of vm1, counted from 0, that 64 flows arrive in."""
    before = arrivals(lab)
    for flow in range(64):
        outside.send(frame(lab, flow, 0))
    eventually(lambda: sum(arrivals(lab)) == sum(before) + 64, "all arrive")
    return {queue for queue, (then, now) in enumerate(zip(before, arrivals(lab), strict=True)) if now > then}


def test_a_change_takes_effect_in_the_queue_that_frames_arrive_in(tmp_path: Path) -> None:
    """vm1's queues are on processors 0, 1, 0, 1."""
    text = LAB.replace("SPEED", "1.0")
    with running(text, tmp_path) as lab, numbered.link(lab, "ext", "wire0") as outside:
        assert arrived(lab, outside) == {0, 1, 2, 3}
        lab.call("rss.move", vport="vm1", entries="all", processor=1)
        assert arrived(lab, outside) == {1, 3}
        lab.call("rss.set", vport="vm1", enabled=False)
        assert arrived(lab, outside) == {0}
        lab.call("rss.set", vport="vm1", enabled=True)
        assert arrived(lab, outside) == {1, 3}
        lab.call("rss.set", vport="vm1", types=["TCP_IPV4"])
        (unhashed,) = arrived(lab, outside)
        row = next(row for row in lab.call("rss.list")["vports"] if row["name"] == "vm1")
        assert (row["types"], row["default"], unhashed) == (["TCP_IPV4"], 1, 1)
        lab.call("rss.set", vport="vm1", types=["IPV4"])
        assert len(arrived(lab, outside)) == 1


@pytest.mark.parametrize(
    ("method", "params", "message"),
    [
        ("rss.move", {"vport": "vm1", "entries": "0", "processor": 2}, "no processor 2; use 0 to 1"),
        (
            "rss.move",
            {"vport": "vm1", "entries": "32", "processor": 1},
            "'32' is not in the table; use 0 to",
        ),
        ("rss.move", {"vport": "vm1", "entries": "x", "processor": 1}, "'x' is no entry; use numbers"),
        ("rss.move", {"vport": "vm2", "entries": "0", "processor": 1}, "vm2 has one queue in mode vmmq"),
        (
            "rss.move",
            {"vport": "vm9", "entries": "0", "processor": 1},
            "no VM 'vm9'; choose one of: vm1,",
        ),
        ("rss.set", {"vport": "vm1"}, "nothing to set"),
        ("rss.set", {"vport": "vm1", "key": "00"}, "key: it has 1 octets; use 40 octets in hex"),
        ("rss.set", {"vport": "vm1", "types": ["TCP"]}, "types: 'TCP' is no hash type; use any of IPV4,"),
        ("rss.set", {"vport": "vm1", "types": "TCP"}, "types: not a list"),
        ("rss.set", {"vport": "vm1", "entries": 3}, "NDIS_STATUS_INVALID_PARAMETER: the adapter refuses"),
        ("rss.set", {"vport": "vm1", "entries": True}, "entries: True is not a whole number"),
        ("rss.set", {"vport": "vm1", "queues": 1}, "NDIS_STATUS_NO_QUEUES: .*; more processors than queues"),
        ("rss.set", {"vport": "default", "queues": 1}, "NDIS_STATUS_NO_QUEUES"),
    ],
)
def test_a_mistake_is_told_with_its_cure_and_changes_nothing(
    shared: RunningLab, method: str, params: dict[str, object], message: str
) -> None:
    before = shared.call("rss.list")
    with pytest.raises(VmdqemuError, match=message):
        shared.call(method, **params)
    assert shared.call("rss.list") == before


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    with running(LAB.replace("SPEED", "1.0"), tmp_path_factory.mktemp("shared")) as lab:
        yield lab


def test_a_queue_that_was_moved_stays_where_it_is_when_its_vport_changes(shared: RunningLab) -> None:
    """A table of processors would change silently otherwise."""
    shared.call("queue.set", queue=2, processor=1)
    before = shared.call("rss.list")
    assert before["vports"][1]["processors"][:2] == [1, 1]
    shared.call("filter.set", vm="vm1", mac="02:00:00:00:00:aa")
    shared.call("filter.clear", filter=3)
    assert shared.call("rss.list") == before


def test_a_queue_that_only_goes_to_another_processor_has_one_reader_there(shared: RunningLab) -> None:
    """RSS is off, so the first queue takes everything: no table changes."""
    shared.call("rss.set", vport="vm1", enabled=False)
    (queue, *_) = (row["QueueID"] for row in shared.call("queue.list")["queues"] if row["VmFriendlyName"])
    for processor in (1, 0, 1):
        shared.call("rss.move", vport="vm1", entries="primary", processor=processor)
        read = [row["queues"].count(queue) for row in shared.call("processor.list")["processors"]]
        assert read == [1 - processor, processor]
    shared.call("rss.set", vport="vm1", enabled=True)
