"""The chips' rules for VFs, row by row of the feature table (intel.md 14), as the eswitch follows them.

VFs 0 to 2 are vm1's to vm3's, without a VLAN; VF 3 is vm4's, in VLAN 100 with priority 5.
"""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.system import eswitch_bench
from tests.system.eswitch_bench import VF0, VF1, VF2, VF3, Bench, Fate
from tests.system.frames import Link
from tests.system.harness import eventually
from tests.unit.builders import OUTSIDE, STRANGER, Vm, accept, adapter, granted, mac, octets
from vmdqemu.datapath.eswitch_rules import PF, WIRE
from vmdqemu.datapath.outside import WIRE_END
from vmdqemu.nic.adapter import SetPool, SetPort, compile_tables
from vmdqemu.nic.counters import DropReason
from vmdqemu.nic.frame import BROADCAST, insert_tag
from vmdqemu.nic.models import MODELS, Model
from vmdqemu.nic.modes import VMDQ
from vmdqemu.nic.pools import EVERY_GROUP, Accept, PoolSettings, PortSettings
from vmdqemu.nic.tables import Tables

pytestmark = pytest.mark.system

NAME = f"er{os.getpid() % 100_000}"
VMS = (Vm(), Vm(), Vm(), Vm(vlan=100))
IN_VLAN = PoolSettings(priority=5)


def chip(
    model: Model = MODELS["82599"],
    port: PortSettings | None = None,
    vfs: dict[int, PoolSettings] | None = None,
    **options: Any,
) -> Tables:
    """The chip's registers; vfs: those of single ones."""
    built = granted(adapter(*VMS, model=model, mode=VMDQ, **options), 1, 2, 3, 4)
    numbers = {vport.function: number for number, vport in built.vports.items() if vport.function is not None}
    settings = {3: IN_VLAN, **(vfs or {})}
    built = accept(built, *(SetPool(numbers[vf], asked) for vf, asked in settings.items()))
    return compile_tables(built if port is None else accept(built, SetPort(port)), generation=1)


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with eswitch_bench.running(NAME, chip()) as made:
        yield made


@pytest.fixture(autouse=True)
def _as_it_was(bench: Bench) -> Iterator[None]:
    yield
    bench.eswitch.publish(chip())


def test_rows_19_and_64_a_vepa_switches_nothing_itself(bench: Bench) -> None:
    frame = octets(mac(2), mac(1))
    assert bench.fate(frame, VF0) == Fate({VF1: 60})
    bench.eswitch.publish(chip(loopback=False))
    assert bench.fate(frame, VF0) == Fate({WIRE: 60})
    assert bench.fate(octets(BROADCAST, mac(1)), VF0) == Fate({WIRE: 60})
    assert bench.fate(frame, WIRE) == Fate({VF1: 60})  # reflected


@pytest.mark.parametrize(("model", "hears_itself"), [("82599", True), ("x550", False)])
def test_row_64_only_an_x550_prunes_what_a_vepa_reflects(
    model: str, hears_itself: bool, bench: Bench
) -> None:
    bench.eswitch.publish(chip(MODELS[model], loopback=False, local_switch=True))
    left = bench.fate(octets(BROADCAST, mac(1)), WIRE).left
    assert (VF0 in left, VF1 in left) == (hears_itself, True)


def test_row_20_an_exact_match_stays_inside(bench: Bench) -> None:
    assert bench.fate(octets(mac(2), mac(1)), VF0) == Fate({VF1: 60})
    assert bench.fate(octets(mac(2), OUTSIDE), PF) == Fate({VF1: 60})
    assert bench.fate(octets(STRANGER, mac(1)), VF0) == Fate({WIRE: 60})


def test_rows_4_and_21_a_hash_match_goes_both_ways(bench: Bench) -> None:
    takes = PoolSettings(accept=EVERY_GROUP | Accept.ROPE)
    bench.eswitch.publish(chip(port=PortSettings(unicast_table=frozenset({STRANGER})), vfs={1: takes}))
    assert bench.fate(octets(STRANGER, mac(1)), VF0) == Fate({VF1: 60, WIRE: 60})
    assert bench.fate(octets(STRANGER, OUTSIDE), WIRE) == Fate({VF1: 60})
    assert bench.fate(octets(mac(3), OUTSIDE), WIRE) == Fate({VF2: 60})


def test_rows_5_and_6_a_group_that_is_listed_is_heard_by_who_takes_hashes(bench: Bench) -> None:
    group, other = (bytes.fromhex(f"01005e00{last}") for last in ("00fb", "0101"))
    takes = PoolSettings(accept=Accept.BAM | Accept.ROMPE)
    deaf = PoolSettings(accept=Accept.BAM)
    table = PortSettings(multicast_table=frozenset({group}))
    bench.eswitch.publish(chip(port=table, vfs={0: deaf, 1: takes, 2: deaf}))
    assert set(bench.fate(octets(group, OUTSIDE), WIRE).left) == {VF1, PF}
    assert set(bench.fate(octets(other, OUTSIDE), WIRE).left) == {PF}
    assert set(bench.fate(octets(BROADCAST, OUTSIDE), WIRE).left) == {VF0, VF1, VF2, PF}


def test_row_22_an_exact_match_in_another_vlan_is_dropped(bench: Bench) -> None:
    assert bench.fate(octets(mac(4), mac(1)), VF0) == Fate({}, DropReason.NO_POOL)
    assert bench.fate(octets(mac(1), mac(1)), VF0) == Fate({}, DropReason.NO_POOL)


def test_row_23_a_group_goes_to_everybody_else_and_to_the_wire(bench: Bench) -> None:
    assert bench.fate(octets(BROADCAST, mac(1)), VF0) == Fate({PF: 60, WIRE: 60, VF1: 60, VF2: 60})


def test_row_24_with_local_loopback_a_vf_hears_itself(bench: Bench) -> None:
    bench.eswitch.publish(chip(vfs={0: PoolSettings(own_frames=True)}))
    assert bench.fate(octets(mac(1), mac(1)), VF0) == Fate({VF0: 60})
    assert VF0 in bench.fate(octets(BROADCAST, mac(1)), VF0).left


def test_rows_16_and_25_a_vf_that_does_not_receive_is_no_match(bench: Bench) -> None:
    bench.eswitch.publish(chip(vfs={1: PoolSettings(receive=False)}))
    assert bench.fate(octets(mac(2), mac(1)), VF0) == Fate({WIRE: 60})
    assert VF1 not in bench.fate(octets(BROADCAST, OUTSIDE), WIRE).left
    assert VF1 not in bench.fate(octets(mac(2), OUTSIDE), WIRE).left


@pytest.mark.parametrize("destination", [mac(2), STRANGER, BROADCAST], ids=bytes.hex)
def test_row_27_a_spoofed_address_goes_nowhere(destination: bytes, bench: Bench) -> None:
    assert bench.fate(octets(destination, mac(2)), VF0) == Fate({}, DropReason.ANTI_SPOOF_MAC)


def test_row_28_a_spoofed_vlan_goes_nowhere(bench: Bench) -> None:
    assert bench.fate(octets(mac(2), mac(1), [200]), VF0) == Fate({}, DropReason.ANTI_SPOOF_VLAN)
    bench.eswitch.publish(chip(vfs={0: PoolSettings(vlan_check=False)}))
    assert bench.fate(octets(STRANGER, mac(1), [200]), VF0) == Fate({WIRE: 64})


def test_row_29_a_port_vlan_is_inserted_with_its_priority(bench: Bench) -> None:
    assert bench.fate(octets(STRANGER, mac(4)), VF3) == Fate({WIRE: 64})
    assert bench.fate(octets(mac(1), mac(4), [100]), VF3) == Fate({}, DropReason.TAG_NOT_ALLOWED)
    bench.eswitch.publish(chip(vfs={3: IN_VLAN._replace(own_frames=True)}))  # for a test run only clones
    with Link(bench.ext, WIRE_END) as outside:
        bench.fate(octets(BROADCAST, mac(4)), VF3)
        (heard,) = eventually(outside.receive, "the clone comes out of the wire")
    assert heard == insert_tag(octets(BROADCAST, mac(4)), 100, priority=5)


def test_row_30_a_vf_that_may_send_no_tag(bench: Bench) -> None:
    bench.eswitch.publish(chip(vfs={0: PoolSettings(untagged_only=True)}))
    assert bench.fate(octets(STRANGER, mac(1)), VF0) == Fate({WIRE: 60})
    assert bench.fate(octets(STRANGER, mac(1), [0]), VF0) == Fate({}, DropReason.TAG_NOT_ALLOWED)


def test_row_31_a_tag_that_is_stripped(bench: Bench) -> None:
    assert bench.fate(octets(mac(1), OUTSIDE, [0]), WIRE) == Fate({VF0: 64})
    bench.eswitch.publish(chip(vfs={0: PoolSettings(strip=True)}))
    assert bench.fate(octets(mac(1), OUTSIDE, [0]), WIRE) == Fate({VF0: 60})


def test_row_43_a_vf_whose_transmitter_is_off_is_silent(bench: Bench) -> None:
    bench.eswitch.publish(chip(vfs={0: PoolSettings(transmit=False)}))
    assert bench.fate(octets(mac(2), mac(1)), VF0) == Fate({}, DropReason.QUEUE_DISABLED)


def test_row_63_a_vf_in_a_port_vlan_sees_nothing_else(bench: Bench) -> None:
    assert bench.fate(octets(mac(4), OUTSIDE), WIRE) == Fate({PF: 60})
    assert bench.fate(octets(mac(4), OUTSIDE, [100]), WIRE) == Fate({VF3: 60})
    assert bench.fate(octets(BROADCAST, OUTSIDE, [100]), WIRE) == Fate({VF3: 60})
