"""Each probe finds what is there, and names the cure for what is not. Root's: test_cli_refusals.py."""

import gzip
import json
import os
from pathlib import Path

import pytest

from vmdqemu.cli import probes
from vmdqemu.daemon import runtime
from vmdqemu.datapath import tap
from vmdqemu.errors import Missing


def test_the_kernel_is_named() -> None:
    assert probes.kernel() == f"Linux {os.uname().release}"


def test_shared_memory_leaves_no_descriptor() -> None:
    before = set(os.listdir("/proc/self/fd"))
    probes.memfd()
    assert set(os.listdir("/proc/self/fd")) <= before  # the garbage of other tests may go meanwhile


def test_a_tool_is_found_where_the_shell_finds_it() -> None:
    assert probes.tool("sh", "dash").endswith("/sh")


def test_a_tool_that_is_not_there_comes_with_its_package() -> None:
    with pytest.raises(Missing, match="apt-get install netsniff-ng"):
        probes.tool("no-such-tool", "netsniff-ng")


@pytest.mark.parametrize("node_is_there", [False, True], ids=["no node", "not a device"])
def test_a_machine_without_tun_is_told_to_load_it(
    node_is_there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = tmp_path / "tun"
    if node_is_there:
        node.mkdir()
    monkeypatch.setattr(tap, "DEVICE", str(node))
    with pytest.raises(Missing, match="modprobe tun"):
        probes.tun()


def test_confinement_needs_a_kernel_that_refuses_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    actions = tmp_path / "actions_avail"
    monkeypatch.setattr(probes, "SECCOMP_ACTIONS", actions)
    actions.write_text("kill_process errno allow\n")
    assert "libseccomp" in probes.seccomp()
    actions.write_text("allow\n")
    with pytest.raises(Missing, match="CONFIG_SECCOMP_FILTER"):
        probes.seccomp()


@pytest.mark.parametrize(("cpus", "enough"), [({0}, False), ({0, 1}, True), ({2, 3, 5}, True)])
def test_one_processor_is_too_few(cpus: set[int], enough: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: cpus)
    if enough:
        assert probes.processors() == str(len(cpus))
    else:
        with pytest.raises(Missing, match="two or more"):
            probes.processors()


def test_what_a_killed_lab_left_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "DIRECTORY", tmp_path)
    assert probes.leftovers() == "none"
    record = runtime.Record("dead", 1, "lab.toml", ("vm1",))
    runtime.path("dead", "json").write_text(json.dumps(record._asdict()))
    with pytest.raises(Missing, match="dead; clean up: vmdqemu down dead"):
        probes.leftovers()


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("CONFIG_IRQ_TIME_ACCOUNTING=y", "apart from tasks"),
        ("# CONFIG_IRQ_TIME_ACCOUNTING is not set", "under the task"),
        (None, "unknown"),
    ],
)
def test_how_the_kernel_books_interrupts_is_read_from_its_configuration(
    option: str | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config.gz"
    if option is not None:
        file.write_bytes(gzip.compress(f"CONFIG_NET=y\n{option}\n".encode()))
    monkeypatch.setattr(probes, "KERNEL_CONFIG", file)
    assert said in probes.interrupt_time()
