"""Two VMs whose TAPs are served by turns: by our workers, or by the bare C loop."""

import asyncio
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

import uvloop

from netns.lab import Lab
from tests.perf.machine import WORKER_CPU
from vmdqemu import config
from vmdqemu.daemon import plant
from vmdqemu.daemon.plant import Plant
from vmdqemu.daemon.supervisor import Supervisor

SOURCE: Final = Path(__file__).with_name("forward.c")
LAB: Final = """
vm = [
  { name = "vm1", address = "10.0.0.1/24" },
  { name = "vm2", address = "10.0.0.2/24" },
]
"""

Server = Callable[[Plant], AbstractContextManager[None]]


@contextmanager
def two_vms(name: str) -> Iterator[Plant]:
    """The lab, built and served by nobody."""
    with Lab() as lab:
        yield plant.build(config.parse(f'name = "{name}"\nprefix = "{name}-"\n{LAB}', name), lab)


@contextmanager
def ours(built: Plant) -> Iterator[None]:
    """Served by a confined worker with everything on, a spare beside it. Steady state needs no supervisor."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        supervisor: Supervisor = runner.run(_started(built))
        try:
            yield
        finally:
            runner.run(_stopped(supervisor))


def bare_c(binary: Path) -> Server:
    """Served by the C loop on the same descriptors and the same processor."""

    @contextmanager
    def serve(built: Plant) -> Iterator[None]:
        fds = [port.tap.fds[0] for port in built.ports]
        argv = [str(binary), *map(str, fds), str(WORKER_CPU)]
        with subprocess.Popen(argv, pass_fds=fds, start_new_session=True) as process:
            try:
                yield
            finally:
                process.kill()

    return serve


def compile_forward(directory: Path) -> Path:
    """The C loop, compiled for speed."""
    binary = directory / "forward"
    subprocess.run(["gcc", "-O3", "-Wall", "-Wextra", "-o", str(binary), str(SOURCE)], check=True)
    return binary


async def _started(built: Plant) -> Supervisor:
    supervisor = Supervisor(built)
    await supervisor.start()
    return supervisor


async def _stopped(supervisor: Supervisor) -> None:
    supervisor.stop()
