"""What the benchmarks share: turns, and what is said of the machine, the commit and the date."""

from __future__ import annotations

import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt

import copain

ROOT = Path(__file__).parent.parent

Contestant = tuple[str, Callable[[], int]]
"""A name, and a function that plays and says how many frames it was."""


def take_turns(contestants: Sequence[Contestant], turns: int) -> dict[str, list[float]]:
    """Frames a second of each contestant, turn by turn; the first turn is for warming up."""
    speeds: dict[str, list[float]] = {name: [] for name, _ in contestants}
    for turn in range(turns + 1):
        # Forwards and backwards, so that nobody always comes after the same other.
        for name, play in contestants if turn % 2 else contestants[::-1]:
            start = perf_counter()
            frames = play()
            if turn > 0:
                speeds[name].append(frames / (perf_counter() - start))
    return speeds


def ratio(speeds: dict[str, list[float]], over: str, under: str) -> float:
    """The median of the turns' ratios."""
    return statistics.median(a / b for a, b in zip(speeds[over], speeds[under], strict=True))


def some_inputs(shape: tuple[int, ...]) -> npt.NDArray[np.uint16]:
    """Buttons at random, of those that all emulators know."""
    buttons = sum(copain.Button.__members__[name] for name in ("A", "B", "UP", "DOWN", "LEFT"))
    return np.random.default_rng(1).integers(0, 2**16, shape, dtype=np.uint16) & np.uint16(buttons)


def circumstances() -> dict[str, Any]:
    """Machine, commit, date and load, for a report."""
    return {
        "machine": machine(),
        "commit": commit(),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "load_before": [round(load, 2) for load in os.getloadavg()],
    }


def machine() -> dict[str, str | int]:
    """What this machine is."""
    name = platform.processor()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), name)
    return {
        "processor": name,
        "cores": os.cpu_count() or 0,
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def commit() -> str:
    """The commit that is measured, with a plus if files have changed since."""
    try:
        name = git("rev-parse", "--short", "HEAD")
        changed = git("status", "--porcelain", "--", "native", "src", "CMakeLists.txt")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return name + ("+" if changed else "")


def git(*arguments: str) -> str:
    """What git answers."""
    done = subprocess.run(
        ["git", "-C", str(ROOT), *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def save(name: str, report: dict[str, Any]) -> None:
    """Write a report to benchmarks/results/."""
    folder = ROOT / "benchmarks" / "results"
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}-{report['date'][:10]}.json"
    path.write_text(json.dumps(report, indent=2) + "\n")
    print(f"written to {path.relative_to(ROOT)}", file=sys.stderr)
