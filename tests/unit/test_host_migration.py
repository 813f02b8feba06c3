"""The plan of a migration: whatever step fails, what was done is undone; and what two hosts must agree in."""

import asyncio

import pytest

from tests.unit.builders import mac
from vmdqemu.errors import VmdqemuError
from vmdqemu.host import migration
from vmdqemu.host.migration import COMMIT, STEPS, Side, Step, Terms, plan
from vmdqemu.nic.frame import BROADCAST, parse

NAMES = [step.name for step in STEPS]
AT_COMMIT = NAMES.index(COMMIT)


class Record:
    """What was done and undone; one step may fail, and one undo."""

    def __init__(self, fails: str | None = None, sticks: str | None = None) -> None:
        self.done: list[str] = []
        self.undone: list[str] = []
        self._fails, self._sticks = fails, sticks

    async def do(self, step: Step) -> None:
        if step.name == self._fails:
            raise VmdqemuError("it fails")
        self.done.append(step.name)

    async def undo(self, step: Step) -> None:
        self.undone.append(step.name)
        if step.name == self._sticks:
            raise VmdqemuError("it sticks")

    def carry_out(self) -> None:
        asyncio.run(migration.carry_out(STEPS, self.do, self.undo))


def test_all_steps_are_taken_in_order() -> None:
    record = Record()
    record.carry_out()
    assert (record.done, record.undone) == (NAMES, [])


@pytest.mark.parametrize("number", range(len(STEPS)), ids=NAMES)
def test_a_step_that_fails_undoes_those_before_it_unless_the_vm_is_the_destinations(number: int) -> None:
    record = Record(fails=NAMES[number])
    with pytest.raises(VmdqemuError, match="it fails") as caught:
        record.carry_out()
    assert caught.value.__notes__ == [NAMES[number]]
    assert record.done == NAMES[:number]
    assert record.undone == ([] if number > AT_COMMIT else NAMES[:number][::-1])


def test_an_undo_that_fails_stops_no_other() -> None:
    record = Record(fails="free", sticks="pause")
    with pytest.raises(VmdqemuError) as caught:
        record.carry_out()
    assert caught.value.__notes__ == ["free", "pause was not undone: it sticks"]
    assert record.undone == NAMES[: NAMES.index("free")][::-1]


def test_a_vf_goes_first_and_comes_back_last() -> None:
    """NDIS: sr-iov-vf-failover-and-live-migration-support."""
    names = [step.name for step in plan(vf=True)]
    assert (names[0], names[-1]) == ("remove-vf", "grant-vf")
    assert [step.name for step in plan(vf=False)] == names[1:-1]


def test_never_do_two_hosts_read_what_the_vm_sends() -> None:
    sides = {step.name: step.side for step in STEPS}
    assert NAMES.index("pause") < NAMES.index("resume") < NAMES.index("free") < AT_COMMIT
    assert (sides["pause"], sides["resume"]) == (Side.SOURCE, Side.DESTINATION)


@pytest.mark.parametrize(
    ("wires", "mtus", "offloads", "reason"),
    [
        ((True, True), (1500, 1500), (True, True), None),
        ((False, True), (1500, 1500), (True, True), "lab a has no wire; give both labs a [wire]"),
        ((True, False), (1500, 1500), (True, True), "lab b has no wire; give both labs a [wire]"),
        ((True, True), (1500, 9000), (True, True), "mtu is 1500 in one lab and 9000 in the other"),
        ((True, True), (1500, 1500), (True, False), "adapter.offloads differs between the labs"),
    ],
)
def test_two_hosts_must_agree_in_what_a_vm_relies_on(
    wires: tuple[bool, bool], mtus: tuple[int, int], offloads: tuple[bool, bool], reason: str | None
) -> None:
    source, destination = (Terms(*row) for row in zip("ab", wires, mtus, offloads, strict=True))
    found = migration.obstacle(source, destination)
    assert (found is None) if reason is None else (found is not None and reason in found)


def test_an_announcement_is_a_broadcast_of_the_vms_own() -> None:
    frame = parse(migration.announcement(mac(1)))
    assert (frame.destination, frame.source, frame.ethertype) == (BROADCAST, mac(1), 0x8035)
    octets = migration.announcement(mac(1))
    assert octets[14:22] == bytes.fromhex("0001 0800 0604 0003")
    assert (octets[22:28], octets[32:38], len(octets)) == (mac(1), mac(1), 60)


def test_every_step_that_leaves_something_says_how_it_is_undone() -> None:
    assert {step.name for step in STEPS if step.undo} == {"remove-vf", "admit", "pause", "resume", "free"}
    assert len(set(NAMES)) == len(STEPS)
