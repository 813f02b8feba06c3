"""VLAN tags put into a frame and taken out of it; MAC addresses written and read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmdqemu.nic import frame

MACS = bytes.fromhex("02000000000b02000000000a")
TAG = bytes.fromhex("81000064")
UNTAGGED = MACS + bytes.fromhex("0806") + bytes(46)


@given(st.binary(min_size=14, max_size=80), st.integers(0, 4094), st.integers(0, 7))
def test_a_tag_inserted_is_read_back_and_stripped_again(octets: bytes, vid: int, priority: int) -> None:
    tagged = frame.insert_tag(octets, vid, priority)
    seen = frame.parse(tagged)
    assert (seen.vlan, seen.priority) == (vid, priority)
    assert (seen.destination, seen.source) == (octets[:6], octets[6:12])
    assert frame.strip_tag(tagged) == octets


def test_stripping_takes_the_outermost_tag_only() -> None:
    inner = MACS + TAG + UNTAGGED[12:]
    assert frame.strip_tag(frame.insert_tag(inner, 7)) == inner
    assert frame.strip_tag(inner) == UNTAGGED


@pytest.mark.parametrize("octets", [b"", UNTAGGED[:13], UNTAGGED, MACS + TAG[:2], MACS + TAG + b"\x08"])
def test_stripping_leaves_a_frame_without_a_whole_tag_alone(octets: bytes) -> None:
    assert frame.strip_tag(octets) == octets


@pytest.mark.parametrize(("vid", "priority", "field"), [(-1, 0, "vid"), (4095, 0, "vid"), (1, 8, "priority")])
def test_a_tag_that_cannot_be_sent_is_refused(vid: int, priority: int, field: str) -> None:
    with pytest.raises(ValueError, match=f"^{field}: "):
        frame.insert_tag(UNTAGGED, vid, priority)


@pytest.mark.parametrize(
    ("mac", "multicast", "broadcast"),
    [
        ("02:00:00:00:00:01", False, False),
        ("01:00:5e:00:00:fb", True, False),
        ("33:33:00:00:00:01", True, False),
        ("ff:ff:ff:ff:ff:ff", True, True),
        ("ff:ff:ff:ff:ff:fe", True, False),
    ],
)
def test_the_group_bit_makes_an_address_multicast(mac: str, multicast: bool, broadcast: bool) -> None:
    octets = frame.parse_mac(mac)
    assert (frame.is_multicast(octets), frame.is_broadcast(octets)) == (multicast, broadcast)


def test_the_address_of_a_frame_too_short_for_one_is_neither() -> None:
    assert not frame.is_multicast(b"")
    assert not frame.is_broadcast(b"")


@given(st.binary(min_size=6, max_size=6), st.sampled_from(":-"), st.booleans())
def test_a_mac_address_survives_writing_and_reading(mac: bytes, joint: str, upper: bool) -> None:
    text = mac.hex(joint)
    assert frame.parse_mac(text.upper() if upper else text) == mac
    assert frame.format_mac(mac) == mac.hex(":")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "02:00:00:00:00",
        "02:00:00:00:00:01:02",
        "02:00:00-00:00:01",
        "2:0:0:0:0:1",
        "020000000001",
        "02:00:00:00:00:0g",
        " 02:00:00:00:00:01",
        "02:00:00:00:00:01\n",
        "０２:00:00:00:00:01",
    ],
)
def test_anything_else_is_no_mac_address(text: str) -> None:
    with pytest.raises(ValueError, match="six hex pairs"):
        frame.parse_mac(text)
