"""iperf3 between two ports of a lab, and what it measured."""

import json
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Final, Protocol

from tests.system.harness import DEADLINE

FIRST_PORT: Final = 5201  # iperf3's own


class Machines(Protocol):
    """What programs run on: a lab of ours, or a peer's."""

    def run(self, name: str, *argv: str) -> str:
        """Run a command and return what it prints."""

    def start(self, name: str, *argv: str, **streams: Any) -> subprocess.Popen[str]:
        """Start a command."""


def iperf3(lab: Machines, client: str, server: str, address: str, *options: str) -> dict[str, Any]:
    """One run, from `client` to `server` at `address`; the "end" part of iperf3's own report."""
    with _listening(lab, server):
        report = json.loads(lab.run(client, "iperf3", "-c", address, "-J", *options))
    end: dict[str, Any] = report["end"]
    return end


def received_at_once(lab: Machines, client: str, servers: Mapping[str, str], seconds: int) -> float:
    """Bits a second of TCP that all servers (name: address) together receive from `client`."""
    with ExitStack() as stack:
        for server in servers:
            stack.enter_context(_listening(lab, server))
        options = ("-t", str(seconds), "-J")
        clients = [
            lab.start(client, "iperf3", "-c", address, *options, stdout=subprocess.PIPE)
            for address in servers.values()
        ]
        reports = [json.loads(run.communicate(timeout=seconds + DEADLINE)[0]) for run in clients]
    return sum(float(report["end"]["sum_received"]["bits_per_second"]) for report in reports)


@contextmanager
def sending(lab: Machines, clients: Iterable[str], server: str, address: str) -> Iterator[None]:
    """A TCP connection from each client to `server`, full until the block ends."""
    with ExitStack() as stack:
        for port, client in enumerate(clients, start=FIRST_PORT):
            stack.enter_context(_listening(lab, server, port))
            argv = ("iperf3", "-c", address, "-p", str(port), "-t", "60")
            process = stack.enter_context(lab.start(client, *argv))
            stack.callback(process.kill)
        yield


@contextmanager
def _listening(lab: Machines, server: str, port: int = FIRST_PORT) -> Iterator[None]:
    """A server that says that it listens, and ends by itself after one client."""
    argv = ("iperf3", "-s", "-1", "--forceflush", "-p", str(port))
    process = lab.start(server, *argv, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        while "listening" not in process.stdout.readline():
            assert process.poll() is None, "the iperf3 server ended"
        yield
        process.communicate(timeout=DEADLINE)
    finally:
        process.kill()
        process.wait()
