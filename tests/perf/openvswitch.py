"""A peer: Open vSwitch with its userspace datapath and TSO, between the same kind of namespaces.

Its ports are TAPs of its own, the outside's too, which is the fastest that it has here. It runs with a
database and a run directory of its own, so one that serves the machine is not touched.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from netns import links, namespace
from netns.lab import Lab
from tests.system.harness import eventually

SCHEMA: Final = "/usr/share/openvswitch/vswitch.ovsschema"
BRIDGE: Final = "peer-br"


class Peer:
    """A running switch and the machines on it."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def run(self, name: str, *argv: str, timeout: float = 30.0) -> str:
        """Run a command on a machine and return what it prints."""
        return namespace.run(self._prefix + name, argv, timeout=timeout).stdout

    def start(self, name: str, *argv: str, **streams: Any) -> subprocess.Popen[str]:
        """Start a command on a machine."""
        return namespace.start(self._prefix + name, argv, **streams)


@contextmanager
def running(machines: dict[str, str], directory: Path) -> Iterator[Peer]:
    """A switch with one port for each machine (name: address with prefix length)."""
    _install()
    prefix = f"peer{os.getpid() % 10_000}-"
    home = directory / "openvswitch"
    home.mkdir()
    with Lab() as lab:
        lab.namespace(prefix + "switch")
        _start_switch(prefix + "switch", home, lab)
        for number, (name, address) in enumerate(machines.items()):
            lab.namespace(prefix + name)
            port = f"peer{number}"
            _ask(home, "add-port", BRIDGE, port, "--", "set", "interface", port, "type=tap")
            namespace.run(prefix + "switch", ["ip", "link", "set", port, "netns", prefix + name])
            links.up(prefix + name, port, mtu=1500)
            links.add_address(prefix + name, port, address)
        yield Peer(prefix)


def _install() -> None:
    if shutil.which("ovs-vswitchd") is None:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        argv = ["apt-get", "-q", "-y", "install", "--no-install-recommends", "openvswitch-switch"]
        subprocess.run(argv, check=True, env=environment, stdout=subprocess.DEVNULL)


def _start_switch(ns: str, home: Path, lab: Lab) -> None:
    """Database, switch and bridge; the undo ends both processes."""
    database = home / "conf.db"
    subprocess.run(["ovsdb-tool", "create", str(database), SCHEMA], check=True)
    _daemon(ns, home, lab, "ovsdb-server", str(database), f"--remote=punix:{home}/db.sock")
    _ask(home, "--no-wait", "init")
    _ask(home, "--no-wait", "set", "Open_vSwitch", ".", "other_config:userspace-tso-enable=true")
    _daemon(ns, home, lab, "ovs-vswitchd", f"unix:{home}/db.sock")
    _ask(home, "add-br", BRIDGE, "--", "set", "bridge", BRIDGE, "datapath_type=netdev")


def _daemon(ns: str, home: Path, lab: Lab, program: str, *arguments: str) -> None:
    pidfile = home / f"{program}.pid"
    log = f"--log-file={home}/{program}.log"
    argv = [
        "env",
        f"OVS_RUNDIR={home}",
        program,
        *arguments,
        f"--pidfile={pidfile}",
        log,
        "--verbose=console:off",
    ]
    process = namespace.start(ns, argv)
    lab.push(_end, process)
    eventually(pidfile.exists, f"{program} runs")


def _end(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)
    process.wait(10)


def _ask(home: Path, *words: str) -> None:
    subprocess.run(["ovs-vsctl", f"--db=unix:{home}/db.sock", "--timeout=10", *words], check=True)
