"""Loading eBPF: a program runs on its link, its map is ours to read, and nothing outlives the link."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from struct import Struct
from typing import cast

import pytest

from netns import links, namespace
from netns.lab import Lab
from tests.system import prog_run
from tests.system.harness import eventually, residue
from vmdqemu.bpf import loader
from vmdqemu.bpf.loader import BpfObject, Hook
from vmdqemu.errors import Missing

pytestmark = pytest.mark.system

A, B = f"bpf{os.getpid()}-a", f"bpf{os.getpid()}-b"
VALUE = Struct("=I")
PER_CPU = Struct("=30Q")


@pytest.fixture
def cable() -> Iterator[tuple[str, str]]:
    """A veth pair with addresses."""
    with Lab() as lab:
        lab.namespace(A)
        lab.namespace(B)
        lab.veth(A, "eth0", B, "eth0", mtu=1500)
        for ns, address in ((A, "10.0.0.1/24"), (B, "10.0.0.2/24")):
            links.up(ns, "eth0")
            links.add_address(ns, "eth0", address)
        yield A, B


def pings(a: str) -> bool:
    done = namespace.run(a, ["ping", "-c", "1", "-W", "1", "10.0.0.2"], check=False)
    return done.returncode == 0


def tag_edge(ns: str, vlan: int) -> None:
    """Make a link an access port; the programs live on without their object."""
    with BpfObject("vlan") as edge:
        edge.map("access_vlan").write(0, VALUE.pack(vlan))
        edge.attach("push", ns, "eth0", Hook.EGRESS)
        edge.attach("pop", ns, "eth0", Hook.INGRESS)


def test_attached_programs_run_after_their_object_is_closed(cable: tuple[str, str]) -> None:
    a, b = cable
    eventually(lambda: pings(a), "an answer")
    tag_edge(a, 10)
    assert not pings(a)  # tagged at one end only
    tag_edge(b, 10)
    eventually(lambda: pings(a), "an answer")


def test_each_object_has_maps_of_its_own(cable: tuple[str, str]) -> None:
    a, b = cable
    tag_edge(a, 10)
    tag_edge(b, 20)
    assert not pings(a)


def test_a_per_cpu_map_is_read_for_every_possible_processor() -> None:
    with BpfObject("eswitch") as eswitch:
        values = eswitch.map("books").read_per_cpu(0, PER_CPU)
        possible = Path("/sys/devices/system/cpu/possible").read_text().strip().rpartition("-")[2]
        assert values == [(0,) * 30] * (int(possible) + 1)


def test_programs_go_with_their_link() -> None:
    with Lab() as lab:
        lab.namespace(A)
        lab.namespace(B)
        lab.veth(A, "eth0", B, "eth0", mtu=1500)
        tag_edge(A, 10)
        programs = prog_run.attached(A, "eth0", *Hook)
        assert len(programs) == 2
        assert programs <= residue()["programs"]
    eventually(lambda: not programs & residue()["programs"], "the programs are gone")


SERVING = """
import sys, time
from vmdqemu.bpf.loader import BpfObject, Hook
BpfObject("vlan").serve("pop", sys.argv[1], "eth0", Hook.INGRESS)
print("serving", flush=True)
time.sleep(60)
"""


def test_a_program_that_serves_a_link_is_off_it_when_its_process_is_killed(cable: tuple[str, str]) -> None:
    argv = [sys.executable, "-c", SERVING, cable[0]]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"serving\n"
        assert len(prog_run.attached(cable[0], "eth0", *Hook)) == 1
        process.kill()
    eventually(lambda: not prog_run.attached(cable[0], "eth0", *Hook), "the link is free")


def test_a_program_that_serves_a_link_is_off_it_when_its_object_is_closed(cable: tuple[str, str]) -> None:
    with BpfObject("vlan") as edge:
        edge.serve("pop", cable[0], "eth0", Hook.INGRESS)
        assert not pings(cable[0])
    assert pings(cable[0])


def test_an_object_that_is_not_compiled_names_setup(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(loader, "HERE", tmp_path)
    with pytest.raises(Missing, match="scripts/setup"):
        BpfObject("eswitch")


def test_a_file_that_is_no_object_names_setup(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "eswitch.bpf.o").write_bytes(b"not ELF")
    monkeypatch.setattr(loader, "HERE", tmp_path)
    with pytest.raises(Missing, match="scripts/setup"):
        BpfObject("eswitch")


def test_a_name_that_is_not_in_the_object_is_an_error(cable: tuple[str, str]) -> None:
    with BpfObject("vlan") as edge:
        with pytest.raises(OSError, match="find map"):
            edge.map("no_such_map")
        with pytest.raises(LookupError, match="no_such_program"):
            edge.attach("no_such_program", cable[0], "eth0", Hook.INGRESS)


def test_a_kernel_that_does_not_know_the_hook_is_named(cable: tuple[str, str]) -> None:
    with BpfObject("vlan") as edge, pytest.raises(Missing, match="Linux 6"):
        edge.attach("push", cable[0], "eth0", cast(Hook, 4711))


def test_a_key_outside_the_map_is_an_error() -> None:
    with BpfObject("vlan") as edge, pytest.raises(OSError, match="write a BPF map"):
        edge.map("access_vlan").write(1, VALUE.pack(10))
