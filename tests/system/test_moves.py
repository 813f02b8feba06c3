"""Queues move under load: no frame is lost, doubled or overtaken, and nothing that is known is forgotten."""

import json
import random
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from tests.system import numbered
from tests.system.harness import RunningLab, eventually, running

pytestmark = pytest.mark.system

PERIOD: Final = 0.1  # seconds between two moves
PROCESSORS: Final = 3
BROADCAST: Final = b"\xff" * 6  # by the default queue, and through its reader's flow cache
TO_EVERYBODY: Final = 1 << 31  # is added to the numbers of those
ON_THEIR_WAY: Final = 1000  # of each kind at most: a machine that stands still lets no ring overflow
LAB: Final = f"""
[adapter]
mode = "MODE"
ring = 8192
[host]
processors = {PROCESSORS}
[wire]
address = "10.0.0.254/24"
""" + "".join(
    f'[[vm]]\nname = "vm{number}"\naddress = "10.0.0.{number}/24"\nqueues = {1 + number % 2}\n'
    for number in range(1, 5)
)


class Flow(threading.Thread):
    """Numbered frames from ext to vm1, to vm2 and to everybody, in turn, until it is told to stop."""

    def __init__(self, lab: RunningLab, stack: ExitStack) -> None:
        super().__init__()
        self.sent = 0
        self.received: dict[str, list[int]] = {"vm1": [], "vm2": []}
        self._enough = threading.Event()
        self._outside = stack.enter_context(numbered.link(lab, "ext", "wire0"))
        self._links = {vm: stack.enter_context(numbered.link(lab, vm, "eth0")) for vm in self.received}
        self._make = partial(numbered.frame, lab)

    def run(self) -> None:
        numbered.stay_on_one_cpu()
        while not self._enough.wait(0.002):
            if self.sent - self.arrived < ON_THEIR_WAY:
                self._send(8)
            for vm, link in self._links.items():
                self.received[vm] += numbered.read(link)

    @property
    def arrived(self) -> int:
        """How many of each kind have come, about."""
        return min(map(len, self.received.values())) // 2

    def _send(self, rounds: int) -> None:
        for _ in range(rounds):
            for vm in self._links:
                self._outside.send(self._make(vm, self.sent))
            everybody = self._make("vm1", TO_EVERYBODY + self.sent)
            self._outside.send(BROADCAST + everybody[len(BROADCAST) :])
            self.sent += 1

    def finish(self) -> None:
        """Send no more, and wait for the rest."""
        self._enough.set()
        self.join()
        for vm, link in self._links.items():
            numbered.receive(link, self.received[vm], 2 * self.sent)


@contextmanager
def _connection(lab: RunningLab, seconds: float) -> Iterator[subprocess.Popen[str]]:
    """iperf3 from ext into vm4."""
    with ExitStack() as stack:
        server = lab.start("vm4", "iperf3", "-s", "-1")
        stack.callback(server.wait)
        stack.callback(server.kill)
        eventually(lambda: "5201" in lab.run("vm4", "ss", "-Hltn"), "iperf3 listens")
        options = ("-c", "10.0.0.4", "-t", str(round(seconds)), "-b", "500M", "-J")
        yield lab.start("ext", "iperf3", *options, stdout=subprocess.PIPE)


def _misses(lab: RunningLab) -> int:
    return sum(int(port["misses"]) for port in lab.call("stats")["ports"])


def _move(lab: RunningLab, dice: random.Random) -> None:
    """Any queue but the default one, to any processor but its own."""
    queues = [row for row in lab.call("queue.list")["queues"] if row["QueueID"]]
    chosen = dice.choice(queues)
    others = [number for number in range(PROCESSORS) if chosen["Processor"] != f"0:{number}"]
    lab.call("queue.set", queue=chosen["QueueID"], processor=dice.choice(others))


@pytest.mark.parametrize("mode", ["vmq", "vmmq"])
def test_moves_lose_double_reorder_and_forget_nothing(mode: str, tmp_path: Path, full: bool) -> None:
    moves, dice = (1000 if full else 20), random.Random(8)
    with running(LAB.replace("MODE", mode), tmp_path) as lab, ExitStack() as stack:
        client = stack.enter_context(_connection(lab, 1 + 1.2 * moves * PERIOD))
        eventually(lambda: lab.port("vm4")["writes"] > 1000, "data flows")
        flow = Flow(lab, stack)
        flow.start()
        eventually(lambda: flow.arrived > 100, "frames flow")
        known = _misses(lab)
        for _ in range(moves):
            _move(lab, dice)
            time.sleep(PERIOD)
        assert _misses(lab) - known < moves / 4
        flow.finish()
        for seen in flow.received.values():
            assert [number for number in seen if number < TO_EVERYBODY] == list(range(flow.sent))
            everybodys = [number - TO_EVERYBODY for number in seen if number >= TO_EVERYBODY]
            assert everybodys == list(range(flow.sent))
        report = json.loads(client.communicate(timeout=moves * PERIOD + 30)[0])
        assert "error" not in report
        assert lab.port("wire")["drops"] == {}
        assert lab.port("wire")["ring_overflow"] == 0
