"""What the daemon answers: documents for `-j`, and what tables are made of."""

from typing import Any, Final

from vmdqemu.config import LabConfig
from vmdqemu.config_switch import PfConfig, SwitchKeys, VmPoolKeys
from vmdqemu.config_values import Table, as_written
from vmdqemu.config_wire import WireConfig
from vmdqemu.daemon import law, receive_scaling, snapshot, vf_report
from vmdqemu.daemon.plant import Plant, Port
from vmdqemu.daemon.supervisor import Supervisor
from vmdqemu.datapath import tap
from vmdqemu.datapath.inbox import INBOX
from vmdqemu.host.vswitch import WIRE
from vmdqemu.nic.frame import format_mac
from vmdqemu.nic.tables import DEFAULT_QUEUE, DEFAULT_VPORT
from vmdqemu.nic.vport import PF

SCHEMA_VERSION: Final = 1

Document = dict[str, Any]


def status(supervisor: Supervisor) -> Document:
    """What runs, and on what."""
    plant = supervisor.plant
    config = plant.config
    return {
        "schema_version": SCHEMA_VERSION,
        "lab": config.name,
        "model": config.adapter.model,
        "mode": plant.adapter.mode.name,
        "placement": plant.placing.policy.value,
        "mtu": config.mtu,
        "offloads": _offloads(plant),
        "wire": config.wire and _wire(config, config.wire),
        "outside": [
            {"name": host.name, "namespace": config.namespace(host), **_addresses(host)}
            for host in config.outside
        ],
        "vms": _vms(plant),
        "vfs": vf_report.rows(plant),
        "workers": [
            {"role": role.name, "cpu": role.cpu, "pid": role.worker.pid}
            for role in supervisor.roles
            if role.worker is not None
        ],
        "spare": supervisor.spare_ready,
        "crashes": supervisor.crashes,
        "gone": sorted(supervisor.gone),
        "events": list(supervisor.events)[-10:],
    }


def vms(supervisor: Supervisor) -> Document:
    """The lab's VMs."""
    return {"schema_version": SCHEMA_VERSION, "vms": _vms(supervisor.plant)}


def events(supervisor: Supervisor, after: int) -> Document:
    """What happened since the event of that number, as far as it is kept."""
    found = [event for event in supervisor.events if event["number"] > after]
    return {"schema_version": SCHEMA_VERSION, "events": found}


def vports(supervisor: Supervisor) -> Document:
    """The adapter's virtual ports, the default one first."""
    tables = supervisor.plant.tables
    known = [
        (DEFAULT_VPORT, tables.default_name, tables.default_queues),
        *((number, vport.name, vport.queues) for number, vport in tables.vports.items()),
    ]
    rows = [
        {
            "vport": number,
            "name": name,
            "queues": list(queues),
            "filters": [_filter(*key) for key, owner in tables.filters.items() if owner == number],
        }
        for number, name, queues in known
    ]
    return {"schema_version": SCHEMA_VERSION, "vports": rows}


def queues(supervisor: Supervisor) -> Document:
    """The adapter's RX queues, with the columns of Get-NetAdapterVmqQueue."""
    tables = supervisor.plant.tables
    rows = [_queue(supervisor, queue, "", None, "") for queue in tables.default_queues]
    for vport in tables.vports.values():
        mac = format_mac(vport.macs[0]) if vport.macs else ""
        rows += [_queue(supervisor, queue, mac, vport.vlan, vport.name) for queue in vport.queues]
    return {"schema_version": SCHEMA_VERSION, "queues": rows}


def coalescing(supervisor: Supervisor) -> Document:
    """The packet coalescing filters of the default queue, and the frames that any of them ever held."""
    filters = [
        {"filter": number, "delay": held.delay, "tests": [test.spelled for test in held.tests]}
        for number, held in supervisor.plant.tables.coalescing.items()
    ]
    matched = supervisor.counters.queue(DEFAULT_QUEUE)["coalesced"]
    return {"schema_version": SCHEMA_VERSION, "filters": filters, "coalesced": matched}


def filters(supervisor: Supervisor) -> Document:
    """The adapter's receive filters."""
    adapter = supervisor.plant.adapter
    rows = [
        {
            "filter": number,
            "vport": held.vport,
            "name": adapter.vports[held.vport].name if held.vport else adapter.pf.name,
            **_filter(held.mac, held.vlan),
        }
        for number, held in sorted(adapter.filters.items())
    ]
    return {"schema_version": SCHEMA_VERSION, "filters": rows}


def processors(supervisor: Supervisor) -> Document:
    """The host's processors: who serves which RX queues, and how fast."""
    rows = [
        {
            "processor": role.processor,
            "cpu": role.cpu,
            "pid": role.worker and role.worker.pid,
            "speed": role.speed,
            "queues": [ring for port, ring in role.rings if port == WIRE],
        }
        for role in supervisor.roles
        if role.processor is not None
    ]
    return {"schema_version": SCHEMA_VERSION, "processors": rows}


def statistics(supervisor: Supervisor) -> Document:
    """What `ethtool -S` prints with the driver of the adapter's model."""
    driver = supervisor.plant.adapter.model.driver
    named = driver.ethtool(snapshot.take(supervisor.plant, supervisor.counters))
    return {"schema_version": SCHEMA_VERSION, "driver": driver.name, "statistics": named}


def registers(supervisor: Supervisor, counted: dict[str, int]) -> Document:
    """The statistics registers of the adapter's model, as they were read."""
    model = supervisor.plant.adapter.model.name
    return {"schema_version": SCHEMA_VERSION, "model": model, "registers": counted}


def shares(supervisor: Supervisor) -> Document:
    """What each VM may have of the transmitter, on the terms that the model keeps."""
    adapter = supervisor.plant.adapter
    rows = [
        {"name": vport.name, **vport.share._asdict()}
        for _, vport in sorted(adapter.vports.items())
        if vport.function is PF
    ]
    return {"schema_version": SCHEMA_VERSION, "arbiter": adapter.arbiter.value, "shares": rows}


def rss(supervisor: Supervisor) -> Document:
    """The VPorts that RSS spreads over several RX queues."""
    return {"schema_version": SCHEMA_VERSION, "vports": list(receive_scaling.rows(supervisor.plant))}


def switch(supervisor: Supervisor) -> Document:
    """The keys of a chip's switch: the port's and each pool's, as a lab file has them."""
    config = supervisor.plant.config
    pools = ((config.pf.name, config.pf), *((vm.name, vm) for vm in config.vms))
    return {
        "schema_version": SCHEMA_VERSION,
        "port": _keys(config.adapter, SwitchKeys),
        "pools": [{"name": name, **_keys(pool, PfConfig), **_keys(pool, VmPoolKeys)} for name, pool in pools],
    }


def _keys(table: Table, of: type[Table]) -> Document:
    """Those keys of a table that another kind of table has too, as the lab file spells them."""
    return {key: as_written(value) for key, value in table if key in of.model_fields and key != "name"}


def stats(supervisor: Supervisor) -> Document:
    """Both sets of books of every port, the law, and each channel's counters."""
    plant, counters = supervisor.plant, supervisor.counters
    books = law.read(plant, counters, supervisor.crashes)
    inboxes = counters.port(INBOX, len(plant.inboxes))
    checks = law.checks(plant, books, inboxes, counters.closed_books)
    return {
        "schema_version": SCHEMA_VERSION,
        "ports": [
            {
                "port": entry.port.name,
                **{name: count for name, count in entry.totals.items() if name not in entry.drops},
                "drops": entry.drops,
                "ring_overflow": entry.kernel and entry.kernel.tx_dropped,
                "lost_in_crash": entry.lost_in_crash,
                "kernel": entry.kernel and entry.kernel._asdict(),
                "total": vf_report.total(entry.port),
                "rings": [counters.ring(entry.port.number, ring) for ring in range(len(entry.port.tap.fds))],
            }
            for entry in books
        ],
        "vfs": vf_report.rows(plant),
        "inboxes": [counters.ring(INBOX, processor) for processor in range(len(plant.inboxes))],
        "law": {
            "holds": all(check.holds for check in checks),
            "checks": [{**check._asdict(), "holds": check.holds} for check in checks],
        },
    }


def _vms(plant: Plant) -> list[Document]:
    return [_vm(port, vm) for port, vm in zip(plant.ports, plant.config.vms, strict=True)]


def _vm(port: Port, vm: Any) -> Document:
    own = {"port": port.number, "queues": vm.queues, "vmq_weight": vm.vmq_weight}
    return {"name": vm.name, "namespace": port.ns, **own, **_addresses(vm)}


def _addresses(port: Any) -> Document:
    return {"mac": format_mac(port.mac), "vlan": port.vlan, "addresses": list(port.addresses)}


def _wire(config: LabConfig, wire: WireConfig) -> Document:
    """namespace: the one at its far end, as far as the lab knows."""
    away = wire.namespace if wire.leads_away else config.ext_namespace
    return {"namespace": away, "rate": wire.rate, "interface": wire.interface, "bridge": wire.bridge}


def _offloads(plant: Plant) -> str:
    """What superframes the kernel hands over."""
    accepted = plant.ports[0].tap.offloads
    return {tap.WITH_USO: "checksum, TSO, USO", tap.WITHOUT_USO: "checksum, TSO"}.get(accepted, "none")


def _filter(mac: bytes, vlan: int | None) -> Document:
    return {"mac": format_mac(mac), "vlan": vlan}


def _queue(supervisor: Supervisor, queue: int, mac: str, vlan: int | None, name: str) -> Document:
    """One row. Frames that still wait in the ring count as overruns until they are read."""
    plant = supervisor.plant
    return {
        "QueueID": queue,
        "MacAddress": mac,
        "VlanID": vlan,
        "Processor": f"0:{supervisor.plant.placement[queue]}",
        "VmFriendlyName": name,
        "arrivals": snapshot.arrivals(queue, plant),
        "rx-hw-drop-overruns": snapshot.overruns(queue, plant, supervisor.counters),
        "moderation": supervisor.plant.tables.moderation[queue].spelled,
        **supervisor.counters.queue(queue),
    }
