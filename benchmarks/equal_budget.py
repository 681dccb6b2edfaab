"""What each algorithm makes of equally many frames: the best score on Alouette's second stage.

All emulated frames count, those from power-on to the stage among them; proving the result does
not. A run goes on when the stage is cleared, until its frames are used up: brute force begins
anew with its next seed. Settings were chosen on the first stage (``--tune``), the report is of
the second. Five seeds for those that draw random numbers; five starts for beam and polish, which
draw none: before the search begins the lark flies 16 frames in one direction, or none.

One row a run, in ``runs/equal-budget/``: what is there is not run again, so that the command can
be stopped at any time. Frames are the budget, not seconds: the machine may be busy.

    python benchmarks/equal_budget.py [--tune] [--processes N] [--only NAME ...] [--save]
"""

# matplotlib's types leave many keyword arguments open, so that its methods count as unknown.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
from measuring import ROOT, circumstances, save

import copain
from copain import Emulator, FrameInput, Joypad
from copain.games import rom_path
from copain.games.alouette.game import Alouette
from copain.search import (
    Beam,
    BruteForce,
    Found,
    GoExplore,
    Objective,
    Points,
    Polish,
    Preferred,
    Progress,
    RandomSearch,
    beam,
    brute_force,
    go_explore,
    polish,
    random_search,
)

BUDGET, TRIED_BUDGET = 2_000_000, 400_000
"""Frames of a run that is reported, and of one that tries a setting."""
RUNS = 5
TUNED_ON, REPORTED_ON = 1, 2
"""The stages."""
FOREVER = 1 << 40
_FLOWN = ((), ("up",), ("down",), ("left",), ("right",))
_FLOWN_FRAMES = 16

Config = RandomSearch | BruteForce | Beam | GoExplore


@dataclass(frozen=True, slots=True)
class Setting:
    """A search; whether it goes by the game's preference (in which 100 points are worth 1) instead
    of the points alone; and how what it finds is polished with the second half of the frames.
    """

    search: Config
    liked: bool = False
    polish: Polish | None = None


def _settings() -> dict[str, list[Setting]]:
    """All that was tried on the first stage; the first of each is the one that was chosen."""
    random = RandomSearch(linger=FOREVER)
    force = BruteForce()
    explore = GoExplore(linger=FOREVER)
    wide, half = Beam(width=72, action_repeat=8), Beam(width=36, action_repeat=8)
    finely = Polish(action_repeat=4)
    return {
        "random": [
            Setting(random),
            Setting(replace(random, action_repeat=8)),
            Setting(replace(random, sticky=0.95)),
        ],
        "brute force": [
            Setting(replace(force, lines=16)),
            Setting(force),
            Setting(replace(force, action_repeat=4)),
        ],
        "brute force, nothing preferred": [
            Setting(replace(force, preferred=False, lines=16)),
            Setting(replace(force, preferred=False)),
            Setting(replace(force, preferred=False, action_repeat=4)),
        ],
        "beam": [
            Setting(replace(wide, per_cell=2), liked=True),
            Setting(wide, liked=True),
            Setting(replace(wide, action_repeat=4), liked=True),
            Setting(wide),
            Setting(replace(wide, action_repeat=4)),
            Setting(replace(wide, per_cell=2)),
            Setting(replace(wide, per_cell=8)),
        ],
        "Go-Explore": [
            Setting(replace(explore, promise=100.0), liked=True),
            Setting(explore, liked=True),
            Setting(explore),
            Setting(replace(explore, action_repeat=8)),
            Setting(replace(explore, promise=100.0)),
            Setting(replace(explore, explore=24, sticky=0.9)),
        ],
        "beam, then polish": [
            Setting(replace(half, per_cell=2), liked=True, polish=finely),
            Setting(half, liked=True, polish=finely),
            Setting(half, polish=finely),
            Setting(half, polish=replace(finely, action_repeat=8, window=96)),
            Setting(replace(half, per_cell=2), polish=finely),
        ],
    }


SETTINGS = _settings()


@dataclass(slots=True)
class Curve:
    """The points won so far over frames: where they rose, never beyond the budget."""

    budget: int
    begun_with: int
    before: int = 0
    rises: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    cleared: int | None = None

    @property
    def best(self) -> int:
        """The most points."""
        return self.rises[-1][1] if self.rises else 0

    def watch(self, at: Progress) -> None:
        """Take note of what a search is at."""
        frames, score = self.before + at.frames, at.best_score - self.begun_with
        if frames > self.budget:
            return
        if at.won and self.cleared is None:
            self.cleared = frames
        if score > self.best:
            self.rises.append((frames, score))


def main() -> int:
    """Run what is missing, print the table, and save it if asked to."""
    parser = argparse.ArgumentParser(description="The best score of each algorithm, equal frames.")
    parser.add_argument(
        "--tune", action="store_true", help="all settings, once, on the first stage"
    )
    parser.add_argument(
        "--frames", type=int, help=f"of a run ({BUDGET}, or {TRIED_BUDGET} to tune)"
    )
    parser.add_argument("--runs", type=int, default=RUNS, help=f"of each (default {RUNS})")
    parser.add_argument("--processes", type=int, default=2, help="runs at once (default 2)")
    parser.add_argument("--only", nargs="*", choices=SETTINGS, default=list(SETTINGS), help="which")
    parser.add_argument(
        "--folder", type=Path, default=Path("runs/equal-budget"), help="of the rows"
    )
    parser.add_argument("--save", action="store_true", help="write to benchmarks/results/")
    arguments = parser.parse_args()
    around = circumstances()
    budget = arguments.frames or (TRIED_BUDGET if arguments.tune else BUDGET)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    if arguments.tune:
        stage, runs = TUNED_ON, 1
        tried = {name: range(len(SETTINGS[name])) for name in arguments.only}
    else:
        stage, runs = REPORTED_ON, arguments.runs
        tried = {name: range(1) for name in arguments.only}
    jobs = [
        (name, setting, number, stage, budget)
        for number in range(runs)
        for name in arguments.only
        for setting in tried[name]
    ]
    rows = run_all(jobs, arguments.folder, arguments.processes)
    print(table(rows))
    if arguments.save and not arguments.tune:
        tuned = [json.loads(path.read_text()) for path in sorted(arguments.folder.glob("stage1-*"))]
        report: dict[str, Any] = {
            **around,
            "budget": budget,
            "stage": stage,
            "runs": runs,
            **summary(rows, tuned),
        }
        save("equal_budget", report)
        draw(report, ROOT / "benchmarks" / "results" / f"equal_budget-{report['date'][:10]}.png")
    return 0


Job = tuple[str, int, int, int, int]
Row = dict[str, Any]


def run_all(jobs: Sequence[Job], folder: Path, processes: int) -> list[Row]:
    """The rows of all jobs, of which those that are in the folder are not run again."""
    missing = [job for job in jobs if not row_path(folder, job).exists()]
    with ProcessPoolExecutor(processes) as pool:
        running = {pool.submit(run, *job): job for job in missing}
        for finished in as_completed(running):
            row, path = finished.result(), row_path(folder, running[finished])
            partial = path.with_suffix(".partial")
            partial.write_text(json.dumps(row) + "\n")
            partial.replace(path)
            print(
                f"{path.stem}: {row['score']} points, {row['frames']:,} frames, "
                f"{row['processor_seconds']:.0f} s of a processor",
                file=sys.stderr, flush=True,
            )  # fmt: skip
    return [json.loads(row_path(folder, job).read_text()) for job in jobs]


def row_path(folder: Path, job: Job) -> Path:
    """Where the row of a job is; another setting or budget has another name."""
    name, setting, number, stage, frames = job
    words = f"{name}-{_told(SETTINGS[name][setting])}".replace(", ", "-").replace(" ", "_")
    return folder / f"stage{stage}-{frames}-{words}-{number}.json"


def run(name: str, setting: int, number: int, stage: int, budget: int) -> Row:
    """One run: what it found, and how the score rose."""
    began = process_time()
    chosen = SETTINGS[name][setting]
    config = chosen.search
    if isinstance(config, Beam):  # as wide as lets it come to the stage's end
        config = replace(config, width=max(1, config.width * budget // BUDGET))
    game = Alouette(first_stage=stage, last_stage=stage)
    if isinstance(config, Beam):
        flown = FrameInput((Joypad.of(*_FLOWN[number]),))
        game.start = (*game.start, (flown, _FLOWN_FRAMES))
    with opened() as emulator:
        copain.rollout(emulator, emulator.save_state(), game.start_log(emulator.system.ports))
        begun_with = int(game.score(emulator.ram.read_all()))
    curve = Curve(budget, begun_with)
    wish = Preferred(game) if chosen.liked else Points(game)
    if chosen.polish is None:
        found = search_until(budget, wish, config, number, curve)
    else:
        first = search_until(budget // 2, wish, config, number, curve)
        curve.before = first.progress.frames
        left = replace(chosen.polish, frames=budget - curve.before)
        found = polish(opened, first.movie, Points(game), left, workers=1, on_progress=curve.watch)
    return {
        "algorithm": name, "settings": _told(SETTINGS[name][setting]), "run": number,
        "stage": stage, "budget": budget, "frames": curve.before + found.progress.frames,
        "score": curve.best,
        "cleared_after": curve.cleared, "rises": curve.rises, "begun_with": begun_with,
        "last_line": {"score": found.score - begun_with, "frames": found.line.frames},
        "processor_seconds": round(process_time() - began, 1),
    }  # fmt: skip


def opened() -> Emulator:
    """A new emulator."""
    return copain.open(rom_path("alouette"), emulator="colibri")


def search_until(budget: int, wish: Objective, config: Config, number: int, curve: Curve) -> Found:
    """Search until the frames are used up; brute force, which ends when it won, again and again."""
    left = budget - curve.before
    if isinstance(config, Beam):
        config = replace(config, frames=left)
        return beam(opened, wish, config, workers=1, on_progress=curve.watch)
    if isinstance(config, GoExplore):
        config = replace(config, seed=number, frames=left)
        return go_explore(opened, wish, config, workers=1, on_progress=curve.watch)
    if isinstance(config, RandomSearch):
        config = replace(config, seed=number, frames=left)
        return random_search(opened, wish, config, workers=1, on_progress=curve.watch)
    seed = number * 1000
    while True:
        config = replace(config, seed=seed, frames=budget - curve.before)
        found = brute_force(opened, wish, config, workers=1, on_progress=curve.watch)
        if curve.before + found.progress.frames >= budget:
            return found
        curve.before += found.progress.frames
        seed += 1


def _told(setting: Setting) -> str:
    """What of a setting is not the default."""
    parts: list[str] = []
    for config in (setting.search, setting.polish):
        if config is None:
            continue
        plain, mine = type(config)(), asdict(config)
        told = {
            name: value
            for name, value in mine.items()
            if value != getattr(plain, name) and name != "linger"
        }
        parts.append(", ".join(f"{name}={value}" for name, value in told.items()) or "defaults")
    if setting.liked:
        parts[0] += ", by preference"
    return ", polish ".join(parts)


def summary(rows: Sequence[Row], tuned: Sequence[Row]) -> dict[str, Any]:
    """What is kept of the rows: final scores, and median and range over frames."""
    results: dict[str, Any] = {}
    for name in dict.fromkeys(row["algorithm"] for row in rows):
        mine = [row for row in rows if row["algorithm"] == name]
        at = [mine[0]["budget"] * step // 200 for step in range(201)]
        scores = np.array([[score_at(row, frames) for frames in at] for row in mine])
        results[name] = {
            "settings": mine[0]["settings"],
            "scores": [row["score"] for row in mine],
            "median": statistics.median(row["score"] for row in mine),
            "cleared_after": [row["cleared_after"] for row in mine],
            "processor_seconds": [row["processor_seconds"] for row in mine],
            "over_frames": {
                "frames": at,
                "least": scores.min(axis=0).tolist(),
                "median": np.median(scores, axis=0).tolist(),
                "most": scores.max(axis=0).tolist(),
            },
        }
    kept = ("algorithm", "settings", "budget", "score", "cleared_after")
    tried = [{name: row[name] for name in kept} for row in tuned]
    return {"results": results, "tried_on_stage_1": tried}


def score_at(row: Row, frames: int) -> int:
    """The best score of a run after so many frames."""
    return max((score for when, score in row["rises"] if when <= frames), default=0)


def table(rows: Sequence[Row]) -> str:
    """The rows for people: an algorithm with its settings a line."""
    lines = [
        "| algorithm | settings | median | least | most | cleared, of | first cleared after |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    for name, settings in dict.fromkeys((row["algorithm"], row["settings"]) for row in rows):
        mine = [row for row in rows if (row["algorithm"], row["settings"]) == (name, settings)]
        scores = [row["score"] for row in mine]
        cleared = [row["cleared_after"] for row in mine if row["cleared_after"] is not None]
        first = f"{statistics.median(cleared):,.0f} frames" if cleared else ""
        lines.append(
            f"| {name} | {settings} | {statistics.median(scores):,.0f} | {min(scores):,} | "
            f"{max(scores):,} | {len(cleared)} of {len(mine)} | {first} |"
        )
    return "\n".join(lines)


def draw(report: dict[str, Any], path: Path) -> None:
    """The score over frames: median and range of each algorithm."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 5.6), layout="constrained")
    axes = figure.subplots()
    colours = ("#8a929c", "#d9822b", "#e3b77b", "#2f6db3", "#3c9a5f", "#7a4fa3")
    for (name, result), colour in zip(report["results"].items(), colours, strict=False):
        over = result["over_frames"]
        frames = [each / 1e6 for each in over["frames"]]
        axes.fill_between(frames, over["least"], over["most"], color=colour, alpha=0.15, lw=0)
        axes.plot(frames, over["median"], color=colour, label=name)
    axes.set_xlim(0, report["budget"] / 1e6)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("frames emulated (millions)")
    axes.set_ylabel("best score so far (points won in the stage)")
    axes.set_title(
        f"Alouette, stage {report['stage']}: median and range of {report['runs']} runs", loc="left"
    )
    axes.grid(color="#e6e8eb")
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5))
    figure.savefig(path, dpi=110)
    print(f"written to {path.relative_to(ROOT)}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
