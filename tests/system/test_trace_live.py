"""`trace --live`: the frames of a running lab are explained by what rules on them."""

import json
from pathlib import Path

import pytest

from tests.system.command import vmdqemu
from tests.system.frames import frame, ports
from tests.system.harness import running
from tests.system.observer import ended, observer

pytestmark = pytest.mark.system

LAB = """
vm = [{ name = "vm1" }]
adapter.mode = "vmq"
[wire]
"""


LIVE = ("trace", "--live", "2", "-j", "--from", "wire")


def test_live_explanations_follow_a_change_of_mode(tmp_path: Path) -> None:
    with running(LAB, tmp_path) as lab, ports(lab) as there, observer(lab, *LIVE) as process:
        wanted = frame(lab.mac("vm1"), lab.mac("ext"))
        for mode in ("vmq", "off"):
            vmdqemu("mode", "set", mode, "--lab", lab.config.name)
            there.links["ext"].send(wanted)
            there.links["vm1"].wait_for(wanted)
        explained = json.loads(ended(process)[0])["frames"]
    assert [each["host"]["lookup"] for each in explained] == [False, True]
    assert [each["nic"]["deliveries"][0]["vport"] for each in explained] == ["vm1", "default"]
    assert " from wire ring 1: 60 octets" in explained[0]["steps"][0]["outcome"]
