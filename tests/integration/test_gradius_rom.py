"""Gradius itself: its RAM in a savestate that stable-retro carries, and, with the ROM, its play.

The ROM is no one's to give: these tests run where COPAIN_GRADIUS_ROM names yours, and are skipped
by name elsewhere, in CI too.
"""

from __future__ import annotations

import gzip
import importlib.util
import os
import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import copain
from conftest import absent
from copain.cli import app
from copain.games import game_by_name, ram_map_of
from copain.games.gradius.game import Gradius
from copain.movie import Movie, verify
from copain.search import BruteForce, Fastest, brute_force

EMULATORS = ["libretro", "fceux"]


@pytest.fixture
def rom() -> copain.Rom:
    path = os.environ.get("COPAIN_GRADIUS_ROM")
    if not path:
        pytest.skip("Gradius (USA): set COPAIN_GRADIUS_ROM to your ROM of it")
    rom = copain.Rom.read(path)
    ram_map_of("gradius").check(rom)
    return rom


@pytest.fixture
def gradius() -> Gradius:
    game = game_by_name("gradius")
    assert isinstance(game, Gradius)
    return game


def test_the_start_of_the_first_stage_in_a_savestate_of_others(gradius: Gradius) -> None:
    spec = importlib.util.find_spec("stable_retro")
    if spec is None or spec.origin is None:
        absent("stable-retro, whose savestates are read", "pip install 'copain[cores]'")
    path = Path(spec.origin).parent / "data/stable/Gradius-Nes-v0/Level1.state"
    data = gzip.decompress(path.read_bytes())
    at = data.index(b"RAM\0") + 8  # of FCEUmm: four letters, then the size
    ram = np.frombuffer(data[at : at + 2048], np.uint8)
    names = ("mode", "ship", "lives", "stage", "loop", "ship_x", "ship_y", "scroll", "paused")
    assert [int(gradius.value(ram, name)) for name in names] == [5, 1, 3, 0, 0, 80, 96, 26, 0]
    assert gradius.score(ram) == 0
    assert gradius.value(ram, "high_score") == 5000  # 50,000 on the screen
    assert not gradius.over(ram[None])
    assert gradius.allowed(ram[None])[0, :-1].all()


@pytest.mark.parametrize("emulator", EMULATORS)
def test_the_start_leads_into_play_and_the_ship_dies_and_comes_back(
    rom: copain.Rom, gradius: Gradius, emulator: str
) -> None:
    with copain.open(rom, emulator) as nes:
        for held, frames in gradius.start:
            nes.advance(held, frames=frames)
        assert (nes.ram["mode"], nes.ram["ship"], nes.ram["lives"]) == (5, 1, 3)
        scroll, x = nes.ram["scroll"], nes.ram["ship_x"]
        nes.advance(copain.Joypad(right=True, a=True), frames=30)
        assert nes.ram["ship_x"] > x
        assert nes.ram["scroll"] > scroll
        prev = nes.ram.read_all()
        deaths = 0
        while nes.ram["lives"] == 3 and nes.frame < 6000:
            nes.advance()
            ram = nes.ram.read_all()
            deaths += int(gradius.dead(prev, ram))
            prev = ram
        assert deaths == 1
        assert nes.ram["lives"] == 2


def test_a_search_gets_on(rom: copain.Rom, gradius: Gradius) -> None:
    config = BruteForce(frames=60_000)
    found = brute_force(lambda: copain.open(rom), Fastest(gradius), config)
    assert found.score > 1000
    assert found.movie.frames > 1000


def test_the_files_in_the_guide_are_searched_by(
    rom: copain.Rom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for number, config in enumerate(guide_files()):
        Path("search.toml").write_text(config)
        folder = tmp_path / str(number)
        options = ["--config", "search.toml", "--width", "20", "--frames", "60000"]
        done = CliRunner().invoke(app, ["search", "beam", *options, "--out", str(folder)])
        assert isinstance(done.exception, SystemExit), done.exception
        movie = Movie.read(folder / "best.fm2")
        assert movie.frames > 500
        assert verify(movie, lambda: copain.open(rom)).in_sync


def guide_files() -> list[str]:
    """The configurations that the guide gives."""
    guide = Path(__file__).parents[2] / "docs" / "guides" / "gradius.md"
    return re.findall(r"```toml\n(.*?)```", guide.read_text(encoding="utf-8"), re.DOTALL)


def test_the_files_in_the_guide_have_known_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COPAIN_GRADIUS_ROM", raising=False)
    files = guide_files()
    assert len(files) == 2
    for config in files:
        path = tmp_path / "search.toml"
        path.write_text(config)
        done = CliRunner().invoke(app, ["search", "beam", "--config", str(path)])
        assert isinstance(done.exception, copain.GameError)
        assert "set COPAIN_GRADIUS_ROM" in str(done.exception)
