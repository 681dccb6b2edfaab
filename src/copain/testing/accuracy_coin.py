"""AccuracyCoin: a ROM of more than a hundred tests, with a table of results in RAM.

How it works, from https://github.com/100thCoin/AccuracyCoin (AccuracyCoin.asm): at $8100 there
are pointers to pages; a page is a title and tests, each a name that ends with FF, the address of
its result and of its code. Start on the page's title runs them all. A result is 0 (not run), FF
(skipped), or a bit 0 that says passed, and a number in bits 2-7: what failed, or which of several
right behaviours it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from copain.emulator import Emulator
from copain.errors import RomError
from copain.joypad import Joypad

_TABLE = 0x8100
_RUNNING_ALL = 0x35
_CURSOR_ROW, _CURSOR_PAGE = 0x16, 0x14
_SKIP = 0xFF
_BOOT = 60  # frames until the menu listens
_LIMIT = 12_000  # frames of all tests together
_STUCK = 1_500  # frames of one test


@dataclass(frozen=True, slots=True)
class CoinTest:
    """One test: its page's title, its name, and where its result is."""

    page: str
    name: str
    address: int
    place: tuple[int, int]


def tests_in(rom: bytes) -> list[CoinTest]:
    """The tests that this version of the ROM has, in order. Raises RomError for another ROM."""
    prg = rom[16 : 16 + 0x8000]

    def word(address: int) -> int:
        return int.from_bytes(prg[address - 0x8000 : address - 0x7FFE], "little")

    def text(address: int) -> tuple[str, int]:
        end = prg.index(0xFF, address - 0x8000)
        return prg[address - 0x8000 : end].decode("ascii", "replace"), 0x8000 + end + 1

    pages: list[int] = []
    while len(pages) < 64 and _TABLE + 2 * len(pages) < min(pages, default=0x10000):
        pages.append(word(_TABLE + 2 * len(pages)))
    if not pages or min(pages) < 0x8000:
        raise RomError("this is no AccuracyCoin: there is no table of tests at $8100")
    found: list[CoinTest] = []
    for number, page in enumerate(pages):
        title, address = text(page)
        row = 0
        while prg[address - 0x8000] != 0xFF:
            name, address = text(address)
            found.append(CoinTest(title, name, word(address), (number, row)))
            address += 4
            row += 1
    # Results in page 3 are those of tests that only show something.
    return [test for test in found if test.address >> 8 == 4]


def run(emulator: Emulator) -> list[tuple[CoinTest, int]]:
    """Run all tests from power-on, and give the result byte of each.

    A test that does not end is skipped in a further run, and keeps the result 0.
    """
    tests = tests_in(emulator.rom.data)
    stuck: list[CoinTest] = []
    while True:
        hung = _run_once(emulator, tests, stuck)
        if hung is None or len(stuck) > 16:
            break
        stuck.append(hung)
    skipped = {test.address for test in stuck}
    return [
        (test, 0 if test.address in skipped else int(emulator.ram[test.address])) for test in tests
    ]


def _run_once(
    emulator: Emulator, tests: Sequence[CoinTest], skip: Sequence[CoinTest]
) -> CoinTest | None:
    emulator.power_on()
    emulator.advance(frames=_BOOT)
    for test in skip:
        emulator.ram[test.address] = _SKIP
    emulator.advance(Joypad(start=True), frames=2)
    emulator.advance(frames=8)
    where, since = (-1, -1), emulator.frame
    while emulator.frame < _LIMIT + _BOOT and emulator.ram[_RUNNING_ALL]:
        emulator.advance(frames=10)
        now = int(emulator.ram[_CURSOR_PAGE]), int(emulator.ram[_CURSOR_ROW])
        if now != where:
            where, since = now, emulator.frame
        if emulator.frame - since > _STUCK:
            return next((test for test in tests if test.place == where), None)
    return None


def meaning(value: int) -> tuple[bool | None, int]:
    """Whether a result byte says passed (None: it did not run), and its number."""
    if value in (0, _SKIP):
        return None, 0
    return bool(value & 1), value >> 2
