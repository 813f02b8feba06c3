"""Pictures in the paper's form, as PNG and SVG. matplotlib takes a second to import: only to draw one."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

PALETTE: Final = ("#8a8f98", "#4c9be8", "#1b4f9c", "#e08e3c", "#5aa469", "#8e5ea2", "#c0504d", "#2f2f2f")
METADATA: Final = {".png": {"Software": None}, ".svg": {"Date": None}}  # nothing that changes by itself
DPI: Final = 150
PUBLISHED: Final = {"marker": "D", "linestyle": "", "color": "black", "markerfacecolor": "white"}

Values = Sequence[float | None]  # one for each group


class Bars(NamedTuple):
    """Grouped bars: what they say, and what stands beside them."""

    title: str
    axes: tuple[str, str]
    groups: Sequence[str]
    bars: Mapping[str, Values]  # by what the bars of one colour are
    published: Mapping[str, Values]  # by the same names: a mark over the bar
    line: tuple[str, float] | None  # what no bar can pass


class Curves(NamedTuple):
    """Lines over one variable, with the points that others published."""

    title: str
    axes: tuple[str, str]
    places: Sequence[float]
    curves: Mapping[str, Sequence[float]]
    published: Sequence[tuple[float, float]]


def draw(file: Path, what: Bars) -> list[Path]:
    """Write grouped bars in every form; the files. file: without an ending."""
    figure, plot = _blank()
    for place, (name, values) in enumerate(what.bars.items()):
        width = 0.8 / len(what.bars)
        centers = [group + (place + 0.5) * width - 0.4 for group in range(len(what.groups))]
        heights = [value or 0.0 for value in values]
        drawn = plot.bar(centers, heights, width * 0.92, label=name, color=PALETTE[place % len(PALETTE)])
        shown = ["" if value is None else f"{value:.2f}" for value in values]
        plot.bar_label(drawn, shown, label_type="center", fontsize=8)
        for center, value in zip(centers, what.published.get(name, ()), strict=False):
            if value is not None:
                plot.plot(center, value, **PUBLISHED)
    if any(value is not None for values in what.published.values() for value in values):
        plot.plot([], [], label="the paper", **PUBLISHED)
    if what.line is not None:
        plot.axhline(what.line[1], color="black", linestyle=":", linewidth=1, label=what.line[0])
    plot.set_xticks(range(len(what.groups)), what.groups)
    return _save(file, figure, plot, what.title, what.axes)


def draw_curves(file: Path, what: Curves) -> list[Path]:
    """Write lines in every form; the files."""
    figure, plot = _blank()
    for place, (name, values) in enumerate(what.curves.items()):
        plot.plot(what.places, values, marker="o", label=name, color=PALETTE[place % len(PALETTE)])
    for place, (x, y) in enumerate(what.published):
        plot.plot(x, y, label=None if place else "the paper", **PUBLISHED)
    plot.set_ylim(bottom=0)
    return _save(file, figure, plot, what.title, what.axes)


def _blank() -> tuple[Any, Any]:
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "vmdqemu"  # the same numbers give the same file
    from matplotlib import pyplot

    return pyplot.subplots(figsize=(7.0, 4.2))


def _save(file: Path, figure: Any, plot: Any, title: str, axes: tuple[str, str]) -> list[Path]:
    from matplotlib import pyplot

    plot.set(title=title, xlabel=axes[0], ylabel=axes[1])
    plot.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncol=4, fontsize=8, frameon=False)
    files = [file.with_suffix(ending) for ending in METADATA]
    for each in files:
        figure.savefig(each, dpi=DPI, bbox_inches="tight", metadata=METADATA[each.suffix])
    pyplot.close(figure)
    return files
