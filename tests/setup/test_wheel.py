"""The wheel: built from the tree, installed in a clean environment, and playing a game there."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
from bare import ROOT, tree_files

PLAY = """
import copain
from copain.games import rom_path
with copain.open(rom_path("alouette")) as nes:
    nes.advance(frames=60)
    print(nes.frame, nes.ram["mode"], copain.__file__)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from a copy of the tree."""
    tree = tmp_path_factory.mktemp("tree")
    for name in tree_files():
        target = tree / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    out = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", out, "."],
        cwd=tree,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = out.glob("*.whl")
    return built


@pytest.mark.timeout(400)
def test_the_wheel_holds_what_is_needed_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for needed in ("py.typed", "_native.pyi", "games/alouette/alouette.nes",
                   "games/alouette/ram.toml", "games/grid/ram.toml"):  # fmt: skip
        assert f"copain/{needed}" in names
    assert [name for name in names if name.startswith("copain/_native.") and name.endswith(".so")]
    assert [name for name in names if name.endswith("licenses/LICENSE")]
    assert {name.split("/")[0].split("-")[0] for name in names} == {"copain"}


@pytest.mark.timeout(400)
def test_the_wheel_plays_a_game_in_a_clean_environment(wheel: Path, tmp_path: Path) -> None:
    home = tmp_path / "clean"
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", "--no-deps", wheel], check=True)
    # What copain depends on, but not this tree's own copain, which a .pth file leads to.
    (site,) = home.glob("lib/python*/site-packages")
    (site / "rest.pth").write_text(sysconfig.get_paths()["purelib"] + "\n", encoding="utf-8")
    done = subprocess.run([python, "-c", PLAY], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    frame, mode, where = done.stdout.split(maxsplit=2)
    assert (frame, mode) == ("60", "0")
    assert Path(where.strip()).is_relative_to(home)
    told = subprocess.run([home / "bin" / "copain", "--help"], capture_output=True, text=True)
    assert told.returncode == 0
    assert "verify" in told.stdout
