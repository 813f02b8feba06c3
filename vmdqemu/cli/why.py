"""`why`: what is in a VM's way, each with its cure."""

import json

from vmdqemu.cli import client


def why(vm: str, lab: str | None, as_json: bool) -> None:
    """Ask the daemon for its findings and print them. Raises NotRunning, UsageError."""
    document = client.ask("why", lab, vm=vm)
    if as_json:
        print(json.dumps(document, indent=2))
        return
    print(*(document["findings"] or [f"nothing is in {vm}'s way"]), sep="\n")
