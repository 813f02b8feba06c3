"""The values of *RSSProfile."""

from vmdqemu.host.rss_profiles import PROFILES


def test_the_profiles_have_the_keywords_values() -> None:
    names = ["Closest", "ClosestStatic", "NUMA", "NUMAStatic", "Conservative", "Balanced"]
    assert [(profile.keyword, profile.name) for profile in PROFILES.values()] == list(enumerate(names, 1))


def test_only_the_static_ones_never_rebalance() -> None:
    assert {name for name, profile in PROFILES.items() if not profile.dynamic} == {
        "ClosestStatic",
        "NUMAStatic",
    }
