"""An explanation names the queue, the channel and the processor; and every step in both halves' order."""

from typing import Any

import pytest

from tests.unit import golden
from tests.unit.builders import GROUP, OUTSIDE, STRANGER, Vm, adapter, granted, mac, packet, parsed, tables
from vmdqemu.host.processors import place_statically
from vmdqemu.host.vswitch import WIRE
from vmdqemu.nic.adapter import compile_tables
from vmdqemu.nic.counters import DropReason
from vmdqemu.nic.frame import BROADCAST, Frame
from vmdqemu.nic.modes import OFF, VMMQ, VMQ, Mode
from vmdqemu.nic.packet import PROTOCOL_TCP
from vmdqemu.nic.packet_filter import PacketFilter, PacketType
from vmdqemu.nic.rss import ALL_TYPES, DEFAULT_KEY, Rss
from vmdqemu.observe import explanation
from vmdqemu.observe.explanation import Explanation

SPREAD = Rss(DEFAULT_KEY, ALL_TYPES, tuple((entry + 2) % 4 for entry in range(128)))
LAB = (Vm(queue_pairs=4, vlan=5, rss=SPREAD), Vm(), Vm(vlan=5))


def explained(frame: Frame, source: int = WIRE, mode: Mode = VMMQ, **options: Any) -> Explanation:
    in_effect = tables(*LAB, mode=mode, **options)
    return explanation.explain(frame, source, in_effect, place_statically(in_effect, range(2)))


def vector(destination: bytes = mac(1), vids: tuple[int, ...] = (5,)) -> Frame:
    """The first published vector: hash 0x51ccc178, entry 120."""
    ethertype, payload = packet("66.9.149.187", "161.142.100.80", PROTOCOL_TCP, (2794, 1766))
    return parsed(destination, OUTSIDE, vids, ethertype=ethertype, payload=payload)


def test_the_document_of_a_spread_frame() -> None:
    document = explanation.document(explained(vector()))
    assert document.pop("steps")[0]["name"] == "parse"
    assert document == {
        "nic": {
            "deliveries": [{"vport": "vm1", "queue": 3, "vlan": "strip"}],
            "vfs": [],
            "wire": False,
            "hash": {
                "function": "NdisHashFunctionToeplitz",
                "type": "NDIS_HASH_TCP_IPV4",
                "value": "0x51ccc178",
                "index": 120,
            },
            "drop": None,
        },
        "host": {"deliveries": [{"vm": "vm1", "channel": 2, "processor": 0}], "lookup": False, "drop": None},
    }


def test_the_document_of_a_frame_that_is_looked_up_and_of_one_that_is_sent() -> None:
    document = explanation.document(explained(vector(), mode=OFF))
    assert document["nic"]["deliveries"] == [{"vport": "default", "queue": 0, "vlan": "keep"}]
    assert document["host"]["lookup"]
    sent = explanation.document(explained(parsed(STRANGER, mac(3)), source=3, mode=VMQ))
    assert sent["nic"] == {"deliveries": [], "vfs": [], "wire": True, "hash": None, "drop": None}
    assert sent["host"] == {"deliveries": [], "lookup": True, "drop": None}


def test_the_half_that_drops_says_why() -> None:
    documents = [
        explanation.document(explained(parsed(mac(1), OUTSIDE, [4095]))),
        explanation.document(explained(parsed(STRANGER, OUTSIDE))),
    ]
    assert [(each["nic"]["drop"], each["host"]["drop"]) for each in documents] == [
        ("reserved_vid", None),
        (None, "port_list_is_empty"),
    ]
    assert [each["host"]["lookup"] for each in documents] == [False, True]


def test_the_steps_come_in_the_order_of_the_way() -> None:
    steps = explanation.document(explained(vector()))["steps"]
    assert [(step["half"], step["name"]) for step in steps] == [
        ("adapter", "parse"),
        ("adapter", "admission"),
        ("adapter", "vlan"),
        ("adapter", "filter"),
        ("adapter", "hash type"),
        ("adapter", "hash input"),
        ("adapter", "hash value"),
        ("adapter", "queue index"),
        ("adapter", "queue"),
        ("host", "processor"),
        ("host", "left to software"),
        ("host", "delivery"),
    ]
    assert all(step["outcome"] and step["source"] for step in steps)


def test_no_processor_of_the_host_serves_what_a_vm_sends() -> None:
    document = explanation.document(explained(parsed(GROUP, mac(1)), source=1, local_switch=True))
    assert document["host"]["deliveries"] == [{"vm": "vm3", "channel": 0, "processor": None}]
    assert {step["name"] for step in document["steps"] if step["half"] == "host"} == {
        "left to software",
        "delivery",
    }


@pytest.mark.parametrize(
    ("frame", "source", "said"),
    [
        (vector(), WIRE, "to vm1 channel 2"),
        (parsed(GROUP, mac(1)), 1, "to wire, vm3 channel 0"),
        (parsed(mac(1), OUTSIDE, [4095]), WIRE, "drop, reserved_vid"),
    ],
)
def test_a_summary_is_what_comes_of_it(frame: Frame, source: int, said: str) -> None:
    told = explained(frame, source)
    assert explanation.summary(told.verdict, told.tables) == said


def test_the_lines_are_two_groups_and_the_verdict() -> None:
    lines = list(explanation.lines(explained(vector())))
    assert [line for line in lines if not line.startswith("  ")] == [
        "adapter",
        "host",
        "verdict: to vm1 channel 2 by processor 0",
    ]
    assert lines[1].startswith("  parse             from wire: 58 octets, ")
    assert lines[1].endswith("  [802.1Q, RFC 791, RFC 8200]")
    dropped = list(explanation.lines(explained(parsed(mac(1), OUTSIDE, [4095]))))
    assert "host" not in dropped


def test_the_copies_that_the_adapter_makes_are_told_each_with_its_vport() -> None:
    in_effect = golden.tables()
    placement = place_statically(in_effect, processors=(0,))
    frame = parsed(BROADCAST, golden.OUTSIDE)
    told = explanation.document(explanation.explain(frame, WIRE, in_effect, placement))
    assert [delivery["vport"] for delivery in told["nic"]["deliveries"]] == ["pool0", "pool1"]
    assert told["host"]["deliveries"] == [{"vm": "pool1", "channel": 0, "processor": 0}]
    sent = explanation.document(explanation.explain(parsed(BROADCAST, mac(1)), 1, in_effect, placement))
    assert [delivery["vport"] for delivery in sent["nic"]["deliveries"]] == ["pool0"]
    assert sent["nic"]["wire"]


@pytest.mark.parametrize(
    ("source", "destination", "verdict"),
    [
        (WIRE, mac(1), "to VF 0 of vm1"),
        (255, mac(2), "to VF 1 of vm2"),
        (255, mac(3), "to vm3 channel 0 by processor 0"),
        (255, OUTSIDE, "to wire"),
        (3, mac(1), "to VF 0 of vm1"),
        (3, OUTSIDE, "to wire"),
        (3, BROADCAST, "to wire, VF 0 of vm1, VF 1 of vm2"),
        (255, mac(1), "drop, port_loopback_filter"),
    ],
)
def test_a_vf_is_named_with_its_vm(source: int, destination: bytes, verdict: str) -> None:
    with_vfs = compile_tables(granted(adapter(Vm(), Vm(), Vm(), mode=VMQ), 1, 2), 1)
    senders = {WIRE: OUTSIDE, 255: mac(1), 3: mac(3)}
    told = explanation.explain(
        parsed(destination, senders[source]), source, with_vfs, place_statically(with_vfs, range(1))
    )
    assert list(explanation.lines(told))[-1] == f"verdict: {verdict}"
    if source == 255:
        assert "from VF 0 of vm1" in told.adapter[0].outcome
    named = explanation.document(told)["nic"]
    assert named["wire"] == ("wire" in verdict)
    assert named["vfs"] == [vf for vf in ("VF 0 of vm1", "VF 1 of vm2") if vf in verdict]


def with_vf(frame: Frame, source: int, **options: Any) -> Explanation:
    """vm1 has a VF, vm2 none."""
    built = granted(adapter(Vm(), Vm(), mode=VMQ, **options), 1)
    in_effect = compile_tables(built, generation=1)
    return explanation.explain(frame, source, in_effect, place_statically(in_effect, (0,)))


def test_what_the_host_lets_out_the_adapter_switches_behind_it() -> None:
    told = list(explanation.lines(with_vf(parsed(mac(1), mac(2)), 2)))
    groups = [line for line in told if not line.startswith(" ")]
    assert groups == ["adapter", "host", "adapter", "verdict: to VF 0 of vm1"]
    assert told[-2].startswith("  switching")


def test_nobody_may_be_there_for_what_the_host_lets_out() -> None:
    told = with_vf(parsed(STRANGER, mac(2)), 2, wire=False)
    assert explanation.summary(told.verdict, told.tables) == "drop, port_list_is_empty"


def test_a_vf_has_its_copy_though_the_default_queue_accepts_none() -> None:
    told = with_vf(parsed(BROADCAST, OUTSIDE), WIRE, packet_filter=PacketFilter(PacketType(0)))
    assert told.verdict.drop == DropReason.PACKET_FILTER
    assert explanation.summary(told.verdict, told.tables) == "to VF 0 of vm1"
