"""render: every frame, at its time, with the game's own pixels and sound."""

from __future__ import annotations

import sys
from collections.abc import Generator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

import copain
from copain.backends.grid import open_grid
from copain.emulator import HasScreen
from copain.errors import MissingExtra, MovieError
from copain.movie import Movie, Recorder, play
from copain.movie.render import render
from copain.system import NES

FRAMES = 180


@pytest.fixture(scope="module")
def movie(alouette: copain.Rom, fceumm: str) -> Movie:
    """Three seconds of Alouette: the title, Start, the stage's first frames."""
    with Recorder(copain.open(alouette, core=fceumm)) as recorder:
        recorder.advance(frames=60)
        recorder.advance(copain.Joypad(start=True), frames=4)
        recorder.advance(copain.Joypad(a=True), frames=FRAMES - 64)
        return recorder.movie()


@pytest.fixture
def nes(alouette: copain.Rom, fceumm: str) -> Generator[copain.Emulator]:
    with copain.open(alouette, core=fceumm) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def pictures(movie: Movie, alouette: copain.Rom, fceumm: str) -> list[npt.NDArray[np.uint8]]:
    """What the emulator shows after each frame."""
    shown: list[npt.NDArray[np.uint8]] = []
    with copain.open(alouette, core=fceumm) as emulator:
        assert isinstance(emulator, HasScreen)
        play(movie, emulator, lambda _: shown.append(emulator.screen))
    return shown


def enlarged(picture: npt.NDArray[np.uint8], factor: int) -> npt.NDArray[np.uint8]:
    return picture.repeat(factor, 0).repeat(factor, 1)


def test_a_video_has_every_frame_at_its_time(
    movie: Movie, nes: copain.Emulator, pictures: list[npt.NDArray[np.uint8]], tmp_path: Path
) -> None:
    seen: list[tuple[int, int]] = []
    path = render(
        movie, nes, tmp_path / "run.mp4", on_frame=lambda done, of: seen.append((done, of))
    )
    assert seen == [(frame, FRAMES) for frame in range(1, FRAMES + 1)]
    assert [file.name for file in tmp_path.iterdir()] == ["run.mp4"]
    with av.open(str(path)) as container:
        (video,) = container.streams.video
        assert (video.codec_context.name, video.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert video.average_rate == NES.frame_rate == Fraction(39375000, 655171)
        times: list[Fraction] = []
        errors: list[float] = []
        for number, frame in enumerate(container.decode(video)):
            assert frame.pts is not None
            assert frame.time_base is not None
            times.append(frame.pts * frame.time_base)
            shown = frame.to_ndarray(format="rgb24").astype(int)
            errors.append(float(np.abs(shown - enlarged(pictures[number], 3)).mean()))
    assert len(times) == FRAMES
    assert times == [frame / NES.frame_rate for frame in range(FRAMES)]
    assert max(errors) < 6  # of 255: lossy, but the frame of this time and no other
    title, stage = pictures[50], pictures[-1]
    assert np.abs(enlarged(title, 3).astype(int) - enlarged(stage, 3)).mean() > 12


def test_a_video_has_the_games_sound_from_its_first_frame(
    movie: Movie, nes: copain.Emulator, tmp_path: Path
) -> None:
    path = render(movie, nes, tmp_path / "run.mp4")
    with av.open(str(path)) as container:
        (sound,) = container.streams.audio
        assert (sound.codec_context.name, sound.rate) == ("aac", 48_000)
        samples = np.concatenate([frame.to_ndarray() for frame in container.decode(sound)], axis=1)
    heard: list[npt.NDArray[np.int16]] = []
    assert isinstance(nes, copain.HasAudio)
    play(movie, nes, lambda _: heard.append(nes.audio))
    raw = np.concatenate(heard)[:, 0].astype(float)
    seconds = float(FRAMES / NES.frame_rate)
    assert abs(len(raw) / nes.sample_rate - seconds) < 0.02
    assert abs(samples.shape[1] / 48_000 - seconds) < 0.05  # AAC's own pieces are 0.02 s
    # The same loudness at the same times, in steps of about 50 ms.
    steps = int(seconds * 20)
    ours = [float(np.square(part).mean()) for part in np.array_split(samples[0], steps)]
    theirs = [float(np.square(part / 32768).mean()) for part in np.array_split(raw, steps)]
    assert max(theirs) > 0
    assert np.corrcoef(ours, theirs)[0, 1] > 0.95


def test_a_range_of_frames(
    movie: Movie, nes: copain.Emulator, pictures: list[npt.NDArray[np.uint8]], tmp_path: Path
) -> None:
    path = render(movie, nes, tmp_path / "part.mp4", first=101, last=110, scale=1)
    with av.open(str(path)) as container:
        shown = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(shown) == 10
    assert shown[0].shape == pictures[100].shape
    assert np.abs(shown[0].astype(int) - pictures[100]).mean() < 6


def test_a_gif_has_the_very_pixels_and_lasts_as_long(
    movie: Movie, nes: copain.Emulator, pictures: list[npt.NDArray[np.uint8]], tmp_path: Path
) -> None:
    path = render(movie, nes, tmp_path / "run.gif", first=61, scale=2, frame_skip=3)
    clock = 0
    checked = 0
    with Image.open(path) as gif:
        assert gif.size == (2 * pictures[0].shape[1], 2 * pictures[0].shape[0])
        for number in range(getattr(gif, "n_frames", 1)):
            gif.seek(number)
            frame = 60 + 3 * round(clock / 1000 * float(NES.frame_rate) / 3)
            assert np.array_equal(np.asarray(gif.convert("RGB")), enlarged(pictures[frame], 2))
            clock += gif.info["duration"]
            checked += 1
    assert checked > 10
    assert abs(clock / 1000 - float((FRAMES - 60) / NES.frame_rate)) < 0.011
    assert path.stat().st_size < 200_000


def test_a_png_is_one_frame(
    movie: Movie, nes: copain.Emulator, pictures: list[npt.NDArray[np.uint8]], tmp_path: Path
) -> None:
    path = render(movie, nes, tmp_path / "shot.png", last=120)
    with Image.open(path) as picture:
        assert np.array_equal(np.asarray(picture), enlarged(pictures[119], 3))
    assert nes.frame == 120


def test_a_system_without_sound_and_odd_sizes(tmp_path: Path) -> None:
    with Recorder(open_grid()) as recorder:
        recorder.advance(copain.Joypad(start=True), frames=5)
        movie = recorder.movie()
    path = render(movie, open_grid(), tmp_path / "grid.mp4", scale=3)
    with av.open(str(path)) as container:
        assert len(container.streams.audio) == 0
        shown = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert [picture.shape for picture in shown] == [(288, 384, 3)] * 5


def test_what_cannot_be_rendered_is_refused(
    movie: Movie, nes: copain.Emulator, tmp_path: Path
) -> None:
    with pytest.raises(MovieError, match=r"endings are \.mp4, \.gif, \.png, not '\.avi'"):
        render(movie, nes, tmp_path / "run.avi")
    with pytest.raises(MovieError, match="frames 5 to 4; the movie has the frames 1 to 180"):
        render(movie, nes, tmp_path / "run.gif", first=5, last=4)
    with pytest.raises(MovieError, match="scale 0"):
        render(movie, nes, tmp_path / "run.gif", scale=0)
    with pytest.raises(MovieError, match="cannot be written"):
        render(movie, nes, tmp_path / "no folder" / "run.png")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("ending", "package"), [("mp4", "av"), ("gif", "PIL"), ("png", "PIL")])
def test_a_missing_package_is_named(
    movie: Movie, nes: copain.Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    ending: str, package: str,
) -> None:  # fmt: skip
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtra, match=r"pip install 'copain\[render\]'"):
        render(movie, nes, tmp_path / f"run.{ending}")
    assert list(tmp_path.iterdir()) == []
