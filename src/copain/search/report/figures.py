"""The figures of a report, drawn by matplotlib without any display."""

# matplotlib's types leave many keyword arguments open, so that its methods count as unknown.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import io
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from copain.errors import MissingExtra
from copain.games.game import Numbers
from copain.search.report.facts import Facts
from copain.search.report.replay import Went

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_BINS = 240
_BLUE, _ORANGE, _GREEN, _RED, _GREY = "#2f6db3", "#d9822b", "#3c9a5f", "#c0433a", "#b8bec7"
_STYLE: dict[Any, Any] = {
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
    "grid.color": "#e6e8eb", "axes.axisbelow": True, "font.size": 10, "axes.titlesize": 11,
    "axes.titleweight": "bold", "axes.titlelocation": "left", "legend.frameon": False,
}  # fmt: skip

Reals = npt.NDArray[np.float64]


def by_depth(facts: Facts) -> bytes | None:
    """Score and frontier by depth, as a PNG file; None when no line was noted."""
    known = facts.known
    rows = np.flatnonzero(known.noted & (known.parent >= 0))
    if not len(rows):
        return None
    frame, score = known.frame[rows], known.score[rows]
    first, last = int(frame.min()), int(frame.max())
    width = _step(frame) * max(1, -(-(last - first + 1) // (_MOST_BINS * _step(frame))))
    order = np.argsort(frame, kind="stable")
    bins, starts = np.unique((frame[order] - first) // width, return_index=True)
    groups = np.split(score[order], starts[1:])
    at = first + bins * width + (width - 1) / 2
    low, middle, high = np.array([np.percentile(group, (5, 50, 95)) for group in groups]).T
    best = np.maximum.accumulate([int(group.max()) for group in groups])

    with _figure(11, 6) as figure:
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1.4))
        above.fill_between(
            at, low, high, color=_BLUE, alpha=0.18, lw=0, label="5 % to 95 % of lines"
        )
        above.plot(at, middle, color=_BLUE, label="median line")
        above.plot(at, best, color=_ORANGE, ls="--", lw=1.2, label="highest so far")
        way = _way(facts, int(known.best[0]))
        if len(way) > 1:
            above.plot(
                known.frame[way], known.score[way], color="#1b1f24", lw=1.4, label="best line"
            )
        above.set_title(f"Score by depth ({facts.measure})")
        above.set_ylabel(facts.measure)
        above.legend(loc="upper left")
        usual = float(np.percentile(score, 99.8))
        if best[-1] > 2 * abs(usual) > 0:  # such as what a game adds for the goal
            above.set_ylim(min(0.0, float(score.min())), 1.1 * usual)
            above.annotate(
                f"up to {best[-1]:,}", (0.95, 1), (-4, -4), "axes fraction",
                textcoords="offset points", ha="right", va="top",
            )  # fmt: skip
        _thousands(above.yaxis)
        counts = np.array([len(group) for group in groups])
        below.bar(at, counts, width=width, color=_GREEN, linewidth=0)
        below.set_title("Frontier: lines that were kept, by depth")
        unit = "frame" if width == 1 else f"{width} frames"
        below.set_ylabel(f"lines in {unit}")
        below.set_xlabel("depth (frames since power-on)")
        for axis in (below.xaxis, below.yaxis):
            _thousands(axis)
        return _png(figure)


def over_time(facts: Facts) -> bytes | None:
    """Best score, speed, and what became of the states, over time; None when nothing was noted."""
    columns = facts.over_time()
    seconds = columns["seconds"]
    if not len(seconds) or seconds[-1] <= 0:
        return None
    factor, unit = _unit(float(seconds[-1]))
    at = seconds / factor
    # Between two notes there may be few states: several are taken together.
    wanted = np.searchsorted(seconds, np.arange(1, 81) * (float(seconds[-1]) / 80))
    picked: Numbers = np.unique(np.minimum(wanted, len(seconds) - 1))
    ends = np.r_[0.0, at[picked]]

    def gained(name: str) -> Reals:
        return np.diff(np.r_[0.0, columns[name][picked]])

    lasted = np.maximum(np.diff(np.r_[0.0, seconds[picked]]), 1e-9)
    with _figure(11, 8) as figure:
        top, middle, bottom = figure.subplots(3, 1, sharex=True)
        mark = "o" if len(at) < 30 else None
        top.plot(at, columns["score"], color=_ORANGE, marker=mark, ms=3, drawstyle="steps-post")
        top.set_title("Best line")
        top.set_ylabel("points", color=_ORANGE)
        depth = top.twinx()
        depth.plot(at, columns["frame"], color=_BLUE, lw=1, marker=mark, ms=3)
        depth.set_ylabel("depth (frames)", color=_BLUE)
        depth.grid(visible=False)
        middle.stairs(gained("jobs") / lasted, ends, color=_BLUE, label="states (left)")
        middle.set_title("Speed")
        middle.set_ylabel("states / s", color=_BLUE)
        frames = middle.twinx()
        frames.stairs(gained("frames") / lasted, ends, color=_GREEN, ls="--")
        frames.set_ylabel("frames / s", color=_GREEN)
        frames.grid(visible=False)
        for axes in (middle, frames):
            axes.set_ylim(bottom=0)
        jobs = np.maximum(gained("jobs"), 1.0)
        shares = [gained("new") / jobs * 100, gained("deaths") / jobs * 100]
        shares.append(np.maximum(0.0, 100 - shares[0] - shares[1]))
        base = np.zeros(len(jobs))
        names = ("new places", "deaths", "seen before, or cut")
        for share, name, colour in zip(shares, names, (_GREEN, _RED, _GREY), strict=True):
            bottom.stairs(base + share, ends, baseline=base, fill=True, color=colour, label=name)
            base = base + share
        bottom.set_title("What became of the states that were played")
        bottom.set_ylabel("% of states")
        bottom.set_ylim(0, 100)
        bottom.set_xlabel(f"time of the search ({unit})")
        bottom.set_xlim(0, float(at[-1]))
        bottom.legend(loc="upper center", bbox_to_anchor=(0.5, -0.28), ncols=3)
        for axes in (top, depth, middle, frames):
            _thousands(axes.yaxis)
        return _png(figure)


def heat_map(went: Went, best: Went | None) -> bytes:
    """Where lines have been, a map for each stage, and the way of the best one, as a PNG file."""
    from matplotlib.colors import LogNorm
    from matplotlib.ticker import MaxNLocator

    numbers, counted = np.unique(went.stage, return_counts=True)
    # A stage of which only the first frame is seen is no map.
    stages: list[int] = numbers[counted >= 0.01 * counted.max()].tolist()
    sizes = [_extent(went, stage) for stage in stages]
    # As high as it is wide, in the game's own units, but neither flat nor towering.
    heights = [min(7.0, max(1.7, 10 * high / wide)) for _, wide, _, high in sizes]
    with _figure(11, sum(heights) + 0.9 * len(stages)) as figure:
        panels: Any = figure.subplots(len(stages), 1, squeeze=False, height_ratios=heights)
        for axes, stage, (left, wide, top, high) in zip(panels[:, 0], stages, sizes, strict=True):
            here = went.stage == stage
            unit = max(1, -(-max(wide, high) // 320))
            edges = [np.arange(low, low + size + unit, unit) - 0.5 for low, size in
                     ((left, wide), (top, high))]  # fmt: skip
            counts, *_ = np.histogram2d(went.x[here], went.y[here], edges)
            shown = np.ma.masked_equal(counts.T, 0)
            axes.set_facecolor("#101216")
            axes.grid(visible=False)
            heat = axes.pcolormesh(
                *edges, shown, cmap="plasma", norm=LogNorm(0.5, max(2.0, float(counts.max())))
            )
            if best is not None and (best.stage == stage).any():
                way = best.stage == stage
                axes.plot(best.x[way], best.y[way], color="#36c9a5", lw=1.3, label="best line")
                axes.legend(loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0.2)
            axes.invert_yaxis()
            if wide <= 5 * high:
                axes.set_aspect("equal")
            axes.set_title(f"Stage {stage + 1}" if len(stages) > 1 else "Where lines have been")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.yaxis.set_major_locator(MaxNLocator(integer=True))
            axes.set_xlabel("x (units of the game)")
            axes.set_ylabel("y, downwards")
            figure.colorbar(heat, ax=axes, label="frames spent there", pad=0.01)
        return _png(figure)


def _extent(went: Went, stage: int) -> tuple[int, int, int, int]:
    """Left edge and width, top edge and height of what a stage's map shows."""
    here = went.stage == stage
    x, y = went.x[here], went.y[here]
    return int(x.min()), int(np.ptp(x)) + 1, int(y.min()), int(np.ptp(y)) + 1


def _step(frame: Numbers) -> int:
    """How many frames apart most depths are."""
    apart = np.diff(np.unique(frame))
    return int(np.median(apart)) if len(apart) else 1


def _way(facts: Facts, row: int) -> Numbers:
    """The noted rows that lead to this one."""
    known, way = facts.known, list[int]()
    while row >= 0:
        if known.noted[row]:
            way.append(row)
        row = int(known.parent[row])
    return np.array(way[::-1], np.int64)


def _unit(seconds: float) -> tuple[float, str]:
    """The unit in which so long a time is told, and how many seconds it has."""
    units = ((86_400.0, "days"), (3600.0, "hours"), (60.0, "minutes"))
    return next((unit for unit in units if seconds >= 3 * unit[0]), (1.0, "seconds"))


@contextmanager
def _figure(width: float, height: float) -> Generator[Figure]:
    """A figure of so many inches, drawn in one style. Raises MissingExtra without matplotlib."""
    try:
        from matplotlib import rc_context  # pyright: ignore[reportUnknownVariableType]
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtra.needed("a report", "matplotlib", "report") from None
    with rc_context(_STYLE):
        yield Figure(figsize=(width, height), layout="constrained")


def _png(figure: Figure) -> bytes:
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=110, facecolor="white")
    return data.getvalue()


def _thousands(axis: Any) -> None:
    """Numbers with commas."""
    axis.set_major_formatter("{x:,.0f}")
