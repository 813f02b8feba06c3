"""One daemon's life: claim the name, build, serve, undo.

    python -m vmdqemu.daemon.main LAB.toml READY_FD

is how `up --detach` starts it: it writes `{"ready": true}` or its error to READY_FD as JSON, and closes that.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import uvloop

from netns import signals
from netns.errors import NetnsError
from netns.lab import Lab
from vmdqemu import config as lab_file
from vmdqemu.config import LabConfig
from vmdqemu.daemon import control, peers, plant, runtime
from vmdqemu.daemon.balancing import Balancing
from vmdqemu.daemon.change import Changer
from vmdqemu.daemon.immigration import Immigration
from vmdqemu.daemon.plant import Plant
from vmdqemu.daemon.supervisor import Supervisor
from vmdqemu.daemon.verbs import verbs
from vmdqemu.daemon.vfs import Vfs
from vmdqemu.errors import VmdqemuError


def run(config: LabConfig, file: Path, on_ready: Callable[[], None]) -> None:
    """Serve a lab until it is told to stop (a signal or `down`); leave nothing behind.

    Raises VmdqemuError or NetnsError before `on_ready` if the lab cannot be built.
    """
    record = plant.record(config, os.getpid(), str(file))
    ends = signals.heard()
    with signals.uninterrupted():  # but between two steps of the building, and while it is served
        try:
            with suppress(KeyboardInterrupt), runtime.claimed(record), Lab() as lab:
                built = plant.build(config, lab)
                uvloop.run(_serve(built, ends, on_ready))
        finally:
            for number in ends:  # those that still wait go
                signal.signal(number, signal.SIG_IGN)


async def _serve(built: Plant, ends: set[signal.Signals], on_ready: Callable[[], None]) -> None:
    """ends: the signals that end it; one that waits already is the first thing that it hears."""
    supervisor = Supervisor(built)
    loop, this = asyncio.get_running_loop(), asyncio.current_task()
    assert this is not None
    for number in ends:
        loop.add_signal_handler(number, this.cancel)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ends)
    try:
        await supervisor.start()
        socket = runtime.path(built.config.name, "sock")
        changer = Changer(supervisor)
        await Vfs(supervisor, changer).settle()
        server = await control.serve(socket, verbs(supervisor, changer))
        peer = runtime.path(built.config.name, "peer")
        refuse_peers = peers.serve(peer, lambda: Immigration(supervisor, changer))
        balancing = loop.create_task(Balancing(supervisor, changer).run())
        on_ready()
        await supervisor.stopped.wait()
        balancing.cancel()
        server.close()
        refuse_peers()
    except asyncio.CancelledError:  # by a signal
        return
    finally:
        signal.pthread_sigmask(signal.SIG_BLOCK, ends)  # nobody cuts the undo short
        supervisor.stop()


def detached(file: Path, ready_fd: int) -> None:
    """The daemon's own process: tell the one who started it how it went."""
    with os.fdopen(ready_fd, "w") as ready:

        def say(message: dict[str, object]) -> None:
            if not ready.closed:
                ready.write(json.dumps(message))
                ready.close()

        try:
            run(lab_file.load(file), file, lambda: say({"ready": True}))
        except (VmdqemuError, NetnsError) as error:
            say({"error": str(error), "exit_code": getattr(error, "exit_code", 1)})


if __name__ == "__main__":
    detached(Path(sys.argv[1]), int(sys.argv[2]))
