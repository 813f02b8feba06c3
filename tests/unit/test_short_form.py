"""Short forms of frames: what is read is what was written, and what is none is refused with the cure."""

from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmdqemu.observe import short_form
from vmdqemu.observe.short_form import SHAPES, End, Kind, ShortForm

MAC = bytes.fromhex("020000000001")
VERSIONS: tuple[Literal[4, 6], ...] = (4, 6)
MACS = st.none() | st.binary(min_size=6, max_size=6)
NUMBERS = {"type": ("ethertype", 0xFFFF), "vni": ("network", 0xFFFFFF), "vsid": ("network", 0xFFFFFF)}


@st.composite
def forms(draw: st.DrawFn, carries: bool = True) -> ShortForm:
    """Everything that can be said."""
    kind = draw(st.sampled_from([kind for kind in Kind if carries or not SHAPES[kind].carries]))
    shape = SHAPES[kind]
    version: Literal[4, 6] = 4 if kind is Kind.ARP else draw(st.sampled_from(VERSIONS))
    ports = st.integers(0, 0xFFFF) if shape.ports else st.none()
    end = st.builds(End, st.ip_addresses(v=version), ports)
    numbers: dict[str, Any] = {}
    for key in shape.keys:
        field, most = NUMBERS[key]
        numbers[field] = draw(st.none() | st.integers(0, most))
    return ShortForm(
        kind,
        draw(st.tuples(end, end)) if shape.ends else None,
        draw(MACS),
        draw(MACS),
        tuple(draw(st.lists(st.integers(0, 4095), max_size=3))),
        draw(st.none() | st.integers(0, 0xFFFF)),
        **numbers,
        inner=draw(forms(carries=False)) if shape.carries else None,
    )


@given(forms())
def test_what_is_read_is_what_was_written(form: ShortForm) -> None:
    text = short_form.spelled(form)
    assert short_form.is_short_form(text)
    assert short_form.read(text) == form


@given(st.text() | st.text(alphabet="tcpudpicmp,arether->/[]:.=0123456789abcdefvlan"))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(ValueError):
        form = short_form.read(text)
        assert short_form.read(short_form.spelled(form)) == form


@pytest.mark.parametrize("kind", Kind)
def test_the_example_of_each_kind_is_one(kind: Kind) -> None:
    assert short_form.spelled(short_form.read(short_form.example(kind))) == short_form.example(kind)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (
            "tcp,10.0.0.9:1000->10.0.0.1:80,vlan=5",
            ShortForm(
                Kind.TCP,
                (End(IPv4Address("10.0.0.9"), 1000), End(IPv4Address("10.0.0.1"), 80)),
                vlans=(5,),
            ),
        ),
        (
            "icmp,[fd00::9]->[FD00:0::1],vlan=5,vlan=7",
            ShortForm(Kind.ICMP, (End(IPv6Address("fd00::9")), End(IPv6Address("fd00::1"))), vlans=(5, 7)),
        ),
        (
            "ether,src=02-00-00-00-00-01,type=0x0800,length=64",
            ShortForm(Kind.ETHER, source=MAC, ethertype=0x800, length=64),
        ),
    ],
)
def test_a_frame_is_written_as_one_would_say_it(text: str, form: ShortForm) -> None:
    assert short_form.read(text) == form


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tpc,1", "'tpc' is no kind of frame; use one of tcp, udp, icmp, arp, ether, vxlan, nvgre"),
        ("tcp", "tcp: from where to where? write it as tcp,10.0.0.9:1000->10.0.0.1:80"),
        ("tcp,10.0.0.9:1000-", "10.0.0.9:1000-: the shell took the rest; put the frame in quotes"),
        ("tcp,10.0.0.9", "'10.0.0.9' is no part of tcp; write it as tcp,10.0.0.9:1000->10.0.0.1:80"),
        ("tcp,10.0.0.9->10.0.0.1:80", "'10.0.0.9' is no end of tcp; write it as tcp,10.0.0.9:1000->"),
        ("tcp,10.0.0.9:x->10.0.0.1:80", "port: 'x' cannot be; use 0 to 65535"),
        ("icmp,10.0.0.9:1->10.0.0.1", "'10.0.0.9:1' is no end of icmp; write it as icmp,10.0.0.9->10.0.0.1"),
        ("icmp,10.0.0.9->[fd00::1]", "10.0.0.9->[fd00::1]: IPv4 on one side and IPv6 on the other; use one"),
        ("icmp,fd00::9->fd00::1", "'fd00::9': write IPv6 addresses as [fd00::1], and no others in brackets"),
        ("icmp,[10.0.0.9]->10.0.0.1", "'[10.0.0.9]': write IPv6 addresses as [fd00::1], and no others in"),
        ("icmp,[fe80::1%eth0]->[fd00::1]", "'[fe80::1%eth0]': write IPv6 addresses as [fd00::1], and no"),
        ("icmp,10.0.0.9->10.0.0.1,10.0.0.9->10.0.0.1", "10.0.0.9->10.0.0.1: icmp has its ends already; "),
        ("ether,10.0.0.9->10.0.0.1", "10.0.0.9->10.0.0.1: ether has no ends; write it as ether,dst=02:"),
        ("arp,[fd00::9]->[fd00::1]", "[fd00::9]->[fd00::1]: ARP asks for IPv4 addresses; write it as arp,"),
        ("ether,colour=1", "'colour=1' is nothing that ether has; use src, dst, vlan, length, type"),
        ("ether,vni=1", "'vni=1' is nothing that ether has; use src, dst, vlan, length, type"),
        ("ether,length=60,length=61", "'length=61': length is there twice; leave one out"),
        ("ether,vlan=4096", "vlan: '4096' cannot be; use 0 to 4095"),
        ("ether,vlan=-1", "vlan: '-1' cannot be; use 0 to 4095"),
        ("ether,dst=1", "'1' is not a MAC address; write six hex pairs such as 02:00:00:00:00:01"),
        ("vxlan,10.0.0.9->10.0.0.1", "vxlan: the frame inside stands behind a /, as in vxlan,"),
        ("ether/ether", "ether: only vxlan and nvgre carry another, as in vxlan,"),
        (
            "vxlan,10.0.0.9->10.0.0.1/nvgre,10.0.0.9->10.0.0.1/ether",
            "nvgre,10.0.0.9->10.0.0.1/ether: a tunnel in a tunnel is more than an adapter looks into; ",
        ),
    ],
)
def test_what_is_no_short_form_is_refused_with_the_cure(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=r".") as raised:
        short_form.read(text)
    assert str(raised.value).startswith(said)


@pytest.mark.parametrize("text", ["", "00ff", "tcp.pcap", "capture.pcap", "-", "a,b"])
def test_hex_digits_and_files_are_no_short_forms(text: str) -> None:
    assert not short_form.is_short_form(text)
