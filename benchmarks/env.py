"""How much of an emulator's speed an environment keeps, and how fast others are.

In turns, frames a second by the clock, the median of the turns' ratios. `COPIES` copies of
Alouette in Colibri, four frames a step, actions at random, on `THREADS` threads:

- ``vector_ratio_ram``: the vector environment with ``observation="ram"``, over the bare fleet:
  `fleet.rollout` of the same number of jobs of four frames, each from where the one before ended,
  its inputs made beforehand. The fleet keeps no RAM but that of the end, judges nothing, and
  resets nobody.
- ``vector_ratio_screen84``: with ``observation="screen84"``, over the bare fleet that draws the
  same frames, the last two of each four, into memory where nobody looks at them: as the PPU's
  colours, neither grey nor shrunk nor copied.
- the same by the time of the processors (``..._of_processors``), which a busy machine leaves as
  it is.
- ``over_stable_retro``: Airstriker on genesis_plus_gx, grey pictures of 84 x 84, the brighter of
  the last two of four frames, four stacked: our vector environment over stable-retro's own
  environments in as many processes (`gymnasium.vector.AsyncVectorEnv`, shared memory), with
  wrappers as they are usual there: frame skip and maximum, `cv2`'s grey and area resize,
  Gymnasium's frame stack. Needs `pip install opencv-python-headless`.
- ``over_ale``: Breakout in our stella core over ALE's own vector environment (C++, threads), the
  same preprocessing: as measured, no bound. They are two builds of Stella.

    python benchmarks/env.py [--json] [--save] [--check] [--turns N] [--only NAME ...]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from time import perf_counter, process_time
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium.vector import AsyncVectorEnv
from measuring import circumstances, save

import copain
from copain.backends.colibri_fleet import ColibriFleet, ColibriPool
from copain.games import RamMap, game_by_name, rom_path
from copain.games.game import Action, Flags, Game
from copain.joypad import IDLE, FrameInput, Joypad
from copain.memory import Bytes
from copain.rl import CopainVectorEnv
from copain.system import ATARI2600

THREADS = 2
COPIES = 256
PROCESSES = 8
REPEAT = 4
STEPS = {"ram": 60, "screen84": 30, "stable_retro": 60, "ale": 100}
"""Steps of each turn."""
AT_LEAST = {"vector_ratio_ram": 0.90, "vector_ratio_screen84": 0.80, "over_stable_retro": 1.5}

Figures = dict[str, float]


class Side:
    """One side of a comparison: what it plays, and what that took, turn by turn."""

    def __init__(self, play: Callable[[], int]) -> None:
        self._play = play
        self.clock: list[float] = []
        self.processors: list[float] = []

    def turn(self) -> None:
        """Play once; frames a second."""
        clock, processors = perf_counter(), process_time()
        frames = self._play()
        self.clock.append(frames / (perf_counter() - clock))
        self.processors.append(frames / (process_time() - processors))


def compare(ours: Callable[[], int], theirs: Callable[[], int], turns: int) -> tuple[Side, Side]:
    """Both in turns, forwards and backwards; the first turn is for warming up."""
    sides = Side(ours), Side(theirs)
    for turn in range(turns + 1):
        for side in sides if turn % 2 else sides[::-1]:
            side.turn()
    for side in sides:
        del side.clock[0], side.processors[0]
    return sides


def middle(over: list[float], under: list[float]) -> float:
    """The median of the turns' ratios."""
    return statistics.median(a / b for a, b in zip(over, under, strict=True))


# Alouette in Colibri


def of_fleet(observation: str, turns: int) -> Figures:
    """The vector environment, and the bare fleet."""
    steps, drawn = STEPS[observation], 2 if observation == "screen84" else 0
    game = game_by_name("alouette")
    actions = np.random.default_rng(1).integers(0, len(game.actions), (steps, COPIES))
    with ExitStack() as opened:
        envs = CopainVectorEnv(game, num_envs=COPIES, workers=THREADS, observation=observation)
        opened.callback(envs.close)
        envs.reset(seed=1)
        nes = opened.enter_context(copain.open(rom_path("alouette"), "colibri"))
        fleet = opened.enter_context(nes.open_fleet(THREADS))
        pool = fleet.new_pool(2 * COPIES)
        starts = [start.reach(nes) for start in game.starts("train")]
        slots = [np.array([pool.put(starts[i % len(starts)]) for i in range(COPIES)], np.int32)]
        bits = np.array([action.held.bits(2) for action in game.actions], np.uint16)
        inputs = [np.repeat(bits[chosen][:, None], REPEAT, axis=1) for chosen in actions]

        def play() -> int:
            for chosen in actions:
                envs.step(chosen)
            return steps * COPIES * REPEAT

        def bare() -> int:
            for held in inputs:
                ends = rollout(fleet, pool, slots[0], held, drawn)
                pool.free(slots[0])
                slots[0] = ends
            return steps * COPIES * REPEAT

        ours, theirs = compare(play, bare, turns)
    return {
        f"vector_ratio_{observation}": middle(ours.clock, theirs.clock),
        f"vector_ratio_{observation}_of_processors": middle(ours.processors, theirs.processors),
        f"{observation}_frames_per_second": statistics.median(ours.clock),
        f"fleet_frames_per_second_beside_{observation}": statistics.median(theirs.clock),
    }


def rollout(
    fleet: ColibriFleet,
    pool: ColibriPool,
    slots: npt.NDArray[np.int32],
    held: npt.NDArray[np.uint16],
    drawn: int,
) -> npt.NDArray[np.int32]:
    """`fleet.rollout`; with `drawn` as it does it, and so many frames drawn."""
    if not drawn:
        return fleet.rollout(pool, slots, held).slots
    jobs = len(held)
    ends = np.empty(jobs, np.int32)
    hashes = np.empty(jobs, np.uint64)
    fleet.native.rollout(
        pool.native, slots, held, True, np.zeros(0, np.int64), None,
        np.empty((jobs, fleet.ram_size), np.uint8), np.empty((jobs, REPEAT, 0), np.uint8),
        ends, hashes, drawn,
    )  # fmt: skip
    return ends


# Airstriker, beside stable-retro


class FrameSkip(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Four frames a step, the brighter of the last two in each pixel, grey, 84 x 84."""

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        super().__init__(env)
        self.observation_space = gymnasium.spaces.Box(0, 255, (84, 84), np.uint8)

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        picture, info = self.env.reset(**kwargs)
        return self.small(picture), info

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        total, info = 0.0, dict[str, Any]()
        pictures: deque[Any] = deque(maxlen=2)
        terminated = truncated = False
        for _ in range(REPEAT):
            picture, reward, terminated, truncated, info = self.env.step(action)
            pictures.append(picture)
            total += float(reward)
            if terminated or truncated:
                break
        return self.small(np.max(np.stack(pictures), axis=0)), total, terminated, truncated, info

    def small(self, picture: Any) -> Any:
        import cv2  # pyright: ignore[reportMissingImports]

        cv: Any = cv2
        grey = cv.cvtColor(picture, cv.COLOR_RGB2GRAY)
        return cv.resize(grey, (84, 84), interpolation=cv.INTER_AREA)


def retro_env() -> gymnasium.Env[Any, Any]:
    """An environment of stable-retro, wrapped as usual."""
    import stable_retro

    retro: Any = stable_retro
    env: Any = retro.make("Airstriker-Genesis-v0", use_restricted_actions=retro.Actions.DISCRETE)
    return gymnasium.wrappers.FrameStackObservation(FrameSkip(env), 4)


def of_stable_retro(turns: int) -> Figures:
    """Our vector environment, and stable-retro's environments in processes."""
    steps = STEPS["stable_retro"]
    with ExitStack() as opened:
        envs = CopainVectorEnv(
            "Airstriker-Genesis-v0",
            num_envs=PROCESSES,
            workers=THREADS,
            observation="screen84",
        )
        opened.callback(envs.close)
        theirs = AsyncVectorEnv([retro_env for _ in range(PROCESSES)], shared_memory=True)
        opened.callback(theirs.close)
        count = int(envs.task.game.actions.__len__())
        actions = np.random.default_rng(1).integers(0, count, (steps, PROCESSES))
        envs.reset(seed=1)
        theirs.reset(seed=1)
        sides = compare(stepping(envs, actions), stepping(theirs, actions), turns)
    return of_sides("stable_retro", *sides)


def stepping(envs: Any, actions: npt.NDArray[np.int64]) -> Callable[[], int]:
    """Plays these actions, whatever comes."""

    def play() -> int:
        for chosen in actions:
            envs.step(chosen)
        return actions.size * REPEAT

    return play


def of_sides(name: str, ours: Side, theirs: Side) -> Figures:
    """Figures of a comparison with others; their processes' time is not ours to tell."""
    return {
        f"over_{name}": middle(ours.clock, theirs.clock),
        f"frames_per_second_beside_{name}": statistics.median(ours.clock),
        f"{name}_frames_per_second": statistics.median(theirs.clock),
    }


# Breakout, beside ALE


class Breakout(Game):
    """What is needed of a game to step it: nothing ends it."""

    name = "breakout"
    actions = (
        Action("idle", IDLE),
        *(Action(n, FrameInput((Joypad.of(n),))) for n in ("a", "right", "left")),
    )
    start = ((IDLE, 60),)

    def __init__(self, rom: copain.Rom) -> None:
        self.ram_map = RamMap("Breakout", "1", ATARI2600, rom.sha1, {})

    def dead(self, prev: Bytes, ram: Bytes) -> Flags:
        """Never."""
        return np.zeros(ram.shape[:-1], np.bool_)

    won = dead


def of_ale(turns: int) -> Figures:
    """Our vector environment on the stella core, and ALE's own."""
    from ale_py import roms
    from ale_py.vector_env import AtariVectorEnv

    told: Any = roms
    rom = copain.Rom.read(str(told.get_rom_path("breakout")), system=ATARI2600)
    steps = STEPS["ale"]
    with ExitStack() as opened:
        envs = CopainVectorEnv(
            Breakout(rom),
            rom=rom,
            num_envs=PROCESSES,
            workers=THREADS,
            observation="screen84",
            emulator_options={"core": "stella"},
        )
        opened.callback(envs.close)
        make: Any = AtariVectorEnv
        theirs: Any = make(
            "breakout", num_envs=PROCESSES, num_threads=THREADS, use_fire_reset=False, noop_max=0
        )
        opened.callback(theirs.close)
        actions = np.random.default_rng(1).integers(0, 4, (steps, PROCESSES))
        envs.reset(seed=1)
        theirs.reset(seed=1)
        sides = compare(stepping(envs, actions), stepping(theirs, actions), turns)
    return of_sides("ale", *sides)


COMPARISONS: dict[str, Callable[[int], Figures]] = {
    "ram": lambda turns: of_fleet("ram", turns),
    "screen84": lambda turns: of_fleet("screen84", turns),
    "stable_retro": of_stable_retro,
    "ale": of_ale,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and say whether anything was missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--save", action="store_true", help="keep it in benchmarks/results/")
    parser.add_argument("--check", action="store_true", help="fail where a figure is missed")
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--only", nargs="*", choices=COMPARISONS, default=list(COMPARISONS))
    options = parser.parse_args(arguments)
    results: Figures = {}
    report = {**circumstances(), "turns": options.turns, "copies": COPIES, "threads": THREADS}
    for name in options.only:
        results |= COMPARISONS[name](options.turns)
    missed = [
        f"{name} is {results[name]:.3f}, at least {least} is wished"
        for name, least in AT_LEAST.items()
        if results.get(name, least) < least
    ]
    report |= {"results": results, "missed": missed}
    if options.save:
        save("env", report)
    if options.json:
        print(json.dumps(report, indent=2))
    else:
        for name, value in results.items():
            print(
                f"{name:44} {value:12.3f}"
                if "ratio" in name or name.startswith("over_")
                else f"{name:44} {value:12.0f}"
            )
        for miss in missed:
            print(f"missed: {miss}")
    return 1 if options.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
