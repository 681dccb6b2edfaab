"""Test ROMs: run one on an emulator, and read what it says of the emulator.

The suites of https://www.nesdev.org/wiki/Emulator_tests tell their result in four ways, and all
are read here, whichever the ROM uses:

- **status**: a byte at $6000, with the signature DE B0 61 behind it and text from $6004 on
  (https://github.com/christopherpow/nes-test-roms, instr_test-v5/readme.txt);
- **result**: a byte in the zero page, 1 for passed, else the number of what failed (older ROMs);
- **screen**: words on the screen, read from the nametable or from the picture;
- **table**: AccuracyCoin's table of results in RAM (https://github.com/100thCoin/AccuracyCoin).

Which ROM needs what (a button, a PAL console, where its result is) is in ``test_roms.toml``.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from copain.emulator import Emulator, HasSoftReset
from copain.errors import CopainError, MovieError
from copain.joypad import Joypad
from copain.testing import accuracy_coin
from copain.testing.screen_text import read_screen_text

LIMIT = 3600
"""Frames that a ROM may take to say something; one that says it is running gets ten times that."""

STILL = 180
"""Frames without a change of RAM after which a ROM without a status byte has ended."""

_SIGNATURE = b"\xde\xb0\x61"
_RUNNING, _RESET_WANTED = 0x80, 0x81
_LOOK_EVERY = 6  # frames, 100 ms: also how long a ROM waits for the reset button at least


class RomStatus(StrEnum):
    """What a test ROM said."""

    PASSED = "passed"
    FAILED = "failed"
    SILENT = "silent"
    """It ran to the limit and said nothing that we can read on this emulator."""
    REFUSED = "refused"
    """The emulator does not open it."""
    BY_EYE = "by eye"
    """It is judged by a person, or needs what no script gives; it was not run."""


@dataclass(frozen=True, slots=True)
class RomPlan:
    """What is known of a test ROM before it runs; see ``test_roms.toml``."""

    name: str
    part: str = "other"
    result_at: int | None = None
    passed: str = ""
    mapper_at: int | None = None
    zeros_at: tuple[int, ...] = ()
    press: tuple[tuple[int, str], ...] = ()
    region: str = "ntsc"
    limit: int = LIMIT
    by_eye: str = ""
    table: bool = False


@dataclass(frozen=True, slots=True)
class RomResult:
    """What one test ROM said on one emulator: `code` is its number for what failed, `text` its
    words, `frames` how long it took. `known` says why a failure is as it should be, if so.
    """

    name: str
    part: str
    emulator: str
    status: RomStatus
    code: int | None = None
    text: str = ""
    frames: int = 0
    known: str = ""
    parts: tuple[RomResult, ...] = field(default=(), compare=False)

    @property
    def fine(self) -> bool:
        """Whether it passed, need not, or fails for a known reason."""
        return self.status in (RomStatus.PASSED, RomStatus.BY_EYE) or bool(self.known)

    def rows(self) -> Iterator[RomResult]:
        """Itself, or the tests inside it."""
        yield from self.parts or (self,)


# What is known of ROMs ------------------------------------------------------------------------


@cache
def _book() -> dict[str, Any]:
    text = resources.files("copain.testing").joinpath("test_roms.toml").read_text("utf-8")
    return tomllib.loads(text)


def plan_of(name: str) -> RomPlan:
    """What ``test_roms.toml`` says of the ROM with this path (its end is compared)."""
    facts: dict[str, Any] = {}
    for entry in _book()["rom"]:
        if any(_matches(name, pattern) for pattern in entry["files"]):
            facts |= {key: value for key, value in entry.items() if key != "files"}
    facts["press"] = tuple((frame, button) for frame, button in facts.get("press", ()))
    facts["zeros_at"] = tuple(facts.get("zeros_at", ()))
    return RomPlan(name, **facts)


def known_reason(emulator: str, name: str) -> str:
    """Why this emulator is known not to pass this ROM, or nothing."""
    for entry in _book().get("known", []):
        if fnmatchcase(emulator, entry["emulator"]) and _matches(name, entry["file"]):
            return entry["reason"]
    return ""


def find_test_roms(folder: Path) -> list[tuple[str, Path]]:
    """All .nes files below `folder`, as (name, path); the name is the path within the folder."""
    return [
        (path.relative_to(folder).as_posix(), path)
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() == ".nes" and path.is_file()
    ]


def _matches(name: str, pattern: str) -> bool:
    return fnmatchcase(f"/{name}", f"*/{pattern}")


# Running --------------------------------------------------------------------------------------


def run_test_rom(emulator: Emulator, plan: RomPlan) -> RomResult:
    """Run the ROM that `emulator` has just been opened with until it says how it went.

    Raises what the emulator raises when it dies.
    """
    if plan.by_eye:
        return not_run(plan, emulator.name)
    if plan.table:
        return _run_table(emulator, plan)
    status, code, text = _watch(emulator, plan)
    result = RomResult(
        plan.name, plan.part, emulator.name, status, code, _clean(text), emulator.frame
    )
    return _explain(result)


def not_run(plan: RomPlan, emulator: str) -> RomResult:
    """The result of a ROM that only a person can judge."""
    return RomResult(plan.name, plan.part, emulator, RomStatus.BY_EYE, text=plan.by_eye)


def refused(plan: RomPlan, emulator: str, error: CopainError) -> RomResult:
    """The result of a ROM that `emulator` did not open, or died of."""
    return _explain(
        RomResult(plan.name, plan.part, emulator, RomStatus.REFUSED, text=_clean(str(error)))
    )


def _watch(emulator: Emulator, plan: RomPlan) -> tuple[RomStatus, int | None, str]:
    presses = dict(plan.press)
    before: bytes = b""
    still = 0
    reset_at: int | None = None
    resets = 0
    while emulator.frame < plan.limit * 10:
        for _ in range(_LOOK_EVERY):
            button = presses.get(emulator.frame)
            emulator.advance(Joypad.of(button) if button else Joypad())
        status = read_cartridge(emulator, 0x6000, 4)
        if status is not None and status[1:] == _SIGNATURE:
            if status[0] == _RESET_WANTED:
                reset_at = emulator.frame if reset_at is None else reset_at
                if emulator.frame - reset_at >= _LOOK_EVERY:
                    reset_at = None
                    _press_reset(emulator)
            elif status[0] < _RUNNING:
                found = RomStatus.FAILED if status[0] else RomStatus.PASSED
                return found, status[0], _status_text(emulator)
            continue
        ram = emulator.ram.read_all().tobytes()
        still = still + _LOOK_EVERY if ram == before else 0
        before = ram
        last_press = max(presses, default=0)
        ended = still >= STILL and emulator.frame > last_press + STILL
        if not ended and emulator.frame < plan.limit:
            continue
        if resets < 4 and _WANTS_RESET.search(read_screen_text(emulator)):
            resets += 1
            _press_reset(emulator)
            continue
        return _say(emulator, plan)
    return RomStatus.SILENT, None, "still running: " + _status_text(emulator)


def _press_reset(emulator: Emulator) -> None:
    if not isinstance(emulator, HasSoftReset):
        raise MovieError(f"the ROM asks for the reset button, which {emulator.name} does not have")
    emulator.soft_reset()
    emulator.advance(frames=_LOOK_EVERY)


def _say(emulator: Emulator, plan: RomPlan) -> tuple[RomStatus, int | None, str]:
    """What a ROM without a status byte says at its end."""
    text = read_screen_text(emulator)
    if plan.mapper_at is not None:
        return _bench_test(emulator, plan)
    if plan.passed:
        found = re.search(plan.passed, text) is not None
        return (RomStatus.PASSED if found else RomStatus.FAILED), None, text
    if plan.result_at is not None:
        code = int(emulator.ram[plan.result_at])
        if code:
            return (RomStatus.PASSED if code == 1 else RomStatus.FAILED), code, text
        return RomStatus.SILENT, None, text
    return *judge_text(text), text


def _bench_test(emulator: Emulator, plan: RomPlan) -> tuple[RomStatus, int | None, str]:
    """Holy Mapperel: it finds out the mapper, and its findings are zero."""
    assert plan.mapper_at is not None
    header = emulator.rom.data[4:16]
    mapper = header[2] >> 4 | header[3] & 0xF0
    detected = int(emulator.ram[plan.mapper_at])
    findings = [int(emulator.ram[address]) for address in plan.zeros_at]
    fine = detected == mapper and not any(findings)
    text = f"mapper {detected}, findings {' '.join(f'{byte:02X}' for byte in findings)}"
    return (RomStatus.PASSED if fine else RomStatus.FAILED), None, text


_WANTS_RESET = re.compile(r"press\s+reset", re.IGNORECASE)
_FAIL = re.compile(r"\b(fail|failed|failure|error|errors|wrong|bad|incorrect)\b", re.IGNORECASE)
_NONE = re.compile(r"\b(no|0) (errors|failures)\b", re.IGNORECASE)
_PASS = re.compile(r"\b(pass|passed|passes|ok|success|all tests complete)\b", re.IGNORECASE)
_CODE = re.compile(r"(?:#|error code:?|failed:?)\s*(\d+)", re.IGNORECASE)


def judge_text(text: str) -> tuple[RomStatus, int | None]:
    """What words on the screen say; failing outweighs passing."""
    number = _CODE.search(text)
    if _FAIL.search(_NONE.sub("passed", text)):
        return RomStatus.FAILED, int(number[1]) if number else None
    return (RomStatus.PASSED, None) if _PASS.search(_NONE.sub("ok", text)) else (
        RomStatus.SILENT, None)  # fmt: skip


def _status_text(emulator: Emulator) -> str:
    data = read_cartridge(emulator, 0x6004, 0x3FC) or b""
    return data.partition(b"\0")[0].decode("ascii", "replace")


def read_cartridge(emulator: Emulator, address: int, length: int) -> bytes | None:
    """Bytes at a CPU address of the cartridge, without effects; None on an emulator that shows
    none, or has no memory there.
    """
    memory = emulator.memory
    if "cpu" in memory:
        return bytes(memory["cpu"][address : address + length])
    if "prg_ram" in memory and len(memory["prg_ram"]) >= address - 0x6000 + length:
        return bytes(memory["prg_ram"][address - 0x6000 : address - 0x6000 + length])
    for name, domain in memory.items():  # libretro's memory maps: pieces by their address
        if name.startswith("map:"):
            start = int(name.removeprefix("map:"), 16)
            if start <= address and address + length <= start + len(domain):
                return bytes(domain[address - start : address - start + length])
    return None


def _clean(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text).strip()


def _explain(result: RomResult) -> RomResult:
    if result.status in (RomStatus.PASSED, RomStatus.BY_EYE):
        return result
    return replace(result, known=known_reason(result.emulator, result.name))


# AccuracyCoin -----------------------------------------------------------------------------------


def _run_table(emulator: Emulator, plan: RomPlan) -> RomResult:
    found = accuracy_coin.run(emulator)
    tests: list[RomResult] = []
    for test, value in found:
        passed, code = accuracy_coin.meaning(value)
        status = RomStatus.SILENT if passed is None else (
            RomStatus.PASSED if passed else RomStatus.FAILED)  # fmt: skip
        name = f"{plan.name}: {test.page}: {test.name}"
        tests.append(
            _explain(RomResult(name, plan.part, emulator.name, status, code, frames=emulator.frame))
        )
    passed = sum(test.status is RomStatus.PASSED for test in tests)
    return RomResult(
        plan.name, plan.part, emulator.name,
        RomStatus.PASSED if passed == len(tests) else RomStatus.FAILED,
        text=f"{passed} of {len(tests)} passed", frames=emulator.frame, parts=tuple(tests),
    )  # fmt: skip


def count(results: Sequence[RomResult]) -> dict[RomStatus, int]:
    """How many tests (those inside a ROM one by one) ended how."""
    counts = dict.fromkeys(RomStatus, 0)
    for result in results:
        for row in result.rows():
            counts[row.status] += 1
    return counts
