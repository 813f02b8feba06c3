"""A timeline's points: what two looks say of the time between them."""

import os
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest

from vmdqemu.errors import VmdqemuError
from vmdqemu.experiments.rig import Rig
from vmdqemu.experiments.timeline import Point, Watch, cpu_seconds, mean_rate


class FakeLab:
    """A lab of two VMs with one processor: this process."""

    def __init__(self) -> None:
        self.lab = SimpleNamespace(vms=[SimpleNamespace(name="a"), SimpleNamespace(name="b")])
        self.octets, self.pid = 0, os.getpid()

    def call(self, method: str) -> dict[str, Any]:
        answers: dict[str, dict[str, Any]] = {
            "processor.list": {"processors": [{"pid": self.pid, "speed": 0.5}]},
            "stats": {"ports": [{"port": "wire", "read_octets": self.octets}]},
            "queue.list": {
                "queues": [
                    {"VmFriendlyName": "", "Processor": "0:0"},
                    {"VmFriendlyName": "b", "Processor": "0:7"},
                    {"VmFriendlyName": "a", "Processor": "0:3"},
                ]
            },
        }
        return answers[method]


def test_a_point_tells_the_rate_who_was_busy_and_who_serves_whom() -> None:
    lab = FakeLab()
    watch = Watch(cast(Rig, lab))
    lab.octets = 1_000_000
    time.sleep(0.01)
    point = watch.point()
    assert point.gbit_per_s == pytest.approx(0.008 / point.seconds)
    assert (point.queues, point.serving) == ((3, 7), 2)
    assert len(point.busy) == 1
    assert watch.point().gbit_per_s == 0


def test_a_worker_that_died_ends_it() -> None:
    lab = FakeLab()
    lab.pid = 2**22 + 1  # above any pid
    with pytest.raises(VmdqemuError, match="a worker died"):
        Watch(cast(Rig, lab))


def test_points_are_weighed_by_their_time() -> None:
    points = [Point(1, 1.0, 4.0, (0.5, 0.0), (0,)), Point(4, 3.0, 0.0, (0.5, 1.0), (0,))]
    assert mean_rate(points) == 1.0
    assert cpu_seconds(points, speed=0.1) == pytest.approx(0.5)
