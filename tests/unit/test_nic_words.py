"""The adapter's findings in words: what a reader of an explanation is told."""

from ipaddress import ip_address

import pytest

from tests.unit.builders import GROUP, OUTSIDE, STRANGER, Vm, mac, octets, packet, parsed, tables
from tests.unit.crafted import HOME, TCP_HEADER, home_address, ipv6, options
from vmdqemu.host.decide import decide
from vmdqemu.host.vswitch import WIRE
from vmdqemu.nic import words
from vmdqemu.nic.frame import Frame, parse
from vmdqemu.nic.modes import OFF, RSS, VMMQ, VMQ, Mode
from vmdqemu.nic.packet import NO_PACKET, PROTOCOL_TCP, Packet
from vmdqemu.nic.steps import Steps

LAB = (Vm(), Vm(queue_pairs=4), Vm(vlan=10), Vm(spoof_check=False))


def steps(frame: Frame, source: int = WIRE, mode: Mode = VMQ, local_switch: bool = False) -> dict[str, str]:
    adapter = Steps()
    decide(frame, source, tables(*LAB, mode=mode, local_switch=local_switch), adapter.take)
    return {step.name: step.outcome for step in adapter.taken}


def tcp(destination: bytes = mac(2)) -> Frame:
    """The first published vector of the RSS hash."""
    ethertype, payload = packet("66.9.149.187", "161.142.100.80", PROTOCOL_TCP, (2794, 1766))
    return parsed(destination, OUTSIDE, ethertype=ethertype, payload=payload)


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (
            tcp(mac(1)),
            "54 octets, 02:ff:ff:00:00:02 > 02:00:00:00:00:01, untagged, "
            "IPv4 TCP 66.9.149.187 port 2794 > 161.142.100.80 port 1766",
        ),
        (
            parsed(mac(1), mac(2), [10, 20]),
            "68 octets, 02:00:00:00:00:02 > 02:00:00:00:00:01, tagged 10 and 1 more tag, EtherType 0x88b5",
        ),
        (parse(octets(mac(1), mac(2))[:13]), "13 octets, unreadable: too_short"),
        (
            tcp(mac(1))._replace(ports=b"", fragment=True),
            "54 octets, 02:ff:ff:00:00:02 > 02:00:00:00:00:01, untagged, "
            "IPv4 TCP fragment 66.9.149.187 > 161.142.100.80",
        ),
    ],
)
def test_a_frame_is_told_by_its_headers(frame: Frame, said: str) -> None:
    assert words.frame(frame) == said


def test_an_unread_protocol_is_told_by_its_number_or_not_at_all() -> None:
    ethertype, payload = packet("fd00::1", "fd00::2", 58, None)
    seen = parsed(mac(1), mac(2), ethertype=ethertype, payload=payload)
    assert words.frame(seen).endswith("IPv6 protocol 58 fd00::1 > fd00::2")
    assert words.frame(seen._replace(protocol=-1)).endswith("IPv6 fd00::1 > fd00::2")


def test_a_mobile_node_is_told_with_its_home_address() -> None:
    seen = parse(ipv6(options(6, home_address(HOME)) + TCP_HEADER, 60))
    assert words.frame(seen).endswith(f", at home {ip_address(HOME)} > {ip_address(seen.addresses[16:])}")


def test_a_tunnel_is_told_with_what_is_inside() -> None:
    inside = parsed(mac(1), mac(2), ethertype=0x0800)._replace(inner=NO_PACKET)
    assert words.frame(inside).endswith(", EtherType 0x0800, inside no IP")
    carried = Packet(4, PROTOCOL_TCP, False, bytes([10, 0, 0, 1, 10, 0, 0, 2]), b"\0\1\0\2")
    told = words.frame(inside._replace(inner=carried))
    assert told.endswith(", inside IPv4 TCP 10.0.0.1 port 1 > 10.0.0.2 port 2")


@pytest.mark.parametrize(
    ("frame", "mode", "name", "said"),
    [
        (tcp(), VMQ, "admission", "54 octets of at most 1514"),
        (tcp()._replace(length=1515), VMQ, "admission", "1515 octets of at most 1514: drop, oversize"),
        (parsed(mac(3), OUTSIDE, [10]), VMQ, "admission", "64 octets of at most 1514 and 4 a tag"),
        (parsed(mac(3), OUTSIDE, [10]), VMQ, "vlan", "tagged 10: VLAN 10"),
        (parsed(mac(1), OUTSIDE, [0]), VMQ, "vlan", "tagged 0: no VLAN"),
        (tcp(), OFF, "filter", "the mode does not sort by filters: the default VPort"),
        (tcp(STRANGER), VMQ, "filter", "no filter for 02:ff:ff:00:00:01 in no VLAN: the default VPort"),
        (parsed(mac(3), OUTSIDE, [10]), VMQ, "filter", "02:00:00:00:00:03 in VLAN 10: VPort 3, vm3"),
        (tcp(), VMMQ, "hash type", "NDIS_HASH_TCP_IPV4"),
        (parsed(mac(2), OUTSIDE), VMMQ, "queue index", "no hash: queue 0, the VPort's default"),
        (tcp(), VMMQ, "hash input", "42 09 95 bb a1 8e 64 50 0a ea 06 e6"),
        (tcp(), VMMQ, "hash value", "0x51ccc178"),
        (tcp(), VMMQ, "queue index", "entry 120 of 128 names queue 0 of the VPort"),
        (tcp(), VMMQ, "queue", "RX queue 2, number 0 of the 4 of VPort 2"),
        (tcp(), VMQ, "queue", "RX queue 2, the only one of VPort 2"),
        (tcp(), RSS, "queue", "RX queue 0, the only one of the default VPort"),
    ],
)
def test_what_was_found_on_the_way_in(frame: Frame, mode: Mode, name: str, said: str) -> None:
    assert steps(frame, mode=mode)[name] == said


def test_a_frame_that_no_hash_type_fits_is_told_which_are_enabled() -> None:
    said = steps(parsed(mac(2), OUTSIDE), mode=VMMQ)["hash type"]
    assert said.startswith("none that is enabled fits: NDIS_HASH_IPV4|")


@pytest.mark.parametrize(
    ("frame", "sender", "name", "said"),
    [
        (parsed(STRANGER, mac(3)), 3, "tag check", "untagged, and vm3 is in VLAN 10"),
        (
            parsed(STRANGER, mac(3), [10]),
            3,
            "tag check",
            "tagged 10, and vm3 is in VLAN 10: drop, tag_not_allowed",
        ),
        (parsed(STRANGER, mac(1)), 1, "spoof check", "02:00:00:00:00:01 is an address of vm1"),
        (
            parsed(STRANGER, mac(2)),
            1,
            "spoof check",
            "02:00:00:00:00:02 is not an address of vm1: drop, anti_spoof_mac",
        ),
        (parsed(STRANGER, mac(2)), 4, "spoof check", "vm4 may send from any address"),
        (parsed(STRANGER, mac(1)), 1, "local switch", "left to the vSwitch"),
    ],
)
def test_what_was_found_on_the_way_out(frame: Frame, sender: int, name: str, said: str) -> None:
    assert steps(frame, sender)[name] == said


@pytest.mark.parametrize(
    ("destination", "said"),
    [
        (mac(2), "02:00:00:00:00:02 in no VLAN: VPort 2"),
        (STRANGER, "02:ff:ff:00:00:01 in no VLAN: the wire"),
        (GROUP, "01:00:5e:00:00:fb in no VLAN: VPort 2, VPort 4, the wire"),
        (mac(1), "02:00:00:00:00:01 in no VLAN: nobody: drop, port_loopback_filter"),
    ],
)
def test_what_the_local_switch_found(destination: bytes, said: str) -> None:
    told = steps(parsed(destination, mac(1)), 1, local_switch=True)
    assert (told["local switch"], told["switching"]) == ("the adapter switches between its VPorts", said)
