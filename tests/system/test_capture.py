"""`capture` on a running lab: every frame once, with its queue and its fate."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scapy.utils import RawPcapNgReader

from tests.system.command import refused, vmdqemu
from tests.system.frames import BROADCAST, Ports, frame, ports, tag
from tests.system.harness import RunningLab, eventually, running, shared
from tests.system.observer import ended, observer
from vmdqemu.daemon.observers import LEASE
from vmdqemu.nic.frame import HEADER_OCTETS
from vmdqemu.observe import pcapng

pytestmark = pytest.mark.system

LAB = """
vm = [{ name = "vm1" }, { name = "vm2", vlan = 5 }]
adapter.mode = "vmq"
host.processors = 2
[wire]
"""


lab = shared(LAB)


@pytest.fixture
def there(lab: RunningLab) -> Iterator[Ports]:
    with ports(lab) as there:
        yield there


def packets(file: Path) -> list[tuple[bytes, Any]]:
    """The frames of a pcapng file, and what it says about each, as scapy reads it."""
    reader: Any = RawPcapNgReader(str(file))
    return list(iter(lambda: _next(reader), None))


def _next(reader: Any) -> tuple[bytes, Any] | None:
    try:
        octets, about = reader._read_packet()
    except EOFError:
        return None
    return octets, about


def test_a_file_has_every_frame_with_its_direction_and_the_reason_of_a_drop(
    lab: RunningLab, there: Ports, tmp_path: Path
) -> None:
    file = tmp_path / "capture.pcapng"
    with observer(lab, "capture", "-w", str(file), "-c", "4") as process:
        outside, vm1, vm2 = lab.mac("ext"), lab.mac("vm1"), lab.mac("vm2")
        sent = [
            ("ext", frame(vm1, outside), ("wire", 1, None)),
            ("ext", frame(vm2, outside, tag(6)), ("wire", 1, [b"dropped: wrong_vlan"])),
            ("vm1", frame(outside, vm2), ("vm1", 2, [b"dropped: anti_spoof_mac"])),
            ("vm2", frame(outside, vm2), ("vm2", 2, None)),
        ]
        for sender, octets, (port, _, _) in sent:
            read = lab.port(port)["reads"]
            there.links[sender].send(octets)
            eventually(lambda port=port, read=read: lab.port(port)["reads"] > read, "it is read")  # type: ignore[misc]
        assert ended(process)[1] == "captured: 4 frames\n"
    captured = packets(file)
    assert [octets for octets, _ in captured] == [octets for _, octets, _ in sent]
    told = [(about.ifname.decode(), about.direction, about.comments) for _, about in captured]
    assert told == [expected for _, _, expected in sent]


def test_a_long_frame_is_cut_and_the_queue_is_the_one_that_it_waited_in(
    lab: RunningLab, there: Ports, tmp_path: Path
) -> None:
    with observer(lab, "capture", "-w", "-", "--snaplen", "64") as process:
        there.links["ext"].send(frame(lab.mac("vm2"), lab.mac("ext"), tag(5), payload=bytes(1000)))
        assert process.stdout is not None
        out = b""
        while len(out) <= len(pcapng.section()):  # a frame comes at once, not when the command ends
            out += os.read(process.stdout.fileno(), 1 << 16)
        process.send_signal(signal.SIGINT)
        rest, err = ended(process)
    assert err == "captured: 1 frames\n"
    file = tmp_path / "piped.pcapng"
    file.write_bytes(out + rest)
    ((octets, about),) = packets(file)
    assert (len(octets), about.wirelen) == (64, 1018)
    queue = (6).to_bytes(2, "little") + (4).to_bytes(2, "little") + (2).to_bytes(4, "little")
    assert file.read_bytes().count(queue) == 1  # epb_queue: VPort 2's


def test_only_frames_to_or_from_a_port_if_that_is_asked_for(lab: RunningLab, there: Ports) -> None:
    with observer(lab, "capture", "--port", "vm1", "-c", "3") as process:
        outside, vm1, vm2 = lab.mac("ext"), lab.mac("vm1"), lab.mac("vm2")
        there.send("ext", frame(vm2, outside, tag(5)))
        there.send("vm2", frame(outside, vm2))
        there.links["ext"].send(frame(vm1, outside))
        there.links["vm1"].wait_for(frame(vm1, outside))
        there.links["vm1"].send(frame(outside, vm1))
        lines = ended(process)[0].decode().splitlines()
    # The marker that is sent behind a frame is a broadcast to every VM without a VLAN.
    assert [line.partition(" from ")[2].split(":")[0] for line in lines] == [
        "wire ring 0",
        "wire ring 1",
        "vm1 ring 0",
    ]
    assert lines[0].endswith("EtherType 0x88b6: to vm1 channel 0")
    assert lines[2].endswith(": to wire")


def test_a_worker_that_is_replaced_goes_on_recording(lab: RunningLab, there: Ports) -> None:
    with observer(lab, "capture", "--port", "vm2") as process:
        lost = lab.worker("nic")
        assert lost is not None
        os.kill(lost, signal.SIGKILL)
        eventually(lambda: lab.worker("nic") not in (lost, None), "its successor serves")
        there.send("vm2", frame(BROADCAST, lab.mac("vm2")))
        assert process.stdout is not None
        assert b" from vm2 ring 0: 60 octets" in process.stdout.readline()


def test_a_slow_observer_costs_the_lab_nothing_and_says_what_it_lost(
    lab: RunningLab, there: Ports, tmp_path: Path
) -> None:
    file = tmp_path / "slow.pcapng"
    with observer(lab, "capture", "-w", str(file)) as process:
        eventually(file.exists, "it begins")
        process.send_signal(signal.SIGSTOP)
        burst = [frame(lab.mac("vm1"), lab.mac("ext"))] * 1000
        for _ in range(20):
            lab.call("observe", snaplen=HEADER_OCTETS)  # or its lease might end before it goes on
            there.links["ext"].send(*burst)
            eventually(lambda: _waiting(lab) == 0, "the ring is read")
        process.send_signal(signal.SIGCONT)
        eventually(lambda: file.stat().st_size > 100_000, "the newest are written")
        process.send_signal(signal.SIGTERM)
        said = ended(process)[1]
        assert _waiting(lab) == 0
    captured = len(packets(file))
    lost = int(said.splitlines()[0].split()[-2].replace(",", ""))
    assert captured + lost == 20_000
    assert said.splitlines()[-1] == f"captured: {captured:,} frames"


def _waiting(lab: RunningLab) -> int:
    """Frames in VPort 1's ring, or lost there."""
    rows = {row["QueueID"]: row for row in lab.call("queue.list")["queues"]}
    return int(rows[1]["rx-hw-drop-overruns"])


def test_when_the_observer_is_killed_nothing_is_recorded_any_more(tmp_path: Path) -> None:
    """In a lab that nobody has observed yet."""
    assert LEASE < 5
    with running(LAB, tmp_path) as lab:
        with observer(lab, "capture", "--snaplen", "300") as process:
            error = refused(vmdqemu("capture", "--snaplen", "400", "--lab", lab.config.name), 2)
            assert error == "snaplen: somebody observes 300 octets of each frame; use 300\n"
            process.kill()

        def free() -> bool:
            """Records of another length can be had when nobody wants the old ones."""
            done = vmdqemu("capture", "--snaplen", "400", "--port", "vm9", "--lab", lab.config.name)
            return done.stderr.endswith("no port 'vm9'; use one of vm1, vm2, wire\n")

        eventually(free, "the lease ends")


def test_a_mistake_is_one_line_with_its_cure(lab: RunningLab) -> None:
    name = lab.config.name
    done = vmdqemu("capture", "-w", "/no/such/file", "--lab", name)
    assert done.returncode == 2
    assert done.stderr.endswith("/no/such/file: No such file or directory; name a file that can be written\n")
    error = refused(vmdqemu("trace", "--live", "1", "00", "--lab", name), 2)
    assert error.startswith("--live explains what comes, by the running lab")
