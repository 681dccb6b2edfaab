"""Reading what test ROMs say, and judging audits, on made-up emulators."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from copain.emulator import Emulator
from copain.errors import RomError
from copain.testing import accuracy_coin
from copain.testing.audit import mapper_of
from copain.testing.screen_text import read_screen_text
from copain.testing.test_roms import RomStatus, judge_text, known_reason, plan_of

FONT_AT = 16 + 0x123 * 8


def glyph(code: int) -> bytes:
    """A shape of its own for every character but the space."""
    return bytes(8) if code == 32 else bytes(code * (3 + row) % 251 | 1 for row in range(8))


def fake(**members: object) -> Emulator:
    return cast(Emulator, SimpleNamespace(**members))


class Screen:
    """An emulator that shows a picture and no video memory."""

    memory: dict[str, Any] = {}

    def __init__(self, rom: bytes, picture: np.ndarray[Any, np.dtype[np.uint8]]) -> None:
        self.rom = SimpleNamespace(data=rom)
        self.screen = picture


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        ("03-nmi\nPassed", RomStatus.PASSED, None),
        ("All 16 tests passed", RomStatus.PASSED, None),
        ("Failed #4", RomStatus.FAILED, 4),
        ("FAILED: #12", RomStatus.FAILED, 12),
        ("test 1 passed\ntest 2 failed", RomStatus.FAILED, None),
        ("no errors, ok", RomStatus.PASSED, None),
        ("press any button", RomStatus.SILENT, None),
        ("bypassed compass", RomStatus.SILENT, None),
    ],
)
def test_words_on_the_screen(text: str, status: RomStatus, code: int | None) -> None:
    assert judge_text(text) == (status, code)


@pytest.mark.parametrize("stride", [8, 16])
def test_text_is_read_from_a_picture_by_the_font_in_the_rom(stride: int) -> None:
    rom = bytearray(b"\xaa" * 0x8000)
    for code in range(32, 127):
        start = FONT_AT + stride * (code - 32)
        rom[start : start + stride] = glyph(code) + bytes(stride - 8)
    picture = np.full((240, 256, 3), (0, 0, 60), np.uint8)
    for row, line in enumerate(["2-details", "", "Failed #3, $4B at 07"]):
        for column, letter in enumerate(line.encode()):
            bits = np.unpackbits(np.frombuffer(glyph(letter), np.uint8)).reshape(8, 8)
            at = picture[8 * row + 16 : 8 * row + 24, 8 * column + 8 : 8 * column + 16]
            at[bits == 1] = (250, 250, 250)
    found = read_screen_text(cast(Emulator, Screen(bytes(rom), picture)))
    assert [line.strip() for line in found.split("\n")] == ["2-details", "Failed #3, $4B at 07"]


def test_text_is_read_from_a_nametable() -> None:
    table = np.zeros(0x800, np.uint8)
    table[0x62:0x68] = list(b"PASSED")
    assert read_screen_text(fake(memory={"nametables": table})) == "  PASSED"


def test_no_text_is_no_text() -> None:
    picture = np.zeros((240, 256, 3), np.uint8)
    assert read_screen_text(cast(Emulator, Screen(bytes(0x8000), picture))) == ""


def test_what_is_known_of_roms() -> None:
    hit = plan_of("anything/sprite_hit_tests_2005.10.05/01.basics.nes")
    assert (hit.part, hit.result_at, hit.by_eye) == ("ppu", 0xF8, "")
    assert plan_of("x/blargg_apu_2005.07.30/01.len_ctr.nes").result_at == 0xF0
    assert plan_of("pal_apu_tests/01.len_ctr.nes").region == "pal"
    assert plan_of("other/nestest.nes").by_eye == ""
    assert plan_of("other/minipack.nes").by_eye != ""
    assert plan_of("unheard_of.nes").part == "other"
    assert known_reason("colibri", "unheard_of.nes") == ""


def coin_rom(*pages: tuple[str, list[tuple[str, int]]]) -> bytes:
    prg = bytearray(0x8000)
    at = 0x100 + 2 * len(pages)
    for number, (title, tests) in enumerate(pages):
        prg[0x100 + 2 * number : 0x102 + 2 * number] = (0x8000 + at).to_bytes(2, "little")
        page = title.encode() + b"\xff"
        for name, address in tests:
            page += name.encode() + b"\xff" + address.to_bytes(2, "little") + b"\x00\x90"
        page += b"\xff"
        prg[at : at + len(page)] = page
        at += len(page)
    return b"NES\x1a\x02\x01" + bytes(10) + bytes(prg)


def test_accuracy_coins_tests_are_read_from_the_rom() -> None:
    rom = coin_rom(("CPU", [("Open Bus", 0x408), ("Shows RAM", 0x3FF)]), ("PPU", [("NMI", 0x452)]))
    assert [
        (test.page, test.name, test.address, test.place) for test in accuracy_coin.tests_in(rom)
    ] == [
        ("CPU", "Open Bus", 0x408, (0, 0)),
        ("PPU", "NMI", 0x452, (1, 0)),
    ]
    with pytest.raises(RomError, match="no AccuracyCoin"):
        accuracy_coin.tests_in(bytes(0x8010))


def test_accuracy_coins_results() -> None:
    assert accuracy_coin.meaning(0x01) == (True, 0)
    assert accuracy_coin.meaning(0x09) == (True, 2)
    assert accuracy_coin.meaning(0x0E) == (False, 3)
    assert accuracy_coin.meaning(0x00) == (None, 0)
    assert accuracy_coin.meaning(0xFF) == (None, 0)


def test_mapper_numbers() -> None:
    def header(**bytes_at: int) -> bytes:
        data = bytearray(b"NES\x1a" + bytes(12))
        for place, value in bytes_at.items():
            data[int(place[1:])] = value
        return bytes(data)

    assert mapper_of(header(b6=0x40)) == 4
    assert mapper_of(header(b6=0x20, b7=0x40)) == 66
    assert mapper_of(header(b6=0x20, b7=0x44, b12=0x44)) == 2  # a ripper's name from byte 7 on
    assert mapper_of(header(b6=0x20, b7=0x18, b8=0x01)) == 0x112
