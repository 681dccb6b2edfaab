"""bk2 under any bytes: a Movie whose parts are written back to the byte, or a MovieError."""

from __future__ import annotations

import io
import warnings
import zipfile
from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_np

from copain.errors import MovieError
from copain.movie import Movie, RomIdentity, Subtitle
from copain.movie.bk2 import format_bk2, parse_bk2
from copain.movie.bk2_columns import PLATFORMS

LOG = (
    b"[Input]\nLogKey:#Reset|Power|#P1 Up|P1 Down|P1 Left|P1 Right|P1 Start|P1 Select|P1 B|P1 A|\n"
    b"|..|U......A|\n|r.|........|\n|..|...R.s..|\n[/Input]\n"
)
HEADER = b"MovieVersion BizHawk v2.0.0\nAuthor a\nPlatform NES\nrerecordCount 3\nSHA1 " + b"a1" * 20


def packed(**texts: bytes) -> bytes:
    names = {"header": "Header.txt", "log": "Input Log.txt", "comments": "Comments.txt",
             "subtitles": "Subtitles.txt", "settings": "SyncSettings.json"}  # fmt: skip
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:  # not packed, so that bytes are easily changed
        for key, name in names.items():
            if key in texts:
                file.writestr(zipfile.ZipInfo(name), texts[key])
    return data.getvalue()


def check(data: bytes) -> Movie | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile's, of doubled names
        try:
            movie = parse_bk2(data)
        except MovieError:
            return None
    assert movie.source is not None
    again = parse_bk2(format_bk2(movie))
    assert again == movie
    assert again.source is not None
    assert dict(again.source.parts) == dict(movie.source.parts)
    return movie


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    check(data)
    check(packed(header=data, log=data))
    check(packed(header=HEADER, log=LOG, comments=data, subtitles=data, settings=data))


GOOD = packed(header=HEADER, log=LOG)


@given(
    st.integers(0, len(GOOD) - 1), st.integers(0, 20), st.binary(max_size=20), st.integers(0, 400)
)
def test_zips_with_bytes_changed_and_cut(start: int, removed: int, new: bytes, end: int) -> None:
    check((GOOD[:start] + new + GOOD[start + removed :])[: len(GOOD) - end])


@given(st.integers(0, len(LOG) - 1), st.integers(0, 9), st.binary(max_size=9))
def test_logs_with_bytes_changed(start: int, removed: int, new: bytes) -> None:
    check(packed(header=HEADER, log=LOG[:start] + new + LOG[start + removed :]))


KEYS = st.sampled_from(
    ["Platform", "Author", "GameName", "SHA1", "MD5", "rerecordCount", "PAL", "Core", "IsCGBMode",
     "StartsFromSavestate", "StartsFromSaveRam", "emuVersion", "MovieVersion", "x", ""]
)  # fmt: skip
VALUES = st.one_of(
    st.sampled_from(["NES", "GB", "1", "True", "Retro", "aB" * 20, "MD5:" + "12" * 16, "A26"]),
    st.text(max_size=12),
)
CELLS = st.text(alphabet=".UDr1 ,-9|", max_size=12).map(lambda cells: f"|{cells}|")
NAMES = st.lists(
    st.sampled_from(["P1 Up", "P1 A", "P2 Up", "Up", "Power", "Reset", "P9 X", "Tilt", "#", "|"]),
    max_size=6,
)


@given(st.lists(st.tuples(KEYS, VALUES), max_size=6), NAMES, st.lists(CELLS, max_size=6),
       st.sampled_from(["\n", "\r\n"]))  # fmt: skip
def test_anything_shaped_like_bk2(
    header: list[tuple[str, str]], names: list[str], cells: list[str], end: str
) -> None:
    lines = [f"{key} {value}" for key, value in [("Platform", "NES"), *header]]
    log = ["[Input]", "LogKey:#" + "|".join(names) + "|", *cells, "[/Input]"]
    check(packed(header=end.join(lines).encode("utf-8", "surrogatepass"),
                 log=(end.join(log) + end).encode()))  # fmt: skip


CHARACTERS = st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"])
TEXT = st.text(CHARACTERS, min_size=1, max_size=20).map(str.strip).filter(bool)
AUTHOR = TEXT.filter(lambda text: ", " not in text and text != "?" and not text.endswith(","))
COMMENT = TEXT.filter(lambda text: not text.startswith("copain-"))


@st.composite
def movies(draw: st.DrawFn) -> Movie:
    system = draw(st.sampled_from([platform.system for platform in PLATFORMS[:3]]))
    frames = draw(st.integers(0, 12))
    shape = (frames, system.ports)
    inputs = draw(st_np.arrays(np.uint16, shape, elements=st.integers(0, 1 << 14)))
    return Movie(
        system,
        inputs & np.uint16(system.button_bits),
        draw(st_np.arrays(np.uint8, frames, elements=st.integers(0, 3))),
        rom=RomIdentity(draw(TEXT), draw(st.sampled_from(["", "01" * 16])), "12" * 20),
        rerecords=draw(st.integers(0, 2**31 - 1)),
        savestate=draw(st.one_of(st.none(), st.binary(max_size=40))),
        authors=tuple(draw(st.lists(AUTHOR, max_size=2))),
        comments=tuple(draw(st.lists(COMMENT, max_size=3))),
        subtitles=tuple(
            draw(st.lists(st.builds(Subtitle, st.integers(0, 10**6), TEXT), max_size=2))
        ),
        hashes=draw(st.dictionaries(st.integers(1, 10**6), st.integers(0, 2**64 - 1), max_size=3)),
        made_by=draw(st.sampled_from(["fceux 2.6.5", "bizhawk:NesHawk 2.9.1", "grid 1", ""])),
        region=draw(st.sampled_from(["ntsc", "pal"])),
        ram_init=draw(st.integers(0, 2)) if system.name == "nes" else 0,
    )


@given(movies(), movies())
def test_any_movie_comes_back(first: Movie, second: Movie) -> None:
    assert parse_bk2(format_bk2(first)) == first
    # The parts of one file, saying all that another movie says.
    moved = replace(second, source=parse_bk2(format_bk2(first)).source)
    assert parse_bk2(format_bk2(moved)) == second
