"""Disciplines: what a turn costs, what a refill brings, and the weighted round robin of the chips."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.transmitter import BACKLOG, Ring, Transmitter
from vmdqemu.nic.disciplines import CREDIT_OCTETS, RULES, Account, Discipline

FRAME = 24 * CREDIT_OCTETS  # 1536 octets


def weighted(*ports: tuple[int, int], octets: int = FRAME) -> Transmitter:
    """A port for each (refill in credits, frames that wait)."""
    sender = Transmitter(Discipline.WEIGHTED)
    for credits, waiting in ports:
        add(sender, credits, waiting, octets)
    return sender


def add(sender: Transmitter, credits: int, waiting: int, octets: int) -> Ring:
    """One more port."""
    ring = sender.add("1514", waiting, weight=credits)
    ring.octets = octets
    return ring


def test_pools_with_refills_of_24_and_48_credits_send_frames_of_24_in_the_order_1_2_2() -> None:
    """X550 7.2.1.2.3."""
    assert weighted((24, BACKLOG), (48, BACKLOG)).ports(12) == [1, 2, 2] * 4


def test_when_a_pool_goes_idle_the_other_gets_all() -> None:
    assert weighted((24, 2), (48, BACKLOG)).ports(20) == [1, 2, 2, 1, *[2] * 16]


def test_a_pool_that_was_idle_comes_back_with_two_refills_and_no_more() -> None:
    """credits = min(credits + refill, 2 x refill), for every pool (X550 7.2.1.2.3)."""
    sender = weighted((48, 0), (24, BACKLOG))
    sender.ports(1000)
    sender.refill(1)
    assert sender.ports(11) == [2, *[1] * 4, *[2, 1, 1] * 2]


def by_the_book(pools: list[tuple[int, int, list[int]]]) -> list[int]:
    """The order in which pools (number, refill, frames) send, frame by frame (X550 7.2.1.2.3)."""
    frames = {number: list(octets) for number, _, octets in pools}
    refill = {number: credits * CREDIT_OCTETS for number, credits, _ in pools}
    credit, order, last = dict(refill), [], 0
    while any(frames.values()):
        circular = sorted(frames, key=lambda number: (number <= last, number))
        able = [number for number in circular if frames[number] and credit[number] > 0]
        if able:
            last = able[0]
            credit[last] -= frames[last].pop(0)
            order.append(last)
        else:
            credit = {n: min(credit[n] + refill[n], 2 * refill[n]) for n in frames}
    return order


@given(st.lists(st.tuples(st.integers(1, 100), st.integers(0, 30), st.integers(60, 9000)), max_size=5))
def test_weighted_frames_leave_in_the_order_of_the_book(ports: list[tuple[int, int, int]]) -> None:
    sender = Transmitter(Discipline.WEIGHTED)
    for credits, waiting, octets in ports:
        add(sender, credits, waiting, octets)
    sent = dict.fromkeys(sender.rings, 0)
    order = []
    while turn := sender.take():
        ring = sender.rings[turn.port]
        order += [turn.port] * (ring.sent - sent[turn.port])
        sent[turn.port] = ring.sent
    pools = [(n, credits, [octets] * waiting) for n, (credits, waiting, octets) in enumerate(ports, 1)]
    assert order == by_the_book(pools)


@given(st.lists(st.integers(1, 100), min_size=2, max_size=4), st.sampled_from([60, 1514, 65_000]))
def test_weighted_shares_are_exact_over_time(credits: list[int], octets: int) -> None:
    sender = weighted(*((each, BACKLOG) for each in credits), octets=octets)
    sender.run(2_000 * octets)
    rounds = [
        (ring.octets_sent + octets) / (each * CREDIT_OCTETS)
        for ring, each in zip(sender.rings.values(), credits, strict=True)
    ]
    a_frame_each = octets / (min(credits) * CREDIT_OCTETS)
    assert max(rounds) - min(rounds) <= 2 * a_frame_each + 1


@pytest.mark.parametrize("discipline", Discipline)
def test_a_debt_is_paid_back_in_as_many_refills_as_it_takes(discipline: Discipline) -> None:
    account = Account(RULES[discipline], weight=3, since=7)
    refill = account.credit
    account.spend(4 * refill, 4 * refill)
    assert account.missing == 4  # at nothing there is no credit
    assert not account.has_credit(7 + 3)
    assert account.has_credit(7 + 4)
    assert account.missing == 0


def test_rounds_that_are_skipped_bring_nothing() -> None:
    account = Account(RULES[Discipline.DEFICIT], weight=1, since=0)
    account.spend(1, account.credit)
    account.skip(5)
    assert not account.has_credit(5)
    assert account.has_credit(6)


def test_round_robin_knows_no_weights() -> None:
    sender = Transmitter(Discipline.ROUND_ROBIN)
    for weight in (1, 100):
        sender.add("1514", weight=weight)
    assert sender.ports(6) == [1, 2] * 3
