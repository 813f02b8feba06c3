"""Five lists, and what a VF costs is said."""

from vmdqemu.experiments.sriov_claims import listed


def test_nothing_is_fitted_and_nothing_is_predicted() -> None:
    said = listed()
    assert list(said) == ["real", "emulated", "calibrated", "predicted", "not_modelled"]
    assert said["predicted"] == []
    assert said["calibrated"][0].startswith("nothing;")


def test_who_pays_for_a_vf_is_said() -> None:
    assert any("softirqs of whoever sends" in line for line in listed()["not_modelled"])
