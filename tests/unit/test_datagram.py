"""IP datagrams: read whole, written anew with sums that hold."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.segments import HERE6, THERE6, ip, read, spoiled, tcp, udp
from vmdqemu.nic import datagram
from vmdqemu.nic.datagram import ones_complement

V6: dict[str, Any] = {"source": THERE6, "destination": HERE6}


@given(st.binary(max_size=200))
def test_the_sum_is_that_of_rfc_1071(octets: bytes) -> None:
    padded = octets + bytes(len(octets) % 2)
    total = sum(int.from_bytes(padded[at : at + 2], "big") for at in range(0, len(padded), 2))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    assert ones_complement(octets) == ~total & 0xFFFF


@pytest.mark.parametrize("family", [{}, V6], ids=["IPv4", "IPv6"])
def test_a_frame_is_read_and_written_back(family: dict[str, Any]) -> None:
    for frame in (tcp(1, b"data", **family), udp(b"odd", vids=(10,), **family)):
        packet = read(frame)
        assert packet.octets == frame
        assert packet.plain
        assert packet.sound
        assert packet.transport_sound
        assert not read(spoiled(frame)).transport_sound


def test_padding_of_ethernet_is_left_out() -> None:
    frame = tcp(1)
    assert read(frame.ljust(60, b"\0")).octets == frame


def test_what_makes_a_datagram_special_is_seen() -> None:
    assert not read(tcp(1, options=bytes(4))).plain
    assert read(tcp(1, service=0b11)).ecn == 0b11
    assert read(tcp(1, service=0b10, **V6)).ecn == 0b10
    assert read(ip(bytes(8), 17, ip_flags=0x2000)).fragment
    assert not read(ip(bytes(8), 44, **V6)).plain
    bad = bytearray(tcp(1))
    bad[24] ^= 0xFF
    assert not read(bytes(bad)).sound


@pytest.mark.parametrize("family", [{}, V6], ids=["IPv4", "IPv6"])
def test_other_service_means_another_value_and_ecn_does_not(family: dict[str, Any]) -> None:
    plain = read(tcp(1, **family))
    assert read(tcp(1, service=0b11, **family)).service == plain.service
    assert read(tcp(1, service=0b100, **family)).service != plain.service
    if family:
        assert read(tcp(1, flow_label=1, **family)).service != plain.service
    else:
        assert read(tcp(1, ip_flags=0)).service != plain.service  # DF


@pytest.mark.parametrize("family", [{}, V6], ids=["IPv4", "IPv6"])
def test_a_joined_datagram_has_sums_that_hold(family: dict[str, Any]) -> None:
    packet = read(tcp(1, b"data", hops=9, **family))
    joined = packet.joined(packet.payload + b"more", hops=3).summed(16)
    again = read(joined.octets)
    assert again == joined
    assert again.sound
    assert again.transport_sound
    assert again.hops == 3
    assert again.payload.endswith(b"datamore")


@given(st.binary(max_size=80))
def test_any_octets_give_an_answer(octets: bytes) -> None:
    packet = datagram.read(octets)
    assert packet is None or packet.header


@given(st.integers(0, 60))
def test_a_datagram_that_is_cut_off_is_none(kept: int) -> None:
    frame = tcp(1, b"some data")
    assert (datagram.read(frame[:kept]) is None) == (kept < len(frame))
