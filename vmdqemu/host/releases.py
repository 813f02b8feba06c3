"""Releases of Windows Server: what each one's Hyper-V makes of an adapter. Rows of data.

Sources: NDIS: overview-of-virtual-machine-multiple-queues (VMMQ came with NDIS 6.60),
security-issues-with-ndis-virtual-machine--vm--shared-memory (up to NDIS 6.20 a VM may receive into its own
memory; from 6.30 on the host receives and copies), VMSMP parameters (the 10 Gbit/s rule), Microsoft's
"VMQ Deep Dive" 1 (static and dynamic VMQ).
"""

from typing import NamedTuple

from vmdqemu.host.processors import Policy
from vmdqemu.host.queues import TEN_GIGABIT, VmqPolicy
from vmdqemu.nic.modes import OFF, VMMQ, VMQ, Mode, Sort


class Release(NamedTuple):
    """One release's rules."""

    name: str
    ndis: str  # the version that its drivers are written for
    mode: Mode  # what it does with a fast enough adapter if nobody chooses
    vmmq: bool  # it knows several queues of one VPort
    shared_memory: bool  # an adapter may write what it receives into a VM's own memory
    policy: Policy  # of placing queues: Dynamic VMQ came with 2012


RELEASES = {
    release.name: release
    for release in (
        Release("2008r2", "6.20", VMQ, vmmq=False, shared_memory=True, policy=Policy.STATIC),
        Release("2012r2", "6.40", VMQ, vmmq=False, shared_memory=False, policy=Policy.DYNAMIC),
        Release("2016", "6.60", VMQ, vmmq=True, shared_memory=False, policy=Policy.DYNAMIC),  # VMMQ is off
        Release("2019", "6.80", VMMQ, vmmq=True, shared_memory=False, policy=Policy.DYNAMIC),
    )
}


def preset(release: Release, policy: VmqPolicy, rate: float | None) -> Mode:
    """The mode of an adapter that nobody chose one for. rate: the link's in Mbit/s, None for no limit."""
    return release.mode if policy.allows(rate) else OFF


def refusal(release: Release, mode: Mode, policy: VmqPolicy, rate: float | None) -> str | None:
    """Why the release has no such mode on this link, with the cure; None if it has."""
    if mode.sort is not Sort.FILTERS:
        return None
    if mode.queues is None and not release.vmmq:
        return (
            f'"{mode.name}" is unknown to release "{release.name}" '
            f'(VMMQ needs NDIS 6.60, it has {release.ndis}); use "vmq"'
        )
    if not policy.allows(rate):
        slow = rate is not None and rate < TEN_GIGABIT
        speed, key = ("below", "below_ten_gig_vmq") if slow else ("from", "ten_gig_vmq")
        return (
            f'"{mode.name}" is off in release "{release.name}" on a link {speed} 10 Gbit/s; '
            f"use host.{key} = 1 (Hyper-V: {'BelowTenGig' if slow else 'TenGig'}VmqEnabled)"
        )
    return None
