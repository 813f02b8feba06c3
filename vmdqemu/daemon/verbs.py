"""The verbs of the control socket: what each reads in a request, what it has done, and what it answers with.

One function for each group: here, in `adapter_verbs` and in `host_verbs`. `oids` has the verbs of NDIS. A
change is answered with the report that shows it.
"""

from vmdqemu.daemon import adapter_verbs, host_verbs, reports
from vmdqemu.daemon.change import Changer
from vmdqemu.daemon.control import Document, Method
from vmdqemu.daemon.observers import Observers
from vmdqemu.daemon.oids import Oids
from vmdqemu.daemon.params import Params
from vmdqemu.daemon.scaling_oids import ScalingOids
from vmdqemu.daemon.snapshot import Registers
from vmdqemu.daemon.supervisor import Supervisor
from vmdqemu.daemon.vf_verbs import vf
from vmdqemu.daemon.vfs import Vfs


def verbs(supervisor: Supervisor, changer: Changer) -> dict[str, Method]:
    """Every verb that one lab's socket answers to."""
    vfs = Vfs(supervisor, changer)
    return {
        **_lab(supervisor),
        **_observing(supervisor),
        **adapter_verbs.verbs(supervisor, changer, vfs),
        **host_verbs.verbs(supervisor, changer, vfs),
        **vf(supervisor, changer, vfs),
        **Oids(supervisor, changer).methods(),
        **ScalingOids(supervisor, changer).methods(),
    }


def _lab(supervisor: Supervisor) -> dict[str, Method]:
    def stop(_: Document) -> Document:
        supervisor.stopped.set()
        return {"stopping": True}

    return {"status": lambda _: reports.status(supervisor), "stop": stop}


def _observing(supervisor: Supervisor) -> dict[str, Method]:
    observers, registers = Observers(supervisor), Registers(supervisor)

    async def observe(document: Document) -> Document:
        return await observers.observe(Params(document).whole("snaplen"))

    return {
        "stats": lambda _: reports.stats(supervisor),
        "stats.ethtool": lambda _: reports.statistics(supervisor),
        "stats.registers": lambda _: reports.registers(supervisor, registers.read()),
        "events": lambda document: reports.events(supervisor, Params(document).whole("after", 0)),
        "observe": observe,
    }
