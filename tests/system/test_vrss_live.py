"""vRSS: one VMQ, and its flows on several channels and processors (row D13)."""

import socket
import struct
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from netns import namespace
from tests.system import numbered
from tests.system.command import vmdqemu
from tests.system.harness import RunningLab, eventually, running

pytestmark = pytest.mark.system

PORT: Final = 9000
CHANNELS: Final = 4
LAB: Final = """
[adapter]
mode = "vmq"
ring = 8192
[host]
processors = 4
[wire]
address = "10.0.0.254/24"
[[vm]]
name = "vm1"
address = "10.0.0.1/24"
queues = {channels}
vrss = {vrss}
"""


class Flows:
    """UDP flows from ext into vm1, each numbered by itself."""

    def __init__(self, lab: RunningLab, flows: int, stack: ExitStack) -> None:
        with namespace.entered(lab.ns("vm1")):
            self._sink = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self._sink.setsockopt(socket.SOL_SOCKET, 33, 1 << 26)  # SO_RCVBUFFORCE
        self._sink.bind(("10.0.0.1", PORT))
        self._sink.setblocking(False)
        lab.run("ext", "ping", "-c", "1", "10.0.0.1")  # nothing waits for an address to be resolved
        self._sources = []
        for _ in range(flows):
            with namespace.entered(lab.ns("ext")):
                source = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            source.connect(("10.0.0.1", PORT))
            self._sources.append(source)
        self.received: list[list[int]] = [[] for _ in range(flows)]
        self._sent = 0

    def send(self, count: int) -> None:
        for number in range(self._sent, self._sent + count):
            for flow, source in enumerate(self._sources):
                source.send(struct.pack("!HI", flow, number))
        self._sent += count

    def read(self) -> None:
        while True:
            try:
                flow, number = struct.unpack("!HI", self._sink.recv(64))
            except BlockingIOError:
                return
            self.received[flow].append(number)

    def assert_in_order(self) -> None:
        """Everything has come, once, and in its flow's order."""

        def complete() -> bool:
            self.read()
            return all(len(numbers) >= self._sent for numbers in self.received)

        eventually(complete, "all datagrams")
        assert self.received == [list(range(self._sent))] * len(self.received)


def _channels(lab: RunningLab) -> int:
    """Channels of vm1 that got most of one datagram of each flow or more."""
    return sum(ring["writes"] > 50 for ring in lab.port("vm1")["rings"])


def _handed_over(lab: RunningLab) -> list[int]:
    return [inbox["reads"] for inbox in lab.call("stats")["inboxes"]]


@pytest.mark.parametrize(("flows", "spread"), [(1, 1), (64, CHANNELS)])
def test_flows_are_spread_over_channels_and_processors_each_in_order(
    flows: int, spread: int, tmp_path: Path
) -> None:
    text = LAB.format(channels=CHANNELS, vrss="true")
    with running(text, tmp_path) as lab, numbered.on_one_cpu(), ExitStack() as stack:
        sent = Flows(lab, flows, stack)
        for _ in range(20):
            sent.send(max(5, 320 // flows))
            sent.read()
        sent.assert_in_order()
        assert _channels(lab) == spread
        assert sum(reads > 50 for reads in _handed_over(lab)) >= spread - 1
        queues = [row["QueueID"] for row in lab.call("queue.list")["queues"]]
        assert queues == [0, 1]


def test_a_queue_that_moves_takes_its_channels_along_and_loses_nothing(tmp_path: Path) -> None:
    text = LAB.format(channels=CHANNELS, vrss="true")
    with running(text, tmp_path) as lab, numbered.on_one_cpu(), ExitStack() as stack:
        sent = Flows(lab, 16, stack)
        for move in range(20):
            sent.send(20)
            lab.call("queue.set", queue=1, processor=move % 4)
            if move == 10:
                lab.call("mode.set", mode="vmmq")
            if move == 15:
                lab.call("mode.set", mode="vmq")
            sent.read()
        sent.assert_in_order()


@pytest.mark.parametrize(("channels", "vrss"), [(1, "true"), (CHANNELS, "false")])
def test_without_vrss_one_queue_has_one_processor(channels: int, vrss: str, tmp_path: Path) -> None:
    text = LAB.format(channels=channels, vrss=vrss)
    with running(text, tmp_path) as lab, numbered.on_one_cpu(), ExitStack() as stack:
        sent = Flows(lab, 16, stack)
        sent.send(50)
        sent.assert_in_order()
        assert _channels(lab) == 1
        assert sum(_handed_over(lab)) == 0
        found = vmdqemu("why", "vm1", "--lab", lab.config.name).stdout
        assert ("vRSS has no effect: it has one channel" in found) == (channels == 1)
