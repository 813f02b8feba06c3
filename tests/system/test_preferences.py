"""What the INF keywords let a running adapter do, and what frames find then.

NDIS: handling-sr-iov--vmq--and-rss-standardized-inf-keywords.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.system.frames import frame, ports
from tests.system.harness import RunningLab, running, started
from vmdqemu.config import load
from vmdqemu.errors import VmdqemuError

pytestmark = pytest.mark.system

LAB = """
vm = [{ name = "vm1" }]
wire = {}
host = { processors = 2 }
[keywords]
"""


def lab_text(keywords: Mapping[str, int]) -> str:
    return LAB + "".join(f"{json.dumps(name)} = {value}\n" for name, value in keywords.items())


def possible(lab: RunningLab, mode: str) -> bool:
    """Whether a mode is to be had."""
    try:
        lab.call("mode.set", mode=mode)
    except VmdqemuError:
        return False
    return True


@pytest.mark.parametrize(
    ("keywords", "sorted_by_filters", "native_rss", "vfs"),
    [
        ({"*RssOrVmqPreference": 1, "*VMQ": 1, "*RSS": 0, "*SRIOV": 0}, True, False, 0),
        ({"*RssOrVmqPreference": 1, "*VMQ": 0, "*RSS": 1}, False, False, 0),
        ({"*RssOrVmqPreference": 0, "*RSS": 1, "*VMQ": 0}, False, True, 0),
        ({"*RssOrVmqPreference": 0, "*RSS": 0, "*VMQ": 1}, False, False, 0),
        ({"*SriovPreferred": 1, "*SRIOV": 1, "*VMQ": 1, "*NumVFs": 2}, True, False, 2),
        ({"*SriovPreferred": 1, "*SRIOV": 0, "*VMQ": 1, "*NumVFs": 2}, True, False, 0),
        ({"*SriovPreferred": 1, "*SRIOV": 0, "*VMQ": 0}, False, False, 0),
    ],
    ids=["VMQ", "VMQ off", "RSS", "RSS off", "SR-IOV and VMQ", "SR-IOV off", "none"],
)
def test_a_preference_reads_its_own_keywords_and_rss_and_vmq_are_never_both_there(
    keywords: dict[str, int], sorted_by_filters: bool, native_rss: bool, vfs: int, tmp_path: Path
) -> None:
    """K1, K2, K6: the published table, row by row."""
    with running(lab_text(keywords), tmp_path) as lab, ports(lab) as there:
        sent = frame(lab.mac("vm1"), lab.mac("ext"))
        for mode, there_is in (("rss", native_rss), ("vmq", sorted_by_filters)):
            assert possible(lab, mode) is there_is
            lookups = lab.port("wire")["lookups"]
            there.links["ext"].send(sent)
            there.links["vm1"].wait_for(sent)
            lab.assert_law()
            sorted_here = mode == "vmq" and there_is
            assert (lab.port("wire")["lookups"] == lookups) is sorted_here
        switch = lab.call("OID_NIC_SWITCH_CURRENT_CAPABILITIES")["answer"]
        assert switch["NumVFs"] == vfs


def test_keywords_are_read_when_the_adapter_starts_and_not_before(tmp_path: Path) -> None:
    """K3."""
    file = tmp_path / "bound.toml"
    file.write_text('prefix = "bound-"\n' + lab_text({"*VMQ": 0}))
    with started(file) as daemon:
        lab = RunningLab(load(file), daemon)
        file.write_text('prefix = "bound-"\n' + lab_text({"*VMQ": 1}))
        assert not possible(lab, "vmq")
    with started(file) as daemon:
        assert possible(RunningLab(load(file), daemon), "vmq")
