"""`events`: what happened on a running lab, and, with --follow, what happens."""

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from vmdqemu.cli import client
from vmdqemu.daemon.control import Document

PERIOD: Final = 0.2  # seconds between two looks
COMMON: Final = ("number", "time", "event")


def events(lab: str | None, follow: bool, as_json: bool) -> None:
    """Print the daemon's events; as JSON one document, or, of those that follow, one a line."""
    if not follow:
        document = client.ask("events", lab)
        print(json.dumps(document, indent=2)) if as_json else show(document["events"])
        return
    with suppress(KeyboardInterrupt):
        for event in _coming(lab):
            print(json.dumps(event) if as_json else spelled(event), flush=True)


def _coming(lab: str | None) -> Iterator[Document]:
    last = 0
    while True:
        for event in client.ask("events", lab, after=last)["events"]:
            last = event["number"]
            yield event
        time.sleep(PERIOD)


def show(found: list[Document]) -> None:
    """A line each."""
    for event in found:
        print(spelled(event))


def spelled(event: Document) -> str:
    """The time of day, what happened, and what is known of it."""
    clock = time.strftime("%H:%M:%S", time.localtime(event["time"]))
    what = " ".join(f"{key}={value}" for key, value in event.items() if key not in COMMON)
    return f"{clock}.{int(event['time'] * 1000) % 1000:03d} {event['event']} {what}".rstrip()
