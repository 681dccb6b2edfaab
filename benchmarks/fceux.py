"""How much of FCEUX's speed is left in Python: ``python benchmarks/fceux.py --json``.

Everything is measured in one run, in turns, and told as medians. What copain is compared with is a
pure Lua loop in the same FCEUX, with the same inputs and reads (benchmarks/fceux.lua). A machine
that does other things spoils the ratios of two programs that wait for each other: the load is told.

- lockstep_ratio: a frame with input and 2 KB of RAM back, by ``advance`` and ``ram.read_all``, for
  each transport; the loop's time over ours.
- rollout_ratio: rollouts of 600 frames that watch 64 bytes after each frame; and all RAM.
- two_instances_ratio: frames of two instances on two threads over those of one.
- savestate pairs a second: ``save_state`` and ``load_state``; and the same through bytes.
- start_seconds: ``copain.open`` to the end of the first frame.
- times_2022: a frame with two inputs and three reads, one round trip a call over luaposix, over
  the same with copain.
"""

from __future__ import annotations

import argparse
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

import copain
from copain.backends.fceux import FceuxEmulator
from copain.backends.fceux_start import find_fceux
from copain.games import rom_path
from copain.savestate import Savestate
from copain.system import NES
from copain.testing import random_inputs

HERE = Path(__file__).parent
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
        self._socket = listener.accept()[0] if how == "calls" else listener
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

    def end(self) -> None:
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
    """The seconds of each action on each turn, the first of which does not count."""
    taken: Turns = {name: [] for name in actions}
    for turn in range(count + 1):
        for name, action in actions.items():
            spent = seconds(action)
            if turn:
                taken[name].append(spent)
    return taken


def over(taken: Turns, one: str, other: str) -> float:
    """The median over the turns of one action's time over another's: machines change their pace."""
    return statistics.median(a / b for a, b in zip(taken[one], taken[other], strict=True))


def measure(rom: copain.Rom, rounds: int, transports: list[str]) -> dict[str, float]:
    """All figures."""
    inputs = random_inputs(NES, ROLLOUT, 1)[:, :1]
    joypads = [copain.Joypad.from_bits(int(bits)) for bits in inputs[:BLOCK, 0]]
    buttons = inputs[:, 0].astype(np.uint8).tobytes()
    figures: dict[str, float] = {}

    def open_one(transport: str = "pipes") -> FceuxEmulator:
        return FceuxEmulator(rom, transport=transport)  # type: ignore[arg-type]

    def lockstep(nes: FceuxEmulator) -> None:
        for held in joypads:
            nes.advance(held)
            nes.ram.read_all()

    starts = [seconds(lambda: started(open_one)) for _ in range(7)]
    figures["start_seconds"] = statistics.median(starts)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        game = folder / "game.nes"
        game.write_bytes(rom.data)
        plain, old = Plain(game, "loop", folder), Plain(game, "calls", folder)
        ours = {transport: open_one(transport) for transport in transports}
        nes = ours["pipes"]
        try:
            taken = turns(
                rounds,
                loop=lambda: plain.loop(buttons[:BLOCK]),
                **{name: lambda one=one: lockstep(one) for name, one in ours.items()},
            )
            figures["loop_us"] = 1e6 * statistics.median(taken["loop"]) / BLOCK
            for transport in transports:
                figures[f"lockstep_ratio_{transport}"] = over(taken, "loop", transport)
            root = nes.save_state()
            for name, watched in (("rollout_ratio", 64), ("rollout_ratio_all_ram", 2048)):
                taken = turns(
                    rounds,
                    loop=lambda watched=watched: plain.loop(buttons, watched),
                    rollout=lambda watched=watched: nes.rollout(root, inputs, range(watched)),
                )
                figures[name] = over(taken, "loop", "rollout")

            taken = turns(rounds, old=lambda: like_2022(old), ours=lambda: bundled(nes))
            figures["times_2022"] = over(taken, "old", "ours")
            taken = turns(rounds, handles=lambda: pairs(nes), data=lambda: pairs_as_bytes(nes))
            figures["pairs_per_second"] = PAIRS / statistics.median(taken["handles"])
            figures["pairs_as_bytes_per_second"] = BYTE_PAIRS / statistics.median(taken["data"])

            second = open_one()
            other = second.save_state()
            taken = turns(
                max(3, rounds // 2),
                one=lambda: nes.rollout(root, inputs),
                two=lambda: together(
                    lambda: nes.rollout(root, inputs), lambda: second.rollout(other, inputs)
                ),
            )
            second.close()
            figures["two_instances_ratio"] = 2 * over(taken, "one", "two")
        finally:
            for emulator in ours.values():
                emulator.close()
            plain.end()
            old.end()
    return figures


def started(open_one: Callable[[], FceuxEmulator]) -> None:
    """Open, one frame, close (which takes a few milliseconds of it)."""
    with open_one() as nes:
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
    parser.add_argument("--rounds", type=int, default=15, help="turns of each measurement")
    parser.add_argument("--transports", default="pipes,unix,tcp", help="pipes and others")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    figures = measure(
        copain.Rom.read(rom_path("alouette")), options.rounds, options.transports.split(",")
    )
    missed = [
        name for name, target in TARGETS.items()
        if name in figures
        and not (figures[name] <= target if name == "start_seconds" else figures[name] >= target)
    ]  # fmt: skip
    if options.json:
        result = {
            "benchmark": "fceux", "date": date.today().isoformat(), "machine": platform.machine(),
            "cpus": os.cpu_count(), "load": [round(load, 2), round(os.getloadavg()[0], 2)],
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
