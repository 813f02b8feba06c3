"""RSS profiles: how the host picks processors for receive work, and whether it moves that work afterwards.

Source: NDIS: standardized-inf-keywords-for-rss, NDIS_RSS_PROFILE.
"""

from typing import NamedTuple


class RssProfile(NamedTuple):
    """One value of the keyword *RSSProfile."""

    keyword: int
    name: str  # as Get-NetAdapterRss prints it
    round_nodes: bool  # go round the NUMA nodes; else stay close to the base processor
    dynamic: bool  # rebalance while running


CLOSEST = RssProfile(1, "Closest", round_nodes=False, dynamic=True)  # the one that VMMQ must support
CLOSEST_STATIC = RssProfile(2, "ClosestStatic", round_nodes=False, dynamic=False)
NUMA = RssProfile(3, "NUMA", round_nodes=True, dynamic=True)
NUMA_STATIC = RssProfile(4, "NUMAStatic", round_nodes=True, dynamic=False)
CONSERVATIVE = RssProfile(5, "Conservative", round_nodes=False, dynamic=True)  # as few as carry the load
BALANCED = RssProfile(6, "Balanced", round_nodes=False, dynamic=True)  # for heterogeneous processors

PROFILES = {
    profile.name: profile for profile in (CLOSEST, CLOSEST_STATIC, NUMA, NUMA_STATIC, CONSERVATIVE, BALANCED)
}
