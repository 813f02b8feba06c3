"""`vmdqemu trace` without a lab that runs: frames in every form, any key of the lab set anew."""

from pathlib import Path
from typing import Any

import pytest
from scapy.layers.l2 import Ether
from scapy.utils import wrpcap

from tests.unit.asking import ended
from tests.unit.builders import OUTSIDE, mac, octets
from tests.unit.tracing import Trace, changed
from vmdqemu.errors import LabFileError, UsageError
from vmdqemu.observe import short_form
from vmdqemu.observe.short_form import Kind

LAB = f"""
vm = [
  {{ name = "vm1", mac = "{mac(1).hex(":")}" }},
  {{ name = "vm2", mac = "{mac(2).hex(":")}", queues = 4, vlan = 5 }},
]
wire = {{}}
adapter.mode = "vmq"
"""
FRAME = octets(mac(1), OUTSIDE)


@pytest.fixture
def trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Trace:
    lab = tmp_path / "lab.toml"
    lab.write_text(LAB)
    return Trace(lab, monkeypatch, capsys)


@pytest.mark.parametrize(
    ("text", "port", "delivery"),
    [
        ("tcp,10.0.0.9:1000->10.0.0.1:80", "wire", ("vm1", 0)),
        ("tcp,10.0.0.9:1000->10.0.0.2:80,vlan=5", "wire", ("vm2", 0)),
        ("arp,10.0.0.1->10.0.0.9", "vm1", None),
    ],
)
def test_a_frame_is_said_in_short(
    text: str, port: str, delivery: tuple[str, int] | None, trace: Trace
) -> None:
    addresses = ("vm.vm1.address=10.0.0.1/24", "vm.vm2.address=10.0.0.2/24", "wire.address=10.0.0.9/24")
    (frame,) = trace.frames("--from", port, *changed(*addresses), text)
    delivered = [(to["vm"], to["channel"]) for to in frame["host"]["deliveries"]]
    assert delivered == ([] if delivery is None else [delivery])
    assert frame["nic"]["wire"] == (delivery is None)


def test_every_form_that_the_help_shows_is_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(monkeypatch, "trace", "--help") == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    forms = [short_form.read(line.strip("'")) for line in lines if line.startswith("'")]
    assert {form.kind for form in forms} == set(Kind)


@pytest.mark.parametrize("spelled", [FRAME.hex(), FRAME.hex(":"), FRAME.hex(" "), FRAME.hex(" ", 2).upper()])
def test_a_frame_is_written_in_hex_as_one_likes(spelled: str, trace: Trace) -> None:
    (frame,) = trace.frames("--from", "wire", spelled)
    assert frame["nic"]["deliveries"] == [{"vport": "vm1", "queue": 1, "vlan": "keep"}]


def test_the_eye_sees_both_halves_and_the_verdict(trace: Trace) -> None:
    shown = trace("--from", "wire", FRAME.hex()).splitlines()
    assert [line for line in shown if not line.startswith(" ")] == [
        "adapter",
        "host",
        "verdict: to vm1 channel 0 by processor 0",
    ]


def test_frames_of_a_capture_file_come_in_its_order(trace: Trace, tmp_path: Path) -> None:
    file = tmp_path / "frames.pcap"
    wrpcap(str(file), [Ether(FRAME), Ether(octets(mac(2), OUTSIDE, [5]))])
    frames = trace.frames("--from", "wire", str(file))
    assert [frame["host"]["deliveries"][0]["vm"] for frame in frames] == ["vm1", "vm2"]
    trace.type_in(file.read_bytes())
    assert trace.frames("--from", "wire", "-") == frames
    assert trace("--from", "wire", str(file)).count("verdict: ") == 2


def test_standard_input_may_be_hex_digits_a_frame_a_line(trace: Trace) -> None:
    trace.type_in(f"{FRAME.hex(':')}\n{FRAME.hex()}\n".encode())
    assert len(trace.frames("--from", "wire", "-")) == 2


def test_a_key_set_changes_the_verdict(trace: Trace) -> None:
    def delivery(*changes: str) -> dict[str, Any]:
        (frame,) = trace.frames("--from", "wire", *changed(*changes), octets(mac(2), OUTSIDE, [5]).hex())
        return {**frame["nic"]["deliveries"][0], **frame["host"]["deliveries"][0]}

    assert delivery() == {
        "vport": "vm2",
        "queue": 2,
        "vlan": "strip",
        "vm": "vm2",
        "channel": 0,
        "processor": 0,
    }
    assert delivery("adapter.mode=off")["vport"] == "default"
    assert delivery("host.processors=2")["processor"] == 1
    assert delivery("vm.vm1.queues=3", "adapter.mode=vmmq", "vm.vm2.queues=1")["queue"] == 4


def test_a_frame_may_come_from_a_vm(trace: Trace) -> None:
    (frame,) = trace.frames("--from", "vm1", octets(mac(2), mac(1)).hex())
    assert (frame["nic"]["wire"], frame["nic"]["drop"]) == (True, None)
    (frame,) = trace.frames("--from", "vm2", octets(mac(1), mac(1)).hex())
    assert frame["nic"]["drop"] == "anti_spoof_mac"


def test_a_vm_that_is_to_have_a_vf_has_it(trace: Trace) -> None:
    with_vf = ("--set", "vm.vm1.iov=true")
    (frame,) = trace.frames("--from", "wire", *with_vf, octets(mac(1), OUTSIDE).hex())
    assert frame["nic"]["vfs"] == ["VF 0 of vm1"]
    (frame,) = trace.frames("--from", "vm1", *with_vf, octets(OUTSIDE, mac(1)).hex())
    assert (frame["nic"]["vfs"], frame["nic"]["wire"]) == ([], True)
    assert "from VF 0 of vm1" in frame["steps"][0]["outcome"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--from", "vm9", "00"), "no port 'vm9'; use one of vm1, vm2, wire"),
        (("--from", "wire"), "give a lab file, a port and a frame: trace --lab LAB.toml --from wire FRAME"),
        (("00",), "give a lab file, a port and a frame: trace --lab LAB.toml --from wire FRAME"),
        (
            ("--from", "wire", "0g"),
            "0g: No such file or directory; give a frame such as tcp,10.0.0.9:1000->10.0.0.1:80, "
            "as hex digits, or the name of a pcap or pcapng file",
        ),
        (
            ("--from", "wire", "--set", "mtu", "00"),
            "--set mtu: write KEY=VALUE, such as adapter.mode=vmq or ",
        ),
    ],
)
def test_a_mistake_is_one_line_with_its_cure(arguments: tuple[str, ...], said: str, trace: Trace) -> None:
    with pytest.raises(UsageError) as raised:
        trace(*arguments)
    assert str(raised.value).startswith(said)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (
            b"hello\n",
            "standard input, line 1: neither a capture nor a frame; give a frame such as "
            "tcp,10.0.0.9:1000->10.0.0.1:80, as hex digits",
        ),
        (
            bytes.fromhex("d4c3b2a1"),
            "standard input: octet 4: the file is cut off here; give another capture file",
        ),
    ],
)
def test_input_that_holds_no_frames_is_a_usage_error(data: bytes, said: str, trace: Trace) -> None:
    trace.type_in(data)
    with pytest.raises(UsageError) as raised:
        trace("--from", "wire", "-")
    assert str(raised.value) == said


def test_a_value_that_may_not_be_is_refused_as_in_the_file(trace: Trace) -> None:
    with pytest.raises(LabFileError) as raised:
        trace("--from", "wire", "--set", "adapter.mode=fast", "00")
    assert '/lab.toml: adapter.mode: "fast" is unknown; use ' in str(raised.value)


def test_what_the_model_cannot_hold_is_refused_with_its_place(trace: Trace, tmp_path: Path) -> None:
    (tmp_path / "lab.toml").write_text('[[vm]]\nname = "vm1"\n')
    assert trace("--from", "vm1", "00")
    with pytest.raises(LabFileError, match=r"lab\.toml: adapter\.moderation: NDIS_STATUS_INVALID"):
        trace("--from", "vm1", "--set", "adapter.moderation=100_000", "00")
