"""Conformance of every emulator and game that this machine has.

Exact is required of grid, colibri, fceumm and nestopia. The other cores run to the end, and what
they say is compared with ``tests/golden/conformance.json`` (``--update-goldens`` writes it anew).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import cast

import pytest

from conftest import TESTS, absent, core
from copain.cli.conformance import check_apart, is_exact, outcomes_of
from copain.cli.targets import Target, find_targets
from copain.testing import CHECK_NAMES

FRAMES, SEEDS = 400, (1,)
GOLDEN = "conformance.json"

OUR_OWN = ("grid", "colibri")
REQUIRED = [
    ("grid", "grid"), ("colibri", "alouette"), ("colibri", "efp"),
    ("fceumm", "alouette"), ("fceumm", "efp"), ("nestopia", "alouette"), ("nestopia", "efp"),
]  # fmt: skip
REPORTED = [
    ("picodrive", "airstriker"), ("genesis_plus_gx", "airstriker"), ("stella", "space_invaders"),
    ("gambatte", "joypad-gb"), ("mgba", "joypad-gb"), ("mgba", "joypad-gba"),
    ("snes9x", "joypad-snes"), ("mednafen_pce_fast", "joypad-pce"),
]  # fmt: skip
NOT_OF_A_CORE = {"lag"}
"""What a libretro core has not; all else must be there."""
ABSENT: dict[str, set[str]] = {"grid": {"fleet", "hashes", "sound"}, "colibri": set()}
ELSEWHERE = {
    ("fceux", "alouette"), ("fceux", "efp"),  # tests/integration/test_fceux.py
    ("mame", "alouette"), ("mame", "efp"), ("mame", "airstriker"),  # tests/mame/test_mame.py
    ("mame", "space_invaders"), ("mame", "joypad-pce"), ("mame", "pacman"),
}  # fmt: skip
"""What other tests check in the same way."""


@cache
def target(core_name: str, game: str) -> Target | None:
    return next((one for one in find_targets() if known_as(one) == (core_name, game)), None)


def known_as(one: Target) -> tuple[str, str]:
    return one.core or one.emulator, one.game


def check(core_name: str, game: str) -> dict[str, object]:
    """The report of one emulator and game, or a skip that says what is absent."""
    if core_name not in OUR_OWN:
        core(core_name)
    found = target(core_name, game)
    if found is None:
        absent(f"the game {game}", "see `copain doctor`")
    (result,) = check_apart([found], FRAMES, SEEDS)
    assert "error" not in result, result["error"]
    return result


def differences(result: dict[str, object], names: Iterable[str]) -> str:
    checks = cast(dict[str, object], result["checks"])
    return json.dumps({name: checks[name] for name in names}, indent=2)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("core_name", "game"), REQUIRED)
def test_exact(core_name: str, game: str) -> None:
    result = check(core_name, game)
    outcomes = outcomes_of(result)
    assert tuple(outcomes) == CHECK_NAMES
    other = [name for name, outcome in outcomes.items() if outcome not in ("exact", "absent")]
    assert is_exact(result), differences(result, other)
    absent_here = {name for name, outcome in outcomes.items() if outcome == "absent"}
    assert absent_here == ABSENT.get(core_name, NOT_OF_A_CORE)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("core_name", "game"), REPORTED)
def test_others_say_what_they_said(
    core_name: str, game: str, request: pytest.FixtureRequest
) -> None:
    path = TESTS / "golden" / GOLDEN
    known: dict[str, dict[str, str]] = {}
    if path.is_file():
        known = json.loads(path.read_text(encoding="utf-8"))
    result = check(core_name, game)
    outcomes = outcomes_of(result)
    name = f"{core_name} {result['version']}, {game}"
    if request.config.getoption("--update-goldens"):
        write(path, {**known, name: outcomes})
        return
    if name not in known:
        pytest.fail(f"nothing is known of {name}: run with --update-goldens")
    other = [check for check in outcomes if known[name].get(check) != outcomes[check]]
    assert outcomes == known[name], differences(result, other)


def write(path: Path, value: object) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def test_every_target_of_this_machine_is_tested() -> None:
    assert {known_as(one) for one in find_targets()} <= {*REQUIRED, *REPORTED, *ELSEWHERE}
