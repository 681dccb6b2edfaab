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
    verdict, first = re.findall(r"(heals: frame|desync at frame) (\d+)", out)[0]
    assert status == (1 if verdict.startswith("desync") else 0)
    first = int(first)
    assert first < 30
    assert f"first difference in frame {first}, the last equal one is {first - 1}" in out
    assert re.search(r"0x0[0-7][0-9a-f]{2}: expected \d+, found \d+", out)
    assert "the difference lasts" in out or "the difference heals" in out
    assert run("verify", tmp_path / "efp.fm2", "--rom", efp.path, "--core", fceumm)[0] == 0


def test_verify_on_many_emulators(
    run: Run, movie: Path, alouette: copain.Rom, fceumm: str, nestopia: str
) -> None:
    on = ["--on", "colibri", "--on", f"libretro:{fceumm}", "--on", nestopia]
    status, out, err = run("verify", movie, "--rom", alouette.path, *on)
    assert (status, err) == (0, "")
    rows = [" ".join(line.split()) for line in out.splitlines()]
    assert [row.partition(" (")[0] for row in rows[1:]] == ["colibri", "libretro:fceumm", nestopia]
    assert " -1 in sync all equal the same mode " in rows[3]
    # The same movie with another input: all play it alike, and the movie's hashes say no.
    status, out, _ = run("verify", changed(movie), "--rom", alouette.path, *on, "--json")
    facts = json.loads(out)
    assert (status, facts["status"], facts["frames"]) == (1, "desync", 120)
    assert [row["status"] for row in facts["rows"]] == ["desync", "in sync", "in sync"]
    assert facts["rows"][0]["hashes"]["first"] == 120
    assert [row["offset"] for row in facts["rows"]] == [0, 0, -1]


def test_a_converted_movie_still_plays(
    run: Run, movie: Path, alouette: copain.Rom, tmp_path: Path
) -> None:
    there, back = tmp_path / "run.bk2", tmp_path / "back.fm2"
    status, out, _ = run("movie", "convert", movie, there)
    assert status == 0
    assert "run.bk2: 120 frames" in out
    assert "NesHawk's InitialWRamStatePattern: [] (FCEUX's RAMInitOption 0" in out
    assert "  libretro:nestopia: boot -1 against FCEUX's: the first lines are dropped" in out
    assert "  mame: boot -1 against FCEUX's" in out
    assert "  colibri: boots as FCEUX\n" in out
    assert run("verify", there, "--rom", alouette.path)[0] == 0
    status, out, _ = run("movie", "convert", there, back, "--json")
    assert status == 0
    told = json.loads(out)["emulators"]
    assert {name: need["boot_offset"] for name, need in told.items() if need["boot_offset"]} == {
        "mame": -1, "libretro:nestopia": -1,
    }  # fmt: skip
    pal = Movie.read(movie)
    replace(pal, region="pal").write(tmp_path / "pal.fm2")
    status, out, _ = run("movie", "convert", tmp_path / "pal.fm2", there, "--json")
    told = json.loads(out)["emulators"]
    assert told["mame"] == {"boot_offset": None, "options": {"machine": "nespal"}}
    assert told["fceux"]["options"] == {"region": "pal"}
    assert Movie.read(back) == Movie.read(movie)
    status, _, err = run("movie", "convert", movie, tmp_path / "run.vbm")
    assert (status, ".fm2 or .bk2 is needed" in err) == (2, True)


def test_verify_on_says_what_did_not_open(run: Run, movie: Path, alouette: copain.Rom) -> None:
    status, out, _ = run("verify", movie, "--rom", alouette.path, "--on", "colibri", "--on", "no")
    assert status == 2
    assert re.search(r"no +refused", out)
    assert "no core called 'no' was found" in out
    for wrong in (["--on", "colibri", "--on", "colibri"], ["--on", "colibri", "--core", "fceumm"]):
        assert run("verify", movie, "--rom", alouette.path, *wrong)[0] == 2


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
