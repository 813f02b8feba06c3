"""Pictures in the paper's form, as PNG and SVG. matplotlib takes a second to import: only to draw one."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

PALETTE: Final = ("#8a8f98", "#4c9be8", "#1b4f9c", "#e08e3c", "#5aa469", "#8e5ea2", "#c0504d", "#2f2f2f")
METADATA: Final = {".png": {"Software": None}, ".svg": {"Date": None}}  # nothing that changes by itself
DPI: Final = 150

Values = Sequence[float | None]  # one for each group


class Bars(NamedTuple):
    """Grouped bars: what they say, and what stands beside them."""

    title: str
    axes: tuple[str, str]
    groups: Sequence[str]
    bars: Mapping[str, Values]  # by what the bars of one colour are
    published: Mapping[str, Values]  # by the same names: a mark over the bar
    line: tuple[str, float] | None  # what no bar can pass


def draw(file: Path, what: Bars) -> list[Path]:
    """Write the picture in every form; the files. file: without an ending."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "vmdqemu"  # the same numbers give the same file
    from matplotlib import pyplot

    figure, plot = pyplot.subplots(figsize=(7.0, 4.2))
    for place, (name, values) in enumerate(what.bars.items()):
        width = 0.8 / len(what.bars)
        centers = [group + (place + 0.5) * width - 0.4 for group in range(len(what.groups))]
        heights = [value or 0.0 for value in values]
        drawn = plot.bar(centers, heights, width * 0.92, label=name, color=PALETTE[place % len(PALETTE)])
        plot.bar_label(drawn, ["" if value is None else f"{value:.2f}" for value in values], fontsize=8)
        marks = zip(centers, what.published.get(name, ()), strict=False)
        for center, value in marks:
            if value is not None:
                plot.plot(center, value, "D", color="black", markerfacecolor="white", markersize=7)
    if any(what.published.values()):
        plot.plot([], [], "D", color="black", markerfacecolor="white", markersize=7, label="the paper")
    if what.line is not None:
        plot.axhline(what.line[1], color="black", linestyle=":", linewidth=1, label=what.line[0])
    plot.set(title=what.title, xlabel=what.axes[0], ylabel=what.axes[1])
    plot.set_xticks(range(len(what.groups)), what.groups)
    plot.legend(loc="lower right", fontsize=8)
    files = [file.with_suffix(ending) for ending in METADATA]
    for each in files:
        figure.savefig(each, dpi=DPI, bbox_inches="tight", metadata=METADATA[each.suffix])
    pyplot.close(figure)
    return files
