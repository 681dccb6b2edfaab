"""What all tests share: tiers by folder, what must be present, seeds and goldens.

The folder under ``tests/`` is the tier, and a marker of the same name: ``pytest -m grid``. What a
test needs and this machine lacks (a core, a ROM, a program) skips it with its name; with ``CI`` in
the environment it fails instead, so that nothing is left out unnoticed.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import NoReturn

import hypothesis
import pytest

import copain
from copain.backends.cores import find_cores
from copain.errors import GameError
from copain.games import rom_path

TESTS = Path(__file__).parent
TIERS = {
    "unit": "needs nothing",
    "grid": "needs only the emulator that is copain's own",
    "integration": "needs a real emulator",
    "mame": "needs MAME, which is large",
    "rl": "needs PyTorch and Stable-Baselines3, which are large",
    "conformance": "checks what every emulator promises",
    "docs": "runs the code in the documents and the examples",
    "setup": "sets copain up on a fresh machine; takes minutes",
}
SEED = pytest.StashKey[int]()

hypothesis.settings.register_profile(
    "copain", deadline=None, print_blob=True, derandomize=bool(os.environ.get("CI"))
)
hypothesis.settings.load_profile("copain")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seed", type=int, help="the random seed of tests that take one")
    parser.addoption(
        "--update-goldens", action="store_true", help="write tests/golden/ instead of comparing"
    )


def pytest_configure(config: pytest.Config) -> None:
    for tier, about in TIERS.items():
        config.addinivalue_line("markers", f"{tier}: {about}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(TESTS):
            item.add_marker(item.path.relative_to(TESTS).parts[0])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed and SEED in item.stash:
        report.sections.append(("random seed", f"run again with --seed {item.stash[SEED]}"))
    return report


def absent(what: str, how: str) -> NoReturn:
    """Skip the test that needs `what`, or fail it in CI; `how` says how to get it."""
    message = f"{what} is not on this machine: {how}"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """A random seed, another on each run; a failure prints it."""
    given: int | None = request.config.getoption("--seed")
    request.node.stash[SEED] = secrets.randbits(32) if given is None else given
    return request.node.stash[SEED]


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, object], None]:
    """``golden("name.json", value)``: `value` equals what the file under tests/golden/ says.

    With ``--update-goldens`` the file is written instead.
    """

    def check(name: str, value: object) -> None:
        path = TESTS / "golden" / name
        if request.config.getoption("--update-goldens"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")
            return
        if not path.is_file():
            pytest.fail(f"there is no golden {name}: make it with --update-goldens")
        assert value == json.loads(path.read_text(encoding="utf-8"))

    return check


@pytest.fixture
def grid_rom() -> copain.Rom:
    """Copain's own level of Grid."""
    return copain.Rom.read(rom_path("grid"))


@pytest.fixture
def grid(grid_rom: copain.Rom) -> Generator[copain.Emulator]:
    """The grid emulator on copain's own level."""
    with copain.open(grid_rom) as emulator:
        yield emulator


@pytest.fixture(scope="session")
def alouette() -> copain.Rom:
    """The NES game that copain ships."""
    try:
        return copain.Rom.read(rom_path("alouette"))
    except GameError as error:
        absent("alouette.nes", str(error))


@pytest.fixture(scope="session")
def efp() -> copain.Rom:
    """Debian's free NES game."""
    for prefix in ("/usr", sys.prefix):  # ./test lays it into the environment
        path = Path(prefix, "share/nes/efp.nes")
        if path.is_file():
            return copain.Rom.read(path)
    absent("efp.nes", "apt install efp")


def core(name: str) -> str:
    """The core's name, if it is here; for fixtures and parametrised tests."""
    if name not in {found.name for found in find_cores()}:
        how = f"apt install libretro-{name}" if name == "nestopia" else "pip install stable-retro"
        absent(f"the core {name}", how)
    return name


@pytest.fixture(scope="session")
def fceumm() -> str:
    """The name of the core fceumm, which is here."""
    return core("fceumm")


@pytest.fixture(scope="session")
def nestopia() -> str:
    """The name of the core nestopia, which is here."""
    return core("nestopia")


@pytest.fixture(params=["fceumm", "nestopia"])
def nes_core(request: pytest.FixtureRequest) -> str:
    """Each of the two NES cores of which exact is required."""
    return core(request.param)
