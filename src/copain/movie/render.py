"""Render: a movie's picture and sound as a file to watch, MP4, GIF or a PNG of one frame.

Pictures are enlarged by a whole factor without smoothing. An MP4 holds every frame at the
console's exact rate, and the sound of the same frames.
"""

# PyAV's types leave the parameter of Packet open, so that mux() and encode() count as unknown.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from copain.emulator import Emulator, HasAudio, HasScreen, Picture
from copain.errors import MissingExtra, MovieError
from copain.movie.movie import Movie
from copain.movie.playback import play_frames

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import OutputContainer
    from av.video.stream import VideoStream

FORMATS = (".mp4", ".gif", ".png")
SCALES = {".mp4": 3, ".gif": 2, ".png": 3}
"""How much each format enlarges the picture unless told otherwise."""

GIF_FRAME_SKIP = 2
_GIF_COLOURS = 255  # one of 256 is left for "as in the frame before"

OnFrame = Callable[[int, int], None]


def render(
    movie: Movie,
    emulator: Emulator,
    path: str | os.PathLike[str],
    *,
    first: int = 1,
    last: int | None = None,
    scale: int | None = None,
    frame_skip: int = GIF_FRAME_SKIP,
    on_frame: OnFrame | None = None,
    strict: bool = True,
) -> Path:
    """Play `movie` on `emulator` and write frames `first` to `last` (counted from 1) to `path`.

    The ending says the format: ``.mp4`` (H.264, and AAC where the emulator has sound), ``.gif``
    (every frame but the `frame_skip` - 1 after it), ``.png`` (the frame `last`). `scale` is a
    whole factor, see `SCALES`. `on_frame` is told the frames played and all there are to play.
    The file is whole or not there at all. Raises MovieError for frames, an ending or a scale that
    cannot be, MissingExtra where a package is needed, and as `copain.movie.play` does.
    """
    path = Path(path)
    kind = path.suffix.lower()
    if kind not in FORMATS:
        raise MovieError(
            f"render({str(path)!r}): the endings are {', '.join(FORMATS)}, not {kind or 'none'!r}"
        )
    end = movie.frames if last is None else last
    if not 1 <= first <= end <= movie.frames:
        raise MovieError(
            f"render: frames {first} to {end}; the movie has the frames 1 to {movie.frames}"
        )
    factor = SCALES[kind] if scale is None else scale
    if not 1 <= factor <= 16 or frame_skip < 1:
        raise MovieError(
            f"render: scale {factor}, frame skip {frame_skip}; a scale of 1 to 16 and a frame "
            "skip of at least 1 are allowed"
        )
    if not isinstance(emulator, HasScreen):
        raise MovieError(f"render: {emulator.name} shows no picture")
    start = end if kind == ".png" else first
    shots = _shots(movie, emulator, start, end, on_frame, strict, sound=kind == ".mp4")
    partial = path.with_name(f".{path.stem}.partial{kind}")
    try:
        if kind == ".mp4":
            _write_mp4(shots, emulator, partial, factor)
        elif kind == ".gif":
            _write_gif(shots, emulator.frame_rate, partial, factor, frame_skip)
        else:
            _write_png(shots, partial, factor)
        partial.replace(path)
    except OSError as error:
        raise MovieError(f"render: {path} cannot be written: {error}") from error
    finally:
        partial.unlink(missing_ok=True)
    return path


@dataclass(frozen=True, slots=True)
class _Shot:
    """What one frame shows and sounds like."""

    picture: Picture
    sound: npt.NDArray[np.int16] | None


def _shots(
    movie: Movie,
    emulator: Emulator,
    first: int,
    last: int,
    on_frame: OnFrame | None,
    strict: bool,
    sound: bool,
) -> Iterator[_Shot]:
    assert isinstance(emulator, HasScreen)
    heard = emulator if sound and isinstance(emulator, HasAudio) else None
    for frame, emulated in play_frames(movie, emulator, strict=strict):
        if emulated and frame >= first:
            yield _Shot(emulator.screen, heard.audio if heard else None)
        if on_frame is not None:
            on_frame(frame, last)
        if frame >= last:
            return


def _enlarged(picture: Picture, factor: int, size: tuple[int, int] | None = None) -> Picture:
    """The picture, `factor` times as large; brought to `size` (height, width) first if given."""
    if size is not None and picture.shape[:2] != size:
        rows = np.arange(size[0]) * picture.shape[0] // size[0]
        columns = np.arange(size[1]) * picture.shape[1] // size[1]
        picture = picture[rows][:, columns]
    return np.ascontiguousarray(picture.repeat(factor, 0).repeat(factor, 1))


# PNG


def _write_png(shots: Iterator[_Shot], path: Path, factor: int) -> None:
    image = _pillow("PNG")
    (shot,) = list(shots) or _nothing()
    image.fromarray(_enlarged(shot.picture, factor)).save(path, optimize=True)


def _nothing() -> list[_Shot]:
    raise MovieError(
        "render: none of these frames is emulated here, the boot offset drops them; "
        "choose later ones"
    )


def _pillow(what: str) -> ModuleType:
    try:
        from PIL import Image
    except ImportError:
        raise MissingExtra.needed(f"rendering a {what}", "pillow", "render") from None
    return Image


# GIF


def _write_gif(
    shots: Iterator[_Shot], rate: Fraction, path: Path, factor: int, frame_skip: int
) -> None:
    """A GIF with one palette, in which pixels that stay are left transparent.

    Frames are kept packed until all colours are known. GIF counts in hundredths of a second:
    the rounding is carried over, so that the whole lasts as long as the movie.
    """
    image = _pillow("GIF")
    palette = _Palette()
    packed: list[bytes] = []
    size: tuple[int, int] | None = None
    for number, shot in enumerate(shots):
        if number % frame_skip == 0:
            size = size or (shot.picture.shape[0], shot.picture.shape[1])
            indices = palette.indices(_enlarged(shot.picture, 1, size))
            packed.append(zlib.compress(indices.tobytes(), 1))
    if size is None:
        _nothing()
        return
    shape = size
    times = [round(Fraction(100 * frame_skip * number) / rate) for number in range(len(packed) + 1)]
    durations = [10 * (after - before) for before, after in pairwise(times)]
    colours = palette.colours()
    transparent = len(colours) // 3

    def frames() -> Iterator[Any]:
        before: npt.NDArray[np.uint8] | None = None
        for data in packed:
            indices = np.frombuffer(zlib.decompress(data), np.uint8).reshape(shape)
            shown = indices
            if before is not None:
                shown = np.where(indices == before, np.uint8(transparent), indices)
            before = indices
            picture = image.fromarray(shown.repeat(factor, 0).repeat(factor, 1), "P")
            picture.putpalette(colours + bytes(3))
            picture.info["transparency"] = transparent
            yield picture

    pictures = frames()
    next(pictures).save(
        path, save_all=True, append_images=pictures, duration=durations, loop=0, disposal=1,
        transparency=transparent, optimize=False,
    )  # fmt: skip


class _Palette:
    """The colours met so far, up to `_GIF_COLOURS`; further ones become the nearest."""

    def __init__(self) -> None:
        self._index = np.full(1 << 24, -1, np.int16)
        self._colours = np.zeros((0, 3), np.uint8)

    def colours(self) -> bytes:
        """The palette: three bytes a colour."""
        return self._colours.tobytes()

    def indices(self, picture: Picture) -> npt.NDArray[np.uint8]:
        """The picture as ``uint8 (height, width)`` of places in the palette."""
        wide = picture.astype(np.int32)
        packed = wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]
        indices = self._index[packed]
        if (indices < 0).any():
            for colour in np.unique(packed[indices < 0]).tolist():
                self._add(colour)
            indices = self._index[packed]
        return indices.astype(np.uint8)

    def _add(self, colour: int) -> None:
        rgb = np.array([colour >> 16, colour >> 8 & 255, colour & 255], np.uint8)
        if len(self._colours) < _GIF_COLOURS:
            self._index[colour] = len(self._colours)
            self._colours = np.vstack([self._colours, rgb])
        else:
            far = ((self._colours.astype(np.int32) - rgb) ** 2).sum(axis=1)
            self._index[colour] = int(far.argmin())


# MP4


def _write_mp4(shots: Iterator[_Shot], emulator: Emulator, path: Path, factor: int) -> None:
    """H.264 in 4:2:0, which every player shows, and AAC.

    The sound starts with the first frame's samples; its clock is the emulator's sample rate.
    """
    try:
        import av
        from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
    except ImportError:
        raise MissingExtra.needed("rendering an MP4", "av", "render") from None
    shot = next(shots, None)
    if shot is None:
        _nothing()
        return
    size = shot.picture.shape[0], shot.picture.shape[1]
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        video = _video_stream(container, emulator.frame_rate, size, factor)
        sound = _Sound(container, emulator.sample_rate) if isinstance(emulator, HasAudio) else None
        enlarge = VideoReformatter()
        number = 0
        while shot is not None:
            # Enlarged while its colours are converted: much faster than before. BT.709, as
            # players take a picture of this height to be.
            frame = enlarge.reformat(
                av.VideoFrame.from_ndarray(shot.picture, format="rgb24"),
                video.width, video.height, "yuv420p",
                dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG,
                interpolation=Interpolation.POINT,
            )  # fmt: skip
            frame.pts = number
            frame.time_base = 1 / emulator.frame_rate
            container.mux(video.encode(frame))
            if sound is not None and shot.sound is not None:
                sound.add(shot.sound)
            number += 1
            shot = next(shots, None)
        container.mux(video.encode(None))
        if sound is not None:
            sound.finish()


def _video_stream(
    container: OutputContainer, rate: Fraction, size: tuple[int, int], factor: int
) -> VideoStream:
    video = container.add_stream("libx264", rate=rate, options={"crf": "20", "preset": "veryfast"})
    # 4:2:0 needs even numbers.
    video.height, video.width = (side * factor + side * factor % 2 for side in size)
    video.pix_fmt = "yuv420p"
    video.time_base = 1 / rate
    context = video.codec_context
    context.time_base = 1 / rate
    context.color_range, context.colorspace = 1, 1
    context.color_primaries, context.color_trc = 1, 1
    return video


class _Sound:
    """The AAC stream: takes samples as they come, encodes them in AAC's own pieces."""

    _RATE = 48_000

    def __init__(self, container: OutputContainer, rate: float) -> None:
        import av

        self._container = container
        self._rate = round(rate)
        self._stream: AudioStream = container.add_stream("aac", rate=self._RATE, layout="stereo")
        self._stream.bit_rate = 128_000
        self._resampler = av.AudioResampler("fltp", "stereo", self._RATE, frame_size=1024)
        self._samples = 0

    def add(self, samples: npt.NDArray[np.int16]) -> None:
        """Encode ``int16 (samples, 2)``."""
        import av

        if not len(samples):
            return
        packed = np.ascontiguousarray(samples).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, format="s16", layout="stereo")
        frame.sample_rate = self._rate
        frame.pts = self._samples
        frame.time_base = Fraction(1, self._rate)
        self._samples += len(samples)
        for piece in self._resampler.resample(frame):
            self._container.mux(self._stream.encode(piece))

    def finish(self) -> None:
        """Encode what is left."""
        for piece in self._resampler.resample(None):
            self._container.mux(self._stream.encode(piece))
        self._container.mux(self._stream.encode(None))
