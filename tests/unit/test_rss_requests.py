"""RSS requests: what may change on a live VPort, RSSv2's statuses entry by entry, and where the queues go."""

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.unit.builders import Vm, accept, adapter
from vmdqemu.nic.adapter import Adapter, Outcome, SetMode, apply, compile_tables
from vmdqemu.nic.models import IDEAL
from vmdqemu.nic.modes import RSS, VMMQ, VMQ
from vmdqemu.nic.rss import ALL_TYPES, DEFAULT_TYPES, HashType, Rss
from vmdqemu.nic.rss_requests import MoveEntries, SetRss, SetScaling, evacuate
from vmdqemu.nic.scaling_entity import DEFAULT_PROCESSOR, MAX_MOVES, PRIMARY_PROCESSOR, EntryMove, Scale
from vmdqemu.nic.status import Status
from vmdqemu.nic.tables import DEFAULT_VPORT
from vmdqemu.nic.vport import Serving, entity

PROCESSORS = 4
# VPort 1 has queues 4 and 5, VPort 2 queues 6 to 9, VPort 3 queue 10; the default VPort 0 to 3.
LAB = adapter(Vm(queue_pairs=2), Vm(queue_pairs=4), Vm(), mode=VMMQ, default_queue_pairs=4)
PLACEMENT = {0: 0, 1: 1, 2: 2, 3: 3, 4: 0, 5: 1, 6: 0, 7: 1, 8: 2, 9: 3, 10: 0}
SERVING = Serving(frozenset(range(PROCESSORS)), PLACEMENT)


def move(*asked: tuple[int, int, int], actor: int = 0, serving: Serving = SERVING) -> MoveEntries:
    """asked: VPort, entry, processor."""
    return MoveEntries(tuple(EntryMove(*each) for each in asked), actor, serving)


def scale(vport: int, enabled: bool = True, **changed: Any) -> SetScaling:
    parameters = {name: changed.pop(name) for name in ("key", "types") if name in changed}
    return SetScaling(vport, Scale(enabled, **changed), SERVING, **parameters)


def rss(number: int, before: Adapter = LAB) -> Rss:
    found = before.vports[number].rss
    assert found is not None
    return found


@pytest.mark.parametrize(
    "changed", [{"key": bytes(40)}, {"types": DEFAULT_TYPES}, {"key": bytes(40), "types": DEFAULT_TYPES}]
)
def test_rssv1_cannot_change_key_or_types_of_a_live_vport(changed: dict[str, Any]) -> None:
    """NDIS: updating-vmmq-on-a-vport."""
    outcome = apply(LAB, SetRss(1, rss(1)._replace(**changed)))
    assert outcome.status is Status.INVALID_PARAMETER
    assert outcome.adapter is LAB


def test_rssv1_changes_the_table_its_length_and_the_default_queue() -> None:
    wanted = rss(1)._replace(table=(1, 0, 1, 1), default=1)
    assert accept(LAB, SetRss(1, wanted)).vports[1].rss == wanted


def test_native_rss_may_change_everything() -> None:
    """Key, types and table length of an adapter without a switch (NDIS: oid-gen-receive-scale-parameters)."""
    native = accept(LAB, SetMode(RSS))
    wanted = Rss.spread(4, key=bytes(range(40)), types=DEFAULT_TYPES, entries=16)
    assert compile_tables(accept(native, SetRss(DEFAULT_VPORT, wanted)), 1).default_rss == wanted
    assert apply(LAB, SetRss(DEFAULT_VPORT, wanted)).status is Status.INVALID_PARAMETER
    assert compile_tables(accept(native, SetMode(VMMQ)), 1).default_rss == Rss.spread(4, types=ALL_TYPES)


def test_rssv2_changes_key_types_and_length_while_it_runs() -> None:
    key = bytes(range(40))
    after = accept(LAB, scale(1, key=key, types=HashType.TCP_IPV4, entries=2, queues=2)).vports[1]
    assert after.spread == Rss(key, HashType.TCP_IPV4, (0, 1))


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (scale(9), Status.INVALID_PARAMETER),
        (scale(3), Status.NOT_SUPPORTED),  # one queue pair
        (scale(1, key=bytes(39)), Status.INVALID_LENGTH),
        (scale(1, types=HashType.TCP_IPV4 | HashType.UDP_IPV4), Status.INVALID_PARAMETER),
        (scale(1, queues=3), Status.INVALID_PARAMETER),  # more than it was created with
        (scale(1, queues=1), Status.NO_QUEUES),
        (scale(1, entries=256), Status.INVALID_PARAMETER),
        (move(), Status.INVALID_LENGTH),
        (move(*[(1, 0, 1)] * (MAX_MOVES + 1)), Status.INVALID_DATA),
    ],
)
def test_a_request_that_is_refused_has_its_status_and_changes_nothing(
    request_: SetScaling | MoveEntries, status: Status
) -> None:
    outcome = apply(LAB, request_)
    assert (outcome.status, outcome.placement, outcome.entries) == (status, {}, ())
    assert outcome.adapter is LAB


def test_key_and_types_do_not_matter_while_rss_is_off() -> None:
    off = accept(LAB, scale(1, enabled=False, key=bytes(1), types=HashType.TCP_IPV4))
    assert rss(1, off) == rss(1)
    assert compile_tables(off, 1).vports[1].rss is None
    assert compile_tables(accept(off, scale(1)), 1).vports[1].rss == rss(1)


def test_groups_are_consecutive_moves_of_one_vport_and_succeed_or_fail_by_themselves() -> None:
    """The published example: 1[0,1], 2[0], 1[2], where the last one needs a third queue of VPort 1."""
    asked = move((1, 0, 0), (1, 2, 1), (2, 0, 1), (1, 4, 2))
    outcome = apply(LAB, asked)
    success = Status.SUCCESS
    assert outcome.entries == (success, success, success, Status.NO_QUEUES)
    assert outcome.status is success
    assert outcome.adapter.vports[1].rss == rss(1)._replace(table=(0, 1, 1, *rss(1).table[3:]))
    assert outcome.adapter.vports[2].rss == rss(2)._replace(table=(1, *rss(2).table[1:]))


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ((9, 0, 1), Status.INVALID_PARAMETER),
        ((3, 0, 1), Status.NOT_SUPPORTED),
        ((1, 128, 1), Status.INVALID_PARAMETER),
        ((1, 1, 0), Status.NOT_ACCEPTED),
        ((1, 0, 4), Status.INVALID_DATA),
        ((1, 0, 3), Status.NO_QUEUES),
    ],
)
def test_a_move_that_is_refused_leaves_its_vport_and_fails_its_whole_group(
    asked: tuple[int, int, int], status: Status
) -> None:
    outcome = apply(LAB, move((asked[0], 2, 1), asked, (2, 0, 1)))
    assert outcome.entries == (status, status, Status.SUCCESS)
    assert {n: v for n, v in outcome.adapter.vports.items() if n != 2} == {1: LAB.vports[1], 3: LAB.vports[3]}


def test_what_was_carried_out_of_a_request_is_what_succeeded() -> None:
    asked = move((1, 0, 0), (1, 4, 2), (2, 0, 1))
    statuses = (Status.SUCCESS, Status.NO_QUEUES, Status.SUCCESS)
    assert asked.accepted(statuses).moves == (asked.moves[0], asked.moves[2])
    assert asked.accepted(()).moves == ()


def test_all_entries_of_a_queue_may_leave_for_a_processor_that_had_none() -> None:
    entries = [(1, at, 3) for at in range(0, 128, 2)]
    outcome = apply(LAB, move(*entries, (1, DEFAULT_PROCESSOR, 3)))
    assert set(outcome.entries) == {Status.SUCCESS}
    assert outcome.adapter.vports[1].rss == rss(1)
    assert outcome.placement == {4: 3}


def test_a_later_group_of_the_same_request_sees_the_queue_where_it_went() -> None:
    entries = [(1, at, 3) for at in range(0, 128, 2)]
    outcome = apply(LAB, move(*entries, (1, DEFAULT_PROCESSOR, 3), (2, 0, 1), (1, 0, 1)))
    assert outcome.entries[-1] is Status.NOT_ACCEPTED  # it is on processor 3 by now
    assert set(outcome.entries[:-1]) == {Status.SUCCESS}


def test_entries_are_evacuated_from_each_processor_that_they_are_on() -> None:
    """An entry can only be moved by a request on the processor that it is on."""
    now = entity(LAB.vports[2], rss(2), PLACEMENT)
    asked = evacuate(2, (0, 1, 2, 5, DEFAULT_PROCESSOR), now, 3, SERVING)
    assert [(request.actor, [each.entry for each in request.moves]) for request in asked] == [
        (0, [0, DEFAULT_PROCESSOR]),
        (1, [1, 5]),
        (2, [2]),
    ]
    for request in asked:
        assert set(apply(LAB, request).entries) == {Status.SUCCESS}


def test_a_move_of_the_primary_processor_counts_when_rss_is_turned_off() -> None:
    away = apply(LAB, move((2, PRIMARY_PROCESSOR, 3)))
    assert (away.entries, away.placement) == ((Status.SUCCESS,), {})
    off = apply(away.adapter, scale(2, enabled=False))
    assert off.placement == {6: 3}


def test_the_default_vport_is_moved_as_any_other() -> None:
    outcome = apply(LAB, move((DEFAULT_VPORT, 0, 1), (DEFAULT_VPORT, DEFAULT_PROCESSOR, 2)))
    found = compile_tables(outcome.adapter, 1).default_rss
    assert found is not None
    assert (found.table[:4], found.default) == ((1, 1, 2, 3), 2)


@pytest.mark.parametrize("request_", [scale(1), move((1, 0, 1))])
def test_rssv2_needs_vmmq_and_a_model_that_moves_single_entries(request_: SetScaling | MoveEntries) -> None:
    rules = IDEAL.queue_rules._replace(entry_moves=False)
    other = LAB._replace(model=IDEAL._replace(queue_rules=rules))
    for before in (other, accept(LAB, SetMode(VMQ))):
        outcome = apply(before, request_)
        assert {outcome.status, *outcome.entries} - {Status.SUCCESS} == {Status.NOT_SUPPORTED}


def test_a_model_with_one_table_changes_it_for_all_its_pools() -> None:
    """82599: a pool masks the entry to its own queues."""
    rules = IDEAL.queue_rules._replace(own_table=False)
    shared = LAB._replace(model=IDEAL._replace(queue_rules=rules))
    after = accept(shared, SetRss(2, rss(2)._replace(table=(3, 2, 1, 0))))
    assert [rss(1, after).table, rss(2, after).table] == [(1, 0, 1, 0), (3, 2, 1, 0)]
    assert after.vports[3].rss is None
    assert accept(LAB, SetRss(2, rss(2)._replace(table=(3, 2, 1, 0)))).vports[1] == LAB.vports[1]


@pytest.mark.parametrize(
    ("rules", "wanted"),
    [
        ({"hash_types": DEFAULT_TYPES}, Rss.spread(2, types=ALL_TYPES)),
        ({"table_entries": 64}, Rss.spread(2, entries=128)),
    ],
)
def test_what_the_model_cannot_hash_or_hold_is_refused(rules: dict[str, Any], wanted: Rss) -> None:
    model = IDEAL._replace(queue_rules=IDEAL.queue_rules._replace(**rules))
    before = adapter(Vm(queue_pairs=2, rss=None), mode=VMMQ)._replace(model=model)
    before = before._replace(vports={1: before.vports[1]._replace(rss=None)})
    assert apply(before, SetRss(1, wanted)).status is Status.INVALID_PARAMETER


ENTRIES = st.sampled_from([*range(9), DEFAULT_PROCESSOR, PRIMARY_PROCESSOR])
AT = st.integers(0, PROCESSORS)


class ScalingMachine(RuleBasedStateMachine):
    """Any requests in any order, with the placement that follows from them."""

    def __init__(self) -> None:
        super().__init__()
        self.adapter = LAB
        self.placement = dict(PLACEMENT)

    def ask(self, request: SetScaling | MoveEntries) -> Outcome:
        before = self.adapter
        outcome = apply(before, request)
        done = Status.SUCCESS in (outcome.entries or (outcome.status,))
        assert done or (outcome.adapter is before and not outcome.placement)
        self.adapter = outcome.adapter
        self.placement.update(outcome.placement)
        return outcome

    def serving(self) -> Serving:
        return Serving(SERVING.processors, dict(self.placement))

    @rule(
        asked=st.lists(st.tuples(st.integers(0, 3), ENTRIES, AT), min_size=1, max_size=8),
        actor=AT,
    )
    def move(self, asked: list[tuple[int, int, int]], actor: int) -> None:
        outcome = self.ask(move(*asked, actor=actor, serving=self.serving()))
        assert len(outcome.entries) == len(asked)

    @rule(
        vport=st.integers(0, 3),
        enabled=st.booleans(),
        queues=st.sampled_from([None, 1, 2, 3, 4]),
        entries=st.sampled_from([None, 1, 2, 4, 8, 128]),
    )
    def scale(self, vport: int, enabled: bool, queues: int | None, entries: int | None) -> None:
        self.ask(SetScaling(vport, Scale(enabled, queues, entries), self.serving()))

    @rule(queue=st.sampled_from(sorted(PLACEMENT)), processor=st.integers(0, PROCESSORS - 1))
    def serve(self, queue: int, processor: int) -> None:
        """The host moves a queue as a whole."""
        self.placement[queue] = processor

    @invariant()
    def ndis_and_the_silicon_agree(self) -> None:
        for number in (0, 1, 2):
            vport = self.adapter.vport(number)
            assert vport is not None
            assert vport.rss is not None
            seen = entity(vport, vport.rss, self.placement)
            if vport.spread is None:
                assert seen.processors == (self.placement[vport.queues[0]],)
            else:
                at = [self.placement[vport.queues[index]] for index in vport.spread.table]
                assert seen.entries == tuple(at)
            assert set(self.placement.values()) <= SERVING.processors

    @invariant()
    def the_registers_name_queues_of_their_vport(self) -> None:
        tables = compile_tables(self.adapter, 1)
        for vport in tables.vports.values():
            if vport.rss is not None:
                assert {*vport.rss.table, vport.rss.default} <= set(range(len(vport.queues)))


ScalingMachine.TestCase.settings = settings(max_examples=80, stateful_step_count=30)
test_any_requests_in_any_order = ScalingMachine.TestCase
