"""Shares change on a running lab: frames wait in their rings meanwhile, and none is lost or overtaken."""

import os
import signal
from pathlib import Path

import pytest

from tests.system import numbered
from tests.system.flood import Flood, flooding
from tests.system.harness import RunningLab, eventually, running
from tests.system.iperf import sending
from tests.system.rates import PATIENCE, assert_limit, of_vm
from vmdqemu.errors import VmdqemuError

pytestmark = pytest.mark.system

LAB = """
adapter = { ring = 8192 }
vm = [
  { name = "vm1", address = "10.0.0.1/24", rate = 50 },
  { name = "vm2", address = "10.0.0.2/24" },
]
"""
TERMS = ({"weight": 9}, {"strict": True}, {"rate": 0}, {"strict": False, "rate": 500}, {"weight": 1})


def share(lab: RunningLab, vm: str) -> dict[str, object]:
    """A VM's row."""
    rows: list[dict[str, object]] = lab.call("share.list")["shares"]
    return next(row for row in rows if row["name"] == vm)


def test_numbered_frames_survive_every_change_of_their_share(tmp_path: Path, full: bool) -> None:
    changes, burst = (1000 if full else 50), 40
    with running(LAB, tmp_path) as lab, numbered.link(lab, "vm1", "eth0") as sender:
        with numbered.link(lab, "vm2", "eth0") as receiver:
            received: list[int] = []
            for change in range(changes):
                for number in range(change * burst, (change + 1) * burst):
                    sender.send(numbered.frame(lab, "vm2", number, sender="vm1"))
                lab.call("share.set", vm="vm1", **TERMS[change % len(TERMS)])
                received += numbered.read(receiver)
            numbered.receive(receiver, received, changes * burst)
            assert received == list(range(changes * burst))
        assert lab.port("vm1")["ring_overflow"] == 0
        assert share(lab, "vm1") == {"name": "vm1", "weight": 1, "rate": 500, "strict": False}


def test_a_rate_that_was_changed_holds_and_outlives_the_worker(tmp_path: Path) -> None:
    with running(LAB, tmp_path) as lab:
        lab.call("share.set", vm="vm1", rate=100)
        worker = lab.worker("nic")
        assert worker is not None
        os.kill(worker, signal.SIGKILL)
        eventually(lambda: lab.worker("nic") not in (None, worker), "the spare took over")
        with sending(lab, ("vm1",), "vm2", "10.0.0.2"):
            assert_limit(of_vm(lab, "vm1"), 100e6, least=0.5, most=1.03)


def test_a_rate_limit_is_reached_within_3_percent_and_not_exceeded(tmp_path: Path) -> None:
    """Octets on the wire, of frames of 1514."""
    with running(LAB, tmp_path) as lab, flooding(lab, {"vm1": Flood("full", "vm2")}, PATIENCE):
        eventually(lambda: lab.port("vm1")["ring_overflow"], "the ring is full")
        assert_limit(of_vm(lab, "vm1"), 50e6, least=0.97, most=1.03)


WRONG: tuple[tuple[dict[str, object], str], ...] = (
    ({}, "nothing to set; give a weight, a rate or strict"),
    ({"weight": 101}, "weight: 101 does not fit; use 1 to 100"),
    ({"rate": -1}, "rate: -1 is not a number of Mbit/s"),
    ({"rate": True}, "rate: True is not a number of Mbit/s"),
    ({"strict": 1}, "strict: 1 is not true or false"),
)


def test_wrong_terms_are_refused_and_change_nothing(tmp_path: Path) -> None:
    with running(LAB, tmp_path) as lab:
        before = share(lab, "vm1")
        for terms, problem in WRONG:
            with pytest.raises(VmdqemuError, match=problem):
                lab.call("share.set", vm="vm1", **terms)
        assert share(lab, "vm1") == before
