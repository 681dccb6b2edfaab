"""How much of MAME's speed is left in Python: ``python benchmarks/mame.py --json``.

What copain is compared with is a pure Lua loop (benchmarks/mame_loop.lua) in the same MAME, from
the same savestate, with the same inputs and reads, in turns; no other MAME runs meanwhile. Figures
are medians of turns. On a virtual machine the host may take a CPU away (steal): of all turns the
half counts in which it took least, whatever they say.

- lockstep_ratio: a frame with input and 2 KB of RAM back, by ``advance`` and ``ram.read_all``; the
  loop's time over ours. Within ``on_one_cpu()``; lockstep_free_ratio is without.
- rollout_ratio: rollouts of 600 frames that watch 64 bytes after each frame.
- loop_ratio: the loop in a MAME without copain over the same in copain's: what is compared with
  is no slower for being there.
- two_instances_ratio: frames of two instances on two threads over those of one, by rollouts;
  two_loops_ratio is the same with the pure Lua loop: what the machine has to give.
- save_ms, load_ms: a savestate and its load, waited for; frame_ms beside them.
- start_seconds: ``copain.open`` to the end of the first frame.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np

import copain
from copain.backends.mame import MameEmulator
from copain.backends.mame_start import find_mame
from copain.games import rom_path
from copain.savestate import Savestate
from copain.system import NES
from copain.testing import random_inputs

HERE = Path(__file__).parent
LOOP = HERE / "mame_loop.lua"
BLOCK, ROLLOUT, STATES = 200, 600, 40
TARGETS = {"lockstep_ratio": 0.85, "rollout_ratio": 0.95, "two_instances_ratio": 1.7}


class Plain:
    """MAME with benchmarks/mame.lua in it."""

    def __init__(self, rom: Path, folder: Path) -> None:
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        environment = os.environ | {
            "COPAIN_READ": f"/dev/fd/{theirs_in}", "COPAIN_WRITE": f"/dev/fd/{theirs_out}",
            "COPAIN_LOOP": str(LOOP), "SDL_VIDEODRIVER": "dummy", "SDL_AUDIODRIVER": "dummy",
            "HOME": str(folder),
        }  # fmt: skip
        self._process = subprocess.Popen(
            [find_mame(), "nes", "-cart", str(rom), "-video", "none", "-sound", "none",
             "-nothrottle", "-skip_gameinfo", "-noreadconfig", "-noplugins", "-snapview", "native",
             "-homepath", str(folder), "-cfg_directory", str(folder), "-nvram_directory",
             str(folder), "-autoboot_delay", "0", "-autoboot_script", str(HERE / "mame.lua")],
            env=environment, pass_fds=(theirs_in, theirs_out),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(theirs_in)
        os.close(theirs_out)

    def loop(self, inputs: bytes, watched: int = 2048) -> None:
        """Play these inputs of port 1, and read so many bytes of RAM after each frame."""
        os.write(self._out, f"{len(inputs)} {watched}\n".encode() + inputs)
        if os.read(self._in, 16) != b"done\n":
            raise SystemExit("benchmarks/mame.lua has ended")

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        os.close(self._in)
        os.close(self._out)


def seconds(action: Callable[[], object]) -> float:
    """How long it takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


Turns = dict[str, list[float]]


def turns(count: int, **actions: Callable[[], object]) -> Turns:
    """The seconds of each action on each of `count` turns.

    They are, of twice as many, those that the host stole least from. A first one does not count.
    """
    taken: list[tuple[int, dict[str, float]]] = []
    for turn in range(2 * count + 1):
        before = stolen()
        order = list(actions)[:: 1 if turn % 2 else -1]
        spent = {name: seconds(actions[name]) for name in order}
        if turn:
            taken.append((stolen() - before, spent))
    taken.sort(key=lambda one: one[0])
    return {name: [spent[name] for _, spent in taken[:count]] for name in actions}


def stolen() -> int:
    """Hundredths of CPU seconds that the host has taken for others: proc(5), /proc/stat."""
    with contextlib.suppress(OSError):
        return int(Path("/proc/stat").read_text().split(None, 9)[8])
    return 0


def over(taken: Turns, one: str, other: str) -> float:
    """The median over the turns of one action's time over another's: machines change their pace."""
    return statistics.median(a / b for a, b in zip(taken[one], taken[other], strict=True))


def loop(nes: MameEmulator, root: Savestate, buttons: bytes, watched: int = 2048) -> None:
    """The pure Lua loop, from a savestate."""
    nes.load_state(root)
    nes.lua.eval(
        "local inputs, watched = ... return benchmark_loop(inputs, watched, copain.frame)",
        buttons, watched,
    )  # fmt: skip


def measure(rom: copain.Rom, rounds: int) -> dict[str, float]:
    """All figures."""
    inputs = random_inputs(NES, ROLLOUT, 1)[:, :1]
    buttons = inputs[:, 0].astype(np.uint8).tobytes()
    figures: dict[str, float] = {}

    def open_one() -> MameEmulator:
        nes = MameEmulator(rom)
        nes.lua.eval("benchmark_loop = dofile(...)", str(LOOP))
        return nes

    figures["start_seconds"] = statistics.median(seconds(lambda: started(rom)) for _ in range(5))
    with open_one() as nes, tempfile.TemporaryDirectory() as name:
        root = nes.save_state()
        joypads = [copain.Joypad.from_bits(int(bits)) for bits in inputs[:BLOCK, 0]]

        def step() -> None:
            nes.load_state(root)
            for held in joypads:
                nes.advance(held)
                nes.ram.read_all()

        for suffix, place in (("", nes.on_one_cpu()), ("_free", contextlib.nullcontext())):
            with place:
                taken = turns(rounds, loop=lambda: loop(nes, root, buttons[:BLOCK]), ours=step)
            figures[f"lockstep{suffix}_ratio"] = over(taken, "loop", "ours")
            figures[f"loop{suffix}_us"] = 1e6 * statistics.median(taken["loop"]) / BLOCK

        taken = turns(
            rounds,
            loop=lambda: loop(nes, root, buttons, 64),
            rollout=lambda: nes.rollout(root, inputs, range(64)),
        )
        figures["rollout_ratio"] = over(taken, "loop", "rollout")

        game = Path(name) / "game.nes"
        game.write_bytes(rom.data)
        with contextlib.closing(Plain(game, Path(name))) as plain:
            plain.loop(b"\0" * BLOCK)  # the start
            nes.power_on()
            nes.advance(frames=BLOCK)
            first = nes.save_state()
            taken = turns(
                rounds,
                plain=lambda: plain.loop(b"\0" * BLOCK),
                ours=lambda: loop(nes, first, b"\0" * BLOCK),
            )
            figures["loop_ratio"] = over(taken, "plain", "ours")

        taken = turns(
            rounds,
            save=lambda: saves(nes),
            load=lambda: loads(nes, root),
            frame=lambda: nes.advance(frames=STATES),
        )
        for name_, spent in taken.items():
            figures[f"{name_}_ms"] = 1e3 * statistics.median(spent) / STATES

        with open_one() as second:
            figures |= two_instances(nes, second, rounds, inputs, buttons)
    return figures


def two_instances(
    one: MameEmulator, two: MameEmulator, rounds: int, inputs: copain.InputLog, buttons: bytes
) -> dict[str, float]:
    """Both at once over one, by rollouts and by the pure Lua loop."""
    both = [(nes, nes.save_state()) for nes in (one, two)]
    rollouts = [lambda nes=nes, at=at: nes.rollout(at, inputs, range(64)) for nes, at in both]
    loops = [lambda nes=nes, at=at: loop(nes, at, buttons, 64) for nes, at in both]
    taken = turns(
        rounds,
        one=rollouts[0],
        two=lambda: together(*rollouts),
        one_loop=loops[0],
        two_loops=lambda: together(*loops),
    )
    return {
        "two_instances_ratio": 2 * over(taken, "one", "two"),
        "two_loops_ratio": 2 * over(taken, "one_loop", "two_loops"),
    }


def started(rom: copain.Rom) -> None:
    """Open, one frame, close."""
    with MameEmulator(rom) as nes:
        nes.advance()


def saves(nes: MameEmulator) -> None:
    """Savestates, waited for."""
    for _ in range(STATES):
        nes.save_state()
    nes.call("status")


def loads(nes: MameEmulator, state: Savestate) -> None:
    """Loads, waited for."""
    for _ in range(STATES):
        nes.load_state(state)
    nes.call("status")


def together(*actions: Callable[[], object]) -> None:
    """All at once, a thread each."""
    threads = [threading.Thread(target=action) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main() -> int:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description="How much of MAME's speed is left in Python.")
    parser.add_argument("--json", action="store_true", help="write JSON")
    parser.add_argument("--rounds", type=int, default=9, help="turns that count")
    options = parser.parse_args()
    load, began, lost = os.getloadavg()[0], time.monotonic(), stolen()
    figures = measure(copain.Rom.read(rom_path("alouette")), options.rounds)
    cpus = os.cpu_count() or 1
    missed = [name for name, target in TARGETS.items() if figures[name] < target]
    if options.json:
        result = {
            "benchmark": "mame", "date": date.today().isoformat(), "machine": platform.machine(),
            "cpus": cpus, "load": [round(load, 2), round(os.getloadavg()[0], 2)],
            "nice": os.getpriority(os.PRIO_PROCESS, 0),
            "stolen": round((stolen() - lost) / 100 / (time.monotonic() - began) / cpus, 3),
            "python": platform.python_version(),
            "figures": {name: round(value, 4) for name, value in figures.items()},
            "targets": TARGETS, "missed": missed,
        }  # fmt: skip
        print(json.dumps(result, indent=2))
    else:
        for name, value in figures.items():
            target = f"  (wanted: {TARGETS[name]:,})" if name in TARGETS else ""
            print(f"{name:28}{value:>14,.3f}{target}{'  MISSED' if name in missed else ''}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
