"""RSS by OID on a running lab: each check's status, and the queue that frames arrive in afterwards."""

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether

from tests.system.harness import RunningLab, eventually, shared
from tests.system.numbered import link
from tests.system.test_rss import VECTORS
from vmdqemu.nic.adapter import Status
from vmdqemu.nic.rss import DEFAULT_KEY, toeplitz
from vmdqemu.nic.scaling_entity import DEFAULT_PROCESSOR, MAX_MOVES, PRIMARY_PROCESSOR

pytestmark = pytest.mark.system

OUTSIDE_THE_SET = 3
LAB = f"""
vm = [{{ name = "vm1" }}]
[adapter]
mode = "vmmq"
[host]
processors = {OUTSIDE_THE_SET + 1}
[host.processor_set]
max_processors = {OUTSIDE_THE_SET}
[wire]
"""
FLOWS = [vector for vector in VECTORS if vector["ip_version"] == 4]
OTHER_KEY = bytes(range(40))
_numbers = count(1)


class VPort:
    """A VPort with several queues, as the operating system has it."""

    def __init__(self, lab: RunningLab, outside: socket.socket, name: str, mac: str) -> None:
        self.lab = lab
        self._outside = outside
        self._name = name
        self._mac = mac
        self.number: int = self.row["vport"]

    @property
    def row(self) -> dict[str, Any]:
        """What steers it."""
        rows: list[dict[str, Any]] = self.lab.call("rss.list")["vports"]
        return next(row for row in rows if row["name"] == self._name)

    @property
    def processors(self) -> list[int]:
        """That its entries point at."""
        return list(self.row["processors"])

    @property
    def unused(self) -> list[int]:
        """Those that its entries could point at as well."""
        return sorted(set(range(OUTSIDE_THE_SET)) - set(self.processors))

    def put(self, **said: object) -> Status:
        """Set its parameters."""
        answer = self.lab.call("OID_GEN_RECEIVE_SCALE_PARAMETERS_V2", vport=self.number, **said)
        return Status(answer["status"])

    def put_v1(self, **said: object) -> Status:
        """The same by RSSv1."""
        answer = self.lab.call("OID_GEN_RECEIVE_SCALE_PARAMETERS", vport=self.number, **said)
        return Status(answer["status"])

    def to(self, entry: int, processor: int, vport: int | None = None) -> dict[str, int]:
        """An entry's move."""
        return {"vport": self.number if vport is None else vport, "entry": entry, "processor": processor}

    def move(self, actor: int, *moves: dict[str, int]) -> list[Status]:
        """Make moves on a processor; the status of each."""
        oid = "OID_GEN_RSS_SET_INDIRECTION_TABLE_ENTRIES"
        answer = self.lab.call(oid, actor=actor, moves=list(moves))
        return [Status(entry) for entry in answer.get("entries", [answer["status"]])]

    def point_all(self, processor: int) -> None:
        """All entries and the default processor, wherever they are."""
        for actor in set(self.processors):
            mine = [self.to(entry, processor) for entry, at in enumerate(self.processors) if at == actor]
            default = [self.to(DEFAULT_PROCESSOR, processor)] if self.row["default"] == actor else []
            assert set(self.move(actor, *mine, *default)) == {Status.SUCCESS}

    def served(self, flow: dict[str, Any]) -> tuple[int, int]:
        """The queue that a frame of a flow arrives in, and the processor that reads it."""
        before = self._arrivals()
        packet = IP(src=flow["src"], dst=flow["dst"]) / TCP(sport=flow["src_port"], dport=flow["dst_port"])
        self._outside.send(bytes(Ether(src=self.lab.mac("ext"), dst=self._mac) / packet))
        eventually(lambda: sum(self._arrivals().values()) == sum(before.values()) + 1, "it arrives")
        (queue,) = (queue for queue, arrived in self._arrivals().items() if arrived != before[queue])
        rows = self.lab.call("processor.list")["processors"]
        (processor,) = (row["processor"] for row in rows if queue in row["queues"])
        return queue, processor

    def assert_steered_by_its_table(self, key: bytes = DEFAULT_KEY) -> None:
        """Every flow arrives where its hash says."""
        row = self.row
        for flow in FLOWS:
            entry = hash_of(flow, key) % len(row["table"])
            assert self.served(flow) == (row["table"][entry], row["processors"][entry])

    def _arrivals(self) -> dict[int, int]:
        rows = self.lab.call("queue.list")["queues"]
        return {row["QueueID"]: row["arrivals"] for row in rows if row["VmFriendlyName"] == self._name}


def hash_of(flow: dict[str, Any], key: bytes) -> int:
    ends = b"".join(socket.inet_aton(flow[end]) for end in ("src", "dst"))
    return toeplitz(key, ends + struct.pack("!HH", flow["src_port"], flow["dst_port"]))


lab = shared(LAB)


@contextmanager
def vport(lab: RunningLab, queues: int = 4, entries: int = 8) -> Iterator[VPort]:
    """A VM with a VPort, for a while."""
    number = next(_numbers)
    name, mac = f"x{number}", f"02:cc:00:00:00:{number:02x}"
    terms = f'name = "{name}", mac = "{mac}", queues = {queues}, rss_table_size = {entries}'
    lab.call("vm.add", tables=f"vm = [{{ {terms} }}]")
    with link(lab, "ext", "wire0") as outside:
        yield VPort(lab, outside, name, mac)
    lab.call("vm.remove", vm=name)


def test_a_table_has_any_power_of_two_entries_and_repeats_itself_when_it_grows(lab: RunningLab) -> None:
    """R5, R6, R19: it shrinks if what goes repeats what stays."""
    with vport(lab, queues=2) as x:
        for entries in (16, 32, 64, 128, 8, 4, 2, 4):
            table = x.row["table"]
            assert x.put(entries=entries) is Status.SUCCESS
            assert x.row["table"] == (table * entries)[:entries]
            x.assert_steered_by_its_table()
        for entries in (0, 1, 3, 129, 256):
            assert x.put(entries=entries) is Status.INVALID_PARAMETER
        first, second = x.processors[:2]
        assert x.move(first, x.to(0, second)) == [Status.SUCCESS]
        before = x.row
        assert x.put(entries=2) is Status.INVALID_DATA
        assert x.row == before


def test_what_does_not_steer_is_remembered_and_steers_as_soon_as_it_is_turned_on(lab: RunningLab) -> None:
    """R10, R16: entries and the default processor while RSS is off, the primary one while it is on."""
    with vport(lab) as x:
        primary = x.row["primary"]
        first, other = x.processors[0], next(at for at in x.processors if at != primary)
        assert x.move(primary, x.to(PRIMARY_PROCESSOR, other)) == [Status.SUCCESS]
        x.assert_steered_by_its_table()
        assert x.put(enabled=False) is Status.SUCCESS
        assert {x.served(flow) for flow in FLOWS} == {(x.row["table"][0], other)}
        elsewhere = next(at for at in x.row["processors"] if at != first)
        assert x.move(first, x.to(0, elsewhere)) == [Status.SUCCESS]
        assert {processor for _, processor in map(x.served, FLOWS)} == {other}
        assert x.put(enabled=True) is Status.SUCCESS
        assert x.processors[0] == elsewhere
        x.assert_steered_by_its_table()


def test_each_check_of_a_move_has_its_status(lab: RunningLab) -> None:
    """R17: a group with one entry that fails moves nothing."""
    with vport(lab, queues=2) as x:
        before, (first, second) = x.row, x.processors[:2]
        (third,) = x.unused
        for wrong, status in (
            (x.to(0, second, vport=99), Status.INVALID_PARAMETER),
            (x.to(0, second, vport=1), Status.NOT_SUPPORTED),  # vm1 has one queue
            (x.to(8, second), Status.INVALID_PARAMETER),
            (x.to(1, first), Status.NOT_ACCEPTED),  # it is on another processor than who asks
            (x.to(0, OUTSIDE_THE_SET), Status.INVALID_DATA),
            (x.to(0, third), Status.NO_QUEUES),
        ):
            assert x.move(first, wrong) == [status]
            mine = [status, status] if wrong["vport"] == x.number else [Status.SUCCESS, status]
            again = x.move(first, x.to(2, first), wrong)
            assert again == mine
            assert x.row == before
        assert x.move(first, x.to(0, first)) == [Status.SUCCESS]  # where it is already
        assert x.move(first) == [Status.INVALID_LENGTH]
        assert x.move(first, *[x.to(0, first)] * (MAX_MOVES + 1)) == [Status.INVALID_DATA]
        x.assert_steered_by_its_table()


def test_groups_of_one_request_succeed_or_fail_by_themselves(lab: RunningLab) -> None:
    """R18: consecutive entries of one VPort are a group."""
    with vport(lab, queues=2) as x, vport(lab) as y:
        first, second = x.processors[:2]
        (third,) = x.unused
        mine = next(entry for entry, at in enumerate(y.processors) if at == first)
        asked = (x.to(0, second), x.to(2, second), y.to(mine, second), x.to(4, third))
        expected = [Status.SUCCESS] * 3 + [Status.NO_QUEUES]
        before = x.processors
        assert x.move(first, *asked) == expected
        assert x.processors == [second, before[1], second, *before[3:]]
        told = [event for event in lab.call("events")["events"] if event["event"] == "entries-moved"]
        assert [(event["entries"], event["target"]) for event in told[-2:]] == [
            ("0,2", second),
            (str(mine), second),
        ]
        assert y.processors[mine] == second
        x.assert_steered_by_its_table()
        y.assert_steered_by_its_table()


def test_turning_on_and_off_has_its_checks(lab: RunningLab) -> None:
    """R20."""
    with vport(lab, queues=2) as x:
        assert x.put(key="00") is Status.INVALID_LENGTH
        assert x.put(queues=3) is Status.INVALID_PARAMETER
        first, (third,) = x.processors[0], x.unused
        assert x.put(enabled=False) is Status.SUCCESS
        mine = x.move(first, x.to(0, OUTSIDE_THE_SET))
        assert mine == [Status.SUCCESS]  # it does not steer now
        assert x.put(enabled=True) is Status.INVALID_DATA
        assert x.move(OUTSIDE_THE_SET, x.to(0, third)) == [Status.SUCCESS]
        assert x.put(enabled=True) is Status.NO_QUEUES
        assert x.move(third, x.to(0, first)) == [Status.SUCCESS]
        assert x.put(enabled=True) is Status.SUCCESS
        x.assert_steered_by_its_table()
        primary = x.row["primary"]
        assert x.move(primary, x.to(PRIMARY_PROCESSOR, OUTSIDE_THE_SET)) == [Status.SUCCESS]
        assert x.put(enabled=False) is Status.INVALID_DATA


def test_a_vport_has_fewer_queue_pairs_once_its_table_names_no_more_processors(lab: RunningLab) -> None:
    """V7, V9, then V8: the table first, then the number, then its length; back in one step."""
    with vport(lab, queues=3) as x:
        assert len(set(x.processors)) == 3
        assert x.put(queues=1) is Status.NO_QUEUES
        x.point_all(x.processors[0])
        assert x.put(queues=1) is Status.SUCCESS
        assert x.put(entries=2) is Status.SUCCESS
        assert len({x.served(flow) for flow in FLOWS}) == 1
        first, another = x.processors[0], x.unused[0]
        assert x.move(first, x.to(1, another)) == [Status.NO_QUEUES]
        assert x.put(queues=3, entries=4) is Status.SUCCESS
        assert x.processors == x.processors[:2] * 2
        assert x.move(first, x.to(1, another)) == [Status.SUCCESS]
        x.assert_steered_by_its_table()


def test_more_processors_than_queues_are_never_used(lab: RunningLab) -> None:
    """R8: two queues, three processors that may serve."""
    with vport(lab, queues=2) as x:
        used = {processor for _, processor in map(x.served, FLOWS)}
        assert used <= set(x.processors)
        assert len(set(x.processors)) == 2
        x.point_all(x.unused[0])
        assert {processor for _, processor in map(x.served, FLOWS)} == set(x.processors)


def test_each_vport_has_a_key_of_its_own(lab: RunningLab) -> None:
    """V5, V6: the same flows, another placement; and the adapter says so."""
    said = lab.call("OID_NIC_SWITCH_HARDWARE_CAPABILITIES")["answer"]
    assert {value for name, value in said.items() if name.startswith("Rss")} == {True}
    with vport(lab) as x, vport(lab) as y:
        assert y.put(key=OTHER_KEY.hex()) is Status.SUCCESS
        x.assert_steered_by_its_table(DEFAULT_KEY)
        y.assert_steered_by_its_table(OTHER_KEY)
        placed = [[vport.row["table"].index(vport.served(flow)[0]) for flow in FLOWS] for vport in (x, y)]
        assert placed[0] != placed[1]


def test_rssv1_sets_a_table_and_no_other_key_of_a_live_vport(lab: RunningLab) -> None:
    """V11 (NDIS: updating-vmmq-on-a-vport)."""
    with vport(lab) as x:
        before = x.row
        assert x.put_v1(key=OTHER_KEY.hex()) is Status.INVALID_PARAMETER
        assert x.put_v1(types=["ipv4"]) is Status.INVALID_PARAMETER
        assert x.put_v1(table=[0, 4]) is Status.INVALID_PARAMETER
        assert x.row == before
        assert x.put_v1(table=[3, 2, 1, 0]) is Status.SUCCESS
        assert len(set(x.row["table"])) == 4
        x.assert_steered_by_its_table()
