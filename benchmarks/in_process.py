"""How fast the in-process emulator is, against a C loop of the same core.

Everything is measured in one run, in short turns one after the other, and given as medians of
the turns' ratios, so that a busy machine slows both sides alike:

- ``advance_ratio``: one Python call a frame and one byte of RAM read, over the same in C;
- ``rollout_ratio``: batches of 512 jobs (load, 4 frames, RAM, save) on one thread, over the
  same in C;
- ``threads2_ratio``: the same batches on two threads, over one thread;
- ``stable_retro_ratio``: `advance` and `screen` on every frame, over stable-retro's `env.step`
  with its picture, on the same core (FCEUmm) and ROM;
- ``further_instance_mb``: memory that one more FCEUmm takes in a process;
- ``open_seconds``: from `copain.open` to the first frame, in a fresh process.

    python benchmarks/in_process.py [--json] [--save] [--check] [--turns N]

``--save`` writes the figures to benchmarks/results/ with machine, commit and date; with
``--check`` a missed target is exit status 1.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt
from measuring import circumstances, ratio, save, some_inputs, take_turns

import copain
from copain import _native
from copain.backends.libretro import LibretroEmulator, LibretroFleet

CORES = ("fceumm", "nestopia")
RAM, ADDRESS = 2, 0x20
FRAMES = 150  # in a turn of `advance`
JOBS, FRAMES_A_JOB = 512, 4
AT_LEAST = {
    "advance_ratio": 0.93,
    "rollout_ratio": 0.95,
    "threads2_ratio": 1.85,
    "stable_retro_ratio": 1.3,
}
AT_MOST = {"further_instance_mb": 4.0, "open_seconds": 0.2}

Figures = dict[str, float]


def main() -> int:
    """Measure, print, and save if asked to."""
    parser = argparse.ArgumentParser(description="How fast the in-process emulator is.")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--save", action="store_true", help="write to benchmarks/results/")
    parser.add_argument("--check", action="store_true", help="fail when a target is missed")
    parser.add_argument("--turns", type=int, default=31, help="turns of each (default 31)")
    parser.add_argument("--rom", type=Path, help="an NES ROM (default: Alouette, or Debian's efp)")
    arguments = parser.parse_args()
    rom = arguments.rom or find_rom()
    results: dict[str, Figures] = {}
    for core in CORES:
        results[core] = measure(rom, core, arguments.turns)
    missed = [
        f"{core}: {name} is {value:.3f}"
        for core, figures in results.items()
        for name, value in figures.items()
        if value < AT_LEAST.get(name, value) or value > AT_MOST.get(name, value)
    ]
    report: dict[str, Any] = {
        "rom": rom.name,
        "rom_sha1": hashlib.sha1(rom.read_bytes()).hexdigest(),
        "turns": arguments.turns,
        **circumstances(),
        "results": {
            core: {name: round(value, 4) for name, value in figures.items()}
            for core, figures in results.items()
        },
        "targets": {"at_least": AT_LEAST, "at_most": AT_MOST},
        "missed": missed,
    }
    print(json.dumps(report, indent=2) if arguments.json else table(report))
    if arguments.save:
        save("in_process", report)
    return 1 if arguments.check and missed else 0


def measure(rom: Path, core: str, turns: int) -> Figures:
    """All figures of one core."""
    with open_libretro(rom, core) as emulator:
        for _ in range(60):
            emulator.advance()
        contestants = [*advances(emulator), *rollouts(emulator)]
        retro = None
        if core == "fceumm" and (retro := StableRetro.open(rom)) is not None:
            contestants += [pictures(emulator), ("stable_retro", retro.play)]
        speeds = take_turns(contestants, turns)
        if retro is not None:
            retro.close()
    figures = {f"{name}_fps": statistics.median(of) for name, of in speeds.items()}
    for name, over, under in (
        ("advance_ratio", "advance", "c_advance"),
        ("rollout_ratio", "rollout", "c_rollout"),
        ("threads2_ratio", "rollout_2_threads", "rollout"),
        ("stable_retro_ratio", "pictures", "stable_retro"),
    ):
        if over in speeds and under in speeds:
            figures[name] = ratio(speeds, over, under)
    if core == "fceumm":
        figures["further_instance_mb"] = in_fresh_process(memory_of_a_further_instance, rom, core)
    figures["open_seconds"] = statistics.median(
        in_fresh_process(seconds_to_the_first_frame, rom, core) for _ in range(5)
    )
    return figures


def advances(emulator: LibretroEmulator) -> list[tuple[str, Callable[[], int]]]:
    """A frame and a byte, called from Python and in C: the same inputs from the same savestate."""
    start = emulator.save_state()
    log = some_inputs((FRAMES, 2))
    # Copain's Joypads for Python; the native loop takes the bits they stand for.
    held = [
        copain.FrameInput((copain.Joypad.from_bits(int(one)), copain.Joypad.from_bits(int(two))))
        for one, two in log
    ]

    def in_python() -> int:
        emulator.load_state(start)
        ram = emulator.ram
        total = 0
        for each in held:
            emulator.advance(each)
            total += ram[ADDRESS]
        return FRAMES

    def in_c() -> int:
        emulator.load_state(start)
        _native.time_advance(emulator.native, log, RAM, ADDRESS)
        return FRAMES

    return [("c_advance", in_c), ("advance", in_python)]


def rollouts(emulator: LibretroEmulator) -> list[tuple[str, Callable[[], int]]]:
    """Batches through fleets of one and of two threads, and in C."""
    states = [emulator.save_state()]
    for _ in range(7):
        emulator.advance(frames=20)
        states.append(emulator.save_state())
    inputs = some_inputs((JOBS, FRAMES_A_JOB, 2))
    parents = np.arange(JOBS, dtype=np.int32) % len(states)
    payloads = [state.payload for state in states]

    def in_c() -> int:
        _native.time_rollout(emulator.native, payloads, parents, inputs)
        return JOBS * FRAMES_A_JOB

    def on_threads(fleet: LibretroFleet) -> Callable[[], int]:
        pool = fleet.new_pool(len(states) + JOBS)
        slots = np.array([pool.put(state) for state in states], np.int32)

        def play() -> int:
            batch = fleet.rollout(pool, slots[parents], inputs)
            pool.free(batch.slots)
            return JOBS * FRAMES_A_JOB

        return play

    return [
        ("c_rollout", in_c),
        ("rollout", on_threads(emulator.open_fleet(1))),
        ("rollout_2_threads", on_threads(emulator.open_fleet(2))),
    ]


def pictures(emulator: LibretroEmulator) -> tuple[str, Callable[[], int]]:
    """`advance` and `screen` on every frame."""
    start = emulator.save_state()
    held = [copain.Joypad.from_bits(int(bits)) for bits in some_inputs((FRAMES, 1))[:, 0]]

    def play() -> int:
        emulator.load_state(start)
        for each in held:
            emulator.advance(each)
            _ = emulator.screen
        return FRAMES

    return "pictures", play


class StableRetro:
    """The same ROM in stable-retro, as an integration of a game that knows nothing of its RAM."""

    def __init__(self, env: Any, folder: Path) -> None:
        """Use `open`."""
        self._env = env
        self._folder = folder
        chance = np.random.default_rng(1)
        self._actions: list[npt.NDArray[np.int8]] = [
            chance.integers(0, 2, env.action_space.shape, dtype=np.int8) for _ in range(FRAMES)
        ]
        env.reset()

    @classmethod
    def open(cls, rom: Path) -> StableRetro | None:
        """The game in stable-retro; None, with a word on standard error, where it is missing."""
        try:
            import stable_retro  # pyright: ignore[reportMissingTypeStubs]
        except ImportError:
            print("stable-retro is not installed: pip install 'copain[cores]'", file=sys.stderr)
            return None
        retro: Any = stable_retro
        folder = Path(tempfile.mkdtemp(prefix="copain-bench-"))
        game = folder / "Copain-Nes"
        game.mkdir()
        shutil.copy(rom, game / "rom.nes")
        (game / "rom.sha").write_text(hashlib.sha1(rom.read_bytes()).hexdigest() + "\n")
        (game / "data.json").write_text('{"info": {}}')
        (game / "scenario.json").write_text("{}")
        (game / "metadata.json").write_text("{}")
        retro.data.Integrations.add_custom_path(str(folder))
        env = retro.make(
            "Copain-Nes",
            state=retro.State.NONE,
            inttype=retro.data.Integrations.ALL,
            use_restricted_actions=retro.Actions.ALL,
            render_mode="rgb_array",
        )
        return cls(env, folder)

    def play(self) -> int:
        """`env.step` with its picture."""
        step = self._env.step
        for action in self._actions:
            step(action)
        return FRAMES

    def close(self) -> None:
        """End it and remove its folder."""
        self._env.close()
        shutil.rmtree(self._folder)


def in_fresh_process(function: Callable[[Path, str], float], rom: Path, core: str) -> float:
    """What `function` gives in a process of its own."""
    command = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        f"import in_process, pathlib\n"
        f"print(in_process.{function.__name__}(pathlib.Path({str(rom)!r}), {core!r}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", command], check=True, stdout=subprocess.PIPE, text=True
    )
    return float(done.stdout)


def memory_of_a_further_instance(rom: Path, core: str) -> float:
    """Megabytes that each of eight more instances takes, a hundred frames played in each."""

    def another() -> LibretroEmulator:
        emulator = open_libretro(rom, core)
        emulator.advance(frames=100)
        _ = emulator.screen
        return emulator

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    emulators = [another()]
    before = resident()
    emulators += [another() for _ in range(8)]
    taken = resident() - before
    for emulator in emulators:
        emulator.close()
    return taken / 8 / 2**20


def seconds_to_the_first_frame(rom: Path, core: str) -> float:
    """From `copain.open` to the first frame."""
    start = perf_counter()
    with copain.open(rom, core=core) as emulator:
        emulator.advance()
        return perf_counter() - start


def open_libretro(rom: Path, core: str) -> LibretroEmulator:
    """The emulator that is measured."""
    emulator = copain.open(rom, emulator="libretro", core=core)
    assert isinstance(emulator, LibretroEmulator)
    return emulator


def find_rom() -> Path:
    """Alouette, or the NES game of Debian's package efp."""
    alouette = Path(copain.__file__).parent / "games" / "alouette" / "alouette.nes"
    for rom in (alouette, Path("/usr/share/nes/efp.nes"), Path(sys.prefix, "share/nes/efp.nes")):
        if rom.is_file():
            return rom
    raise SystemExit("no NES game: name one with --rom")


def table(report: dict[str, Any]) -> str:
    """The report for people."""
    lines = [
        f"{report['rom']}, commit {report['commit']}, {report['machine']['processor']}, "
        f"{report['machine']['cores']} cores, medians of {report['turns']} turns",
        f"{'':24}" + "".join(f"{core:>12}" for core in report["results"]) + f"{'target':>12}",
    ]
    names = {name: None for figures in report["results"].values() for name in figures}
    for name in names:
        values = [figures.get(name) for figures in report["results"].values()]
        target = (
            f">= {AT_LEAST[name]}"
            if name in AT_LEAST
            else f"<= {AT_MOST[name]}"
            if name in AT_MOST
            else ""
        )
        digits = 0 if name.endswith("_fps") else 3
        row = "".join(f"{'-' if v is None else f'{v:.{digits}f}':>12}" for v in values)
        lines.append(f"{name:24}{row}{target:>12}")
    lines += [f"missed: {miss}" for miss in report["missed"]]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
