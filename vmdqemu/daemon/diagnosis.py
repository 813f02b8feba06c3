"""What the host knows of one VM, for `host.why` to judge."""

import asyncio
from typing import Final

from vmdqemu.config import VmConfig
from vmdqemu.config_admission import grants
from vmdqemu.daemon import law
from vmdqemu.daemon.gauge import Gauge
from vmdqemu.daemon.law import PortBooks
from vmdqemu.daemon.plant import Plant
from vmdqemu.daemon.supervisor import Supervisor
from vmdqemu.errors import UsageError
from vmdqemu.host import vf_steps
from vmdqemu.host.processors import Policy
from vmdqemu.host.vrss import NoVrss, obstacle
from vmdqemu.host.vswitch import WIRE
from vmdqemu.host.why import QueueState, Situation
from vmdqemu.nic.counters import DropReason
from vmdqemu.nic.modes import Sort
from vmdqemu.nic.tables import Tables, VPortTable

SECONDS: Final = 0.5  # for which the processors are watched


async def situation(supervisor: Supervisor, name: str) -> Situation:
    """Watch the host for a moment. Raises UsageError if there is no such VM."""
    plant = supervisor.plant
    names = [vm.name for vm in plant.config.vms]
    if name not in names:
        raise UsageError(f"no VM {name!r}; choose one of: {', '.join(names)}")
    gauge = Gauge(supervisor)
    gauge.sample()
    await asyncio.sleep(SECONDS)
    sample = gauge.sample()
    return _situation(supervisor, name, {} if sample is None else dict(sample.busy))


def _situation(supervisor: Supervisor, name: str, busy: dict[int, float]) -> Situation:
    plant, tables = supervisor.plant, supervisor.plant.tables
    books = law.read(plant, supervisor.counters, supervisor.crashes)
    vport = next(vport for vport in tables.vports.values() if vport.name == name)
    vm = next(vm for vm in plant.config.vms if vm.name == name)
    own = next(entry for entry in books if entry.port.name == name)
    wire = next((entry for entry in books if entry.port.number == WIRE), None)
    return Situation(
        mode=plant.adapter.mode.name,
        sorts=tables.sort is Sort.FILTERS,
        several=plant.adapter.mode.queues is None,
        dynamic=plant.placing.policy is Policy.DYNAMIC,
        forbidden=not plant.config.allows_vmq,
        channels=vport.channels,
        filters=len(vport.macs),
        queues=_queues(supervisor, vport, overflowed=wire is not None and _dropped(wire) > 0),
        refused=grants(plant.adapter, plant.config)[name],
        vrss=_no_vrss(plant, vm, len(vport.queues)),
        busy=busy,
        processors=len(plant.placing.processors),
        home=plant.placing.processors[0],
        wrong_vlan=0 if wire is None else wire.drops.get(DropReason.WRONG_VLAN, 0),
        discards=_dropped(own),
        no_vf=vf_steps.why_none(plant.adapter, name) if vm.iov else None,
    )


def _no_vrss(plant: Plant, vm: VmConfig, queues: int) -> NoVrss | None:
    """Several queues are spread by the adapter itself."""
    has_vf = vf_steps.vf_of(plant.adapter, vm.name) is not None
    return obstacle(queues > 0, vm.queues, vf=has_vf) if vm.vrss and queues < 2 else None


def _queues(supervisor: Supervisor, vport: VPortTable, overflowed: bool) -> tuple[QueueState, ...]:
    """overflowed: some queue's ring was found full; else what has come and was not read only waits."""
    plant = supervisor.plant
    return tuple(
        QueueState(
            queue,
            plant.placement[queue],
            _unread(supervisor, queue) if overflowed else 0,
            _served_beside(plant.tables, vport.name, plant.placement[queue], plant),
        )
        for queue in vport.queues
    )


def _served_beside(tables: Tables, name: str, processor: int, plant: Plant) -> tuple[str, ...]:
    """Other VMs with a queue on that processor."""
    return tuple(
        other.name
        for other in tables.vports.values()
        if other.name != name and processor in {plant.placement[queue] for queue in other.queues}
    )


def _unread(supervisor: Supervisor, queue: int) -> int:
    external = supervisor.plant.uplink
    if external is None or external.sorter is None:
        return 0
    return external.sorter.arrivals(queue) - supervisor.counters.ring(WIRE, queue)["reads"]


def _dropped(entry: PortBooks) -> int:
    return 0 if entry.kernel is None else entry.kernel.tx_dropped
