"""The wire's tables in a lab file, and what a machine on a wire has, be it a VM or an outside host."""

from ipaddress import ip_interface

from pydantic import Field

from vmdqemu.config_values import Addresses, Interface, Mac, MachineName, Namespace, Table, Vlan, WireRate


class PortConfig(Table):
    """What a VM and an outside host have in common: a MAC address (6 octets), IP addresses, a VLAN."""

    mac: Mac = b""  # `parse` fills it
    addresses: Addresses = Field(default=(), alias="address")
    vlan: Vlan = None

    @property
    def ipv6(self) -> bool:
        """Whether any address is an IPv6 one."""
        return any(ip_interface(address).version == 6 for address in self.addresses)


class OutsideConfig(PortConfig):
    """A host on the wire; with a `vlan` its frames are tagged."""

    name: MachineName


class WireConfig(PortConfig):
    """The wire, `rate` Mbit/s each way, and the one outside host on it unless `hosts` names several.

    `interface`: a NIC of the machine is the wire; `bridge`: the wire hangs on a bridge of the machine. Either
    is in the namespace where the lab is started, or in `namespace`, and what is behind it is not the lab's.
    """

    rate: WireRate = None
    interface: Interface = None
    bridge: Interface = None
    namespace: Namespace = None
    hosts: tuple[OutsideConfig, ...] = Field(
        default=(),
        alias="host",
        strict=False,
        max_length=64,
        description="up to 64 [[wire.host]] tables, one for each outside host",
    )

    @property
    def leads_away(self) -> bool:
        """Whether it leads to what is there without the lab."""
        return self.interface is not None or self.bridge is not None
