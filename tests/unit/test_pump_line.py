"""A burst says what it took of the line: every octet that a cable would carry, of what the wire took."""

import errno

import pytest

from tests.unit.builders import STRANGER, Vm, mac
from tests.unit.pumping import Fabric, Pumped
from tests.unit.test_pump import VLAN, refused, tcp_superframe, to
from vmdqemu.nic.frame import BROADCAST

LINE_CASES = {
    "to a VM": ([to(mac(2))], 0),
    "to the wire": ([to(STRANGER), to(STRANGER, size=100)], 60 + 24 + 100 + 24),
    "to the wire, padded": ([to(STRANGER, size=14)], 60 + 24),
    "to everybody": ([to(BROADCAST)], 60 + 24),
    "to both in turn": ([to(STRANGER), to(mac(2)), to(STRANGER)], 2 * 84),
    "nowhere": ([to(STRANGER, size=1515)], 0),
}


@pytest.mark.parametrize(("arriving", "line_octets"), LINE_CASES.values(), ids=LINE_CASES)
def test_a_burst_says_what_it_took_of_the_line(arriving: list[bytes], line_octets: int) -> None:
    with Fabric(Vm(), Vm()) as fabric:
        pumped = Pumped(fabric, 1)
        assert pumped.burst(arriving).line_octets == line_octets
        assert pumped.burst([to(mac(2))]).line_octets == 0


def test_what_the_wire_refuses_takes_nothing_of_the_line() -> None:
    with Fabric(Vm(), Vm()) as fabric, refused(lambda: errno.EIO):
        assert Pumped(fabric, 1).burst([to(STRANGER)] * 3).line_octets == 0


def test_a_tag_and_every_segments_headers_take_their_part_of_the_line() -> None:
    with Fabric(Vm(VLAN)) as fabric:
        assert Pumped(fabric, 1).burst([tcp_superframe()]).line_octets == 4000 + 4 * (58 + 24)
