"""The wire of a lab whose VMs are never built, and that nobody serves."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from netns.lab import Lab
from vmdqemu import config
from vmdqemu.config import LabConfig
from vmdqemu.config_adapter import describe
from vmdqemu.datapath import uplink
from vmdqemu.datapath.uplink import Uplink
from vmdqemu.nic.adapter import compile_tables
from vmdqemu.nic.tables import Tables


class Bed(NamedTuple):
    """What a test builds on; what it adds to `lab` is undone with it."""

    lab: Lab
    uplink: Uplink
    config: LabConfig


@contextmanager
def bed(
    name: str, tables: Tables | None = None, *, vlan: int | None = None, offloads: bool = True
) -> Iterator[Bed]:
    """tables: None for those of one VM; vlan: the outside host's."""
    port = "" if vlan is None else f"\nvlan = {vlan}"
    text = (
        f'name = "{name}"\nprefix = "{name}-"\nvm = [{{ name = "vm1" }}]\n'
        f'[adapter]\noffloads = {str(offloads).lower()}\n[wire]\naddress = "10.0.0.254/24"{port}\n'
    )
    lab_config = config.parse(text, name)
    assert lab_config.wire is not None
    with Lab() as lab:
        in_effect = compile_tables(describe(lab_config), generation=1) if tables is None else tables
        yield Bed(lab, uplink.make(lab_config, lab_config.wire, in_effect, lab), lab_config)
