"""Tables that are right in themselves and cannot stand together."""

import pytest

from tests.unit.lab_texts import problems, vms, with_wire
from vmdqemu import config
from vmdqemu.config_values import derive_mac


def with_hosts(text: str, *tables: str, wire: str = "") -> str:
    hosts = "\n".join(f'[[wire.host]]\nname = "h{number}"\n{table}' for number, table in enumerate(tables, 1))
    return f"{with_wire(text, wire)}\n{hosts}"


CONFLICTS = {
    "two VMs of one name, whose derived MAC addresses are no second mistake": (
        '[[vm]]\nname = "a"\n[[vm]]\nname = "b"\n[[vm]]\nname = "a"',
        ['vm[2].name: "a" is already vm[0]\'s; use another name'],
    ),
    "a VM copied with all its keys": (
        '[[vm]]\nname = "a"\nmac = "02:00:00:00:00:01"\naddress = "10.0.0.1/24"\n' * 2,
        [
            'vm[1].name: "a" is already vm[0]\'s; use another name',
            "vm[1].mac: 02:00:00:00:00:01 is already vm[0]'s; use another address",
            "vm[1].address: 10.0.0.1 is already vm[0]'s; use another address",
        ],
    ),
    "a VM in the adapter's namespace": (
        '[[vm]]\nname = "lab-nic"',
        ['vm[0].name: "lab-nic" is the namespace of the adapter; use another name'],
    ),
    "a VM that its prefix puts into the adapter's namespace": (
        'prefix = "lab-"\n[[vm]]\nname = "nic"',
        ['vm[0].name: "lab-nic" is the namespace of the adapter; use another name'],
    ),
    "a VM in the outside host's namespace": (
        with_wire('prefix = "x-"\n[[vm]]\nname = "ext"'),
        ['vm[0].name: "x-ext" is the namespace of the outside host; use another name'],
    ),
    "a wire that is a NIC and hangs on a bridge": (
        with_wire(vms(""), 'interface = "eth1"\nbridge = "br0"'),
        ["wire.bridge: the interface is the wire; use one of the two"],
    ),
    "an outside host behind a NIC": (
        with_hosts(vms(""), "", wire='interface = "eth1"\naddress = "10.0.0.9/24"'),
        [
            "wire.address: what is behind eth1 is not the lab's to make; leave it out",
            "wire.host: what is behind eth1 is not the lab's to make; leave it out",
        ],
    ),
    "a NIC by the name of the adapter's own": (
        with_wire(vms(""), 'interface = "pf0"'),
        ['wire.interface: "pf0" is what the adapter\'s own is called; rename it (ip link set pf0 name eth1)'],
    ),
    "a namespace of nothing": (
        with_wire(vms(""), 'namespace = "lan"'),
        [
            "wire.namespace: it says where an interface or a bridge is; give one of them, or leave it out",
        ],
    ),
    "one MAC address twice in a VLAN, written in two ways": (
        vms('vlan = 10\nmac = "02:00:00:00:00:0a"', 'vlan = 10\nmac = "02-00-00-00-00-0A"'),
        ["vm[1].mac: 02:00:00:00:00:0a is already vm[0]'s in VLAN 10; use another address"],
    ),
    "a VM that writes out another's derived MAC address": (
        vms("", f'mac = "{derive_mac("lab", "vm1").hex(":")}"'),
        [f"vm[1].mac: {derive_mac('lab', 'vm1').hex(':')} is already vm[0]'s; use another address"],
    ),
    "the outside host with a VM's MAC address, in whatever VLAN": (
        with_wire(vms('vlan = 10\nmac = "02:00:00:00:00:01"'), 'mac = "02:00:00:00:00:01"'),
        ["wire.mac: 02:00:00:00:00:01 is already vm[0]'s; use another address"],
    ),
    "a host described twice over": (
        with_hosts(vms(""), "", wire='vlan = 5\nmac = "02:00:00:00:00:01"\naddress = "10.0.0.9/24"'),
        [
            "wire.vlan: there are [[wire.host]] tables; use one of them for it",
            "wire.mac: there are [[wire.host]] tables; use one of them for it",
            "wire.address: there are [[wire.host]] tables; use one of them for it",
        ],
    ),
    "a host and a VM of one name, whose derived MAC addresses are no second mistake": (
        '[[vm]]\nname = "a"\n[[wire.host]]\nname = "a"',
        ['wire.host[0].name: "a" is already vm[0]\'s; use another name'],
    ),
    "a host in the switch's namespace": (
        vms("") + '\n[[wire.host]]\nname = "ext"',
        ['wire.host[0].name: "ext" is the namespace of the outside switch; use another name'],
    ),
    "a host in the adapter's namespace": (
        'prefix = "lab-"\n' + vms("") + '\n[[wire.host]]\nname = "nic"',
        ['wire.host[0].name: "lab-nic" is the namespace of the adapter; use another name'],
    ),
    "two hosts with one MAC address, in whatever VLANs": (
        with_hosts(vms(""), 'mac = "02:00:00:00:00:01"\nvlan = 5', 'mac = "02:00:00:00:00:01"\nvlan = 6'),
        ["wire.host[1].mac: 02:00:00:00:00:01 is already wire.host[0]'s; use another address"],
    ),
    "a host with a VM's MAC address": (
        with_hosts(vms('mac = "02:00:00:00:00:01"\nvlan = 5'), 'mac = "02:00:00:00:00:01"'),
        ["wire.host[0].mac: 02:00:00:00:00:01 is already vm[0]'s; use another address"],
    ),
    "two hosts with one IP address in one VLAN": (
        with_hosts(vms(""), *['vlan = 5\naddress = "10.0.0.9/24"'] * 2),
        ["wire.host[1].address: 10.0.0.9 is already wire.host[0]'s in VLAN 5; use another address"],
    ),
    "IPv6 of a host over an MTU that Linux refuses for it": (
        "mtu = 1279\n" + with_hosts(vms(""), 'address = "fd00::1/64"'),
        ["mtu: 1279 is too small for the IPv6 address of wire.host[0]; use at least 1280"],
    ),
    "one IP address twice, with two prefix lengths and in two spellings": (
        vms('address = "fd00::1/64"', 'address = ["10.0.0.2/24", "fd00:0:0::1/48"]'),
        ["vm[1].address[1]: fd00::1 is already vm[0]'s; use another address"],
    ),
    "one IP address twice in one VM": (
        vms('address = ["10.0.0.1/24", "10.0.0.1/24"]'),
        ["vm[0].address[1]: 10.0.0.1 is already vm[0]'s; use another address"],
    ),
    "the outside host with the IP address of a VM in its VLAN": (
        with_wire(vms('vlan = 10\naddress = "10.0.0.1/24"'), 'vlan = 10\naddress = "10.0.0.1/24"'),
        ["wire.address: 10.0.0.1 is already vm[0]'s in VLAN 10; use another address"],
    ),
    "RSS of one queue": (
        vms("rss_table_size = 8", "queues = 2\nrss_table_size = 8"),
        ["vm[0].rss_table_size: there is one queue to take; use queues = 2 or more"],
    ),
    "IPv6 over an MTU that Linux refuses for it": (
        "mtu = 1279\n" + vms("", 'address = "fd00::1/64"'),
        ["mtu: 1279 is too small for the IPv6 address of vm[1]; use at least 1280"],
    ),
}


@pytest.mark.parametrize(("text", "expected"), CONFLICTS.values(), ids=CONFLICTS)
def test_what_cannot_stand_together_is_named_once(text: str, expected: list[str]) -> None:
    assert problems(text) == expected


AGREEMENTS = {
    "one MAC address in two VLANs": vms(
        'mac = "02:00:00:00:00:01"\nvlan = 10', 'mac = "02:00:00:00:00:01"\nvlan = 20'
    ),
    "one MAC address inside and outside a VLAN": vms(
        'mac = "02:00:00:00:00:01"\nvlan = 10', 'mac = "02:00:00:00:00:01"'
    ),
    "one IP address in two VLANs": vms(
        'address = "10.0.0.1/24"\nvlan = 10', 'address = "10.0.0.1/24"\nvlan = 20'
    ),
    "one IP address of two hosts, one in a VLAN": with_hosts(
        vms(""), 'address = "10.0.0.9/24"', 'address = "10.0.0.9/24"\nvlan = 5'
    ),
    "64 hosts": with_hosts(vms(""), *[""] * 64),
    "a VM called ext in a lab without a wire": '[[vm]]\nname = "ext"',
    "IPv6 over its smallest MTU": "mtu = 1280\n" + vms('address = "fd00::1/64"'),
    "IPv4 over the smallest MTU": "mtu = 576\n" + vms('address = "10.0.0.1/24"'),
    "64 VMs": vms(*[""] * 64),
}


@pytest.mark.parametrize("text", AGREEMENTS.values(), ids=AGREEMENTS)
def test_what_can_stand_together_is_accepted(text: str) -> None:
    config.parse(text, "lab")
