"""The mailbox: whoever asks changes nothing but his own VF, and every message is answered or none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.builders import GROUP, accept, mac
from vmdqemu.nic.adapter import (
    Adapter,
    AllocateVf,
    AskPf,
    CreateVPort,
    MoveFilter,
    Outcome,
    SetFilter,
    SetVf,
    apply,
)
from vmdqemu.nic.mailbox import ACK, CTS, NACK, WORDS, Kind
from vmdqemu.nic.models import IDEAL
from vmdqemu.nic.modes import VMQ
from vmdqemu.nic.status import Status
from vmdqemu.nic.switch_objects import Cast, NicSwitch
from vmdqemu.nic.vf_settings import terms_of

TWO = accept(
    Adapter(IDEAL, VMQ, mtu=1500, wire=True, switch=NicSwitch(vfs=2)),
    CreateVPort("vm1"),
    SetFilter(1, mac(1)),
    CreateVPort("vm2"),
    SetFilter(2, mac(2)),
    AllocateVf("vm1", mac(1)),
    CreateVPort("vm1", function=0),
    MoveFilter(1, 255),
    AllocateVf("vm2", mac(2)),
    CreateVPort("vm2", function=1),
    MoveFilter(2, 254),
)
READY = accept(TWO, AskPf(0, "vm1", (Kind.RESET,)), AskPf(0, "vm1", (Kind.API_NEGOTIATE, 3)))
TRUSTED = accept(READY, SetVf(0, terms_of(READY, 0)._replace(trusted=True)))


def words(address: bytes) -> tuple[int, int]:
    return int.from_bytes(address[:4], "little"), int.from_bytes(address[4:], "little")


def ask(adapter: Adapter, *message: int) -> Outcome:
    return apply(adapter, AskPf(0, "vm1", message))


def keys(adapter: Adapter) -> set[tuple[bytes, object]]:
    """What the VF's VPort has filters for."""
    return {held.key for held in adapter.filters.values() if held.vport == 255}


def test_until_the_reset_nothing_else_is_granted() -> None:
    asked = ask(TWO, Kind.SET_LPE, 1518)
    assert (asked.status, asked.words) == (Status.NOT_ACCEPTED, (Kind.SET_LPE | NACK,))
    assert asked.adapter is TWO
    assert ask(READY, Kind.SET_LPE, 1518).words == (Kind.SET_LPE | ACK | CTS, 1518)


def test_the_reset_says_the_address_and_forgets_what_was_asked_for() -> None:
    assert ask(TWO, Kind.RESET).words == (Kind.RESET | ACK, *words(mac(1)), 0)
    member = accept(READY, AskPf(0, "vm1", (Kind.SET_VLAN | 1 << 16, 7)))
    assert keys(member) == {(mac(1), None), (mac(1), 7)}
    assert keys(ask(member, Kind.RESET).adapter) == {(mac(1), None)}


@pytest.mark.parametrize(
    ("adapter", "message", "granted"),
    [
        (READY, (Kind.SET_MAC_ADDR, *words(mac(1))), True),
        (READY, (Kind.SET_MAC_ADDR, *words(mac(9))), False),
        (TRUSTED, (Kind.SET_MAC_ADDR, *words(mac(9))), True),
        (TRUSTED, (Kind.SET_MAC_ADDR, *words(mac(2))), False),
        (TRUSTED, (Kind.SET_MAC_ADDR, *words(GROUP)), False),
        (TRUSTED, (Kind.SET_MAC_ADDR, 0, 0), False),
        (READY, (Kind.SET_LPE, 9728), True),
        (READY, (Kind.SET_LPE, 9729), False),
        (READY, (Kind.SET_MACVLAN | 1 << 16, *words(mac(9))), False),
        (READY, (Kind.SET_MACVLAN, *words(mac(9))), True),
        (TRUSTED, (Kind.SET_MACVLAN | 1 << 16, *words(mac(2))), False),
        (READY, (Kind.API_NEGOTIATE, 1), False),
        (READY, (Kind.API_NEGOTIATE, 4), True),
        (READY, (Kind.SET_VLAN, 0), True),
        (READY, (Kind.UPDATE_XCAST_MODE, 3), False),
        (READY, (0x0A,), False),
        (READY, (0x77,), False),
    ],
)
def test_what_is_granted_and_what_is_not(adapter: Adapter, message: tuple[int, ...], granted: bool) -> None:
    asked = ask(adapter, *message)
    assert asked.words[0] == message[0] | (ACK if granted else NACK) | CTS
    assert asked.status is (Status.SUCCESS if granted else Status.NOT_ACCEPTED)
    assert granted or asked.adapter is adapter


def test_the_queues_are_told_from_version_1_1_on() -> None:
    assert ask(READY, Kind.GET_QUEUES).words == (Kind.GET_QUEUES | ACK | CTS, 1, 1, 0, 0)
    old = accept(READY, AskPf(0, "vm1", (Kind.API_NEGOTIATE, 0)))
    assert ask(old, Kind.GET_QUEUES).words == (Kind.GET_QUEUES | NACK | CTS,)


def test_who_is_not_trusted_gets_the_groups_that_he_listed() -> None:
    asked = ask(READY, Kind.UPDATE_XCAST_MODE, Cast.ALL)
    assert asked.words[1] == Cast.MULTI
    assert ask(TRUSTED, Kind.UPDATE_XCAST_MODE, Cast.ALL).words[1] == Cast.ALL
    listed = ask(READY, Kind.SET_MULTICAST | 3 << 16, 0x0FFF_1001, 0x0002).adapter
    assert listed.vfs[0].driver.groups == (0x001, 0xFFF, 0x002)


def test_one_more_address_ends_the_spoof_check_and_all_go_at_once() -> None:
    more = ask(TRUSTED, Kind.SET_MACVLAN | 1 << 16, *words(mac(9))).adapter
    assert keys(more) == {(mac(1), None), (mac(9), None)}
    assert not more.vports[255].spoof_check
    assert keys(ask(more, Kind.SET_MACVLAN, 0, 0).adapter) == {(mac(1), None)}


def test_under_a_port_vlan_there_is_no_other() -> None:
    ported = accept(READY, SetVf(0, terms_of(READY, 0)._replace(vlan=10)))
    assert ask(ported, Kind.SET_VLAN | 1 << 16, 7).status is Status.NOT_ACCEPTED
    assert ask(accept(ported, AskPf(0, "vm1", (Kind.API_NEGOTIATE, 3))), Kind.GET_QUEUES).words[3] == 1


def test_a_vlan_is_joined_once_and_left() -> None:
    once = accept(READY, AskPf(0, "vm1", (Kind.SET_VLAN | 1 << 16, 7)))
    assert accept(once, AskPf(0, "vm1", (Kind.SET_VLAN | 1 << 16, 7))) == once
    assert keys(accept(once, AskPf(0, "vm1", (Kind.SET_VLAN, 7)))) == {(mac(1), None)}


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (AskPf(0, "vm2", (Kind.RESET,)), Status.INVALID_PARAMETER),
        (AskPf(9, "vm1", (Kind.RESET,)), Status.INVALID_PARAMETER),
        (AskPf(0, "vm1", ()), Status.INVALID_LENGTH),
        (AskPf(0, "vm1", (Kind.RESET,) * (WORDS + 1)), Status.INVALID_LENGTH),
        (AskPf(0, "vm1", (1 << 32,)), Status.INVALID_DATA),
        (AskPf(0, "vm1", (Kind.RESET | ACK,)), Status.INVALID_DATA),
    ],
)
def test_what_is_no_message_of_ones_own_vf_is_not_answered(request_: AskPf, status: Status) -> None:
    assert apply(TWO, request_) == Outcome(TWO, status)


@given(
    st.lists(st.lists(st.integers(0, (1 << 32) - 1) | st.integers(0, 0x10), max_size=WORDS + 1), max_size=8)
)
def test_no_message_reaches_beyond_its_vf(messages: list[list[int]]) -> None:
    adapter = TRUSTED
    for message in messages:
        outcome = ask(adapter, *message)
        assert outcome.status is Status.SUCCESS or outcome.adapter is adapter
        adapter = outcome.adapter
    assert adapter.vfs[1] == TRUSTED.vfs[1]
    assert {n: v for n, v in adapter.vports.items() if n != 255} == {
        n: v for n, v in TRUSTED.vports.items() if n != 255
    }
    others = {n: held for n, held in adapter.filters.items() if held.vport != 255}
    assert others == {n: held for n, held in TRUSTED.filters.items() if held.vport != 255}


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("length", range(1, WORDS + 1))
def test_a_message_that_is_too_short_is_refused(kind: Kind, length: int) -> None:
    """N23."""
    needed = {
        Kind.SET_MAC_ADDR: 3,
        Kind.SET_MACVLAN: 3,
        Kind.SET_VLAN: 2,
        Kind.SET_LPE: 2,
        Kind.API_NEGOTIATE: 2,
        Kind.UPDATE_XCAST_MODE: 2,
    }.get(kind, 1)
    asked = ask(READY, kind, *[0] * (length - 1))
    if length < needed:
        assert asked.words == (kind | NACK | CTS,)
