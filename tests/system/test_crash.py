"""Whatever is killed, the VMs keep their links and their connections."""

import json
import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from netns import namespace
from tests.system.harness import DEADLINE, RunningLab, eventually, running, started
from tests.system.iperf import sending
from tests.system.workers import LAB, old_enough, replacement, spare, workers
from vmdqemu.config import LabConfig, parse
from vmdqemu.daemon import runtime

pytestmark = pytest.mark.system


def carrier_changes(lab: RunningLab) -> list[str]:
    """How often each VM's link went up or down."""
    return [lab.run(vm.name, "cat", "/sys/class/net/eth0/carrier_changes") for vm in lab.config.vms]


def flows(lab: RunningLab, sender: str) -> None:
    """Wait for a thousand frames more. How soon they come again, a benchmark measures."""
    goal = lab.port(sender)["reads"] + 1000
    eventually(lambda: lab.port(sender)["reads"] > goal, "frames flow")


@pytest.mark.parametrize(("role", "client", "sender"), [("nic", "vm1", "vm1"), ("cpu0", "ext", "wire")])
def test_a_killed_worker_costs_no_connection_and_no_carrier(
    role: str, client: str, sender: str, tmp_path: Path, full: bool
) -> None:
    """iperf3 has one connection, and none after it."""
    kills = 5 if full else 1
    with running(LAB, tmp_path) as lab:
        before = carrier_changes(lab)
        with sending(lab, (client,), "vm2", "10.0.0.2"):
            flows(lab, sender)
            for _ in range(kills):
                spare(lab)
                victim = old_enough(lab, role)
                os.kill(victim, signal.SIGKILL)
                replacement(lab, role, victim)
                flows(lab, sender)
        assert carrier_changes(lab) == before
        assert lab.call("status")["crashes"] == kills
        spare(lab)


def test_what_is_left_of_a_killed_lab_is_removed_from_its_record(tmp_path: Path) -> None:
    name = f"dead{os.getpid() % 100_000}"
    file = tmp_path / f"{name}.toml"
    file.write_text(f'prefix = "{name}-"\n{LAB}')
    config = parse(file.read_text(), name)
    with started(file) as daemon:
        processes = workers(daemon)
        assert len(processes) == 3
        for pid in (daemon.pid, *processes):
            with suppress(ProcessLookupError):  # a worker ends when its supervisor is gone
                os.kill(pid, signal.SIGKILL)
        daemon.wait(DEADLINE)
    (record,) = [record for record in runtime.records() if record.lab == name]
    try:
        assert not runtime.running(name)
        assert set(record.namespaces) == namespaces(config)
        assert all(map(namespace.exists, record.namespaces))
        eventually(lambda: all(links(config.namespace(vm)) == {"lo"} for vm in config.vms), "the TAPs go")
    finally:
        runtime.clean(record)
    assert not any(map(namespace.exists, record.namespaces))
    assert not list(runtime.DIRECTORY.glob(f"{name}.*"))


def namespaces(config: LabConfig) -> set[str]:
    """Names of all that a lab has."""
    return {config.nic_namespace, config.ext_namespace, *map(config.namespace, config.machines)}


def links(ns: str) -> set[str]:
    """Names of a namespace's links."""
    return {link["ifname"] for link in json.loads(namespace.run(ns, ["ip", "-j", "link"]).stdout)}
