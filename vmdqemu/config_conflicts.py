"""What is right in itself but cannot stand together in one lab file.

A place is where a table stands in the file: ("vm", 2), ("wire", "host", 0), or ("wire",) for the one outside
host that [wire] itself describes.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from ipaddress import ip_interface
from typing import TYPE_CHECKING, TypeAlias

from vmdqemu.config_host import host_problems
from vmdqemu.config_problems import Location, Problem, spelled
from vmdqemu.config_values import derive_mac
from vmdqemu.config_vfs import vf_conflicts
from vmdqemu.nic.frame import format_mac
from vmdqemu.nic.modes import MODES

if TYPE_CHECKING:  # config itself imports this file
    from vmdqemu.config import LabConfig, VmConfig
    from vmdqemu.config_wire import OutsideConfig, WireConfig

    Vms: TypeAlias = dict[Location, VmConfig]
    Hosts: TypeAlias = dict[Location, OutsideConfig]
    Machines: TypeAlias = dict[Location, VmConfig | OutsideConfig]

PF = "pf0"  # `datapath.uplink` makes it
IPV6_MINIMUM_MTU = 1280  # RFC 8200 section 5; Linux turns IPv6 off below it


def conflicts(lab: LabConfig, vms: Vms, running: Vms | None = None) -> Iterator[Problem]:
    """Every conflict of a lab: `vms` are the file's, `running` were there before. The later is wrong."""
    hosts = _hosts(lab)
    machines: Machines = {**vms, **hosts} if running is None else {**running, **hosts, **vms}
    yield from host_problems(lab.host)
    yield from _dynamic_conflicts(lab)
    yield from _wire_conflicts(lab)
    yield from _release_conflicts(lab)
    yield from _name_conflicts(machines)
    yield from _namespace_conflicts(lab, machines)
    yield from _filter_conflicts(lab.name, {**(running or {}), **vms})
    yield from _mac_conflicts(lab.name, machines, hosts)
    yield from _address_conflicts(machines)
    yield from _mtu_conflicts(lab.mtu, machines)
    yield from _rss_conflicts(vms)
    yield from vf_conflicts(lab, vms)


def _hosts(lab: LabConfig) -> Hosts:
    if lab.wire is None or lab.wire.leads_away:
        return {}
    if not lab.wire.hosts:
        return {("wire",): lab.outside[0]}
    return {("wire", "host", number): host for number, host in enumerate(lab.wire.hosts)}


def _dynamic_conflicts(lab: LabConfig) -> Iterator[Problem]:
    if lab.host.placement != "dynamic":
        return
    if lab.adapter.sorter == "software":
        text = 'one ring carries every queue\'s frames; use "static", or adapter.sorter = "kernel"'
        yield Problem(("host", "placement"), text)
    if not lab.host.may_be_dynamic:
        text = (
            f'"{lab.host.processor_set.profile}" moves nothing; use "Closest", or host.placement = "static"'
        )
        yield Problem(("host", "processor_set", "profile"), text)


def _wire_conflicts(lab: LabConfig) -> Iterator[Problem]:
    """[wire] describes one outside host, or its tables describe each of them, or it leads to others'."""
    wire = lab.wire
    if wire is None:
        return
    if wire.leads_away:
        yield from _away_conflicts(wire)
    elif wire.namespace is not None:
        text = "it says where an interface or a bridge is; give one of them, or leave it out"
        yield Problem(("wire", "namespace"), text)
    if wire.hosts and not wire.leads_away:
        for key in _said_of_a_host(wire):
            yield Problem(("wire", key), "there are [[wire.host]] tables; use one of them for it")


def _away_conflicts(wire: WireConfig) -> Iterator[Problem]:
    if wire.interface is not None and wire.bridge is not None:
        yield Problem(("wire", "bridge"), "the interface is the wire; use one of the two")
    if wire.interface == PF:
        text = f'"{PF}" is what the adapter\'s own is called; rename it (ip link set {PF} name eth1)'
        yield Problem(("wire", "interface"), text)
    for key in (*_said_of_a_host(wire), *(["host"] if wire.hosts else [])):
        text = f"what is behind {wire.interface or wire.bridge} is not the lab's to make; leave it out"
        yield Problem(("wire", key), text)


def _said_of_a_host(wire: WireConfig) -> list[str]:
    said = {"address": wire.addresses, "vlan": wire.vlan is not None, "mac": bool(wire.mac)}
    return [key for key in said if said[key]]


def _release_conflicts(lab: LabConfig) -> Iterator[Problem]:
    if reason := lab.refusal(MODES[lab.adapter.mode]):
        yield Problem(("adapter", "mode"), reason)


def _name_conflicts(machines: Machines) -> Iterator[Problem]:
    for place, first in _repeats((place, machine.name) for place, machine in machines.items()):
        if place != ("wire",):  # it has no name key: `_namespace_conflicts` tells
            text = f'"{machines[place].name}" is already {spelled(first)}\'s; use another name'
            yield Problem((*place, "name"), text)


def _namespace_conflicts(lab: LabConfig, machines: Machines) -> Iterator[Problem]:
    owners = {lab.nic_namespace: "the adapter"}
    if lab.wire and not lab.wire.leads_away:
        owners[lab.ext_namespace] = "the outside switch" if lab.wire.hosts else "the outside host"
    for place, machine in machines.items():
        namespace = lab.namespace(machine)
        if namespace in owners and place != ("wire",):
            text = f'"{namespace}" is the namespace of {owners[namespace]}; use another name'
            yield Problem((*place, "name"), text)


def _filter_conflicts(lab: str, vms: Vms) -> Iterator[Problem]:
    """A filter is a MAC address and a VLAN: VMs in two VLANs may share an address."""
    for place, first in _repeats((place, (vm.mac, vm.vlan)) for place, vm in vms.items()):
        vm = vms[place]
        if not _derived_alike(lab, vm, vms[first]):
            where = f" in VLAN {vm.vlan}" if vm.vlan else ""
            text = f"{format_mac(vm.mac)} is already {spelled(first)}'s{where}; use another address"
            yield Problem((*place, "mac"), text)


def _mac_conflicts(lab: str, machines: Machines, hosts: Hosts) -> Iterator[Problem]:
    """An outside host shares its address with nobody: the switch that it hangs on knows no VLAN."""
    for place, first in _repeats((place, machine.mac) for place, machine in machines.items()):
        machine = machines[place]
        if (place in hosts or first in hosts) and not _derived_alike(lab, machine, machines[first]):
            text = f"{format_mac(machine.mac)} is already {spelled(first)}'s; use another address"
            yield Problem((*place, "mac"), text)


def _derived_alike(lab: str, one: VmConfig | OutsideConfig, other: VmConfig | OutsideConfig) -> bool:
    """Equal names derive equal addresses: then the name is the mistake."""
    return one.name == other.name and one.mac == derive_mac(lab, one.name)


def _address_conflicts(machines: Machines) -> Iterator[Problem]:
    owned = {
        (*place, "address", index): (ip_interface(address).ip, machine.vlan)
        for place, machine in machines.items()
        for index, address in enumerate(machine.addresses)
    }
    for location, first in _repeats(owned.items()):
        address, vlan = owned[location]
        where = f" in VLAN {vlan}" if vlan else ""
        text = f"{address} is already {spelled(first[:-2])}'s{where}; use another address"
        yield Problem(location, text)


def _mtu_conflicts(mtu: int, machines: Machines) -> Iterator[Problem]:
    users = [spelled(place) for place, machine in machines.items() if machine.ipv6]
    if users and mtu < IPV6_MINIMUM_MTU:
        text = f"{mtu} is too small for the IPv6 address of {users[0]}; use at least {IPV6_MINIMUM_MTU}"
        yield Problem(("mtu",), text)


def _rss_conflicts(vms: Vms) -> Iterator[Problem]:
    for place, vm in vms.items():
        for key in ("rss_key", "rss_types", "rss_table_size"):
            if vm.queues == 1 and getattr(vm, key) is not None:
                yield Problem((*place, key), "there is one queue to take; use queues = 2 or more")


def _repeats(entries: Iterable[tuple[Location, Hashable]]) -> Iterator[tuple[Location, Location]]:
    """Each place whose value stands at an earlier place already, with that earlier place."""
    seen: dict[Hashable, Location] = {}
    for place, value in entries:
        if (first := seen.setdefault(value, place)) != place:
            yield place, first
