"""copain verify and copain render, as a person types them."""

from __future__ import annotations

import json
import random
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

import copain
from copain.cli import main
from copain.movie import Movie, Recorder

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs ``copain ...``; gives the exit status, standard output and standard error."""
    monkeypatch.setenv("COLUMNS", "200")

    def copain_(*words: str | Path | None) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["copain", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return copain_


@pytest.fixture
def movie(alouette: copain.Rom, fceumm: str, tmp_path: Path) -> Path:
    with Recorder(copain.open(alouette, core=fceumm)) as recorder:
        recorder.advance(frames=60)
        recorder.advance(copain.Joypad(start=True), frames=4)
        recorder.advance(copain.Joypad(right=True), frames=56)
        recorder.movie(hashes_every=60).write(tmp_path / "run.fm2")
    return tmp_path / "run.fm2"


def changed(movie: Path) -> Path:
    """The movie without the Start, with the hashes of the one that had it."""
    old = Movie.read(movie)
    inputs = old.inputs.copy()
    inputs[60:64, 0] = 0
    path = movie.with_name("changed.fm2")
    replace(old, inputs=inputs).write(path)
    return path


def test_verify_says_in_sync(run: Run, movie: Path, alouette: copain.Rom) -> None:
    status, out, err = run("verify", movie, "--rom", alouette.path)
    assert (status, out.splitlines()[0]) == (0, "in sync, 120 frames")
    assert "all equal" in out
    assert not err  # no bar where there is no terminal


def test_verify_against_another_core(
    run: Run, movie: Path, alouette: copain.Rom, nestopia: str
) -> None:
    for against in (nestopia, f"libretro:{nestopia}"):
        status, out, _ = run("verify", movie, "--rom", alouette.path, "--against", against)
        assert (status, out.splitlines()[0]) == (0, "in sync, 120 frames")
        assert "in 119 frames, all equal" in out


def test_verify_says_where_it_parts(run: Run, movie: Path, alouette: copain.Rom) -> None:
    status, out, _ = run("verify", changed(movie), "--rom", alouette.path)
    assert status == 1
    assert out.startswith("desync at frame 120 of 120")
    assert "the last equal one is 60" in out
    assert "the difference lasts: 1 frame differs, up to the end" in out


def test_verify_as_json(run: Run, movie: Path, alouette: copain.Rom) -> None:
    status, out, _ = run("verify", movie, "--rom", alouette.path, "--json")
    facts = json.loads(out)
    assert (status, facts["in_sync"], facts["frames"], facts["first"]) == (0, True, 120, None)
    assert facts["comparisons"][0]["compared"] == 2
    status, out, _ = run("verify", changed(movie), "--rom", alouette.path, "--json")
    assert (status, json.loads(out)["first"]) == (1, 120)


def test_verify_asks_the_emulator_that_made_it_where_it_parts(
    run: Run, efp: copain.Rom, fceumm: str, nestopia: str, tmp_path: Path
) -> None:
    # Debian's efp reads the joypad while it boots, which nestopia's shorter boot shifts.
    rng = random.Random(1)
    with Recorder(copain.open(efp, core=fceumm)) as recorder:
        for _ in range(120):
            recorder.advance(copain.Joypad.from_bits(rng.getrandbits(8) & rng.getrandbits(8)))
        recorder.movie(hashes_every=1).write(tmp_path / "efp.fm2")
    status, out, _ = run("verify", tmp_path / "efp.fm2", "--rom", efp.path, "--core", nestopia)
    assert status == 1
    first = int(re.findall(r"desync at frame (\d+) of 120", out)[0])
    assert first < 30
    assert f"first difference in frame {first}, the last equal one is {first - 1}" in out
    assert re.search(r"0x0[0-7][0-9a-f]{2}: expected \d+, found \d+", out)
    assert "the difference lasts" in out or "the difference heals" in out
    assert run("verify", tmp_path / "efp.fm2", "--rom", efp.path, "--core", fceumm)[0] == 0


def test_what_cannot_be_verified_ends_with_2(
    run: Run, movie: Path, alouette: copain.Rom, efp: copain.Rom
) -> None:
    status, out, err = run("verify", movie, "--rom", efp.path)
    assert (status, out) == (2, "")
    assert "another ROM than efp" in " ".join(err.split())
    bare = movie.with_name("bare.fm2")
    replace(Movie.read(movie), hashes={}).write(bare)
    status, _, err = run("verify", bare, "--rom", alouette.path, "--core", "fceumm")
    assert status == 2
    assert "hashes are missing" in " ".join(err.split())
    assert run("verify", movie, "--rom", alouette.path, "--against", "nothing")[0] == 2
    assert run("verify", movie.with_name("no.fm2"), "--rom", alouette.path)[0] == 2


def test_render_writes_a_picture(
    run: Run, movie: Path, alouette: copain.Rom, tmp_path: Path
) -> None:
    path = tmp_path / "shot.png"
    status, out, _ = run("render", movie, "--rom", alouette.path, "-o", path, "--frame", "100",
                         "--scale", "2")  # fmt: skip
    assert status == 0
    assert "shot.png: " in out
    with Image.open(path) as picture:
        assert picture.size[0] == 512


def test_render_writes_a_part_as_gif(
    run: Run, movie: Path, alouette: copain.Rom, tmp_path: Path
) -> None:
    path = tmp_path / "part.gif"
    status, _, _ = run("render", movie, "--rom", alouette.path, "-o", path, "--from", "65",
                       "--to", "80", "--scale", "1")  # fmt: skip
    assert status == 0
    with Image.open(path) as gif:
        assert gif.size[0] == 256
        assert getattr(gif, "n_frames", 1) > 1
    status, _, err = run("render", movie, "--rom", alouette.path, "-o", tmp_path / "x.mp4",
                         "--frame", "3")  # fmt: skip
    assert status == 2
    assert "--frame chooses the frame of a .png" in " ".join(err.split())
    status, _, err = run("render", movie, "--rom", alouette.path, "-o", tmp_path / "x.png",
                         "--from", "3")  # fmt: skip
    assert status == 2
    assert "a .png is one frame: say --frame" in err
