"""Adapters of a chip, whose registers are asked for one by one: what the tests of pools are made of."""

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from tests.unit.builders import GROUP, STRANGER, Vm, adapter
from vmdqemu.nic.adapter import Adapter, Request, SetPool, SetPort, compile_tables
from vmdqemu.nic.models import I82575, I82576, I82598, I82599, X550, Model
from vmdqemu.nic.modes import VMQ, Mode
from vmdqemu.nic.pools import EVERY_GROUP, NOTHING, Accept, Mirror, MirrorKind, PoolSettings, PortSettings
from vmdqemu.nic.tables import Tables

PLAIN = PoolSettings()
LAB = (Vm(), Vm(), Vm(vlan=10), Vm(vlan=10))  # pools 1 to 4; pool 0 is the PF's
SWITCHING = [I82576, I82599, X550]
SOFTWARE_ONLY = [I82575, I82598]


def chip(
    *vms: Vm,
    model: Model = I82599,
    mode: Mode = VMQ,
    pools: Mapping[int, PoolSettings] | None = None,
    local_switch: bool = True,
    loopback: bool = True,
    wire: bool = True,
    **port: Any,
) -> Adapter:
    """An adapter with these registers: of each pool by its number, and of the port by their names."""
    port.setdefault("replication", local_switch and model.receive is not None and model.receive.replication)
    requests = requests_for(PortSettings(**port), pools or {})
    ways = {"local_switch": local_switch, "loopback": loopback}
    return adapter(*(vms or LAB), model=model, mode=mode, wire=wire, requests=requests, **ways)


def requests_for(port: PortSettings, pools: Mapping[int, PoolSettings]) -> list[Request]:
    """What sets these registers."""
    return [SetPort(port), *(SetPool(number, asked) for number, asked in pools.items())]


def registers(*vms: Vm, **asked: Any) -> Tables:
    """The registers in effect of that adapter."""
    return compile_tables(chip(*vms, **asked), generation=1)


@st.composite
def register_files(draw: st.DrawFn, model: Model, pools: int) -> list[Request]:
    """Requests that a chip takes, for the port and for VPorts 1 to `pools`; each register has any value."""
    rules = model.receive
    assert rules is not None
    flags = st.booleans()
    replication = rules.replication and draw(flags)
    numbers = st.integers(0, pools)
    mirror = st.builds(Mirror, st.sampled_from(MirrorKind), numbers, st.frozensets(numbers, max_size=2))
    port = PortSettings(
        unicast=draw(flags),
        multicast=draw(flags),
        broadcast=draw(flags),
        vlan_filtering=draw(flags),
        vlans=draw(st.none() | st.frozensets(st.sampled_from([0, 10, 20]))),
        unicast_table=draw(st.frozensets(st.just(STRANGER))) if rules.unicast_table else frozenset(),
        multicast_table=draw(st.frozensets(st.just(GROUP))),
        hash_form=draw(st.integers(0, 3)),
        groups=draw(st.sampled_from([{}, {GROUP: frozenset({1, 2} if rules.exact_to_many else {1})}])),
        by_vlan=rules.by_vlan and not rules.one_pool_a_vlan and draw(flags),
        replication=replication,
        default_pool=draw(st.none() | numbers),
        mirrors=tuple(draw(st.lists(mirror, max_size=2))) if replication else (),
    )
    return requests_for(port, {number: draw(_pools(model, replication)) for number in range(1, pools + 1)})


@st.composite
def _pools(draw: st.DrawFn, model: Model, replication: bool) -> PoolSettings:
    rules = model.receive
    assert rules is not None
    names = [Accept.BAM, Accept.ROMPE, Accept.MPE]
    names += [Accept.UPE, Accept.VPE] if rules.promiscuous_pools else []
    names += [Accept.ROPE] if replication else []
    accept = EVERY_GROUP
    if rules.accept_flags:
        accept = NOTHING
        for name in names:
            accept |= name if draw(st.booleans()) else NOTHING
    return PoolSettings(
        accept=accept,
        receive=draw(st.booleans()),
        transmit=draw(st.integers(0, 3)) > 0,
        own_frames=draw(st.booleans()),
        longest=draw(st.sampled_from([None, 80, 1522])) if rules.frame_limits else None,
        strip=draw(st.booleans()) and not rules.one_strip,
        untagged_only=draw(st.booleans()),
        priority=draw(st.integers(0, 7)),
        vlan_check=draw(st.booleans()),
    )
