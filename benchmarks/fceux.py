"""How much of FCEUX's speed is left in Python: ``python benchmarks/fceux.py --json``.

What copain is compared with is a pure Lua loop (benchmarks/fceux_loop.lua) in the same FCEUX, from
the same savestate, with the same inputs and reads, in turns; no other FCEUX runs meanwhile. Figures
are medians of turns. On a virtual machine the host may take a CPU away (steal): of all turns the
half counts in which it took least, whatever they say; `stolen` is its part of the whole run.

- lockstep_ratio: a frame with input and 2 KB of RAM back, by ``advance`` and ``ram.read_all``, for
  each transport; the loop's time over ours. lockstep_one_cpu_ratio is the same within
  ``on_one_cpu()``.
- rollout_ratio: rollouts of 600 frames that watch 64 bytes after each frame; and all RAM.
- loop_ratio: the loop in a FCEUX without copain over the same in copain's: what is compared with
  is no slower for being there.
- two_instances_ratio: frames of two instances on two threads over those of one; two_loops_ratio
  is the same with the pure Lua loop: what the machine has to give.
- savestate pairs a second: ``save_state`` and ``load_state``; and the same through bytes.
- start_seconds: ``copain.open`` to the end of the first frame.
- times_2022: a frame with two inputs and three reads, one round trip a call over luaposix, over
  the same with copain.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import socket
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
import numpy.typing as npt

import copain
from copain.backends.fceux import FceuxEmulator
from copain.backends.fceux_start import find_fceux
from copain.games import rom_path
from copain.savestate import Savestate
from copain.system import NES
from copain.testing import random_inputs

HERE = Path(__file__).parent
LOOP = HERE / "fceux_loop.lua"
BLOCK = 200
"""Frames of one turn of the lock-step loops."""
ROLLOUT = 600
TARGETS = {
    "lockstep_ratio_pipes": 0.93, "lockstep_ratio_tcp": 0.90, "rollout_ratio": 0.98,
    "two_instances_ratio": 1.8, "pairs_per_second": 20_000, "pairs_as_bytes_per_second": 3_000,
    "start_seconds": 0.3,
}  # fmt: skip


class Plain:
    """FCEUX with benchmarks/fceux.lua in it."""

    def __init__(self, rom: Path, how: str, folder: Path) -> None:
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        listener = socket.socket(socket.AF_UNIX)
        path = folder / "socket"
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(20)
        environment = os.environ | {
            "COPAIN_HOW": how, "COPAIN_READ": f"/dev/fd/{theirs_in}",
            "COPAIN_WRITE": f"/dev/fd/{theirs_out}", "COPAIN_SOCKET": str(path),
            "COPAIN_LOOP": str(LOOP),
            "FCEUX_CONFIG_DIR": str(folder), "QT_QPA_PLATFORM": "offscreen",
            "SDL_NO_SIGNAL_HANDLERS": "1",
        }  # fmt: skip
        self._process = subprocess.Popen(
            [find_fceux(), "--sound", "0", "--videoDriver", "1",
             "--loadlua", str(HERE / "fceux.lua"), str(rom)],
            env=environment, pass_fds=(theirs_in, theirs_out),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(theirs_in)
        os.close(theirs_out)
        try:
            self._socket = listener.accept()[0] if how == "calls" else listener
        except TimeoutError:
            self._process.kill()
            raise SystemExit(
                "FCEUX did not connect by luaposix: apt install lua-posix, which the scripts of "
                "2022 used"
            ) from None
        path.unlink()

    def loop(self, inputs: bytes, watched: int = 2048) -> None:
        """Play these inputs of port 1, and read so many bytes of RAM after each frame."""
        os.write(self._out, f"{len(inputs)} {watched}\n".encode() + inputs)
        if os.read(self._in, 16) != b"done\n":
            raise SystemExit("benchmarks/fceux.lua has ended")

    def ask(self, call: str) -> str:
        """One call, one round trip."""
        self._socket.sendall(call.encode())
        return self._socket.recv(64).decode()

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        self._socket.close()
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


def measure(rom: copain.Rom, rounds: int, transports: list[str]) -> dict[str, float]:
    """All figures."""
    inputs = random_inputs(NES, ROLLOUT, 1)[:, :1]
    buttons = inputs[:, 0].astype(np.uint8).tobytes()
    figures: dict[str, float] = {}

    def open_one(transport: str = "pipes") -> FceuxEmulator:
        nes = FceuxEmulator(rom, transport=transport)  # type: ignore[arg-type]
        nes.lua.eval("benchmark_loop = dofile(...)", str(LOOP))
        return nes

    figures["start_seconds"] = statistics.median(seconds(lambda: started(rom)) for _ in range(7))

    for transport in transports:
        with open_one(transport) as nes:
            figures |= lockstep(nes, rounds, transport, inputs[:BLOCK])

    with open_one() as nes, tempfile.TemporaryDirectory() as name:
        root = nes.save_state()
        for name_, watched in (("rollout_ratio", 64), ("rollout_ratio_all_ram", 2048)):
            taken = turns(
                rounds,
                loop=lambda watched=watched: loop(nes, root, buttons, watched),
                rollout=lambda watched=watched: nes.rollout(root, inputs, range(watched)),
            )
            figures[name_] = over(taken, "loop", "rollout")

        taken = turns(rounds, handles=lambda: pairs(nes), data=lambda: pairs_as_bytes(nes))
        figures["pairs_per_second"] = PAIRS / statistics.median(taken["handles"])
        figures["pairs_as_bytes_per_second"] = BYTE_PAIRS / statistics.median(taken["data"])

        game = Path(name) / "game.nes"
        game.write_bytes(rom.data)
        with contextlib.closing(Plain(game, "loop", Path(name))) as plain:
            plain.loop(b"\0" * BLOCK)  # the start
            first = nes.save_state()
            taken = turns(
                rounds,
                plain=lambda: plain.loop(b"\0" * BLOCK),
                ours=lambda: loop(nes, first, b"\0" * BLOCK),
            )
            figures["loop_ratio"] = over(taken, "plain", "ours")
        with contextlib.closing(Plain(game, "calls", Path(name))) as old:
            taken = turns(rounds, old=lambda: like_2022(old), ours=lambda: bundled(nes))
            figures["times_2022"] = over(taken, "old", "ours")

        with open_one() as second:
            figures |= two_instances(nes, second, rounds, inputs)
    return figures


def loop(nes: FceuxEmulator, root: Savestate, buttons: bytes, watched: int = 2048) -> None:
    """The pure Lua loop, from a savestate."""
    nes.load_state(root)
    nes.lua.eval("benchmark_loop(...)", buttons, watched)


def lockstep(
    nes: FceuxEmulator, rounds: int, transport: str, inputs: npt.NDArray[np.uint16]
) -> dict[str, float]:
    """Frame after frame, and within on_one_cpu."""
    joypads = [copain.Joypad.from_bits(int(bits)) for bits in inputs[:, 0]]
    buttons = inputs[:, 0].astype(np.uint8).tobytes()
    root = nes.save_state()

    def step() -> None:
        nes.load_state(root)
        for held in joypads:
            nes.advance(held)
            nes.ram.read_all()

    figures: dict[str, float] = {}
    for name, place in (("", contextlib.nullcontext()), ("_one_cpu", nes.on_one_cpu())):
        with place:
            taken = turns(rounds, loop=lambda: loop(nes, root, buttons), ours=step)
        figures[f"loop{name}_us_{transport}"] = 1e6 * statistics.median(taken["loop"]) / len(inputs)
        figures[f"lockstep{name}_ratio_{transport}"] = over(taken, "loop", "ours")
    return figures


def two_instances(
    one: FceuxEmulator, two: FceuxEmulator, rounds: int, inputs: npt.NDArray[np.uint16]
) -> dict[str, float]:
    """Both at once over one, by rollouts and by the pure Lua loop."""
    buttons = inputs[:, 0].astype(np.uint8).tobytes()
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
    """Open, one frame, close (which takes a few milliseconds of it)."""
    with FceuxEmulator(rom) as nes:
        nes.advance()


PAIRS, BYTE_PAIRS, OLD_FRAMES = 2000, 200, 100
TWO_INPUTS = [
    copain.FrameInput((copain.Joypad.from_bits(frame & 255), copain.Joypad()))
    for frame in range(OLD_FRAMES)
]


def pairs(nes: FceuxEmulator) -> None:
    """Save and load, and wait until it is done."""
    for _ in range(PAIRS):
        nes.load_state(nes.save_state())
    _ = nes.lagged


def pairs_as_bytes(nes: FceuxEmulator) -> None:
    """Save, get the bytes, load from the bytes."""
    for _ in range(BYTE_PAIRS):
        state = nes.save_state()
        nes.load_state(Savestate(state.header, state.payload))
    _ = nes.lagged


def like_2022(old: Plain) -> None:
    """Frames with two inputs and three reads, a round trip for each."""
    for frame in range(OLD_FRAMES):
        old.ask(f"set 1 {frame & 255}")
        old.ask("set 2 0")
        old.ask("advance")
        _ = [old.ask(f"read {address}") for address in (0x20, 0x30, 0x40)]


def bundled(nes: FceuxEmulator) -> None:
    """The same with copain."""
    for held in TWO_INPUTS:
        nes.advance(held)
        _ = [nes.ram[address] for address in (0x20, 0x30, 0x40)]


def together(*actions: Callable[[], object]) -> None:
    """All at once, a thread each."""
    threads = [threading.Thread(target=action) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main() -> int:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description="How much of FCEUX's speed is left in Python.")
    parser.add_argument("--json", action="store_true", help="write JSON")
    parser.add_argument("--rounds", type=int, default=15, help="turns that count")
    parser.add_argument("--transports", default="pipes,unix,tcp", help="pipes and others")
    options = parser.parse_args()
    load, began, lost = os.getloadavg()[0], time.monotonic(), stolen()
    figures = measure(
        copain.Rom.read(rom_path("alouette")), options.rounds, options.transports.split(",")
    )
    cpus = os.cpu_count() or 1
    missed = [
        name for name, target in TARGETS.items()
        if name in figures
        and not (figures[name] <= target if name == "start_seconds" else figures[name] >= target)
    ]  # fmt: skip
    if options.json:
        result = {
            "benchmark": "fceux", "date": date.today().isoformat(), "machine": platform.machine(),
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
