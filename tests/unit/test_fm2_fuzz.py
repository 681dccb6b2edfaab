"""fm2 under any bytes: a Movie that is written back to the byte, or a MovieError."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_np

from copain.errors import MovieError
from copain.movie import Movie, RomIdentity, Subtitle
from copain.movie.fm2 import format_fm2, parse_fm2
from copain.system import NES

GOLDEN = Path(__file__).parents[1] / "golden"
REAL = (GOLDEN / "fceux-two-players.fm2").read_bytes()[:900]


def check(data: bytes) -> None:
    try:
        movie = parse_fm2(data)
    except MovieError:
        return
    assert format_fm2(movie) == data


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    check(data)
    check(b"version 3\n" + data)


KEYS = [
    "emuVersion", "rerecordCount", "palFlag", "romFilename", "romChecksum", "guid", "fourscore",
    "port0", "port1", "RAMInitOption", "binary", "savestate", "subtitle", "comment", "other",
    "comment copain-ram-hash", "comment author", "comment copain-emulator", " port0", "",
    "comment copain-ram-hash-of 0000-07ff without 0100-01ff, copain.rollout.ram_hash",
]  # fmt: skip
VALUES = st.one_of(
    st.sampled_from(
        ["0", "1", "2", " 1 ", "base64:AAAA", "0x00ff", "20605", "60 00000000000000ff"]
    ),
    st.text(max_size=12),
)
LINES = st.tuples(st.sampled_from(KEYS), VALUES).map(" ".join)
FRAMES = st.one_of(
    st.sampled_from(
        ["|0|........|........||", "|1|RLDUTSBA|........||", "|0||||", "|0|........|||"]
    ),
    st.from_regex(r"\|[0-9]{1,3}\|[RLDUTSBA. x]{8}\|[RLDUTSBA. x]{0,8}\|\|?", fullmatch=True),
    st.text(max_size=8),
)
ENDS = st.sampled_from(["\n", "\r\n", "\r", "\n\n"])


@given(st.lists(st.tuples(LINES, ENDS), max_size=12), st.lists(st.tuples(FRAMES, ENDS), max_size=8))
def test_anything_shaped_like_fm2(
    header: list[tuple[str, str]], frames: list[tuple[str, str]]
) -> None:
    text = "".join(line + end for line, end in [("version 3", "\n"), *header, *frames])
    check(text.encode("utf-8", "surrogatepass"))


@given(
    st.integers(0, len(REAL) - 1), st.integers(0, 20), st.binary(max_size=20), st.integers(0, 900)
)
def test_real_files_with_bytes_changed_and_cut(
    start: int, removed: int, new: bytes, end: int
) -> None:
    check((REAL[:start] + new + REAL[start + removed :])[: len(REAL) - end])


TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\r\n"), max_size=20
).map(lambda text: text.strip(" \t"))
COMMENT = TEXT.filter(lambda text: text.split(" ")[0] not in
                      ("author", "copain-emulator", "copain-rom-sha1", "copain-ram-hash",
                       "copain-ram-hash-of"))  # fmt: skip


@st.composite
def movies(draw: st.DrawFn) -> Movie:
    frames = draw(st.integers(0, 20))
    return Movie(
        NES,
        draw(st_np.arrays(np.uint16, (frames, 2), elements=st.integers(0, 255))),
        draw(st_np.arrays(np.uint8, frames, elements=st.integers(0, 255))),
        rom=RomIdentity(draw(TEXT), draw(st.sampled_from(["", "00" * 16])), "12" * 20),
        rerecords=draw(st.integers(0, 2**31 - 1)),
        savestate=draw(st.one_of(st.none(), st.binary(max_size=40))),
        authors=tuple(draw(st.lists(TEXT, max_size=2))),
        comments=tuple(draw(st.lists(COMMENT, max_size=3))),
        subtitles=tuple(
            draw(st.lists(st.builds(Subtitle, st.integers(0, 10**6), TEXT), max_size=2))
        ),
        hashes=draw(st.dictionaries(st.integers(1, 10**6), st.integers(0, 2**64 - 1), max_size=3)),
        made_by=draw(st.sampled_from(["fceux 2.6.5", "libretro:fceumm (SVN) 1", "grid 1"])),
        region=draw(st.sampled_from(["ntsc", "pal"])),
        ram_init=draw(st.integers(0, 3)),
    )


@given(movies(), movies())
def test_any_movie_comes_back(first: Movie, second: Movie) -> None:
    assert parse_fm2(format_fm2(first)) == first
    # The header of one file, saying all that another movie says.
    moved = Movie(**{
        name: getattr(second, name)
        for name in ("system", "inputs", "commands", "rom", "rerecords", "savestate", "authors",
                     "comments", "subtitles", "hashes", "made_by", "region", "ram_init")
    }, source=parse_fm2(format_fm2(first)).source)  # fmt: skip
    assert parse_fm2(format_fm2(moved)) == second
