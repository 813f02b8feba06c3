"""A VM leaves this lab for another one that runs: the source's side of a live migration.

`host.migration` has the steps. This side drives: it takes its own, and asks the other daemon for the others.
The VM's namespace, its TAP and the processes inside stay as they are; what goes over are the descriptors of
the TAP's rings, and the duty to undo it all.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final

from netns.errors import NetnsError
from vmdqemu.config_vms import as_table
from vmdqemu.daemon import plant as plants
from vmdqemu.daemon import runtime
from vmdqemu.daemon.change import Changer
from vmdqemu.daemon.peers import Peer
from vmdqemu.daemon.plant import Port
from vmdqemu.daemon.reports import SCHEMA_VERSION
from vmdqemu.daemon.supervisor import Supervisor
from vmdqemu.daemon.vfs import GOING, Vfs
from vmdqemu.daemon.vms import Vms
from vmdqemu.datapath import announcement, tap, wires
from vmdqemu.datapath.announcement import Listener
from vmdqemu.errors import UsageError, VmdqemuError
from vmdqemu.host import migration
from vmdqemu.host.migration import COMMIT, Step
from vmdqemu.nic.tables import rss_to_json

HEARING: Final = 3.0  # seconds until an announcement has come over any bridge, of a busy machine's too

Document = dict[str, Any]
Action = Callable[[], Awaitable[None]]


class Emigration:
    """Lets the VMs of one lab go."""

    def __init__(self, supervisor: Supervisor, changer: Changer, vms: Vms) -> None:
        self._supervisor = supervisor
        self._changer = changer
        self._vms = vms

    async def migrate(self, name: str, to: str, dry_run: bool) -> Document:
        """Move a VM to another lab, or say how it would be done; the steps, and the seconds that each took.

        Raises UsageError, NotRunning, and VmdqemuError with the step that failed: the VM is here as before.
        """
        here = self._supervisor.plant.config.name
        if to == here:
            raise UsageError(f"{name} is in lab {here} already; name another one")
        runtime.find(to)
        async with self._changer.busy:
            port = self._vms.leaving(name)
            wants_vf = any(vm.name == name and vm.iov for vm in self._supervisor.plant.config.vms)
            steps, took = migration.plan(vf=wants_vf), dict[str, float]()
            if not dry_run:
                took = await self._send(port, to, steps)
        return {
            "schema_version": SCHEMA_VERSION,
            "vm": name,
            "from": here,
            "to": to,
            "dry_run": dry_run,
            "steps": [
                {**step._asdict(), "side": step.side.value, "seconds": took.get(step.name)} for step in steps
            ],
        }

    async def _send(self, port: Port, to: str, steps: tuple[Step, ...]) -> dict[str, float]:
        supervisor, here = self._supervisor, self._supervisor.plant.config.name
        with Peer(to) as peer:
            journey = Journey(supervisor, self._changer, self._vms, port, peer)
            try:
                await migration.carry_out(steps, journey.do, journey.undo)
            except (VmdqemuError, NetnsError) as failure:
                where = to if COMMIT in journey.took else here
                step, *stuck = failure.__notes__
                reason = "; ".join((f"{step}: {failure}", *stuck))
                supervisor.note("migration-failed", vm=port.name, to=to, reason=reason)
                raise VmdqemuError(f"{reason}; {port.name} is in lab {where}") from None
            finally:
                journey.end()
        supervisor.note("vm-left", vm=port.name, to=to)
        return journey.took


class Journey:
    """One VM on its way to a peer. `busy` is held by the caller."""

    def __init__(self, supervisor: Supervisor, changer: Changer, vms: Vms, port: Port, peer: Peer) -> None:
        self.took: dict[str, float] = {}  # seconds, by step
        self._supervisor, self._changer, self._vms = supervisor, changer, vms
        self._plant = supervisor.plant
        self._port = port
        self._peer = peer
        self._vm = next(vm for vm in self._plant.config.vms if vm.name == port.name)
        self._before = self._plant.adapter  # once the VF is gone
        self._vfs = Vfs(supervisor, changer)
        self._listener: Listener | None = None
        self._announced = False
        self._do: dict[str, Action] = {
            "remove-vf": self._remove_vf,
            "admit": self._introduce,
            "pause": self._pause,
            "resume": self._have_resumed,
            "announce": self._have_announced,
            "relearn": self._relearn,
            "free": self._free,
            COMMIT: self._hand_over,
            "forget": self._forget,
            "grant-vf": self._have_granted,
        }
        self._undo: dict[str, Action] = {
            "remove-vf": self._grant_vf,
            "admit": self._come_home,
            "pause": self._go_on,
            "resume": self._have_stopped,
            "free": self._keep,
        }

    async def do(self, step: Step) -> None:
        """Take a step, or have it taken. Raises VmdqemuError, NetnsError."""
        began = time.monotonic()
        await self._do[step.name]()
        self.took[step.name] = time.monotonic() - began

    async def undo(self, step: Step) -> None:
        """Undo it, or have it undone. Raises VmdqemuError, NetnsError."""
        if step.undo is not None:
            await self._undo[step.name]()

    def end(self) -> None:
        """Listen no more."""
        if self._listener is not None:
            self._listener.close()

    async def _remove_vf(self) -> None:
        await self._vfs.take(self._port.name, GOING)
        self._before = self._plant.adapter

    async def _grant_vf(self) -> None:
        await self._vfs.grant(self._port.name)

    async def _have_granted(self) -> None:
        await self._peer.ask("grant-vf")

    async def _introduce(self) -> None:
        port, vport = self._port, self._plant.adapter.vports[self._port.number]
        vm = self._vm.model_copy(update=vport.share._asdict())
        if (rss := vport.rss) is not None:
            spread = {"rss_key": rss.key, "rss_types": rss.types, "rss_table_size": len(rss.table)}
            vm = vm.model_copy(update=spread)
        filters = [held.key for held in self._plant.adapter.filters.values() if held.vport == port.number]
        await self._peer.ask(
            "admit",
            port.tap.fds,
            terms=plants.terms(self._plant.config)._asdict(),
            vm=as_table(vm),
            rss=rss_to_json(vport.rss),
            rss_on=vport.spread is not None,
            filters=[[mac.hex(), vlan] for mac, vlan in filters],
            namespace=port.ns,
            offloads=port.tap.offloads,
        )

    async def _pause(self) -> None:
        await self._supervisor.stop_reading(self._supervisor.transmitter, self._port.rings)

    async def _go_on(self) -> None:
        await self._supervisor.read(self._supervisor.transmitter, self._port.rings)
        announcement.send(self._port.ns, self._port.ifname, migration.announcement(self._vm.mac))

    async def _come_home(self) -> None:
        """The destination has the VM no more, and what it read and wrote meanwhile is in the VM's books."""
        books = None
        try:
            books = self._port.booked((await self._peer.ask("undo", step="admit"))["books"])
        finally:
            self._plant.replace(replace(self._port, books=books if self._port.books is not None else None))

    async def _have_resumed(self) -> None:
        await self._peer.ask("resume")

    async def _have_stopped(self) -> None:
        await self._peer.ask("undo", step="resume")

    async def _have_announced(self) -> None:
        wire = self._plant.config.wire
        assert wire is not None  # `admit` is refused without one
        self._listener = Listener(self._plant.config.nic_namespace, wires.near_end(wire), self._vm.mac)
        self._announced = (await self._peer.ask("announce"))["sent"]

    async def _relearn(self) -> None:
        """A VM whose interface is down is announced to nobody, and nobody's frames are on their way to it."""
        assert self._listener is not None  # since `announce`
        if self._announced and not await self._listener.heard(HEARING):
            cure = "give both labs a [wire] with the same bridge"
            raise VmdqemuError(f"what lab {self._peer.lab} sends does not come in here; {cure}")

    async def _free(self) -> None:
        await self._changer.put(await self._changer.prepare(self._vms.without(self._port)))

    async def _keep(self) -> None:
        await self._changer.put(await self._changer.prepare(self._before))

    async def _hand_over(self) -> None:
        """Nothing comes between the answer and our letting go: the duty to undo the VM is one lab's."""
        name, counters = self._port.name, self._supervisor.counters
        books = self._port.booked(counters.port(self._port.number, len(self._port.rings)))
        crashes = self._supervisor.crashes + self._port.crashes
        self._peer.ask_at_once(COMMIT, books=None if self._port.books is None else books, crashes=crashes)
        self._plant.parts.let_go(name)
        self._vms.strike(self._port)
        runtime.rewrite(self._plant.config.name, self._plant.namespaces)

    async def _forget(self) -> None:
        await self._supervisor.forget(self._port)
        tap.close(self._port.tap.fds)
        if self._port.arena is not None:
            tap.close((self._port.arena,))
