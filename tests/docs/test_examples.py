"""Each example runs to its end in an empty folder, and says what its page of code promises."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import absent
from copain.backends.fceux_start import find_fceux
from copain.errors import EmulatorMissing

EXAMPLES = Path(__file__).parents[2] / "examples"

# What the last line says; the figures may change with the game.
LAST_LINES = {
    "hooks": r"frame \d+: lives 0, 3, 2, 1, 0; [\d,]+ instructions",
    "hud": r"frame 640: the score was written in \d+ frames, see hud\.png",
    "first_script": r"frame \d+: \d+ points, [0-3] lives left",
    "many_runners": r"copain [\d.]+: runner \d was luckiest",
    "points_left_behind": r"10,950 points left behind",
    "random_play": r"seed 4: \d+ points, game over after \d+ frames",
    "record_a_movie": r"first\.fm2, first\.gif, first\.png",
    "savestate_search": r"frame \d+: \d+ points, \d+ of 30 ways survive",
    "train_ppo": r"4096 steps: \d+ points an episode, of the last \d+",
}

NEED_FCEUX = {"hud"}


def test_every_example_is_run() -> None:
    assert sorted(LAST_LINES) == sorted(path.stem for path in EXAMPLES.glob("*.py"))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", sorted(LAST_LINES))
def test_an_example_runs(name: str, tmp_path: Path) -> None:
    if name in NEED_FCEUX:
        try:
            find_fceux()
        except EmulatorMissing:
            absent("fceux", "apt install fceux")

    def run() -> str:
        done = subprocess.run(
            [sys.executable, "-W", "error", str(EXAMPLES / f"{name}.py")],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    said = run()
    assert re.fullmatch(LAST_LINES[name], said.splitlines()[-1]), said
    assert run() == said  # the same script plays the same game
