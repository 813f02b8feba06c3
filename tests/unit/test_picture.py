"""Pictures are made, in both forms, and the same from the same numbers."""

from pathlib import Path

from vmdqemu.experiments.picture import Bars, Curves, Panels, Track, Tracks, draw, draw_curves

BARS = Bars(
    title="VMs that receive",
    axes=("VMs", "Gbit/s"),
    groups=["4", "8"],
    bars={"off": [5.4, 5.3], "vmq": [9.3, None]},
    published={"off": [5.4, None]},
    line=("the wire", 9.415),
)


def test_both_forms_are_written(tmp_path: Path) -> None:
    png, svg = draw(tmp_path / "figure3", BARS)
    assert png.read_bytes().startswith(b"\x89PNG")
    assert "<svg" in svg.read_text()[:1000]


def test_the_same_numbers_are_the_same_file(tmp_path: Path) -> None:
    for name in ("one", "two"):
        draw(tmp_path / name, BARS)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_curves_are_drawn_too(tmp_path: Path) -> None:
    curves = Curves("speed", ("share", "Gbit/s"), [0.1, 0.2], {"off": [2.5, 5.4]}, [(0.2, 5.4)])
    png, svg = draw_curves(tmp_path / "sensitivity", curves)
    assert png.read_bytes().startswith(b"\x89PNG")
    assert "<svg" in svg.read_text()[:1000]


def test_panels_stand_over_each_other_whatever_their_scale(tmp_path: Path) -> None:
    trips = BARS._replace(
        title="round trip", axes=("", "us"), bars={"off": [4400.0, 0.1], "vmq": [None, 38.0]}
    )
    png, svg = draw(tmp_path / "sriov", Panels("both", [BARS, trips]))
    assert png.read_bytes().startswith(b"\x89PNG")
    assert "<svg" in svg.read_text()[:1000]


def test_tracks_are_drawn_in_columns_even_where_nothing_happened(tmp_path: Path) -> None:
    tracks = [Track("Gbit/s", [0.0, 1.0], {"received": [0.0, 9.4]}), Track("queues", [0.0], {"vm1": [0.0]})]
    empty = [Track("Gbit/s", [], {"received": []}), Track("queues", [], {"vm1": []})]
    png, svg = draw(tmp_path / "dvmq", Tracks("load", "seconds", {"static": tracks, "dynamic": empty}))
    assert png.read_bytes().startswith(b"\x89PNG")
    assert "<svg" in svg.read_text()[:1000]
