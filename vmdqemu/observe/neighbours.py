"""Whose MAC address it is: what the short form of a frame leaves out is found among a lab's machines."""

from ipaddress import IPv4Interface, IPv6Interface, ip_interface
from typing import Final

from vmdqemu.config import LabConfig, VmConfig
from vmdqemu.config_wire import OutsideConfig
from vmdqemu.nic import filters
from vmdqemu.nic.filters import Vlan
from vmdqemu.nic.frame import BROADCAST
from vmdqemu.observe.explanation import WIRE_NAME
from vmdqemu.observe.short_form import Address, Kind, ShortForm

Machine = VmConfig | OutsideConfig

_IPV4_GROUPS: Final = bytes.fromhex("01005e")  # and 23 bits of the address (RFC 1112 6.4)
_IPV6_GROUPS: Final = bytes.fromhex("3333")  # and its last 4 octets (RFC 2464 7)


class Neighbours:
    """A lab as the sender of frames sees it: who has which address."""

    def __init__(self, lab: LabConfig, port: str) -> None:
        """port: where the frames come in, WIRE_NAME or a VM's name."""
        self._lab = lab
        self._vm = next((vm for vm in lab.vms if vm.name == port), None) if port != WIRE_NAME else None

    def resolve(self, form: ShortForm) -> ShortForm:
        """A short form with all its MAC addresses. Raises ValueError if nobody has an address.

        An address that no machine has is behind the outside host, as behind a router; nothing is behind it
        for a frame that comes from there.
        """
        vlan = self._vlan(form)
        outside = self._outside(vlan)
        sender = outside if self._vm is None else self._vm.mac
        return self._resolve(form, vlan, sender, None if self._vm is None else outside)

    def _resolve(self, form: ShortForm, vlan: Vlan, sender: bytes | None, router: bytes | None) -> ShortForm:
        source = form.source or self._source(form, vlan) or sender
        destination = form.destination or self._destination(form, vlan) or router
        if source is None or destination is None:
            key, at = ("src", 0) if source is None else ("dst", 1)
            who = f"nobody in the lab has {form.ends[at].address}" if form.ends else f"{form.kind}: for whom?"
            raise ValueError(f"{who}; give {key}=MAC")
        inner = form.inner and self._resolve(form.inner, vlan, source, destination)
        return form._replace(source=source, destination=destination, inner=inner)

    def _vlan(self, form: ShortForm) -> Vlan:
        """The one that the frame is in."""
        if self._vm is not None and self._vm.vlan is not None:
            return self._vm.vlan
        return filters.vlan_of(form.vlans[0] if form.vlans else None)

    def _source(self, form: ShortForm, vlan: Vlan) -> bytes | None:
        return self._owner(form.ends[0].address, vlan) if form.ends else None

    def _destination(self, form: ShortForm, vlan: Vlan) -> bytes | None:
        if form.ends is None:
            return None
        address = form.ends[1].address
        if form.kind is Kind.ARP or self._is_broadcast(address):
            return BROADCAST
        return group_mac(address) if address.is_multicast else self._owner(address, vlan)

    def _owner(self, address: Address, vlan: Vlan) -> bytes | None:
        """The machine with an address; of several the one in the frame's VLAN."""
        owners = [
            machine
            for machine in self._lab.machines
            if any(interface.ip == address for interface in _interfaces(machine))
        ]
        return _in_vlan(owners, vlan)

    def _outside(self, vlan: Vlan) -> bytes | None:
        return _in_vlan(list(self._lab.outside), vlan)

    def _is_broadcast(self, address: Address) -> bool:
        networks = [interface.network for machine in self._lab.machines for interface in _interfaces(machine)]
        everybody = {net.broadcast_address for net in networks if net.version == 4 and net.num_addresses > 2}
        return str(address) == "255.255.255.255" or address in everybody


def group_mac(address: Address) -> bytes:
    """The MAC address that a group's frames have."""
    packed = address.packed
    if address.version == 6:
        return _IPV6_GROUPS + packed[12:]
    return _IPV4_GROUPS + bytes([packed[1] & 0x7F]) + packed[2:]


def _interfaces(machine: Machine) -> list[IPv4Interface | IPv6Interface]:
    return [ip_interface(address) for address in machine.addresses]


def _in_vlan(machines: list[Machine], vlan: Vlan) -> bytes | None:
    """The first that is in a VLAN, or else the first."""
    return min(machines, key=lambda machine: machine.vlan != vlan).mac if machines else None
