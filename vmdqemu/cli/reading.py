"""The daemon's documents, as they are or for the eye: what it is asked for, and what a change came to."""

import json
from collections.abc import Callable
from typing import Final

from vmdqemu.cli import client, table, vf_views
from vmdqemu.daemon.control import Document
from vmdqemu.nic.rss import HashType

GBIT: Final = 8 / 1e9  # of an octet


def read(method: str, lab: str | None, as_json: bool) -> None:
    """Ask a lab's daemon and print the answer. Raises NotRunning, UsageError."""
    _print(client.ask(method, lab), as_json, SHOW[method])


def change(method: str, lab: str | None, as_json: bool, **params: object) -> None:
    """Have a running lab changed and print what it came to. Raises VmdqemuError if it refuses."""
    _print(client.ask(method, lab, **params), as_json, SHOW_CHANGED[method])


def _print(document: Document, as_json: bool, show: Callable[[Document], None]) -> None:
    if as_json:
        print(json.dumps(document, indent=2))
    else:
        show(document)


def show_status(document: Document) -> None:
    """What runs, and on what."""
    print("lab {lab}: model {model}, mode {mode}, MTU {mtu}, offloads: {offloads}".format_map(document))
    _show_machines([*document["vms"], *document["outside"]])
    if vfs := document["vfs"]:
        print("VFs: " + ", ".join("VF {vf} of {vm}".format_map(vf) for vf in vfs))
    for worker in document["workers"]:
        print("worker {role}: pid {pid}, processor {cpu}".format_map(worker))
    print(f"spare worker: {'ready' if document['spare'] else 'starting'}; crashes: {document['crashes']}")
    if gone := document["gone"]:
        print(f"removed from under us: port {', port '.join(map(str, gone))}")


def show_vms(document: Document) -> None:
    """The lab's VMs."""
    _show_machines(document["vms"])


def _show_machines(machines: list[Document]) -> None:
    rows = [
        (
            machine["name"],
            machine["namespace"],
            machine["mac"],
            _vlan(machine["vlan"]),
            str(machine.get("queues", "-")),
            " ".join(machine["addresses"]),
        )
        for machine in machines
    ]
    table.show(("name", "namespace", "mac", "vlan", "queues", "addresses"), rows)


def show_vports(document: Document) -> None:
    """The adapter's virtual ports."""
    rows = [
        (
            str(vport["vport"]),
            vport["name"],
            " ".join(map(str, vport["queues"])) or "-",
            " ".join(f"{entry['mac']} {_vlan(entry['vlan'])}" for entry in vport["filters"]) or "-",
        )
        for vport in document["vports"]
    ]
    table.show(("vport", "name", "queues", "filters: mac vlan"), rows)


def show_queues(document: Document) -> None:
    """The adapter's receive queues, with the columns of Get-NetAdapterVmqQueue, and what each came to."""
    rows = [
        (
            str(queue["QueueID"]),
            queue["MacAddress"] or "-",
            _vlan(queue["VlanID"]),
            queue["Processor"],
            queue["VmFriendlyName"] or "-",
        )
        for queue in document["queues"]
    ]
    table.show(("QueueID", "MacAddress", "VlanID", "Processor", "VmFriendlyName"), rows)
    print()
    counts = [
        (str(queue["QueueID"]), _moderation(queue["moderation"]), queue["interrupts"], queue["rx-packets"])
        for queue in document["queues"]
    ]
    table.show(("QueueID", "moderation", "interrupts", "rx-packets"), counts)


def show_coalescing(document: Document) -> None:
    """What the adapter may hold back, and how much it has."""
    rows = [(str(held["filter"]), held["delay"], " ".join(held["tests"])) for held in document["filters"]]
    table.show(("filter", "delay ms", "tests"), rows)
    print(f"frames held since the lab is up: {document['coalesced']:,}")


def show_filters(document: Document) -> None:
    """The adapter's receive filters."""
    rows = [
        (str(entry["filter"]), entry["mac"], _vlan(entry["vlan"]), str(entry["vport"]), entry["name"])
        for entry in document["filters"]
    ]
    table.show(("filter", "mac", "vlan", "vport", "name"), rows)


def show_shares(document: Document) -> None:
    """What each VM may have of the transmitter."""
    rows = [
        (
            share["name"],
            str(share["weight"]),
            "-" if share["rate"] is None else f"{share['rate']:g}",
            "yes" if share["strict"] else "no",
        )
        for share in document["shares"]
    ]
    print(f"arbiter: {document['arbiter']}")
    table.show(("VM", "weight", "rate Mbit/s", "strict"), rows)


def show_rss(document: Document) -> None:
    """How each VPort is spread: of a processor, the entries that point at it and its RX queues."""
    rows = [
        (
            vport["name"],
            "on" if vport["enabled"] else "off",
            _types(vport["types"]),
            str(len(vport["table"])),
            _shares(vport) if vport["enabled"] else "-",
            vport["default"] if vport["enabled"] else vport["primary"],
        )
        for vport in document["vports"]
    ]
    table.show(("name", "RSS", "types", "entries", "processor: entries, queues", "unhashed"), rows)
    if not rows:
        print("no VPort has several RX queues; use a mode such as vmmq, and VMs with queues")


def _types(names: list[str]) -> str:
    return "all" if len(names) == len(HashType) else " ".join(names) or "-"


def _shares(vport: Document) -> str:
    shares = []
    for processor in sorted(set(vport["processors"])):
        at = [entry for entry, served in enumerate(vport["processors"]) if served == processor]
        queues = sorted({vport["table"][entry] for entry in at})
        shares.append(f"{processor}: {len(at)}, {' '.join(map(str, queues))}")
    return "; ".join(shares)


def show_switch(document: Document) -> None:
    """A line for each key that the lab file could have."""
    for name, keys in (("port", document["port"]), *((pool["name"], pool) for pool in document["pools"])):
        print(name)
        for key, value in keys.items():
            if key != "name" and value is not None:
                print(f"  {key} = {json.dumps(value)}")


def show_stats(document: Document) -> None:
    """What crossed each port, what was dropped and why, and whether the books balance."""
    rows = [
        (
            port["port"],
            port["reads"],
            port["writes"],
            port["read_octets"] * GBIT,
            port["write_octets"] * GBIT,
            sum(port["drops"].values()),
            "gone" if port["ring_overflow"] is None else port["ring_overflow"],
        )
        for port in document["ports"]
    ]
    table.show(("port", "frames in", "frames out", "Gbit in", "Gbit out", "drops", "overflow"), rows)
    print("in: from the VM or the wire into the adapter; a superframe counts once")
    vf_views.show_traffic(document)
    for port in document["ports"]:
        for reason, frames in port["drops"].items():
            print(f"dropped from {port['port']}: {frames:,} {reason}")
        if lost := port["lost_in_crash"]:
            print(f"lost in a worker's crash from {port['port']}: {lost:,}")
    if handed := sum(inbox["writes"] for inbox in document["inboxes"]):
        print(f"handed over to another processor: {handed:,}")
    _show_law(document["law"])


def show_statistics(document: Document) -> None:
    """As `ethtool -S` does."""
    print("NIC statistics:")
    for name, count in document["statistics"].items():
        print(f"     {name}: {count}")


def show_registers(document: Document) -> None:
    """What they counted since they were last read."""
    rows = [(name, str(count)) for name, count in document["registers"].items()]
    table.show(("register", "since last read"), rows)


def _show_law(law: Document) -> None:
    print(f"law holds: {'yes' if law['holds'] else 'no'}")
    for check in law["checks"]:
        if not check["holds"]:
            print("broken: {name}: {left:,} and {right:,}".format_map(check))


def _moderation(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return f"{value:g} us" if value else "off"


def _vlan(number: int | None) -> str:
    return "-" if number is None else str(number)


def show_migration(document: Document) -> None:
    """The plan, or what was done and how long each step took."""
    if document["dry_run"]:
        rows = [(step["side"], step["name"], step["does"], step["undo"] or "-") for step in document["steps"]]
        table.show(("who", "step", "does", "undone, it"), rows)
        return
    print("{vm} went from lab {from} to lab {to}".format_map(document))
    rows = [(step["side"], step["name"], 1000 * step["seconds"], step["does"]) for step in document["steps"]]
    table.show(("who", "step", "ms", "does"), rows)


SHOW: Final[dict[str, Callable[[Document], None]]] = {
    "status": show_status,
    "vport.list": show_vports,
    "queue.list": show_queues,
    "coalescing.list": show_coalescing,
    "filter.list": show_filters,
    "vm.list": show_vms,
    "switch.list": show_switch,
    "share.list": show_shares,
    "rss.list": show_rss,
    "vf.list": vf_views.show_vfs,
    "stats": show_stats,
    "stats.ethtool": show_statistics,
    "stats.registers": show_registers,
}

SHOW_CHANGED: Final[dict[str, Callable[[Document], None]]] = {
    "coalescing.set": show_coalescing,
    "coalescing.clear": show_coalescing,
    "filter.clear": show_filters,
    "filter.move": show_filters,
    "filter.set": show_filters,
    "queue.set": show_queues,
    "migrate": show_migration,
    "mode.set": show_queues,
    "rss.set": show_rss,
    "rss.move": show_rss,
    "vm.add": show_vms,
    "switch.set": show_switch,
    "share.set": show_shares,
    "vm.remove": show_vms,
    "vm.set": show_queues,
    "vf.add": vf_views.show_vfs,
    "vf.remove": vf_views.show_vfs,
    "vf.reset": vf_views.show_vfs,
    "vf.set": vf_views.show_vfs,
}
