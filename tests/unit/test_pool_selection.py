"""Which pools get a frame from the wire: the worked example, and what holds for any registers."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit import golden
from tests.unit.builders import GROUP, OUTSIDE, STRANGER, Vm, adapter, mac, parsed
from tests.unit.chips import PLAIN, SOFTWARE_ONLY, SWITCHING, register_files, registers
from tests.unit.hostile import frames
from tests.unit.pumping import PLAIN as NO_OFFLOADS
from vmdqemu.host.decide import decide
from vmdqemu.host.vswitch import WIRE
from vmdqemu.nic import switch
from vmdqemu.nic.adapter import compile_tables
from vmdqemu.nic.counters import DropReason
from vmdqemu.nic.frame import BROADCAST, parse
from vmdqemu.nic.models import I82576, I82599, X550, Model
from vmdqemu.nic.modes import VMQ
from vmdqemu.nic.pools import EVERY_GROUP, NOTHING, Accept, Mirror, MirrorKind
from vmdqemu.nic.tables import Tables


@pytest.mark.parametrize("column", golden.WIRE_COLUMNS)
@pytest.mark.parametrize("row", golden.WIRE)
def test_the_worked_example_from_the_wire(row: int, column: str) -> None:
    case = golden.WIRE[row]
    vids = [] if case.vlan is None else [case.vlan]
    seen = switch.receive(
        parsed(case.destination, golden.OUTSIDE, vids), golden.tables(*golden.WIRE_COLUMNS[column])
    )
    pools = tuple(placed.vport for placed in seen.queues)
    assert (seen.drop or pools) == getattr(case, column)


def pools(
    tables: Tables, destination: bytes, vids: tuple[int, ...] = (), **frame: Any
) -> list[int] | DropReason:
    seen = switch.receive(parsed(destination, OUTSIDE, vids, **frame), tables)
    return seen.drop or [placed.vport for placed in seen.queues]


def test_a_group_that_matches_exactly_passes_the_table_by_but_not_the_promiscuous() -> None:
    """X550 7.8.3.3.1 steps 3 to 5."""
    asked = {
        1: PLAIN._replace(accept=NOTHING),
        2: PLAIN._replace(accept=Accept.ROMPE),
        3: PLAIN._replace(accept=Accept.MPE),
    }
    lab = Vm(), Vm(), Vm()
    table = frozenset({GROUP})
    by_table = registers(*lab, pools=asked, multicast_table=table)
    exact = registers(*lab, pools=asked, multicast_table=table, groups={GROUP: frozenset({1})})
    assert pools(by_table, GROUP) == [0, 2, 3]  # pool 0, the PF's, is promiscuous
    assert pools(exact, GROUP) == [0, 1, 3]


def test_a_unicast_address_that_matches_exactly_passes_the_table_by() -> None:
    asked = {2: PLAIN._replace(accept=Accept.ROPE)}
    tables = registers(Vm(), Vm(), pools=asked, unicast_table=frozenset({STRANGER, mac(1)}))
    assert pools(tables, mac(1)) == [1]
    assert pools(tables, STRANGER) == [2]


@pytest.mark.parametrize("model", [I82599, X550], ids=lambda model: model.name)
def test_only_an_x550_takes_a_disabled_pools_address_for_unknown(model: Model) -> None:
    off = {1: PLAIN._replace(receive=False)}
    tables = registers(Vm(), Vm(), model=model, pools=off)
    assert pools(tables, mac(1)) == ([0] if model is X550 else DropReason.VFRE_OFF)
    assert pools(tables, BROADCAST) == [0, 2]


def test_a_pool_of_an_x550_may_be_promiscuous_for_addresses_and_vlans() -> None:
    every = {1: PLAIN._replace(accept=Accept.UPE | Accept.VPE)}
    tables = registers(Vm(), Vm(vlan=10), model=X550, pools=every)
    assert pools(tables, mac(2), (10,)) == [1, 2]
    assert pools(tables, STRANGER, (20,)) == [1]


def test_an_x550_in_a_vepa_gives_nobody_back_what_it_sent() -> None:
    reflected = parsed(BROADCAST, mac(1))
    found = {
        model.name: [
            placed.vport
            for placed in switch.receive(reflected, registers(Vm(), Vm(), model=model, loopback=False)).queues
        ]
        for model in (I82599, X550)
    }
    assert found == {"82599": [0, 1, 2], "x550": [0, 2]}


@pytest.mark.parametrize(
    ("length", "destination", "found"),
    [
        (1518, mac(1), [1]),
        (1519, mac(1), DropReason.OVERSIZE),  # 1523 with its FCS
        (1519, mac(2), [2]),
        (8997, mac(2), DropReason.OVERSIZE),
        (8997, mac(3), [3]),
        (3000, BROADCAST, [0, 2, 3]),
        (60, BROADCAST, [0, 1, 2, 3]),
    ],
)
def test_a_pool_gets_no_frame_longer_than_it_takes(
    length: int, destination: bytes, found: list[int] | DropReason
) -> None:
    """82576 8.19.37."""
    limits = {1: PLAIN._replace(longest=1522), 2: PLAIN._replace(longest=9000)}
    tables = registers(Vm(), Vm(), Vm(), model=I82576, pools=limits)._replace(mtu=9000)
    assert pools(tables, destination, payload=bytes(length - 14)) == found


def test_without_replication_a_frame_has_one_place() -> None:
    lab = Vm(), Vm(), Vm()
    rope = {2: PLAIN._replace(accept=EVERY_GROUP | Accept.ROPE)}
    tables = registers(
        *lab,
        replication=False,
        pools=rope,
        unicast_table=frozenset({STRANGER}),
        groups={GROUP: frozenset({3})},
    )
    assert pools(tables, BROADCAST) == [0]
    assert pools(tables, BROADCAST[:5] + b"\xfd") == [0]
    assert pools(tables, GROUP) == [3]
    assert pools(tables, STRANGER) == [2]


def test_any_pool_may_be_the_default_one() -> None:
    assert pools(registers(default_pool=2), STRANGER) == [2]
    assert pools(registers(default_pool=None), STRANGER) is DropReason.NO_POOL


@st.composite
def chips(draw: st.DrawFn) -> Tables:
    """A chip with any registers, three VMs behind it."""
    model = draw(st.sampled_from([*SWITCHING, *SOFTWARE_ONLY]))
    vlans = draw(st.sampled_from([(None, None, None), (None, 10, 10)]))
    built = adapter(*map(Vm, vlans), model=model, mode=VMQ, requests=draw(register_files(model, 3)))
    return compile_tables(built, generation=1)


ARRIVING = frames().map(lambda frame: parse(frame[len(NO_OFFLOADS) :]))


@settings(max_examples=500)
@given(chips(), ARRIVING)
def test_what_every_set_of_registers_promises(tables: Tables, frame: Any) -> None:
    pooling = tables.pooling
    assert pooling is not None
    seen = switch.receive(frame, tables)
    found = {placed.vport for placed in seen.queues}
    assert len(found) == len(seen.queues)
    assert bool(found) == (seen.drop is None)
    assert found <= pooling.receive
    assert pooling.replication or len(found) <= 1
    assert all(frame.length <= pooling.limits.get(pool, frame.length) for pool in found)


@settings(max_examples=500)
@given(chips(), ARRIVING)
def test_what_the_sorter_may_place_is_its_vports_alone(tables: Tables, frame: Any) -> None:
    """It knows the address and the VLAN; a priority tag is of none."""
    key = frame.destination, frame.vlan or None
    owner = tables.filters.get(key)
    seen = switch.receive(frame, tables)
    if owner is not None and key in tables.sorted_filters(owner) and seen.drop is None:
        assert [placed.vport for placed in seen.queues] == [owner]
        assert decide(frame, WIRE, tables).host.lookup is False


def test_a_plain_labs_filters_are_all_for_the_sorter() -> None:
    tables = registers(local_switch=False)
    assert [len(tables.sorted_filters(number)) for number in tables.vports] == [1, 1, 1, 1]


@pytest.mark.parametrize(
    "asked",
    [
        {"pools": {1: PLAIN._replace(longest=1522)}},  # some of its frames are too long for it
        {"vlans": frozenset({10})},  # an untagged frame is let in, and a priority tag is not
        {"mirrors": (Mirror(MirrorKind.POOL, 2, frozenset({1})),)},
        {"pools": {1: PLAIN._replace(receive=False)}},
        {"model": X550, "loopback": False},  # what it sent itself is pruned
    ],
    ids=["a limit", "a tag", "a mirror", "a pool that is off", "source pruning"],
)
def test_what_depends_on_more_than_address_and_vlan_is_not_for_the_sorter(asked: dict[str, Any]) -> None:
    assert registers(**{"model": I82576, **asked}).sorted_filters(1) == set()
