"""The copy is real: what a VM gets of a frame in the host's memory passes through its own."""

from tests.unit.builders import OUTSIDE, Vm, mac, octets
from tests.unit.pumping import PLAIN, Fabric, Pumped
from vmdqemu.host.vswitch import WIRE
from vmdqemu.nic.frame import BROADCAST
from vmdqemu.nic.modes import OFF, OFF_NOCOPY, VMQ

VLAN = 10


def to(destination: bytes, source: bytes = OUTSIDE, vids: tuple[int, ...] = ()) -> bytes:
    """A plain frame with its vnet header."""
    return PLAIN + octets(destination, source, vids)


def in_memory_of(fabric: Fabric, port: int, frame: bytes) -> bool:
    """Whether a frame lies in a VM's memory."""
    return bytes(fabric.rings.arenas[port][: len(frame)]) == frame


def test_what_a_vm_gets_from_the_wire_is_copied_into_its_memory() -> None:
    with Fabric(Vm(), Vm(VLAN), Vm(), mode=OFF) as fabric:
        pumped = Pumped(fabric, WIRE)
        plain = to(mac(1))
        tagged, stripped = to(mac(2), vids=(VLAN,)), to(mac(2))
        pumped.burst([plain, tagged])
        assert fabric.written() == {(1, 0): [plain], (2, 0): [stripped]}
        assert in_memory_of(fabric, 1, plain)
        assert in_memory_of(fabric, 2, stripped)
        assert not any(fabric.rings.arenas[3])


def test_each_vm_gets_its_own_copy_of_a_broadcast() -> None:
    with Fabric(Vm(), Vm(), mode=OFF) as fabric:
        Pumped(fabric, WIRE).burst([to(BROADCAST)])
        assert all(in_memory_of(fabric, port, to(BROADCAST)) for port in (1, 2))


def test_a_default_queue_is_copied_from_where_a_vms_own_is_not() -> None:
    with Fabric(Vm(), mode=VMQ) as fabric:
        Pumped(fabric, WIRE).burst([to(BROADCAST)])
        assert in_memory_of(fabric, 1, to(BROADCAST))


def test_nothing_is_copied_between_vms_nor_in_a_mode_without_copy() -> None:
    with Fabric(Vm(), Vm(), mode=OFF) as fabric:
        Pumped(fabric, 1).burst([to(mac(2), mac(1)), to(BROADCAST, mac(1))])
        assert not any(fabric.rings.arenas[2])
    with Fabric(Vm(), mode=OFF_NOCOPY) as fabric:
        Pumped(fabric, WIRE).burst([to(mac(1))])
        assert len(fabric.written()) == 1
        assert not any(fabric.rings.arenas[1])
