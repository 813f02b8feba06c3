"""Each release allows what it knows, and leaves a slow link alone."""

import pytest

from vmdqemu.config import parse
from vmdqemu.errors import LabFileError
from vmdqemu.host.processors import Policy
from vmdqemu.host.queues import TEN_GIGABIT, Override, VmqPolicy
from vmdqemu.host.releases import RELEASES, Release, preset, refusal
from vmdqemu.nic.modes import MODES, OFF, RSS, VMMQ, VMQ, Mode, Sort

DEFAULT, FORCED = VmqPolicy(), VmqPolicy(below_ten_gig=Override.ENABLED)
FORBIDDEN = VmqPolicy(ten_gig=Override.DISABLED)
EVERY_RELEASE = pytest.mark.parametrize("release", RELEASES.values(), ids=RELEASES)


@pytest.mark.parametrize(
    ("name", "mode", "vmmq", "shared_memory", "policy"),
    [
        ("2008r2", VMQ, False, True, Policy.STATIC),
        ("2012r2", VMQ, False, False, Policy.DYNAMIC),
        ("2016", VMQ, True, False, Policy.DYNAMIC),
        ("2019", VMMQ, True, False, Policy.DYNAMIC),
    ],
)
def test_what_each_release_knows(
    name: str, mode: Mode, vmmq: bool, shared_memory: bool, policy: Policy
) -> None:
    release = RELEASES[name]
    assert (release.name, release.mode) == (name, mode)
    assert (release.shared_memory, release.policy) == (shared_memory, policy)
    assert (refusal(release, VMMQ, DEFAULT, None) is None) == vmmq


@EVERY_RELEASE
def test_a_preset_is_never_refused(release: Release) -> None:
    for rate in (None, 1_000, TEN_GIGABIT):
        for policy in (DEFAULT, FORCED, FORBIDDEN):
            assert refusal(release, preset(release, policy, rate), policy, rate) is None


@EVERY_RELEASE
@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_below_ten_gig_nothing_is_sorted_by_filters_unless_it_is_forced(release: Release, mode: Mode) -> None:
    reason = refusal(release, mode, DEFAULT, TEN_GIGABIT - 1)
    assert (reason is None) == (mode.sort is not Sort.FILTERS)
    assert preset(release, DEFAULT, TEN_GIGABIT - 1) is OFF
    if mode is VMQ:
        assert reason is not None
        assert "host.below_ten_gig_vmq = 1" in reason
        assert refusal(release, mode, FORCED, TEN_GIGABIT - 1) is None
        assert refusal(release, mode, DEFAULT, TEN_GIGABIT) is None


@EVERY_RELEASE
def test_a_fast_link_may_be_forbidden_it_too(release: Release) -> None:
    reason = refusal(release, VMQ, FORBIDDEN, None)
    assert reason is not None
    assert "host.ten_gig_vmq = 1" in reason
    assert preset(release, FORBIDDEN, TEN_GIGABIT) is OFF


@EVERY_RELEASE
@pytest.mark.parametrize("mode", [OFF, RSS])
def test_what_needs_no_queue_of_a_vm_is_always_there(release: Release, mode: Mode) -> None:
    assert refusal(release, mode, DEFAULT, 10) is None


def test_vmmq_before_its_time_is_refused_with_the_reason() -> None:
    reason = refusal(RELEASES["2012r2"], VMMQ, FORCED, None)
    assert reason is not None
    assert "NDIS 6.60" in reason
    assert 'use "vmq"' in reason


@pytest.mark.parametrize(
    ("tables", "mode"),
    [
        ('[host]\nrelease = "2016"', "vmq"),
        ('[host]\nrelease = "2019"\n[wire]\nrate = 10000', "vmmq"),
        ('[host]\nrelease = "2019"\n[wire]\nrate = 1000', "off"),
        ('[host]\nrelease = "2012r2"\nbelow_ten_gig_vmq = 1\n[wire]\nrate = 1000', "vmq"),
        ('[host]\nrelease = "2019"\n[adapter]\nmode = "rss"', "rss"),
        ("", "off"),
    ],
)
def test_a_lab_file_that_names_no_mode_has_the_releases(tables: str, mode: str) -> None:
    assert parse(f'vm = [{{ name = "vm1" }}]\n{tables}', "lab").adapter.mode == mode


@pytest.mark.parametrize(
    ("tables", "placement"),
    [
        ('[host]\nrelease = "2008r2"', "static"),
        ('[host]\nrelease = "2012r2"', "dynamic"),
        ('[host]\nrelease = "2019"\nplacement = "static"', "static"),
        ('[host]\nrelease = "2019"\nprocessor_set.profile = "NUMAStatic"', "static"),
        ('[host]\nrelease = "2019"\n[adapter]\nsorter = "software"', "static"),
        ("", "static"),
    ],
)
def test_a_lab_file_that_names_no_placement_has_the_releases_where_it_can(
    tables: str, placement: str
) -> None:
    lab = parse(f'vm = [{{ name = "vm1" }}]\n{tables}', "lab")
    assert (lab.host.placement, lab.host.placing.policy.value) == (placement, placement)


def test_a_lab_file_that_asks_for_more_than_its_release_is_refused_with_the_place() -> None:
    with pytest.raises(LabFileError) as caught:
        parse('vm = [{ name = "vm1" }]\nadapter.mode = "vmmq"\nhost.release = "2008r2"', "lab")
    (problem,) = caught.value.problems
    assert problem.startswith('adapter.mode: "vmmq" is unknown to release "2008r2"')
