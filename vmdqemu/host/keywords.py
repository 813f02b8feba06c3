"""Standardized INF keywords: what an operating system lets an adapter do.

The hidden preferences are set by who is bound to the adapter, not by an operator: where a lab file does not
say, VMQ is preferred in a mode in which the vSwitch is bound, and RSS in native RSS. RSS and VMQ are never
both enabled, and each preference reads its own keywords alone.

Source: NDIS: handling-sr-iov--vmq--and-rss-standardized-inf-keywords, standardized-inf-keywords-for-vmmq.
"""

from collections.abc import Callable, Mapping
from enum import Flag, auto
from typing import Final

from vmdqemu.nic.modes import Mode, Sort

Read = Callable[[str], int]

# Those that have an effect here, and their defaults; None: whoever is bound sets it.
DEFAULTS: Final[Mapping[str, int | None]] = {
    "*VMQ": 1,
    "*VMQVlanFiltering": 1,
    "*RssOrVmqPreference": None,
    "*SRIOV": 1,
    "*SriovPreferred": 0,
    "*NumVFs": 0,  # of the default NIC switch
    "*RssOnHostVPorts": 1,
    "*RSS": 1,
}

MOST_VFS: Final = 63  # the ideal adapter's


def check(values: Mapping[str, object]) -> None:
    """Raise ValueError, with the cure, for a keyword that has no effect here or a value it cannot have."""
    for name, value in values.items():
        if name not in DEFAULTS:
            raise ValueError(f'"{ascii(name)[1:-1]}" has no effect here; use one of {", ".join(DEFAULTS)}')
        most = MOST_VFS if name == "*NumVFs" else 1
        if type(value) is not int or not 0 <= value <= most:
            raise ValueError(f'"{name}" cannot be {value!r}; use 0 to {most}')


class Enabled(Flag):
    """What the keywords enable."""

    NOTHING = 0
    RSS = auto()
    VMQ = auto()
    SRIOV = auto()


def enabled(read: Read) -> Enabled:
    """The published decision table. SR-IOV without VMQ is SR-IOV alone (no row; a reading of ours)."""
    if read("*SriovPreferred"):
        sriov = Enabled.SRIOV if read("*SRIOV") else Enabled.NOTHING
        return sriov | (Enabled.VMQ if read("*VMQ") else Enabled.NOTHING)
    if read("*RssOrVmqPreference"):
        return Enabled.VMQ if read("*VMQ") else Enabled.NOTHING
    return Enabled.RSS if read("*RSS") else Enabled.NOTHING


def reader(keywords: Mapping[str, int], mode: Mode) -> Read:
    """What each keyword says, with the preference of whoever is bound to the adapter in a mode."""
    bound = 0 if mode.sort is Sort.HASH else 1

    def read(name: str) -> int:
        value = keywords.get(name, DEFAULTS[name])
        return bound if value is None else value

    return read


def refusal(keywords: Mapping[str, int], mode: Mode) -> str | None:
    """Why there is no such mode with these keywords, with the cure; None if there is."""
    read = reader(keywords, mode)
    allowed = enabled(read)
    if mode.sort is Sort.HASH and Enabled.RSS not in allowed:
        return f'"{mode.name}" is off; use "*RSS" = 1 and "*RssOrVmqPreference" = 0'
    if mode.sort is Sort.FILTERS and Enabled.VMQ not in allowed:
        return f'"{mode.name}" is off; use "*VMQ" = 1 and "*RssOrVmqPreference" = 1'
    if mode.queues is None and not read("*RssOnHostVPorts"):
        return f'"{mode.name}" is off; use "*RssOnHostVPorts" = 1'
    return None


def vf_refusal(keywords: Mapping[str, int]) -> str | None:
    """Why there are no VFs with these keywords, with the cure; None if there are. Asking is preferring."""
    off = [name for name in ("*SriovPreferred", "*SRIOV") if keywords.get(name) == 0]
    return f'VFs are off; use "{off[0]}" = 1' if off else None


def vfs(keywords: Mapping[str, int], mode: Mode) -> int:
    """How many VFs the NIC switch has from the start."""
    read = reader(keywords, mode)
    return read("*NumVFs") if Enabled.SRIOV in enabled(read) else 0
