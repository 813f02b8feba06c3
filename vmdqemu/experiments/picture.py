"""Pictures in the paper's form, as PNG and SVG. matplotlib takes a second to import: only to draw one."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

PALETTE: Final = ("#8a8f98", "#4c9be8", "#1b4f9c", "#e08e3c", "#5aa469", "#8e5ea2", "#c0504d", "#2f2f2f")
METADATA: Final = {".png": {"Software": None}, ".svg": {"Date": None}}  # nothing that changes by itself
DPI: Final = 150
PUBLISHED: Final = {"marker": "D", "linestyle": "", "color": "black", "markerfacecolor": "white"}
LEGEND: Final = {
    "loc": "upper center",
    "bbox_to_anchor": (0.5, -0.14),
    "ncol": 4,
    "fontsize": 8,
    "frameon": False,
}

Values = Sequence[float | None]  # one for each group


class Bars(NamedTuple):
    """Grouped bars: what they say, and what stands beside them."""

    title: str
    axes: tuple[str, str]
    groups: Sequence[str]
    bars: Mapping[str, Values]  # by what the bars of one colour are
    published: Mapping[str, Values]  # by the same names: a mark over the bar
    line: tuple[str, float] | None  # what no bar can pass


class Panels(NamedTuple):
    """The same groups and bars, by several measures: one over the other."""

    title: str
    panels: Sequence[Bars]


class Curves(NamedTuple):
    """Lines over one variable, with the points that others published."""

    title: str
    axes: tuple[str, str]
    places: Sequence[float]
    curves: Mapping[str, Sequence[float]]
    published: Sequence[tuple[float, float]]


class Track(NamedTuple):
    """Quantities over time that share an axis."""

    axis: str
    times: Sequence[float]
    curves: Mapping[str, Sequence[float]]


class Tracks(NamedTuple):
    """What happened to the same quantities in several runs: a column for each, a row for each axis."""

    title: str
    time: str  # its axis
    columns: Mapping[str, Sequence[Track]]


Picture = Bars | Panels | Tracks


def draw(file: Path, what: Picture) -> list[Path]:
    """Write a picture in every form; the files. file: without an ending."""
    match what:
        case Tracks():
            return _draw_tracks(file, what)
        case Panels():
            return _draw_panels(file, what)
        case Bars():
            figure, plot = _blank()
            _draw_bars(plot, what, "center")
            return _save(file, figure, plot, what.title, what.axes)


def _draw_panels(file: Path, what: Panels) -> list[Path]:
    figure, plots = _blank(len(what.panels), figsize=(9.0, 2.4 * len(what.panels)), squeeze=False)
    for (plot,), panel in zip(plots, what.panels, strict=True):
        _draw_bars(plot, panel, "edge")
        plot.margins(y=0.15)
        plot.set(xlabel=panel.axes[0], ylabel=panel.axes[1])
        plot.set_title(panel.title, fontsize=9, loc="left")
    plots[-1][0].legend(**LEGEND)
    figure.suptitle(what.title)
    figure.tight_layout()
    return _write(file, figure)


def _draw_bars(plot: Any, what: Bars, labels: str) -> None:
    """labels: where the numbers stand, in the "center" of the bars or over their "edge"."""
    for place, (name, values) in enumerate(what.bars.items()):
        width = 0.8 / len(what.bars)
        centers = [group + (place + 0.5) * width - 0.4 for group in range(len(what.groups))]
        heights = [value or 0.0 for value in values]
        drawn = plot.bar(centers, heights, width * 0.92, label=name, color=PALETTE[place % len(PALETTE)])
        plot.bar_label(drawn, list(map(_spelled, values)), label_type=labels, fontsize=8)
        for center, value in zip(centers, what.published.get(name, ()), strict=False):
            if value is not None:
                plot.plot(center, value, **PUBLISHED)
    if any(value is not None for values in what.published.values() for value in values):
        plot.plot([], [], label="the paper", **PUBLISHED)
    if what.line is not None:
        plot.axhline(what.line[1], color="black", linestyle=":", linewidth=1, label=what.line[0])
    plot.set_xticks(range(len(what.groups)), what.groups)


def draw_curves(file: Path, what: Curves) -> list[Path]:
    """Write lines in every form; the files."""
    figure, plot = _blank()
    for place, (name, values) in enumerate(what.curves.items()):
        plot.plot(what.places, values, marker="o", label=name, color=PALETTE[place % len(PALETTE)])
    for place, (x, y) in enumerate(what.published):
        plot.plot(x, y, label=None if place else "the paper", **PUBLISHED)
    plot.set_ylim(bottom=0)
    return _save(file, figure, plot, what.title, what.axes)


def _spelled(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.2f}" if value < 100 else f"{value:,.0f}"


def _draw_tracks(file: Path, what: Tracks) -> list[Path]:
    rows = len(next(iter(what.columns.values())))
    size = {"figsize": (9.0, 2.0 * rows + 0.6), "sharex": "col", "sharey": "row", "squeeze": False}
    figure, plots = _blank(rows, len(what.columns), **size)
    for column, (name, tracks) in enumerate(what.columns.items()):
        plots[0][column].set_title(name)
        plots[-1][column].set_xlabel(what.time)
        for row, track in enumerate(tracks):
            _draw_track(plots[row][column], track)
            plots[row][0].set_ylabel(track.axis)
    for row in range(rows):
        plots[row][-1].legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=8, frameon=False)
    figure.suptitle(what.title)
    return _write(file, figure)


def _draw_track(plot: Any, track: Track) -> None:
    """Curves with the same values stay apart."""
    span = max((max(values, default=0) for values in track.curves.values()), default=0)
    for place, (name, values) in enumerate(track.curves.items()):
        apart = [value + 0.012 * span * place for value in values]
        plot.plot(track.times, apart, drawstyle="steps-post", label=name, color=PALETTE[place % len(PALETTE)])
    plot.set_ylim(bottom=-0.05 * (span or 1))


def _blank(rows: int = 1, columns: int = 1, **options: Any) -> tuple[Any, Any]:
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "vmdqemu"  # the same numbers give the same file
    from matplotlib import pyplot

    return pyplot.subplots(rows, columns, **{"figsize": (7.0, 4.2), **options})


def _save(file: Path, figure: Any, plot: Any, title: str, axes: tuple[str, str]) -> list[Path]:
    plot.set(title=title, xlabel=axes[0], ylabel=axes[1])
    plot.legend(**LEGEND)
    return _write(file, figure)


def _write(file: Path, figure: Any) -> list[Path]:
    from matplotlib import pyplot

    files = [file.with_suffix(ending) for ending in METADATA]
    for each in files:
        figure.savefig(each, dpi=DPI, bbox_inches="tight", metadata=METADATA[each.suffix])
    pyplot.close(figure)
    return files
