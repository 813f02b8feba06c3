"""What the demo found: as tables, and as one document."""

from typing import Any, Final, NamedTuple

from vmdqemu.cli import table
from vmdqemu.daemon.control import Document
from vmdqemu.experiments import machine
from vmdqemu.experiments.measure import RoundTrip, Throughput

SCHEMA_VERSION: Final = 1

CLAIMS: Final = {
    "real": [
        "Linux TCP and ICMP between network namespaces, driven by iperf3 and fping",
        "every frame crosses a TAP's kernel ring and a worker process; between ext and a VM also a veth, "
        "an eBPF program and pf0's ring",
        "Gbit/s are wall-clock, as iperf3's receiver counts them",
    ],
    "emulated": ["the adapter, the host's vSwitch, the processor that serves the receive queue"],
    "calibrated": [],
    "predicted": [],
    "not_modelled": [
        "a line rate: the wire is as fast as the machine",
        "DMA, PCIe, caches, interrupt cost, VMBus signalling",
        "the VMs' own processors: VMs, tools and adapter share the machine's",
    ],
}


class Run(NamedTuple):
    """What was measured at one time."""

    name: str
    seconds: float
    tcp: list[Throughput]
    ping: list[RoundTrip]

    @property
    def gbit_per_s(self) -> float:
        """All connections together."""
        return sum(throughput.gbit_per_s for throughput in self.tcp)


class Results(NamedTuple):
    """The runs, and what the daemon said at the end."""

    runs: list[Run]
    status: Document
    stats: Document
    queues: Document


def document(results: Results) -> dict[str, Any]:
    """The results as every experiment writes them."""
    status = results.status
    return {
        "schema_version": SCHEMA_VERSION,
        "experiment": "demo",
        "machine": machine.describe(),
        "lab": {key: status[key] for key in ("lab", "model", "mode", "mtu", "offloads", "wire", "vms")},
        "emulated": [f"adapter {status['model']} in mode {status['mode']}", "vSwitch", "processor 0"],
        "claims": CLAIMS,
        "rows": [row for run in results.runs for row in _rows(run)],
        "ratios": _ratios(results.runs),
        "ports": results.stats["ports"],
        "queues": results.queues["queues"],
        "law": results.stats["law"],
    }


def _rows(run: Run) -> list[dict[str, Any]]:
    """One row a connection or ping, keyed by what was measured."""
    found = (("tcp", run.tcp), ("ping", run.ping))
    return [
        {"run": run.name, "measurement": kind, "seconds": run.seconds}
        | value.pair._asdict()
        | {name: field for name, field in value._asdict().items() if name != "pair"}
        for kind, values in found
        for value in values
    ]


def _ratios(runs: list[Run]) -> dict[str, float]:
    """Gbit/s of each run against the one connection alone."""
    alone, *others = (run for run in runs if run.tcp)
    return {f"{run.name}/{alone.name}": round(run.gbit_per_s / alone.gbit_per_s, 3) for run in others}


def show(results: Results) -> None:
    """Print the tables: what was measured, what crossed each port and queue, whether the law holds."""
    runs = results.runs
    print("{cpu}, {cores} processors, Linux {kernel}, Python {python}".format_map(machine.describe()))
    print("model {model}, mode {mode}, MTU {mtu}, offloads: {offloads}\n".format_map(results.status))
    table.show(("iperf3 TCP", "Gbit/s", "retransmits"), [_tcp(run, tcp) for run in runs for tcp in run.tcp])
    print()
    table.show(("ping", "RTT median, us", "max, us"), [_ping(ping) for run in runs for ping in run.ping])
    print()
    heads = ("port", "frames in", "out", "wire frames in", "out", "dropped")
    table.show(heads, [_port(port) for port in results.stats["ports"]])
    print("in: from the VM or the wire into the adapter; a superframe is many wire frames\n")
    queues = results.queues["queues"]
    rows = [(str(row["QueueID"]), row["VmFriendlyName"] or "default", row["rx-packets"]) for row in queues]
    table.show(("receive queue", "VPort", "frames"), rows)
    print()
    _show_law(results.stats["law"])


def _tcp(run: Run, tcp: Throughput) -> tuple[str, float, int]:
    together = f", {run.name}" if len(run.tcp) > 1 else ""
    return (f"{tcp.pair}{together}", tcp.gbit_per_s, tcp.retransmits)


def _ping(ping: RoundTrip) -> tuple[str, int, int]:
    return (str(ping.pair), round(ping.median_ms * 1e3), round(ping.max_ms * 1e3))


def _port(port: Document) -> tuple[str, int, int, int, int, str]:
    drops = port["drops"] | ({"ring_overflow": port["ring_overflow"]} if port["ring_overflow"] else {})
    reasons = ", ".join(f"{frames:,} {reason}" for reason, frames in drops.items()) or "none"
    counts = (port[column] for column in ("reads", "writes", "read_wire", "write_wire"))
    return (port["port"], *counts, reasons)


def _show_law(law: Document) -> None:
    broken = [check for check in law["checks"] if not check["holds"]]
    total = len(law["checks"])
    print(f"law holds: {'no' if broken else 'yes'} ({total - len(broken)} of {total} equations)")
    for check in broken:
        print("broken: {name}: {left:,} and {right:,}".format_map(check))
