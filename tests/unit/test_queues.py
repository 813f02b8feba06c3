"""Who has a queue of its own (rows D9 and K4 of the Microsoft rules)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmdqemu.host.queues import Ask, NoQueue, Override, VmqPolicy, grant

GIGABIT, TEN_GIGABIT = 1_000, 10_000


@pytest.mark.parametrize(
    ("policy", "slow", "fast"),
    [
        (VmqPolicy(), False, True),
        (VmqPolicy(default=False), False, False),  # Windows Server 2008 R2
        (VmqPolicy(default=False, ten_gig=Override.ENABLED), False, True),
        (VmqPolicy(below_ten_gig=Override.ENABLED), True, True),
        (VmqPolicy(below_ten_gig=Override.DISABLED), False, True),
        (VmqPolicy(ten_gig=Override.DISABLED), False, False),
        (VmqPolicy(ten_gig=Override.DISABLED, below_ten_gig=Override.ENABLED), True, False),
        (VmqPolicy(any_speed=True), True, True),
        (VmqPolicy(any_speed=True, ten_gig=Override.DISABLED), True, False),
    ],
)
def test_k4_the_10_gigabit_rule_and_the_keyword_for_each_speed(
    policy: VmqPolicy, slow: bool, fast: bool
) -> None:
    assert [policy.allows(GIGABIT), policy.allows(TEN_GIGABIT - 1)] == [slow, slow]
    assert [policy.allows(TEN_GIGABIT), policy.allows(None)] == [fast, fast]


def test_d9_first_come_first_served() -> None:
    answers = grant([Ask("a"), Ask("b"), Ask("c")], queues=2, allowed=True)
    assert answers == {"a": None, "b": None, "c": NoQueue.EXHAUSTED}


def test_d9_weight_0_is_the_default_queue_and_takes_no_place() -> None:
    answers = grant([Ask("a", weight=0), Ask("b", weight=1)], queues=1, allowed=True)
    assert answers == {"a": NoQueue.WEIGHT, "b": None}


def test_d9_a_larger_weight_does_not_jump_the_queue() -> None:
    answers = grant([Ask("a", weight=1), Ask("b", weight=100)], queues=1, allowed=True)
    assert answers == {"a": None, "b": NoQueue.EXHAUSTED}


def test_d9_a_freed_queue_goes_to_the_first_that_waits() -> None:
    asks = [Ask("a"), Ask("b"), Ask("c"), Ask("d")]
    left = [ask for ask in asks if ask.vm != "a"]
    assert grant(left, queues=2, allowed=True) == {"b": None, "c": None, "d": NoQueue.EXHAUSTED}


def test_a_vm_with_a_vf_needs_no_queue() -> None:
    assert grant([Ask("a", vf=True), Ask("b")], queues=1, allowed=True) == {"a": NoQueue.VF, "b": None}


def test_where_the_policy_forbids_it_nobody_has_a_queue() -> None:
    assert grant([Ask("a")], queues=1, allowed=False) == {"a": NoQueue.POLICY}


@pytest.mark.parametrize("weight", [-1, 101])
def test_a_weight_outside_0_to_100_is_refused_with_its_name(weight: int) -> None:
    with pytest.raises(ValueError, match=r"^weight: .*; use 0 to 100"):
        grant([Ask("a", weight)], queues=1, allowed=True)


def test_every_reason_names_its_cure() -> None:
    assert all("; " in reason.value for reason in NoQueue)


names, weights = st.sampled_from("abcdefgh"), st.integers(0, 100)
lines = st.lists(
    st.builds(Ask, names, weights, st.booleans(), queues=st.just(1)), unique_by=lambda ask: ask.vm
)


@given(asks=lines, queues=st.integers(0, 6))
def test_no_queue_is_given_twice_and_none_is_kept_from_a_vm_that_waits(asks: list[Ask], queues: int) -> None:
    answers = grant(asks, queues, allowed=True)
    served = [vm for vm, answer in answers.items() if answer is None]
    assert len(served) == min(queues, sum(ask.weight > 0 and not ask.vf for ask in asks))


@given(asks=lines, staying=st.sets(names), queues=st.integers(0, 6))
def test_who_has_a_queue_keeps_it_when_others_come_and_go(
    asks: list[Ask], staying: set[str], queues: int
) -> None:
    before = grant(asks, queues, allowed=True)
    left = [ask for ask in asks if ask.vm in staying]
    after = grant([*left, Ask("new")], queues, allowed=True)
    assert all(after[ask.vm] is None for ask in left if before[ask.vm] is None)


def test_a_vm_that_needs_more_queues_than_are_left_gets_none_and_the_next_may() -> None:
    answers = grant([Ask("a", queues=3), Ask("b", queues=2), Ask("c")], queues=4, allowed=True)
    assert answers == {"a": None, "b": NoQueue.EXHAUSTED, "c": None}
