"""What the tests of the pure half are made of: adapters built by requests, frames without scapy."""

import struct
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any, NamedTuple

from vmdqemu.nic import frame
from vmdqemu.nic.adapter import (
    Adapter,
    AllocateQueue,
    AllocateVf,
    CompleteAllocation,
    ConnectPort,
    CreateVPort,
    MoveFilter,
    Request,
    SetFilter,
    SetQueueFilter,
    apply,
    compile_tables,
)
from vmdqemu.nic.filters import Vlan
from vmdqemu.nic.frame import Frame, parse
from vmdqemu.nic.models import IDEAL, Model
from vmdqemu.nic.modes import OFF, VMQ, Mode
from vmdqemu.nic.packet import PROTOCOL_UDP
from vmdqemu.nic.rss import ALL_TYPES, DEFAULT_KEY, DEFAULT_TYPES, Rss
from vmdqemu.nic.status import Status
from vmdqemu.nic.switch_objects import NicSwitch
from vmdqemu.nic.tables import Tables

GROUP = bytes.fromhex("01005e0000fb")  # a multicast address
STRANGER = bytes.fromhex("02ffff000001")  # a unicast address that no VM has
OUTSIDE = bytes.fromhex("02ffff000002")  # the outside host's


def mac(number: int) -> bytes:
    """The address of VM `number`, and of VPort `number` in a lab that gives none."""
    return b"\x02" + number.to_bytes(5, "big")


class Vm(NamedTuple):
    """A VM's VPort and its filters, all in its port VLAN."""

    vlan: Vlan = None
    queue_pairs: int = 1
    spoof_check: bool = True
    macs: tuple[bytes, ...] | None = None  # None: mac(number)
    rss: Rss | None = None
    own_queues: bool = True  # or only a port
    vrss: bool = False


def accept(adapter: Adapter, *requests: Request) -> Adapter:
    """The adapter after requests that must all succeed."""
    for request in requests:
        outcome = apply(adapter, request)
        assert outcome.status is Status.SUCCESS, request
        adapter = outcome.adapter
    return adapter


def adapter(
    *vms: Vm,
    mode: Mode = OFF,
    model: Model = IDEAL,
    wire: bool = True,
    local_switch: bool = False,
    mtu: int = 1500,
    requests: Sequence[Request] = (),
    **options: Any,
) -> Adapter:
    """An adapter with one VPort a VM, numbered from 1; requests: made after that."""
    built = Adapter(model, mode, mtu, wire, local_switch, **options)
    for number, vm in enumerate(vms, start=1):
        ported = vm.vrss or not vm.own_queues
        if ported:
            terms = vm.queue_pairs, vm.vlan, vm.spoof_check, vm.rss, vm.vrss
            built = accept(built, ConnectPort(f"vm{number}", mac(number), *terms))
        if not vm.own_queues:
            continue
        macs = (mac(number),) if vm.macs is None else vm.macs
        built = accept(
            built,
            CreateVPort(
                f"vm{number}",
                vm.queue_pairs,
                vm.vlan,
                vm.spoof_check,
                vm.rss,
                port=number if ported else None,
            ),
            *(SetFilter(number, address, vm.vlan) for address in macs),
        )
    return accept(built, *requests)


def granted(built: Adapter, *vms: int) -> Adapter:
    """That adapter with a VF for each of these VMs, which holds its filters. VFs are numbered from 0."""
    built = built._replace(switch=NicSwitch(vfs=len(vms)))
    for vm in vms:
        port = built.vports[vm]
        allocated = apply(built, AllocateVf(port.name, mac(vm)))
        on_vf = CreateVPort(
            port.name, vlan=port.vlan, spoof_check=port.spoof_check, function=allocated.number
        )
        made = apply(allocated.adapter, on_vf)
        moved = [number for number, held in built.filters.items() if held.vport == vm]
        built = accept(made.adapter, *(MoveFilter(number, made.number) for number in moved))
    return built


SMALL = Model(
    "small", rx_queues=6, vports=4, filters=3, queue_pairs=4, hash_types=DEFAULT_TYPES, inner_headers=False
)
LAB = (Vm(), Vm(vlan=10, queue_pairs=2))


def small(*vms: Vm, mode: Mode = OFF) -> Adapter:
    """An adapter that is soon full."""
    return adapter(*vms, model=SMALL, mode=mode)


def ported(*vlans: Vlan, mode: Mode = VMQ, model: Model = SMALL, **options: Any) -> Adapter:
    """An adapter without a NIC switch, and one VM's port for each VLAN."""
    built = Adapter(model, mode, mtu=1500, wire=True, switch=None, **options)
    ports = enumerate(vlans, start=1)
    return accept(built, *(ConnectPort(f"vm{number}", mac(number), vlan=vlan) for number, vlan in ports))


def queued(*vlans: Vlan, **options: Any) -> Adapter:
    """That adapter with a VM queue for each port that runs, numbered as the port."""
    built = ported(*vlans, **options)
    for number, vlan in enumerate(vlans, start=1):
        match = SetQueueFilter(number, mac(number), vlan, untagged=vlan is None)
        built = accept(built, AllocateQueue(number), match)
    return accept(built, CompleteAllocation(tuple(built.vm_queues)))


def refuse(before: Adapter, request: Request) -> Status:
    """The status that a request is refused with; the adapter stays the very same value."""
    outcome = apply(before, request)
    assert outcome.adapter is before
    assert outcome.number == 0
    assert outcome.status is not Status.SUCCESS
    return outcome.status


def rss(*table: int, **changed: Any) -> Rss:
    """RSS parameters with that table."""
    return Rss(DEFAULT_KEY, ALL_TYPES, table)._replace(**changed)


def tables(*vms: Vm, **options: Any) -> Tables:
    """The registers in effect of that adapter."""
    return compile_tables(adapter(*vms, **options), generation=1)


def tag(vid: int, priority: int = 0, tpid: int = frame.ETHERTYPE_VLAN) -> bytes:
    """A tag with its TPID."""
    return struct.pack("!HH", tpid, priority << 13 | vid)


def octets(
    destination: bytes,
    source: bytes,
    vids: Sequence[int] = (),
    ethertype: int = 0x88B5,
    payload: bytes = bytes(46),
) -> bytes:
    """A whole frame; vids: of its tags, the outermost first; 0x88B5 is for experiments (IEEE 802)."""
    tags = b"".join(tag(vid) for vid in vids)
    return destination + source + tags + struct.pack("!H", ethertype) + payload


def parsed(destination: bytes, source: bytes, vids: Sequence[int] = (), **rest: Any) -> Frame:
    """The record of that frame."""
    return parse(octets(destination, source, vids, **rest))


def packet(
    source: str,
    destination: str,
    protocol: int = PROTOCOL_UDP,
    ports: tuple[int, int] | None = (1, 2),
    upper: bytes | None = None,
) -> tuple[int, bytes]:
    """An IP packet's EtherType and octets; `upper`, or ports, or nothing behind the IP header."""
    addresses = ip_address(source).packed + ip_address(destination).packed
    if upper is None:
        upper = b"" if ports is None else struct.pack("!HH", *ports) + bytes(16)
    if len(addresses) == 8:
        header = struct.pack("!BxH4xBB2x", 0x45, 20 + len(upper), 64, protocol)
        return frame.ETHERTYPE_IPV4, header + addresses + upper
    header = struct.pack("!B3xHBB", 0x60, len(upper), protocol, 64)
    return frame.ETHERTYPE_IPV6, header + addresses + upper
