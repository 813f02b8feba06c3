"""A VM's one face: the same interface, whether its frames go by the TAP's rings or by its VF."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

import pytest

from netns import counters, links, namespace
from netns.lab import Lab
from tests.system import uplinks
from tests.system.harness import eventually
from tests.system.prog_run import attached
from tests.system.uplinks import Machine
from tests.unit.builders import Vm, adapter, granted
from vmdqemu.bpf.loader import Hook
from vmdqemu.datapath.eswitch import Eswitch
from vmdqemu.datapath.eswitch_rules import FIRST_VF
from vmdqemu.datapath.face import Face
from vmdqemu.nic.adapter import compile_tables

pytestmark = pytest.mark.system

NAME = f"fa{os.getpid() % 100_000}"
MEGABYTES = 20


class Bed(NamedTuple):
    """Two VMs in one VLAN, each with a VF, and nobody who serves their TAPs."""

    eswitch: Eswitch
    vms: tuple[Machine, Machine]


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    tables = compile_tables(granted(adapter(Vm(vlan=5), Vm(vlan=5)), 1, 2), 1)
    with uplinks.bed(NAME, tables) as made:
        yield Bed(made.uplink.eswitch, (uplinks.machine(1, made), uplinks.machine(2, made)))


@pytest.fixture(autouse=True)
def _revoked(bed: Bed) -> Iterator[None]:
    yield
    for vm in bed.vms:
        vm.face.revoke()


def pings(vm: Machine, other: Machine) -> bool:
    argv = ["ping", "-c", "1", "-W", "1", other.address]
    return namespace.run(vm.ns, argv, check=False).returncode == 0


def waits(vm: Machine) -> bool:
    """Whether a frame of the VM waits in its TAP's ring; it is taken out."""
    try:
        return bool(os.read(vm.ring, 1 << 17))
    except BlockingIOError:
        return False


def empty(vm: Machine) -> None:
    while waits(vm):
        pass


def test_what_a_vm_sends_goes_by_its_vf_only_while_that_is_granted(bed: Bed) -> None:
    sender, receiver = bed.vms
    assert not pings(sender, receiver)
    assert waits(sender)
    for vm in bed.vms:
        vm.face.grant()
        empty(vm)
    eventually(lambda: pings(sender, receiver), "an answer")
    assert not waits(sender)
    sender.face.revoke()
    assert not pings(sender, receiver)
    assert waits(sender)


def test_what_comes_by_the_vf_comes_in_by_eth0_before_the_vf_is_granted(bed: Bed) -> None:
    sender, receiver = bed.vms
    sender.face.grant()
    empty(receiver)
    assert not pings(sender, receiver)
    assert waits(receiver)  # its answer


def test_neither_way_is_seen_by_the_other_links_counters(bed: Bed) -> None:
    for vm in bed.vms:
        vm.face.grant()
    before = [counters.read(vm.ns) for vm in bed.vms]
    eventually(lambda: pings(*bed.vms), "an answer")
    for was, vm in zip(before, bed.vms, strict=True):
        now = counters.read(vm.ns)
        assert now["eth0"] == was["eth0"]
        assert now["vf0"].rx_packets > was["vf0"].rx_packets


def test_tcp_in_a_port_vlan_comes_whole_and_in_superframes(bed: Bed) -> None:
    for vm in bed.vms:
        vm.face.grant()
    before = [bed.eswitch.books(port) for port in (FIRST_VF, FIRST_VF + 1)]
    assert transfer(*bed.vms, octets=MEGABYTES << 20) == MEGABYTES << 20

    def everything_has_come() -> bool:  # what closes a connection is sent after the data, and acknowledged
        sender, receiver = (bed.eswitch.books(port) for port in (FIRST_VF, FIRST_VF + 1))
        sent = sender.entered.wire_frames - before[0].entered.wire_frames
        octets = sender.entered.octets - before[0].entered.octets
        came = receiver.left.wire_frames - before[1].left.wire_frames
        return (came, receiver.left.octets - before[1].left.octets) == (sent, octets)

    eventually(everything_has_come, "what entered by one VF left by the other")
    eventually(lambda: all(agrees(bed.eswitch, vf) for vf in (0, 1)), "the cables carried what was counted")
    sender = bed.eswitch.books(FIRST_VF)
    skbs = sender.entered.skbs - before[0].entered.skbs
    frames = sender.entered.wire_frames - before[0].entered.wire_frames
    assert frames > (MEGABYTES << 20) / 1448
    assert skbs < frames / 5


def agrees(eswitch: Eswitch, vf: int) -> bool:
    """Whether a VF's books are those of the kernel at both ends of its cable."""
    books, cable = eswitch.counters(vf), eswitch.plugged[vf]
    near, far = (counters.read(end.ns)[end.ifname].rx_packets for end in (cable.near, cable.far))
    return (books.entered.skbs, books.left.skbs) == (near, far)


def transfer(client: Machine, server: Machine, octets: int) -> int:
    """Send over one TCP connection; what was received."""
    with ExitStack() as stack:
        with namespace.entered(server.ns):
            listener = stack.enter_context(socket.create_server((server.address, 5001)))
        with namespace.entered(client.ns):
            sending = stack.enter_context(socket.create_connection((server.address, 5001), timeout=5))
        receiving, _ = listener.accept()
        stack.enter_context(receiving)
        received = 0
        for _ in range(octets >> 16):
            sending.sendall(bytes(1 << 16))
            received += len(receiving.recv(1 << 16, socket.MSG_WAITALL))
    return received


def programs(vm: Machine) -> set[str]:
    """The ids of those on its two links."""
    return attached(vm.ns, "eth0", Hook.EGRESS) | attached(vm.ns, "vf0", Hook.INGRESS)


def test_a_face_that_is_closed_leaves_nothing_on_the_links(bed: Bed) -> None:
    vm = bed.vms[0]
    held = programs(vm)
    assert len(held) == 2
    with Face(vm.ns, "eth0", "vf0"):
        assert len(programs(vm)) == 4
    assert programs(vm) == held


def test_a_face_is_closed_without_its_links() -> None:
    with Lab() as lab:
        lab.namespace(f"{NAME}-x")
        lab.veth(f"{NAME}-x", "eth0", f"{NAME}-x", "vf0", mtu=1500)
        face = Face(f"{NAME}-x", "eth0", "vf0")
        links.remove(f"{NAME}-x", "eth0")
        face.close()
    eventually(lambda: not namespace.exists(f"{NAME}-x"), "the namespace is gone")


def test_a_face_that_cannot_be_put_on_leaves_nothing() -> None:
    with Lab() as lab:
        lab.namespace(f"{NAME}-y")
        lab.veth(f"{NAME}-y", "eth0", f"{NAME}-y", "vf0", mtu=1500)
        with pytest.raises(links.LinkMissing):
            Face(f"{NAME}-y", "eth1", "vf0")
