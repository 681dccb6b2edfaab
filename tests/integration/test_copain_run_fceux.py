"""CopainRun with FCEUX: many processes, and their certain end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path

import numpy as np
import pytest

import copain
from conftest import absent
from copain import EmulatorMissing, Joypad, RunnerError
from copain.backends.fceux import FceuxEmulator
from copain.backends.fceux_start import find_fceux
from copain.fleet import CopainRun, Played, RandomAgent, RandomPlay, Run, open_fleet
from copain.games import game_by_name
from copain.games.alouette.game import Alouette
from copain.games.game import Flags
from copain.memory import Bytes
from copain.wire.process import VirtualDisplay

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(autouse=True)
def fceux() -> None:
    try:
        find_fceux()
    except EmulatorMissing:
        absent("fceux", "apt install fceux")


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where private folders are made, here and in what is started from here."""
    place = tmp_path / "t"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    return place


def gone(pids: list[int], within: float) -> bool:
    """Whether all these processes end within so many seconds."""
    deadline = time.monotonic() + within
    while any(alive(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_each_runner_has_a_process_and_a_folder_and_plays_the_same_game(
    alouette: copain.Rom, folders: Path, fceumm: str
) -> None:
    together = threading.Barrier(4)
    held = [Joypad(start=True), Joypad(a=True, up=True), Joypad(a=True, right=True)]

    def play(nes: copain.Emulator) -> bytes:
        nes.advance(frames=40)
        for each in held:
            nes.advance(each, frames=80)
        return nes.ram.read_all().tobytes()

    def loop(nes: FceuxEmulator, run: Run) -> tuple[int | None, int, bytes]:
        together.wait(20)
        there = len(list(folders.iterdir()))
        together.wait(20)
        return nes.pid, there, play(nes)

    outcome = CopainRun(alouette, loop, runners=4, emulator="fceux").run()
    pids = [pid for pid, _, _ in outcome.results]
    assert len(set(pids)) == 4
    assert [there for _, there, _ in outcome.results] == [4, 4, 4, 4]
    with copain.open(alouette, core=fceumm) as reference:
        reference_ram = play(reference)
    assert {ram for _, _, ram in outcome.results} == {reference_ram}
    assert gone([pid for pid in pids if pid], 0)
    assert not list(folders.iterdir())


def test_a_killed_fceux_is_restarted_or_named(alouette: copain.Rom, folders: Path) -> None:
    pids: list[int | None] = []

    def loop(nes: FceuxEmulator, run: Run) -> int:
        pids.append(nes.pid)
        nes.advance(frames=5)
        if run.runner == 1 and run.attempt == 0:
            assert nes.pid is not None
            os.kill(nes.pid, signal.SIGKILL)
        nes.advance(frames=5)
        return nes.frame

    outcome = CopainRun(alouette, loop, runners=2, emulator="fceux", restarts=1).run()
    assert outcome.results == (10, 10)
    assert outcome.restarts == (0, 1)
    with pytest.raises(RunnerError, match=r"(?s)^runner 1: EmulatorCrashed: .*SIGKILL") as caught:
        CopainRun(alouette, loop, runners=2, emulator="fceux").run()
    assert caught.value.runner == 1
    assert gone([pid for pid in pids if pid], 0)
    assert not list(folders.iterdir())


def test_loops_that_never_look_up_are_ended_with_their_emulators(
    alouette: copain.Rom, folders: Path
) -> None:
    pids: list[int | None] = []

    def loop(nes: FceuxEmulator, run: Run) -> None:
        pids.append(nes.pid)
        while True:
            nes.advance(frames=10_000)

    began = time.monotonic()
    CopainRun(alouette, loop, runners=3, emulator="fceux", seconds=0.5).run()
    assert time.monotonic() - began < 5
    assert gone([pid for pid in pids if pid], 0)
    assert not list(folders.iterdir())


def test_one_is_shown_and_the_others_are_not(
    alouette: copain.Rom, folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        users_display = VirtualDisplay(tmp_path / "xvfb.log")
    except EmulatorMissing:
        absent("Xvfb", "apt install xvfb")
    monkeypatch.setenv("DISPLAY", users_display.name)

    def loop(nes: FceuxEmulator, run: Run) -> tuple[bool, str | None]:
        nes.advance(frames=5)
        return run.visible, nes.display_name

    try:
        one = CopainRun(
            alouette, loop, 3, "fceux", visible=1, shown={"speed": "maximum", "sound": False}
        )
        expected = [(True, users_display.name), (False, None), (False, None)]
        assert list(one.run().results) == expected
        one = CopainRun(alouette, loop, 2, "fceux", visible=1, options={"display": "xvfb"})
        shown, hidden = one.run().results
        assert shown == (True, users_display.name)
        assert hidden[0] is False
        assert hidden[1] not in (None, users_display.name)
    finally:
        users_display.end()


def test_an_agent_plays_beside_fceux(alouette: copain.Rom, folders: Path) -> None:
    game = game_by_name("alouette")

    def loop(nes: FceuxEmulator, run: Run) -> int:
        for held, frames in game.start:
            nes.advance(held, frames=frames)
        seen = nes.ram.read_all()
        for _ in range(30):
            action: int = run.agent.ask(seen)
            nes.advance(game.actions[action].held, frames=4)
            after = nes.ram.read_all()
            run.agent.tell(seen, action, float(game.score(after) - game.score(seen)), after)
            seen = after
        return nes.frame

    agent = RandomAgent(len(game.actions), seed=2)
    outcome = CopainRun(alouette, loop, 2, "fceux", agent=agent).run()
    assert set(outcome.results) == {310}


@pytest.mark.parametrize("autofire", [True, False])
def test_random_play_of_a_seed_is_the_same_on_fceux_and_fceumm(
    alouette: copain.Rom, fceumm: str, folders: Path, autofire: bool
) -> None:
    class OneLife(Alouette):
        """Stops the run at the first death."""

        run: CopainRun

        def dead(self, prev: Bytes, ram: Bytes) -> Flags:
            flags = super().dead(prev, ram)
            if flags:
                self.run.stop()
            return flags

    def play(seed: int, emulator: str, **options: object) -> Played:
        game = OneLife()
        play = RandomPlay(game, seed, autofire=autofire)
        game.run = CopainRun(alouette, play, 1, emulator, options=options)
        game.run.run()
        return play.played[0]

    one = play(4, "fceux")
    assert one.games == 1
    assert one.frames > 100
    assert one == play(4, "libretro", core=fceumm)
    assert one != play(5, "libretro", core=fceumm)


def test_a_fleet_of_fceux_plays_from_savestates_of_its_other_workers(
    alouette: copain.Rom, folders: Path
) -> None:
    rng = np.random.default_rng(7)
    start = np.repeat([0, copain.Button.START, 0], [30, 2, 158]).astype(np.uint16)[None, :, None]
    choices = [0, copain.Button.A, copain.Button.UP, copain.Button.DOWN | copain.Button.A]
    steps = [
        (rng.integers(0, 12, 12), rng.choice(choices, (12, 1, 1)).repeat(20, axis=1))
        for _ in range(3)
    ]
    hashes: list[list[int]] = []
    for workers in (1, 3):
        with open_fleet(lambda: copain.open(alouette, "fceux"), workers) as fleet:
            pool = fleet.new_pool(100)
            slots = np.repeat(fleet.rollout(pool, [pool.put(fleet.root())], start).slots, 12)
            seen: list[int] = []
            for parents, inputs in steps:
                batch = fleet.rollout(pool, slots[parents], inputs)
                slots = batch.slots
                seen += batch.hashes.tolist()
            hashes.append(seen)
    assert hashes[0] == hashes[1]
    assert len(set(hashes[0])) > 10


# From outside: signals, and what is left behind

PLAYING = """
import os, copain
from copain.fleet import CopainRun
from copain.games import rom_path

def loop(nes, run):
    os.write(1, f"{nes.pid}\\n".encode())
    while True:
        nes.advance(FRAMES)

try:
    CopainRun(rom_path("alouette"), loop, runners=4, emulator="fceux").run()
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""

Start = Callable[[str], tuple["subprocess.Popen[str]", list[int]]]


@pytest.fixture
def start(folders: Path, tmp_path: Path) -> Generator[Start]:
    started: list[subprocess.Popen[str]] = []

    def start_it(frames: str) -> tuple[subprocess.Popen[str], list[int]]:
        script = tmp_path / "playing.py"
        script.write_text(PLAYING.replace("FRAMES", frames), encoding="utf-8")
        python = subprocess.Popen(
            [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        started.append(python)
        assert python.stdout is not None
        pids = [int(python.stdout.readline()) for _ in range(4)]
        time.sleep(0.3)
        assert all(alive(pid) for pid in pids)
        assert len(list(folders.iterdir())) == 4
        return python, pids

    yield start_it
    for python in started:
        python.kill()
        python.wait()
        assert python.stdout is not None
        python.stdout.close()


@pytest.mark.parametrize("frames", ["", "frames=1_000_000"], ids=["frame by frame", "far ahead"])
def test_ctrl_c_ends_all_instances_within_a_second(
    start: Start, folders: Path, frames: str
) -> None:
    python, pids = start(frames)
    began = time.monotonic()
    python.send_signal(signal.SIGINT)
    assert gone(pids, 1.0)
    said, _ = python.communicate(timeout=10)
    assert time.monotonic() - began < 3
    assert said.splitlines()[-1] == "interrupted"
    assert python.returncode == 0
    assert not list(folders.iterdir())


def test_kill_9_leaves_nothing_behind(start: Start, folders: Path) -> None:
    python, pids = start("")
    python.kill()
    python.wait()
    assert gone(pids, 2.0)
    deadline = time.monotonic() + 3
    while list(folders.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not list(folders.iterdir())


@pytest.mark.parametrize("emulator", ["libretro", "fceux"])
def test_copain_random_plays(emulator: str, folders: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [Path(sys.prefix) / "bin" / "copain", "random", "alouette", "--emulator", emulator,
         "--runners", "2", "--seconds", "3", "--seed", "1"],
        capture_output=True, text=True, cwd=tmp_path, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["runner 0", "runner 1"]
    for line in lines:
        assert int(line.split()[2]) >= 1, line
        assert int(line.rpartition(" ")[2].replace(",", "")) > 0, line
    assert not list(folders.iterdir())
