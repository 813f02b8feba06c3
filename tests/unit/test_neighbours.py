"""MAC addresses that a frame in short form leaves out are those of the lab's machines."""

import pytest

from tests.unit.builders import mac
from vmdqemu.config import parse
from vmdqemu.nic.frame import BROADCAST, format_mac
from vmdqemu.observe import short_form
from vmdqemu.observe.neighbours import Neighbours, group_mac

VMS = f"""
vm = [
  {{ name = "vm1", mac = "{format_mac(mac(1))}", address = ["10.0.0.1/24", "fd00::1/64"] }},
  {{ name = "vm2", mac = "{format_mac(mac(2))}", address = "10.0.0.2/24", vlan = 5 }},
  {{ name = "vm3", mac = "{format_mac(mac(3))}", address = "10.0.0.2/24" }},
]
"""
LAB = f"""{VMS}
[wire]
host = [
  {{ name = "out", mac = "{format_mac(mac(8))}", address = "10.0.0.8/24" }},
  {{ name = "tagged", mac = "{format_mac(mac(9))}", address = "10.0.0.9/24", vlan = 5 }},
]
"""


def macs(text: str, port: str = "wire", lab: str = LAB) -> tuple[bytes | None, bytes | None]:
    found = Neighbours(parse(lab, "lab"), port).resolve(short_form.read(text))
    return found.source, found.destination


@pytest.mark.parametrize(
    ("text", "port", "source", "destination"),
    [
        ("icmp,10.0.0.8->10.0.0.1", "wire", mac(8), mac(1)),
        ("icmp,10.0.0.8->10.0.0.1,dst=02:00:00:00:00:07", "wire", mac(8), mac(7)),
        ("icmp,10.0.0.8->10.0.0.1,src=02:00:00:00:00:07", "wire", mac(7), mac(1)),
        ("icmp,[fd00::8]->[fd00:0::1]", "wire", mac(8), mac(1)),
        ("icmp,10.0.0.8->10.0.0.2", "wire", mac(8), mac(3)),
        ("icmp,10.0.0.9->10.0.0.2,vlan=5", "wire", mac(9), mac(2)),
        ("icmp,10.0.0.8->10.0.0.2,vlan=7", "wire", mac(8), mac(2)),
        ("icmp,10.0.0.1->10.0.0.2", "vm1", mac(1), mac(3)),
        ("icmp,10.0.0.1->10.0.0.2", "vm2", mac(1), mac(2)),
        ("ether,dst=02:00:00:00:00:07", "vm2", mac(2), mac(7)),
        ("ether,dst=02:00:00:00:00:07", "wire", mac(8), mac(7)),
        ("ether,dst=02:00:00:00:00:07,vlan=5", "wire", mac(9), mac(7)),
    ],
)
def test_an_address_has_the_mac_of_its_machine_in_the_frames_vlan(
    text: str, port: str, source: bytes, destination: bytes
) -> None:
    assert macs(text, port) == (source, destination)


@pytest.mark.parametrize(("port", "router"), [("vm1", mac(8)), ("vm2", mac(9))])
def test_what_no_machine_has_is_behind_the_outside_host(port: str, router: bytes) -> None:
    sender = {"vm1": mac(1), "vm2": mac(2)}[port]
    assert macs("icmp,192.168.0.1->8.8.8.8", port) == (sender, router)
    assert macs("icmp,8.8.8.8->10.0.0.1") == (mac(8), mac(1))


@pytest.mark.parametrize(
    ("text", "destination"),
    [
        ("arp,10.0.0.8->10.0.0.1", BROADCAST),
        ("icmp,10.0.0.8->10.0.0.255", BROADCAST),
        ("icmp,10.0.0.8->255.255.255.255", BROADCAST),
        ("udp,10.0.0.8:1->224.128.0.251:5353", bytes.fromhex("01005e0000fb")),
        ("udp,[fd00::8]:1->[ff02::1:ff00:1]:5353", bytes.fromhex("3333ff000001")),
    ],
)
def test_what_is_for_many_has_an_address_of_many(text: str, destination: bytes) -> None:
    assert macs(text)[1] == destination
    assert destination == BROADCAST or group_mac(short_form.read(text).ends[1].address) == destination  # type: ignore[index]


def test_a_tunnels_inner_frame_has_the_outer_addresses_unless_a_machine_is_inside() -> None:
    text = "vxlan,10.0.0.8->10.0.0.1/tcp,192.168.0.9:1->10.0.0.2:2"
    found = Neighbours(parse(LAB, "lab"), "wire").resolve(short_form.read(text))
    assert found.inner is not None
    assert (found.inner.source, found.inner.destination) == (mac(8), mac(3))


@pytest.mark.parametrize(
    ("text", "port", "lab", "said"),
    [
        ("icmp,10.0.0.8->10.0.0.7", "wire", LAB, "nobody in the lab has 10.0.0.7; give dst=MAC"),
        ("icmp,10.0.0.1->10.0.0.7", "vm1", VMS, "nobody in the lab has 10.0.0.7; give dst=MAC"),
        ("ether", "wire", LAB, "ether: for whom?; give dst=MAC"),
    ],
)
def test_what_cannot_be_found_is_asked_for(text: str, port: str, lab: str, said: str) -> None:
    with pytest.raises(ValueError, match=r".") as raised:
        macs(text, port, lab)
    assert str(raised.value) == said
