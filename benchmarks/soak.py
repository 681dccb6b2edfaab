"""Soak: many emulators for a long time, one of them killed now and then.

Eight instances play, save, load, read RAM and take pictures; every 20 seconds one is killed with
SIGKILL, and CopainRun starts it again. All through, each checks that the same inputs from
power-on give the same RAM. Reported, and with ``--check`` required:

- ``lost``: runners that do not play at the end: 0; ``restarts``: as many as ``kills``;
- ``python_growth_mb``, ``emulators_growth_mb``: memory (RSS) in the last quarter over that of the
  second one: at most 8 MB, and at most 10 %;
- ``fd_growth``, ``process_growth``, ``thread_growth``, ``folder_growth``: the same of open files,
  processes, threads, and the emulators' private folders: 0;
- ``left_processes``, ``left_folders``: what is left when the run is over: 0.

    python benchmarks/soak.py --minutes 10 [--json] [--save] [--check] [--pace 60]
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

import copain
from copain import HasScreen
from copain.fleet import CopainRun, Run
from copain.games import rom_path

ROOT = Path(__file__).parent.parent
ROUND = 600  # frames from power-on to the check
AT_MOST = {
    "lost": 0, "unequal": 0, "python_growth_mb": 8.0, "emulators_growth_mb": 8.0,
    "python_growth": 0.10, "emulators_growth": 0.10, "fd_growth": 0, "process_growth": 0,
    "thread_growth": 0, "folder_growth": 0, "left_processes": 0, "left_folders": 0,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sample:
    """What the run held at one moment; memory in bytes."""

    seconds: float
    python: int
    emulators: int
    fds: int
    processes: int
    threads: int
    folders: int
    frames: int


class Soak:
    """The run, the killer and the measurements."""

    def __init__(self, rom: copain.Rom, runners: int, pace: float) -> None:
        self.rom, self.runners, self.pace = rom, runners, pace
        self.playing: dict[int, int] = {}  # runner: process
        self.frames = [0] * runners
        self.pictures = self.savestates = self.kills = self.unequal = 0
        self.hashes: set[str] = set()
        self.samples: list[Sample] = []
        self.folders: set[str] = set()
        rng = np.random.default_rng(1)
        menu = copain.Button.START | copain.Button.SELECT
        bits = np.repeat(rng.integers(0, 256, ROUND // 10), 10) & ~int(menu)
        bits[30:40] = copain.Button.START
        self.log = [copain.Joypad.from_bits(int(each)) for each in bits]

    def loop(self, nes: copain.Emulator, run: Run) -> None:
        """Play rounds of the same inputs, with detours, and check the RAM at their end."""
        pid: int = getattr(nes, "pid", None) or 0
        self.playing[run.runner] = pid
        if pid:
            self.folders.add(config_folder(pid))
        began = time.monotonic()
        played = 0
        while not run.stop.is_set():
            nes.power_on()
            for frame in range(ROUND):
                nes.advance(self.log[frame])
                played += 1
                self.frames[run.runner] += 1
                if frame % 50 == 49:  # a detour, undone
                    here = nes.save_state()
                    nes.advance(copain.Joypad(a=True), frames=3)
                    assert nes.ram.read_all().any()
                    if isinstance(nes, HasScreen):
                        assert nes.screen.any()
                        self.pictures += 1
                    nes.load_state(here)
                    if frame % 200 == 199:
                        assert here.payload
                    self.savestates += 1
                if self.pace:
                    ahead = played / self.pace - (time.monotonic() - began)
                    if ahead > 0.02 and run.stop.wait(ahead):
                        return
            found = hashlib.sha1(nes.ram.read_all().tobytes()).hexdigest()
            self.hashes.add(found)
            self.unequal = len(self.hashes) - 1

    def kill(self, every: float, stop: threading.Event) -> None:
        """Kill one runner's emulator after the other."""
        for runner in cycle(range(self.runners)):
            if stop.wait(every):
                return
            pid = self.playing.get(runner)
            if pid:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    self.kills += 1

    def measure(self, every: float, began: float, stop: threading.Event) -> None:
        """Take a sample now and then."""
        while not stop.wait(every):
            self.samples.append(self.sample(time.monotonic() - began))

    def run(self, minutes: float, kill_every: float, emulator: str) -> dict[str, Any]:
        """Soak, and what was found."""
        began = time.monotonic()
        over = threading.Event()
        others = [
            threading.Thread(target=self.kill, args=(kill_every, over), daemon=True),
            threading.Thread(target=self.measure, args=(1.0, began, over), daemon=True),
        ]
        run = CopainRun(
            self.rom, self._tracked, runners=self.runners, emulator=emulator, restarts=None
        )
        at_end: dict[str, int] = {}

        def end() -> None:
            over.wait(minutes * 60)
            over.set()
            for other in others:
                other.join()
            time.sleep(3)  # who was killed last is to be back
            before = list(self.frames)
            time.sleep(3)
            at_end["lost"] = sum(a == b for a, b in zip(before, self.frames, strict=True))
            run.stop()

        threading.Thread(target=end, daemon=True).start()
        for other in others:
            other.start()
        try:
            outcome = run.run()
        finally:
            over.set()
        seconds = time.monotonic() - began
        time.sleep(0.5)
        return {
            "lost": at_end.get("lost", self.runners),
            "unequal": self.unequal,
            "rounds_checked": sum(self.frames) // ROUND,
            "kills": self.kills,
            "restarts": sum(outcome.restarts),
            "seconds": round(seconds, 1),
            "frames": sum(self.frames),
            "frames_per_second": round(sum(self.frames) / seconds),
            "savestates": self.savestates,
            "pictures": self.pictures,
            **self._growth(),
            "left_processes": len(emulator_processes()),
            "left_folders": self.folders_there(),
        }

    def _tracked(self, nes: copain.Emulator, run: Run) -> None:
        try:
            self.loop(nes, run)
        finally:
            self.playing.pop(run.runner, None)

    def sample(self, seconds: float) -> Sample:
        """What this process and its emulators hold now."""
        emulators = emulator_processes()
        return Sample(
            seconds=round(seconds, 1),
            python=rss(os.getpid()),
            emulators=sum(rss(pid) for pid in emulators),
            fds=len(os.listdir("/proc/self/fd")),  # noqa: PTH208
            processes=len(emulators),
            threads=threading.active_count(),
            folders=self.folders_there(),
            frames=sum(self.frames),
        )

    def folders_there(self) -> int:
        """How many of all the emulators' private folders exist."""
        return sum(Path(folder).exists() for folder in list(self.folders))

    def _growth(self) -> dict[str, float]:
        """The last quarter of the samples over the second one; medians, so that the moment of a
        kill does not count.
        """
        count = len(self.samples)
        second, last = self.samples[count // 4 : count // 2], self.samples[3 * count // 4 :]
        growth: dict[str, float] = {}
        for name in ("python", "emulators", "fds", "processes", "threads", "folders"):
            early = statistics.median(getattr(each, name) for each in second)
            late = statistics.median(getattr(each, name) for each in last)
            if name in ("python", "emulators"):
                growth[f"{name}_mb"] = round(late / 1e6, 1)
                growth[f"{name}_growth_mb"] = round((late - early) / 1e6, 2)
                growth[f"{name}_growth"] = round(late / early - 1, 4) if early else 0.0
            else:
                single = {"fds": "fd", "processes": "process", "threads": "thread",
                          "folders": "folder"}[name]  # fmt: skip
                growth[name] = late
                growth[f"{single}_growth"] = late - early
        return growth


def rss(pid: int) -> int:
    """Resident bytes of a process; 0 when it is gone."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def emulator_processes() -> list[int]:
    """The processes that this one launched, but for the guard and the like (Python's)."""
    found: list[int] = []
    for task in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):
            for child in (task / "children").read_text().split():
                with suppress(FileNotFoundError, ProcessLookupError):
                    name = Path(f"/proc/{child}/comm").read_text().strip()
                    if not name.startswith("python"):
                        found.append(int(child))
    return found


def config_folder(pid: int) -> str:
    """The private folder that FCEUX was given."""
    settings = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    (found,) = [each for each in settings if each.startswith(b"FCEUX_CONFIG_DIR=")]
    return os.fsdecode(found.partition(b"=")[2])


def main() -> int:
    """Soak, print, and save if asked to."""
    parser = argparse.ArgumentParser(description="Many emulators for a long time.")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--runners", type=int, default=8)
    parser.add_argument("--kill-every", type=float, default=20, help="seconds (default 20)")
    parser.add_argument("--emulator", default="fceux")
    parser.add_argument("--rom", type=Path, default=rom_path("alouette"))
    parser.add_argument(
        "--pace", type=float, default=0, help="frames a second of each (default: all there are)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of lines")
    parser.add_argument("--save", action="store_true", help="write to benchmarks/results/")
    parser.add_argument("--check", action="store_true", help="fail when something was lost")
    arguments = parser.parse_args()
    soak = Soak(copain.Rom.read(arguments.rom), arguments.runners, arguments.pace)
    figures = soak.run(arguments.minutes, arguments.kill_every, arguments.emulator)
    missed = [name for name, most in AT_MOST.items() if figures[name] > most]
    if figures["restarts"] != figures["kills"]:
        missed.append("restarts")
    report: dict[str, Any] = {
        "minutes": arguments.minutes,
        "runners": arguments.runners,
        "kill_every": arguments.kill_every,
        "pace": arguments.pace,
        "emulator": arguments.emulator,
        "rom": arguments.rom.name,
        "machine": machine(),
        "commit": commit(),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "results": figures,
        "at_most": AT_MOST,
        "missed": missed,
    }  # fmt: skip
    if arguments.json:
        print(json.dumps(report, indent=2))
    else:
        print("\n".join(f"{name:22} {value}" for name, value in figures.items()))
        print("missed: " + (", ".join(missed) or "nothing"))
    if arguments.save:
        path = ROOT / "benchmarks" / "results" / f"soak-{report['date'][:10]}.json"
        path.parent.mkdir(exist_ok=True)
        report["samples"] = [
            asdict(each) for each in soak.samples[:: max(1, len(soak.samples) // 60)]
        ]
        path.write_text(json.dumps(report, indent=2) + "\n")
        print(f"written to {path.relative_to(ROOT)}", file=sys.stderr)
    return 1 if arguments.check and missed else 0


def machine() -> dict[str, str | int]:
    """What this machine is."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": models[0] if models else platform.processor(),
        "cores": os.cpu_count() or 0,
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": platform.python_version(),
    }


def commit() -> str:
    """The commit that was measured, or nothing outside of a repository."""
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True
    )
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
