"""A daemon in which one step of a migration fails, or kills it: the name of the step is in a file.

    python -m tests.system.failing WORD_FILE LAB.toml READY_FD

WORD_FILE holds the name of a step that is to fail, `kill STEP`, or nothing.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from vmdqemu.daemon import main
from vmdqemu.daemon.emigration import Journey
from vmdqemu.daemon.immigration import Immigration
from vmdqemu.datapath.channel import Message
from vmdqemu.errors import VmdqemuError
from vmdqemu.host.migration import Side, Step

take_own, take_asked = Journey.do, Immigration.do


def trip(step: str) -> None:
    """Fail if it is this one's turn."""
    word = Path(sys.argv[1]).read_text()
    if word == f"kill {step}":
        os.kill(os.getpid(), signal.SIGKILL)
    if word == step:
        raise VmdqemuError("injected")


async def do_own(self: Journey, step: Step) -> None:
    if step.side is Side.SOURCE:
        trip(step.name)
    await take_own(self, step)


async def do_asked(
    self: Immigration, message: Message, fds: tuple[int, ...], is_over: Callable[[], bool]
) -> Message:
    if message["do"] != "undo":
        trip(message["do"])
    return await take_asked(self, message, fds, is_over)


if __name__ == "__main__":
    Journey.do, Immigration.do = do_own, do_asked  # type: ignore[method-assign]
    main.detached(Path(sys.argv[2]), int(sys.argv[3]))
