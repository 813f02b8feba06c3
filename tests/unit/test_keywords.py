"""INF keywords: the published table, and what a preference reads."""

import pytest

from vmdqemu.host.keywords import DEFAULTS, Enabled, check, enabled, reader, refusal, vf_refusal, vfs
from vmdqemu.nic.modes import MODES, OFF, RSS, VMMQ, VMQ, Mode

NOTHING, VMQ_ON, RSS_ON, SRIOV_ON = Enabled.NOTHING, Enabled.VMQ, Enabled.RSS, Enabled.SRIOV
# NDIS: handling-sr-iov--vmq--and-rss-standardized-inf-keywords; None where the row does not say.
TABLE = [
    ((1, 1, 1, 1, None), SRIOV_ON | VMQ_ON),
    ((1, 1, 0, 1, None), VMQ_ON),
    ((1, None, 0, 0, None), NOTHING),
    ((0, 1, None, 1, None), VMQ_ON),
    ((0, 1, None, 0, None), NOTHING),
    ((0, 0, None, None, 1), RSS_ON),
    ((0, 0, None, None, 0), NOTHING),
    ((1, 1, 1, 0, None), SRIOV_ON),  # no row of that page
]
NAMES = ("*SriovPreferred", "*RssOrVmqPreference", "*SRIOV", "*VMQ", "*RSS")


@pytest.mark.parametrize(("row", "found"), TABLE)
@pytest.mark.parametrize("unsaid", [0, 1])
def test_the_decision_table(row: tuple[int | None, ...], found: Enabled, unsaid: int) -> None:
    """K1, K6: what a row does not say makes no difference; RSS and VMQ are never both on."""
    values = {name: unsaid if value is None else value for name, value in zip(NAMES, row, strict=True)}
    assert enabled(values.__getitem__) == found
    assert not found & RSS_ON or found == RSS_ON


@pytest.mark.parametrize(
    ("preferred", "never"),
    [
        ({"*SriovPreferred": 1, "*RssOrVmqPreference": 1}, {"*RSS"}),
        ({"*SriovPreferred": 0, "*RssOrVmqPreference": 1}, {"*RSS", "*SRIOV"}),
        ({"*SriovPreferred": 0, "*RssOrVmqPreference": 0}, {"*VMQ", "*SRIOV"}),
    ],
)
def test_a_preference_reads_its_own_keywords_alone(preferred: dict[str, int], never: set[str]) -> None:
    """K2."""
    read: list[str] = []

    def logged(name: str) -> int:
        read.append(name)
        return preferred.get(name, 1)

    enabled(logged)
    assert not set(read) & never


def test_without_keywords_every_mode_is_there() -> None:
    assert [refusal({}, mode) for mode in MODES.values()] == [None] * len(MODES)


@pytest.mark.parametrize(
    ("values", "mode", "cure"),
    [
        ({"*VMQ": 0}, VMQ, '"vmq" is off; use "*VMQ" = 1 and "*RssOrVmqPreference" = 1'),
        ({"*RssOrVmqPreference": 0}, VMQ, '"vmq" is off; use "*VMQ" = 1 and "*RssOrVmqPreference" = 1'),
        ({"*RSS": 0}, RSS, '"rss" is off; use "*RSS" = 1 and "*RssOrVmqPreference" = 0'),
        ({"*RssOrVmqPreference": 1}, RSS, '"rss" is off; use "*RSS" = 1 and "*RssOrVmqPreference" = 0'),
        ({"*RssOnHostVPorts": 0}, VMMQ, '"vmmq" is off; use "*RssOnHostVPorts" = 1'),
        ({"*RssOnHostVPorts": 0}, VMQ, None),
        ({"*VMQ": 0, "*RSS": 0}, OFF, None),
    ],
)
def test_a_mode_that_is_not_enabled_is_refused_with_the_cure(
    values: dict[str, int], mode: Mode, cure: str | None
) -> None:
    """K6, V15."""
    assert refusal(values, mode) == cure


def test_vfs_need_sriov_to_be_preferred_and_on() -> None:
    asked = {"*NumVFs": 4}
    assert vfs(asked, VMQ) == 0
    assert vfs({**asked, "*SriovPreferred": 1}, VMQ) == 4
    assert vfs({**asked, "*SriovPreferred": 1, "*SRIOV": 0}, VMQ) == 0


def test_who_wants_vfs_prefers_them_unless_the_keywords_say_no() -> None:
    assert vf_refusal({}) is None
    assert vf_refusal({"*SRIOV": 1, "*SriovPreferred": 1}) is None
    assert vf_refusal({"*SRIOV": 0}) == 'VFs are off; use "*SRIOV" = 1'
    assert vf_refusal({"*SRIOV": 0, "*SriovPreferred": 0}) == 'VFs are off; use "*SriovPreferred" = 1'


def test_what_has_no_effect_or_no_such_value_is_refused() -> None:
    check(dict.fromkeys(DEFAULTS, 0))
    check({"*NumVFs": 63})
    with pytest.raises(ValueError, match="has no effect here; use one of"):
        check({"*NumaNodeId": 0})
    with pytest.raises(ValueError, match=r'"\\x1f" has no effect'):
        check({"\x1f": 0})
    for value in (2, -1, True, "1"):
        with pytest.raises(ValueError, match=r'"\*VMQ" cannot be .*; use 0 to 1'):
            check({"*VMQ": value})


def test_who_is_bound_sets_the_preference() -> None:
    assert [reader({}, mode)("*RssOrVmqPreference") for mode in (RSS, OFF, VMQ)] == [0, 1, 1]
