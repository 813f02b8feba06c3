"""RSSv2's scaling entity: every check has its status, a group moves whole, a refusal changes nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmdqemu.nic import scaling_entity
from vmdqemu.nic.scaling_entity import DEFAULT_PROCESSOR, PRIMARY_PROCESSOR, Entity, EntryMove, Scale
from vmdqemu.nic.status import Status

ON = Entity(True, primary=0, default=0, entries=(0, 1, 0, 1), queues=2)
OFF = ON._replace(enabled=False)
RSS_PROCESSORS = range(4)
MOST = 4, 128  # queues and entries of the VPort


def moves(*pairs: tuple[int, int]) -> list[EntryMove]:
    return [EntryMove(1, entry, processor) for entry, processor in pairs]


@pytest.mark.parametrize(
    ("before", "asked", "actor", "status"),
    [
        (ON, moves((0, 1)), 0, Status.SUCCESS),
        (ON, moves((0, 1), (2, 1)), 0, Status.SUCCESS),
        (ON, moves((0, 0)), 0, Status.SUCCESS),
        (ON, moves((DEFAULT_PROCESSOR, 1)), 0, Status.SUCCESS),
        (ON, moves((4, 1)), 0, Status.INVALID_PARAMETER),
        (ON, moves((-1, 1)), 0, Status.INVALID_PARAMETER),
        (ON, moves((0xFFFD, 1)), 0, Status.INVALID_PARAMETER),
        (ON, moves((1, 0)), 0, Status.NOT_ACCEPTED),
        (ON, moves((0, 1), (1, 0)), 0, Status.NOT_ACCEPTED),
        (ON, moves((0, 9)), 0, Status.INVALID_DATA),
        (ON, moves((DEFAULT_PROCESSOR, 9)), 0, Status.INVALID_DATA),
        (ON, moves((PRIMARY_PROCESSOR, 9)), 0, Status.SUCCESS),  # it does not steer
        (ON, moves((PRIMARY_PROCESSOR, 9)), 1, Status.NOT_ACCEPTED),
        (ON, moves((0, 2)), 0, Status.NO_QUEUES),
        (ON, moves((0, 2), (2, 2)), 0, Status.NO_QUEUES),  # the default processor is left on 0
        (ON, moves((0, 2), (2, 2), (DEFAULT_PROCESSOR, 2)), 0, Status.SUCCESS),  # legal only together
        (OFF, moves((0, 9)), 0, Status.SUCCESS),
        (OFF, moves((0, 2), (2, 3)), 0, Status.SUCCESS),  # too many, checked when they come to steer
        (OFF, moves((PRIMARY_PROCESSOR, 3)), 0, Status.SUCCESS),
        (OFF, moves((PRIMARY_PROCESSOR, 9)), 0, Status.INVALID_DATA),
    ],
)
def test_a_group_of_moves_has_one_status_and_moves_whole_or_not_at_all(
    before: Entity, asked: list[EntryMove], actor: int, status: Status
) -> None:
    after, seen = scaling_entity.move(before, asked, actor, RSS_PROCESSORS)
    assert seen is status
    if status is not Status.SUCCESS:
        assert after is before
    else:
        assert [after.processor(move.entry) for move in asked] == [move.processor for move in asked]


@pytest.mark.parametrize(
    ("before", "request_", "status"),
    [
        (OFF, Scale(True), Status.SUCCESS),
        (ON, Scale(False), Status.SUCCESS),
        (ON, Scale(True, queues=4, entries=8), Status.SUCCESS),
        (ON, Scale(True, entries=2), Status.SUCCESS),
        (ON, Scale(True, queues=0), Status.INVALID_PARAMETER),
        (ON, Scale(True, queues=5), Status.INVALID_PARAMETER),
        (ON, Scale(True, entries=3), Status.INVALID_PARAMETER),
        (ON, Scale(True, entries=1), Status.INVALID_PARAMETER),
        (ON, Scale(True, entries=256), Status.INVALID_PARAMETER),
        (ON, Scale(True, queues=1), Status.NO_QUEUES),
        (ON._replace(default=2, queues=3), Scale(True, queues=2), Status.NO_QUEUES),  # it counts too
        (OFF, Scale(False, queues=1), Status.SUCCESS),
        (OFF, Scale(True, queues=1), Status.NO_QUEUES),
        (OFF._replace(entries=(0, 1, 2, 1)), Scale(True), Status.NO_QUEUES),
        (OFF._replace(entries=(0, 9, 0, 9)), Scale(True), Status.INVALID_DATA),
        (OFF._replace(default=9), Scale(True), Status.INVALID_DATA),
        (ON._replace(primary=9), Scale(False), Status.INVALID_DATA),
        (ON._replace(primary=9), Scale(True, entries=2), Status.SUCCESS),
        (ON._replace(entries=(0, 1, 1, 0)), Scale(True, entries=2), Status.INVALID_DATA),
        (OFF._replace(entries=(0, 1, 1, 0)), Scale(False, entries=2), Status.INVALID_DATA),
    ],
)
def test_turning_on_and_off_and_resizing_have_their_checks(
    before: Entity, request_: Scale, status: Status
) -> None:
    after, seen = scaling_entity.scale(before, request_, *MOST, RSS_PROCESSORS)
    assert seen is status
    if status is not Status.SUCCESS:
        assert after is before
    else:
        assert after.enabled == request_.enabled
        assert after.queues == (request_.queues or before.queues)
        assert len(after.entries) == (request_.entries or len(before.entries))


def test_a_table_grows_by_repeating_itself_and_shrinks_back() -> None:
    grown, _ = scaling_entity.scale(ON, Scale(True, entries=16), *MOST, RSS_PROCESSORS)
    assert grown.entries == (0, 1) * 8
    assert scaling_entity.scale(grown, Scale(True, entries=4), *MOST, RSS_PROCESSORS)[0] == ON


def test_what_does_not_steer_is_written_down_and_steers_after_the_turn() -> None:
    moved, _ = scaling_entity.move(OFF, moves((0, 3), (2, 3), (DEFAULT_PROCESSOR, 3)), 0, RSS_PROCESSORS)
    assert moved.processors == (0,)
    on, status = scaling_entity.scale(moved, Scale(True), *MOST, RSS_PROCESSORS)
    assert (status, set(on.processors)) == (Status.SUCCESS, {1, 3})
    away, _ = scaling_entity.move(on, moves((PRIMARY_PROCESSOR, 2)), 0, RSS_PROCESSORS)
    assert set(away.processors) == {1, 3}
    off, _ = scaling_entity.scale(away, Scale(False), *MOST, RSS_PROCESSORS)
    assert off.processors == (2,)
    assert (off.entries, off.default) == (on.entries, on.default)


PROCESSORS = st.integers(0, 5)
ENTITIES = st.builds(
    Entity, st.booleans(), PROCESSORS, PROCESSORS, st.tuples(*[PROCESSORS] * 4), st.integers(1, 4)
)
MOVES = st.builds(
    EntryMove,
    st.just(1),
    st.sampled_from([0, 1, 2, 3, 4, DEFAULT_PROCESSOR, PRIMARY_PROCESSOR]),
    PROCESSORS,
)


@given(ENTITIES, st.lists(MOVES, max_size=5), PROCESSORS)
def test_no_more_processors_steer_than_there_are_queues(
    before: Entity, asked: list[EntryMove], actor: int
) -> None:
    after, status = scaling_entity.move(before, asked, actor, RSS_PROCESSORS)
    assert status is Status.SUCCESS or after is before
    assert status is not Status.SUCCESS or len(after.processors) <= after.queues
    assert (after.enabled, after.queues, len(after.entries)) == (before.enabled, before.queues, 4)
