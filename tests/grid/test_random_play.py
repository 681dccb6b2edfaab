"""Random play and its command, on the game that needs no ROM."""

from __future__ import annotations

from typing import Any

import pytest
from typer.testing import CliRunner, Result

import copain
from copain import GameError, InputError, RomError
from copain.cli import app
from copain.fleet import CopainRun, RandomPlay
from copain.games import game_by_name, rom_path
from copain.joypad import Held


class Noted:
    """An emulator that notes what is held, frame by frame, and stops the run after so many."""

    def __init__(self, emulator: copain.Emulator, frames: int) -> None:
        self.emulator, self.left = emulator, frames
        self.held: list[str] = []
        self.run: CopainRun | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.emulator, name)

    def advance(self, held: Held = copain.IDLE, *, frames: int = 1) -> None:
        assert isinstance(held, copain.FrameInput)
        self.held += [str(held.joypads[0]) if held.joypads else "idle"] * frames
        if len(self.held) >= self.left and self.run is not None:
            self.run.stop()
        self.emulator.advance(held, frames=frames)


def holds(grid_rom: copain.Rom, frames: int = 400, **options: Any) -> list[str]:
    noted: list[Noted] = []

    def opener(rom: copain.Rom) -> Any:
        noted.append(Noted(copain.open(rom), frames))
        return noted[-1]

    play = RandomPlay(game_by_name("grid"), **options)
    run = CopainRun(grid_rom, play, 1, opener)

    def loop(nes: Noted, each: Any) -> object:
        nes.run = run
        return play(nes, each)  # type: ignore[arg-type]

    run.loop = loop
    run.run()
    return noted[0].held


def test_the_same_seed_plays_the_same_games(grid_rom: copain.Rom) -> None:
    first = holds(grid_rom, seed=5)
    assert first == holds(grid_rom, seed=5)
    assert first != holds(grid_rom, seed=6)
    assert first[:2] == ["start", "idle"]  # a one-player game is started
    assert {"up", "down", "left", "right", "a"} <= set(first)


def test_autofire_lets_go_of_fire_again_and_again(grid_rom: copain.Rom) -> None:
    def fire(**options: Any) -> set[str]:
        text = " ".join("a" if held == "a" else "-" for held in holds(grid_rom, hold=8, **options))
        return {run.replace(" ", "") for run in text.split("-")} - {""}

    assert fire(autofire=True) == {"aa"}
    assert "aaaaaaaa" in fire(autofire=False)


def test_it_begins_again_when_dead(grid_rom: copain.Rom) -> None:
    play = RandomPlay(game_by_name("grid"), seed=1)
    CopainRun(grid_rom, play, 2, seconds=1.0).run()
    for played in play.played.values():
        assert played.games > 3  # each death begins another
        assert played.frames > 50
        assert played.best_progress > 0
    with pytest.raises(InputError, match="at least 1 frame"):
        RandomPlay(game_by_name("grid"), hold=0)


# The command


def copain_command(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_copain_random_plays_and_says_what_came_of_it() -> None:
    done = copain_command("random", "grid", "--seconds", "0.5", "--runners", "3", "--seed", "2")
    assert done.exit_code == 0, done.output
    lines = [line for line in done.output.splitlines() if line.startswith("runner ")]
    assert [line.split(":")[0] for line in lines] == ["runner 0", "runner 1", "runner 2"]
    assert all("best score" in line for line in lines)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (["random", "grid", "--planes", "half"], InputError, "allowed are all, sprites"),
        (["random", "gradius"], GameError, "set COPAIN_GRADIUS_ROM"),
        (["search", "brute-force", "gradius"], GameError, "set COPAIN_GRADIUS_ROM"),
        (["random", "grid", "--visible", "1", "--runners", "1"], InputError, "no option 'visible'"),
        (["search", "brute-force", "grid", "--emulator", "nope"], copain.EmulatorMissing, "nope"),
    ],
)
def test_what_cannot_be_played_is_said(
    arguments: list[str],
    error: type[Exception],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("COPAIN_GRADIUS_ROM", raising=False)
    done = copain_command(*arguments)
    assert isinstance(done.exception, error)
    assert message in str(done.exception)


@pytest.mark.parametrize("command", [["random"], ["search", "brute-force"]])
def test_another_rom_than_the_game_s_is_refused(command: list[str]) -> None:
    done = copain_command(*command, "gradius", "--rom", str(rom_path("grid")))
    assert isinstance(done.exception, RomError)
    assert "is not Gradius (USA)" in str(done.exception)
