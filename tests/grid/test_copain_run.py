"""CopainRun on the emulator that needs no ROM: runners, failures, restarts, the end, agents."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import copain
from copain import Emulator, EmulatorMissing, InputError, Joypad, RomError, RunnerError
from copain.fleet import CopainRun, Line, RandomAgent, Run, Transition
from copain.games import ram_map_of


class Openings:
    """Opens grid emulators and remembers them."""

    def __init__(self) -> None:
        self.opened: list[Emulator] = []
        self.options: list[dict[str, object]] = []

    def __call__(self, rom: copain.Rom, **options: object) -> Emulator:
        self.options.append(options)
        emulator = copain.open(rom)
        self.opened.append(emulator)
        return emulator

    def all_closed(self) -> bool:
        for emulator in self.opened:
            try:
                emulator.advance()
            except copain.EmulatorClosed:
                continue
            return False
        return True


@pytest.fixture
def opener() -> Openings:
    return Openings()


def test_every_runner_plays_its_own_emulator_at_the_same_time(
    grid_rom: copain.Rom, opener: Openings
) -> None:
    together = threading.Barrier(4)

    def loop(nes: Emulator, run: Run) -> tuple[int, int, str]:
        together.wait(10)  # nobody passes unless all four play
        nes.advance(frames=10 + run.runner)
        return nes.frame, run.runners, threading.current_thread().name

    outcome = CopainRun(grid_rom, loop, runners=4, emulator=opener).run()
    assert [frame for frame, _, _ in outcome.results] == [10, 11, 12, 13]
    assert {runners for _, runners, _ in outcome.results} == {4}
    assert len({name for _, _, name in outcome.results}) == 4
    assert outcome.restarts == (0, 0, 0, 0)
    assert len(opener.opened) == 4
    assert opener.all_closed()


def test_no_loop_starts_before_all_emulators_are_there(grid_rom: copain.Rom) -> None:
    begun: list[int] = []
    calls = iter(range(9))

    def opener(rom: copain.Rom) -> Emulator:
        if next(calls) == 2:
            time.sleep(0.1)
            raise EmulatorMissing("this one is not there")
        return copain.open(rom)

    def loop(nes: Emulator, run: Run) -> None:
        begun.append(run.runner)

    with pytest.raises(RunnerError, match=r"runner \d: EmulatorMissing: this one is not there"):
        CopainRun(grid_rom, loop, runners=3, emulator=opener).run()
    assert begun == []


def test_when_nobody_can_start_for_one_reason_it_is_said_once(grid_rom: copain.Rom) -> None:
    with pytest.raises(EmulatorMissing, match="no emulator is called 'nope'"):
        CopainRun(grid_rom, print, runners=3, emulator="nope").run()
    with pytest.raises(InputError, match="has no option 'visible'"):
        CopainRun(grid_rom, print, runners=2, emulator="grid", visible=2).run()


def test_a_failure_names_its_runner_and_stops_the_run(
    grid_rom: copain.Rom, opener: Openings
) -> None:
    def loop(nes: Emulator, run: Run) -> int:
        if run.runner == 1:
            time.sleep(0.05)
            raise ValueError("off the map")
        while not run.stop.is_set():
            nes.advance()
        return nes.frame

    with pytest.raises(RunnerError, match=r"^runner 1: ValueError: off the map$") as caught:
        CopainRun(grid_rom, loop, runners=3, emulator=opener).run()
    assert caught.value.runner == 1
    assert isinstance(caught.value.__cause__, ValueError)
    assert opener.all_closed()


def test_failures_of_several_come_together(grid_rom: copain.Rom, opener: Openings) -> None:
    together = threading.Barrier(4)

    def loop(nes: Emulator, run: Run) -> None:
        together.wait(10)
        if run.runner != 2:
            raise KeyError(run.runner)

    with pytest.raises(ExceptionGroup, match="3 failures with 4 runners") as caught:
        CopainRun(grid_rom, loop, runners=4, emulator=opener).run()
    errors = caught.value.exceptions
    assert all(isinstance(error, RunnerError) for error in errors)
    assert sorted(str(error) for error in errors) == [
        f"runner {number}: KeyError: {number}" for number in (0, 1, 3)
    ]
    assert opener.all_closed()


def test_a_runner_is_restarted_as_often_as_chosen(
    grid_rom: copain.Rom, opener: Openings, caplog: pytest.LogCaptureFixture
) -> None:
    def loop(nes: Emulator, run: Run) -> int:
        assert nes.frame == 0  # a new emulator each time
        nes.advance(frames=5)
        if run.runner == 1 and run.attempt < 2:
            raise RuntimeError(f"attempt {run.attempt}")
        return run.attempt

    outcome = CopainRun(grid_rom, loop, runners=2, emulator=opener, restarts=2).run()
    assert outcome.results == (0, 2)
    assert outcome.restarts == (0, 2)
    assert len(opener.opened) == 4
    assert opener.all_closed()
    assert "runner 1: restarted after RuntimeError: attempt 1" in caplog.text
    with pytest.raises(RunnerError, match="runner 1: RuntimeError: attempt 1"):
        CopainRun(grid_rom, loop, runners=2, emulator=opener, restarts=1).run()


@pytest.mark.parametrize("polite", [True, False])
def test_seconds_end_the_run_whatever_the_loops_do(
    grid_rom: copain.Rom, opener: Openings, polite: bool
) -> None:
    def loop(nes: Emulator, run: Run) -> int:
        while not (polite and run.stop.is_set()):
            with suppress(Exception):  # a loop that forgives everything is ended too
                nes.advance()
        return nes.frame

    began = time.monotonic()
    outcome = CopainRun(grid_rom, loop, runners=2, emulator=opener, seconds=0.2).run()
    assert 0.2 <= time.monotonic() - began < 3
    assert all(isinstance(frames, int) for frames in outcome.results) == polite
    assert opener.all_closed()


def test_a_loop_can_stop_the_run_for_all(grid_rom: copain.Rom) -> None:
    def loop(nes: Emulator, run: Run) -> bool:
        if run.runner == 1:
            run.stop.set()
        return run.stop.wait(10)

    assert CopainRun(grid_rom, loop, runners=3).run().results == (True, True, True)


def test_the_checksum_is_checked_before_anything_starts(
    grid_rom: copain.Rom, opener: Openings
) -> None:
    for good in (grid_rom.sha1, grid_rom.md5.upper()):
        CopainRun(grid_rom, print, runners=1, emulator=opener, checksum=good).run()
    opener.opened.clear()
    with pytest.raises(RomError, match="not 00ff"):
        CopainRun(grid_rom, print, runners=1, emulator=opener, checksum="00ff").run()
    assert opener.opened == []


def test_an_emulator_with_another_rom_is_refused(grid_rom: copain.Rom) -> None:
    other = copain.Rom.from_bytes(grid_rom.data + b"; another\n")

    def opener(rom: copain.Rom) -> Emulator:
        return copain.open(other)

    with pytest.raises(RomError, match="runs another ROM"):
        CopainRun(grid_rom, print, runners=2, emulator=opener).run()


def test_only_the_visible_get_the_options_of_the_visible(
    grid_rom: copain.Rom, opener: Openings
) -> None:
    def loop(nes: Emulator, run: Run) -> bool:
        return run.visible

    outcome = CopainRun(
        grid_rom, loop, runners=3, emulator=opener, visible=1,
        options={"display": "xvfb", "timeout": 9}, shown={"speed": "turbo"},
    ).run()  # fmt: skip
    assert outcome.results == (True, False, False)
    hidden = {"display": "xvfb", "timeout": 9}
    shown = {"timeout": 9, "visible": True, "speed": "turbo"}
    assert sorted(opener.options, key=len) == [hidden, hidden, shown]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"runners": 0}, "at least 1"),
        ({"runners": 2, "visible": 3}, "0 to 2"),
        ({"restarts": -1}, "None for always"),
    ],
)
def test_misuse_is_refused(grid_rom: copain.Rom, wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        CopainRun(grid_rom, print, **wrong)


class Seen:
    """A display that keeps what it was shown."""

    def __init__(self) -> None:
        self.lines: list[Sequence[Line]] = []

    def show(self, lines: Sequence[Line]) -> None:
        self.lines.append(lines)

    def __enter__(self) -> Seen:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def test_progress_and_log_are_shared(grid_rom: copain.Rom, tmp_path: Path) -> None:
    def loop(nes: Emulator, run: Run) -> None:
        for frame in range(3):
            run.progress(frame=frame)
            time.sleep(0.2)
        run.log.info("done at %d", 2)

    seen = Seen()
    log = tmp_path / "run.log"
    CopainRun(grid_rom, loop, runners=2, display=seen, log=log).run()
    assert all([line.runner for line in lines] == [0, 1] for lines in seen.lines)
    assert len({line.facts["frame"] for lines in seen.lines for line in lines if line.facts}) > 1
    text = log.read_text(encoding="utf-8")
    assert "runner 0: done at 2" in text
    assert "runner 1: done at 2" in text


def test_the_display_says_what_the_runners_do(
    grid_rom: copain.Rom, capsys: pytest.CaptureFixture[str]
) -> None:
    def loop(nes: Emulator, run: Run) -> None:
        run.progress(frame=1234, best_score=7 + run.runner)
        time.sleep(0.2)

    CopainRun(grid_rom, loop, runners=2, display=True).run()
    assert "0: frame 1,234, best score 7; 1: frame 1,234, best score 8" in capsys.readouterr().err
    CopainRun(grid_rom, loop, runners=2).run()
    assert capsys.readouterr().err == ""


# Agents


def test_an_agent_is_there_for_all_runners_and_ends_with_the_run(grid_rom: copain.Rom) -> None:
    class Listener(RandomAgent):
        def __init__(self) -> None:
            super().__init__(4, seed=1)
            self.told: list[Transition] = []
            self.ended = False

        def tell(self, transition: Transition) -> None:
            self.told.append(transition)

        def stop(self) -> None:
            self.ended = True

    def loop(nes: Emulator, run: Run) -> list[int]:
        chosen: list[int] = []
        for step in range(20):
            chosen.append(run.agent.ask(step))
            run.agent.tell(step, chosen[-1], 1.0, step + 1)
        return chosen

    agent = Listener()
    outcome = CopainRun(grid_rom, loop, runners=3, agent=agent).run()
    assert agent.ended
    for runner, chosen in enumerate(outcome.results):
        told = [each for each in agent.told if each.runner == runner]
        assert [each.observation for each in told] == list(range(20))
        assert [each.action for each in told] == chosen


def test_an_agent_that_fails_ends_the_run_with_its_error(
    grid_rom: copain.Rom, opener: Openings
) -> None:
    class Broken(RandomAgent):
        def ask(self, observations: Sequence[Any], runners: Sequence[int]) -> list[int]:
            raise ZeroDivisionError("no idea")

    def loop(nes: Emulator, run: Run) -> None:
        while True:
            with suppress(Exception):
                run.agent.ask(0)

    with pytest.raises(RunnerError, match="the agent failed: ZeroDivisionError: no idea"):
        CopainRun(grid_rom, loop, runners=2, emulator=opener, agent=Broken(4)).run()
    assert opener.all_closed()


def test_a_run_without_an_agent_says_so(grid_rom: copain.Rom) -> None:
    with pytest.raises(RunnerError, match="this run has no agent"):
        CopainRun(grid_rom, lambda nes, run: run.agent.ask(0), runners=1).run()


# A toy that learns: the way through a room, by tabular Q-learning

ROOM = b"""copain grid 1
################
#......#.......#
#......#.......#
#......#.......#
#..S...........#
#......#....G..#
#......#.......#
#......#.......#
################
################
################
################
"""
WAYS = [Joypad.of(name) for name in ("up", "down", "left", "right")]
MOST_STEPS = 80


class QTable:
    """Tabular Q-learning: what each way is worth in each place, learned from all runners."""

    def __init__(self, seed: int) -> None:
        self.worth = np.ones((256, len(WAYS)))  # better than it is: what is unknown gets tried
        self.luck = np.random.default_rng(seed)
        self.told = 0

    def start(self, runners: int) -> None:
        pass

    def ask(self, observations: Sequence[int], runners: Sequence[int]) -> list[int]:
        worth = self.worth[list(observations)]
        worth = worth + self.luck.random(worth.shape) * 1e-6  # between equals by chance
        chosen = worth.argmax(axis=1)
        explore = self.luck.random(len(chosen)) < 0.1
        return np.where(explore, self.luck.integers(4, size=len(chosen)), chosen).tolist()

    def tell(self, step: Transition) -> None:
        self.told += 1
        after = 0.0 if step.terminated else 0.95 * self.worth[step.next_observation].max()
        here = self.worth[step.observation]
        here[step.action] += 0.5 * (step.reward + after - here[step.action])

    def stop(self) -> None:
        pass


def walk(nes: Emulator, run: Run) -> list[int]:
    """Play until the room was left 40 times, or not found; the steps that each time took."""

    def place() -> int:
        return nes.ram["y"] * 16 + nes.ram["x"]

    nes.advance(Joypad(start=True))
    nes.advance()
    start = nes.save_state()
    lengths: list[int] = []
    for _ in range(40):
        nes.load_state(start)
        here, steps, won = place(), 0, False
        while not won and steps < MOST_STEPS:
            action: int = run.agent.ask(here)
            nes.advance(WAYS[action])
            while nes.ram["mode"] == 1 and (nes.ram["wait"] or nes.ram["pause"]):
                nes.advance()
            steps += 1
            won, there = nes.ram["mode"] == 3, place()
            run.agent.tell(here, action, float(won), there, won, steps == MOST_STEPS)
            here = there
        lengths.append(steps)
    return lengths


def test_a_toy_learner_finds_the_way_from_all_runners_together(seed: int) -> None:
    room = copain.Rom.from_bytes(ROOM)

    def opener(rom: copain.Rom) -> Emulator:
        emulator = copain.open(rom)
        emulator.ram.variables = ram_map_of("grid").variables
        return emulator

    learner = QTable(seed)
    lengths = np.array(CopainRun(room, walk, 4, opener, agent=learner).run().results)
    chance = np.array(CopainRun(room, walk, 2, opener, agent=RandomAgent(4, seed)).run().results)
    assert learner.told == lengths.sum()
    early, late = lengths[:, :5].mean(), lengths[:, -10:].mean()
    # The shortest way has 10 steps; one step in ten is chance.
    assert late < 20, f"after learning {late} steps a walk, at first {early}"
    assert late < 0.4 * early
    assert late < 0.4 * chance.mean()
