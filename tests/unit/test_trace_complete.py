"""A trace for every rule and every reason to drop a frame: whatever can happen to one can be asked for."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.unit import golden
from tests.unit.builders import OUTSIDE, Vm, accept, adapter, granted, mac, parsed, queued
from tests.unit.tracing import Trace, changed
from vmdqemu.host.processors import Placing
from vmdqemu.host.vswitch import WIRE
from vmdqemu.nic.adapter import SetPacketFilter, SetQueueFilter, compile_tables
from vmdqemu.nic.counters import DropReason
from vmdqemu.nic.frame import BROADCAST
from vmdqemu.nic.models import IDEAL as IDEAL_MODEL
from vmdqemu.nic.modes import VMQ
from vmdqemu.nic.packet import NO_PACKET
from vmdqemu.nic.packet_filter import PacketFilter, PacketType
from vmdqemu.observe import explanation

ROOT = Path(__file__).parents[2]
IDEAL = """
mtu = 1500
vm = [
  { name = "vm1", mac = "02:00:00:00:00:01", address = "10.0.0.1/24", queues = 4 },
  { name = "vm2", mac = "02:00:00:00:00:02", address = "10.0.0.2/24", vlan = 5 },
]
wire.address = "10.0.0.9/24"
adapter.mode = "vmmq"
"""
CHIP = golden.LAB.read_text()
STRANGER = "ether,dst=02:00:00:00:00:99"
TCP = "tcp,10.0.0.9:1000->10.0.0.1:80"
POOL1, POOL2 = "ether,dst=02:00:00:00:00:11", "ether,dst=02:00:00:00:00:12"
EVERYBODY = "ether,dst=ff:ff:ff:ff:ff:ff"
MIRROR = 'mirror=[{kind = "pool", to = "pool3", pools = ["pool1"]}]'


class Shown(NamedTuple):
    """A command line."""

    frame: str
    port: str = "wire"
    changes: tuple[str, ...] = ()
    lab: str = IDEAL


def chip(frame: str, *changes: str, port: str = "wire") -> Shown:
    return Shown(frame, port, changes, CHIP)


RULES = {
    "admission": Shown(TCP),
    "vlan": Shown(TCP),
    "filter": Shown(TCP),
    "hash type": Shown(TCP),
    "hash input": Shown(TCP),
    "hash value": Shown(TCP),
    "queue index": Shown(TCP),
    "queue": Shown(TCP),
    "processor": Shown(TCP),
    "left to software": Shown(TCP),
    "delivery": Shown(TCP),
    "look up": Shown(TCP, changes=("mode=off",)),
    "replicate": Shown(EVERYBODY),
    "replication": Shown(EVERYBODY, changes=("vm.vm2.iov=true",)),
    "tag check": Shown(STRANGER, "vm1"),
    "spoof check": Shown(STRANGER, "vm1"),
    "local switch": Shown(STRANGER, "vm1"),
    "switching": Shown(STRANGER, "vm1", ("local_switch=true",)),
    "l2 admission": chip(POOL1),
    "vlan admission": chip(POOL1),
    "exact match": chip(POOL1),
    "broadcast accept": chip(EVERYBODY),
    "hash match": chip("ether,dst=02:00:00:00:00:55"),
    "promiscuous accept": chip("ether,dst=01:00:5e:00:00:05"),
    "vlan membership": chip(POOL1),
    "default pool": chip(POOL2),
    "one copy": chip(EVERYBODY, "replication=false"),
    "source pruning": chip(POOL1, "model=x550", "bridge=vepa"),
    "receive enable": chip(POOL1),
    "mirror": chip(POOL1, MIRROR),
    "frame limit": chip(POOL1, "model=82576", "vm.pool1.longest_frame=256"),
    "transmit enable": chip(POOL2, port="pool1"),
    "loopback": chip(POOL2, port="pool1"),
    "to wire": chip(POOL2, port="pool1"),
    "sender excluded": chip(EVERYBODY, port="pool1"),
    "isolation": Shown(
        "ether,dst=02:00:00:00:00:02,vlan=7", changes=("model=82598", "mode=vmq", "vm.vm1.queues=1")
    ),
}
DROPS = {
    DropReason.TOO_SHORT: Shown("00"),
    DropReason.TRUNCATED_TAG: Shown("02000000000102000000000981000005"),
    DropReason.RESERVED_VID: Shown(f"{TCP},vlan=4095"),
    DropReason.OVERSIZE: Shown(f"{TCP},length=1515"),
    DropReason.SOURCE_MAC_IS_MULTICAST: Shown(f"{TCP},src=01:00:5e:00:00:fb"),
    DropReason.L2_ADMISSION: chip(STRANGER),
    DropReason.VLAN_ADMISSION: chip(f"{POOL1},vlan=400"),
    DropReason.NO_POOL: chip(POOL2, "default_pool_disabled=true"),
    DropReason.VFRE_OFF: chip(POOL1, "vm.pool1.receive=false"),
    DropReason.QUEUE_DISABLED: chip(POOL2, "vm.pool1.transmit=false", port="pool1"),
    DropReason.ANTI_SPOOF_MAC: chip(
        f"{POOL2},src=02:00:00:00:00:99", "vm.pool1.spoof_check=true", port="pool1"
    ),
    DropReason.ANTI_SPOOF_VLAN: chip(f"{POOL2},vlan=200", "vm.pool1.spoof_check=true", port="pool1"),
    DropReason.TAG_NOT_ALLOWED: Shown(f"{STRANGER},vlan=7", "vm2"),
    DropReason.RESERVED_MULTICAST: Shown("ether,dst=01:80:c2:00:00:0e"),
    DropReason.PORT_LOOPBACK_FILTER: Shown("icmp,10.0.0.1->10.0.0.1", "vm1"),
    DropReason.WRONG_VLAN: Shown(f"{TCP},vlan=7"),
    DropReason.PORT_LIST_IS_EMPTY: Shown(STRANGER),
}
# No lab file sets these: only an overlying driver of a running lab does.
BY_A_DRIVER = {"packet filter", "inside filter", "replication"}, {DropReason.PACKET_FILTER}
# No frame's headers show what only the data path can see.
NOT_A_VERDICT = {
    DropReason.INBOX_FULL,
    DropReason.BAD_VNET_HEADER,
    DropReason.EGRESS_DOWN,
    DropReason.EGRESS_GONE,
    DropReason.EGRESS_ERROR,
}


@pytest.fixture
def trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Trace:
    return Trace(tmp_path / "lab.toml", monkeypatch, capsys)


def ask(trace: Trace, tmp_path: Path, shown: Shown) -> tuple[set[str], str | None]:
    """The names of its steps, and why it is dropped."""
    (tmp_path / "lab.toml").write_text(shown.lab)
    (frame,) = trace.frames("--from", shown.port, *changed(*shown.changes), shown.frame)
    return {step["name"] for step in frame["steps"]}, frame["nic"]["drop"] or frame["host"]["drop"]


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_a_step(rule: str, trace: Trace, tmp_path: Path) -> None:
    steps, _ = ask(trace, tmp_path, RULES[rule])
    assert rule in steps


@pytest.mark.parametrize("reason", DROPS)
def test_a_reason_is_what_a_trace_ends_with(reason: DropReason, trace: Trace, tmp_path: Path) -> None:
    _, drop = ask(trace, tmp_path, DROPS[reason])
    assert drop == reason


def test_what_a_driver_has_set_is_explained_too() -> None:
    """As `trace --live` does, with the tables of the running lab."""
    filtered = accept(adapter(Vm(), mode=VMQ), SetPacketFilter(PacketFilter(PacketType.BROADCAST)))
    tables = compile_tables(filtered, generation=1)
    seen = explanation.explain(parsed(mac(9), OUTSIDE), WIRE, tables, Placing((0,)).place(tables))
    assert (seen.adapter[-1].name, seen.verdict.drop) == ("packet filter", DropReason.PACKET_FILTER)


def test_an_address_inside_of_a_tunnel_is_explained_too() -> None:
    asked = queued(None, model=IDEAL_MODEL), SetQueueFilter(1, mac(8), untagged=True, inside=True)
    tables = compile_tables(accept(*asked), generation=1)
    carried = parsed(mac(9), OUTSIDE)._replace(inside_to=mac(8), inner=NO_PACKET)
    seen = explanation.explain(carried, WIRE, tables, Placing((0,)).place(tables))
    steps = {step.name: step.outcome for step in seen.adapter}
    assert steps["inside filter"] == "02:00:00:00:00:08 inside of the tunnel: VPort 1"


def test_a_copy_for_a_vf_is_explained_too() -> None:
    tables = compile_tables(granted(adapter(Vm(), mode=VMQ), 1), generation=1)
    seen = explanation.explain(parsed(BROADCAST, OUTSIDE), WIRE, tables, Placing((0,)).place(tables))
    assert "replication" in {step.name for step in seen.adapter}


def test_no_rule_and_no_reason_is_left_out() -> None:
    rules, reasons = BY_A_DRIVER
    assert RULES.keys() | rules == {name.strip("_").replace("_", " ") for name in explained_rules()}
    assert DROPS.keys() | reasons | NOT_A_VERDICT == set(DropReason)


def explained_rules() -> Iterator[str]:
    """Every function of the pure halves that says where its rule is written."""
    for path in (path for room in ("nic", "host") for path in (ROOT / "vmdqemu" / room).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                calls = (each.func for each in node.decorator_list if isinstance(each, ast.Call))
                if any(isinstance(func, ast.Name) and func.id == "explained" for func in calls):
                    yield node.name
