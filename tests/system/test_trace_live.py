"""`trace --live`: the frames of a running lab are explained by what rules on them."""

import json
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether

from tests.system.command import vmdqemu
from tests.system.frames import frame, ports
from tests.system.harness import running
from tests.system.observer import ended, observer
from tests.system.test_rss import VECTORS

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


SPREAD = """
vm = [{ name = "vm1", queues = 4 }]
adapter.mode = "vmmq"
[wire]
"""


def test_a_frame_has_its_hash_beside_it_if_one_was_computed(tmp_path: Path) -> None:
    """R12: value, function and type; nothing for a frame that is not hashed."""
    vector = VECTORS[0]
    with running(SPREAD, tmp_path) as lab, ports(lab) as there, observer(lab, *LIVE) as process:
        flow = IP(src=vector["src"], dst=vector["dst"]) / TCP(
            sport=vector["src_port"], dport=vector["dst_port"]
        )
        for sent in (
            bytes(Ether(src=lab.mac("ext"), dst=lab.mac("vm1")) / flow),
            frame(lab.mac("vm1"), lab.mac("ext")),
        ):
            there.links["ext"].send(sent)
            there.links["vm1"].wait_for(sent)
        hashed, plain = json.loads(ended(process)[0])["frames"]
    value, entry = vector["tcp"]["hash_int"], vector["tcp"]["table_index"]["128"]
    assert hashed["nic"]["hash"] == {
        "function": "NdisHashFunctionToeplitz",
        "type": "NDIS_HASH_TCP_IPV4",
        "value": f"{value:#010x}",
        "index": entry,
    }
    assert plain["nic"]["hash"] is None
