"""What goes on, while it goes on: on stderr, so that stdout keeps the results."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from vmdqemu.experiments.rig import Say


@contextmanager
def progress() -> Iterator[Say]:
    """One line that changes on a terminal, else a line each."""
    console = Console(stderr=True)
    if console.is_terminal:
        with console.status("") as line:
            yield line.update
    else:
        yield lambda text: print(text, file=sys.stderr, flush=True)
