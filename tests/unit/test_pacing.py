"""A link's pace, in what tbf counts."""

import pytest

from netns import links
from vmdqemu.datapath.pacing import pace


@pytest.mark.parametrize(
    ("superframes", "tagged", "bits", "overhead"),
    [
        (True, False, 10e9 * 1514 / 1538, 0),
        (True, True, 10e9 * 1514 / 1542, 0),
        (False, False, 10e9, 24),
        (False, True, 10e9, 28),
    ],
)
def test_what_a_cable_carries_besides_a_frame_is_taken_off_or_added(
    superframes: bool, tagged: bool, bits: float, overhead: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(links, "shape", lambda *args, overhead=0: asked.append((*args, overhead)))
    pace("ext", "wire0", 10_000, mtu=1500, superframes=superframes, tagged=tagged)
    assert asked == [("ext", "wire0", int(bits), overhead)]
