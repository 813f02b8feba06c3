"""Five lists: what is real, emulated, calibrated, predicted, and not modelled."""

from tests.unit.measured_rows import run
from vmdqemu.experiments.claims import claims


def test_all_five_lists_say_something() -> None:
    found = run()
    said = claims(found.fit, found.predictions)
    assert list(said) == ["real", "emulated", "calibrated", "predicted", "not_modelled"]
    assert all(said.values())


def test_there_is_one_calibrated_number_and_a_prediction_for_each_mode() -> None:
    found = run()
    said = claims(found.fit, found.predictions)
    (number,) = said["calibrated"]
    assert "0.2500 of a CPU" in number
    assert "5.4 is an input" in number
    assert [line.partition(",")[0] for line in said["predicted"]] == ["off", "vmq"]
    assert "9.41 Gbit/s (4 processors, 540 ns a frame)" in said["predicted"][1]
