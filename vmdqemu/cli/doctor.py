"""`doctor`: everything the demo needs on this machine, each with its cure if it is not there."""

import json
from collections.abc import Callable, Iterable
from enum import StrEnum
from functools import partial
from typing import Final, NamedTuple

import typer

from netns.errors import NetnsError
from vmdqemu.cli import probes
from vmdqemu.daemon.reports import SCHEMA_VERSION
from vmdqemu.errors import Missing

ANOTHER_KERNEL: Final = "use a kernel that has it; in a container, run it --privileged"


class State(StrEnum):
    """What a check came to."""

    OK = "ok"
    MISSING = "missing"  # the demo cannot run
    NOTE = "note"  # it can


class Check(NamedTuple):
    """What to look for, and whether the demo needs it."""

    name: str
    probe: Callable[[], str]
    essential: bool = True


class Finding(NamedTuple):
    """What was found; `cure` is empty if nothing is wrong."""

    check: str
    state: State
    found: str
    cure: str = ""


CHECKS: Final = (
    Check("kernel", probes.kernel),
    Check("privileges", probes.privilege),
    Check("/dev/net/tun", probes.tun),
    Check("namespaces", probes.namespaces),
    Check("TAP", probes.taps),
    Check("eBPF", probes.ebpf),
    Check("seccomp", probes.seccomp),
    Check("memfd", probes.memfd),
    Check("ip", partial(probes.tool, "ip", "iproute2")),
    Check("iperf3", partial(probes.tool, "iperf3", "iperf3")),
    Check("ping", partial(probes.tool, "ping", "iputils-ping")),
    Check("fping", partial(probes.tool, "fping", "fping"), essential=False),
    Check("ethtool", partial(probes.tool, "ethtool", "ethtool"), essential=False),
    Check("tcpdump", partial(probes.tool, "tcpdump", "tcpdump"), essential=False),
    Check("trafgen", partial(probes.tool, "trafgen", "netsniff-ng"), essential=False),
    Check("processors", probes.processors, essential=False),
    Check("interrupt time", probes.interrupt_time, essential=False),
    Check("leftovers", probes.leftovers, essential=False),
)


def doctor(as_json: bool) -> None:
    """Print what was found. Ends the command with 5 if the demo cannot run here."""
    findings = [examine(check) for check in CHECKS]
    if as_json:
        print(json.dumps(document(findings), indent=2))
    else:
        show(findings)
    if not ready(findings):
        raise typer.Exit(Missing.exit_code)


def examine(check: Check) -> Finding:
    """Look for one thing."""
    failed = State.MISSING if check.essential else State.NOTE
    try:
        return Finding(check.name, State.OK, check.probe())
    except Missing as error:
        return Finding(check.name, failed, error.message, error.cure)
    except (NetnsError, OSError) as error:  # the kernel's own words
        return Finding(check.name, failed, str(error), ANOTHER_KERNEL)


def ready(findings: Iterable[Finding]) -> bool:
    """Whether the demo can run."""
    return all(finding.state is not State.MISSING for finding in findings)


def document(findings: list[Finding]) -> dict[str, object]:
    """What `-j` prints."""
    checks = [finding._asdict() for finding in findings]
    return {"schema_version": SCHEMA_VERSION, "ready": ready(findings), "checks": checks}


def show(findings: Iterable[Finding]) -> None:
    """One line each."""
    for finding in findings:
        cure = f"; {finding.cure}" if finding.cure else ""
        print(f"{finding.state:<8} {finding.check:<15} {finding.found}{cure}")
