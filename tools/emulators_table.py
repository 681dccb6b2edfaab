"""Write docs/reference/emulators.md: emulator x system x capability, told by the emulators.

Each emulator that is here is opened with each game that is here, and asked with ``isinstance``;
each capability is linked to the test that shows it. README has the short form: a row for each
emulator. Run it as ``python tools/emulators_table.py``.
"""

from __future__ import annotations

import re
from pathlib import Path

from copain.cli.determinism import emulators_for
from copain.cli.targets import find_targets, read_rom
from copain.cli.verify import open_named
from copain.emulator import Emulator, HasHooks, HasTrace

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/reference/emulators.md"
README = ROOT / "README.md"
SHORT = re.compile(r"(?<=<!-- python tools/emulators_table.py -->\n)(\|.*\n)+")
"""The table in README."""

Row = tuple[str, str, dict[str, bool]]

CAPABILITIES = ("lock-step", "savestate bytes", "hooks", "drawing", "movies", "headless", "own API")

_CONFORMANCE = "tests/conformance/test_emulators.py"
TESTS: dict[str, dict[str, str]] = {
    "*": {
        "lock-step": _CONFORMANCE,
        "savestate bytes": _CONFORMANCE,
        "movies": "tests/integration/test_movie_bk2.py",
        "headless": _CONFORMANCE,
    },
    "colibri": {
        "hooks": "tests/integration/test_colibri_debug.py",
        "own API": "tests/integration/test_colibri_debug.py",
    },
    "fceux": {
        "lock-step": "tests/integration/test_fceux.py",
        "savestate bytes": "tests/integration/test_fceux.py",
        "hooks": "tests/integration/test_fceux_lua_api_callbacks.py",
        "drawing": "tests/integration/test_fceux_lua_api.py",
        "headless": "tests/integration/test_fceux.py",
        "own API": "tests/integration/test_fceux_lua_api.py",
    },
    "mame": {
        **dict.fromkeys(("lock-step", "savestate bytes", "headless"), "tests/mame/test_mame.py"),
        **dict.fromkeys(("hooks", "own API"), "tests/mame/test_mame_lua.py"),
        "movies": "tests/mame/test_mame_movies.py",
    },
    "grid": {
        **dict.fromkeys(
            ("lock-step", "savestate bytes", "headless"), "tests/grid/test_conformance_suite.py"
        ),
        "movies": "tests/unit/test_movie_recorder.py",
    },
}
"""Where each capability is shown; ``*`` stands for what an emulator does not say itself."""


def capabilities(emulator: Emulator) -> dict[str, bool]:
    """What an open emulator has."""
    lua = getattr(emulator, "lua", None)
    return {
        "lock-step": True,
        "savestate bytes": len(emulator.save_state().payload) > 0,
        "hooks": isinstance(emulator, HasHooks)
        or hasattr(emulator, "on_write")
        or hasattr(lua, "gui"),
        "drawing": hasattr(emulator, "draw") or hasattr(lua, "gui"),
        "movies": True,
        "headless": True,
        "own API": lua is not None or isinstance(emulator, HasTrace),
    }


def test_of(emulator: str, capability: str) -> str:
    """The test that shows a capability, relative to the repository. KeyError if none does."""
    kind = emulator.partition(":")[0]
    return TESTS.get(kind, {}).get(capability) or TESTS["*"][capability]


def page(rows: list[Row]) -> str:
    """The page."""
    lines = [
        "# Emulators",
        "",
        "Which emulator plays which system here, and what it can do. Written by "
        "`python tools/emulators_table.py`, which asks the emulators; each yes is linked to the "
        "test that shows it.",
        "",
        "- **lock-step**: the emulator stands still between two calls, however long they take.",
        "- **savestate bytes**: a savestate can be taken out, kept, and loaded by another process.",
        "- **movies**: are recorded, played and verified: bk2, and for the NES fm2 (Grid has no "
        "format of its own).",
        "- **hooks**: Python functions on what the processor does. **drawing**: on its screen.",
        "- **headless**: without a window and an X server. **own API**: what only it has.",
        "",
        "| emulator | system | " + " | ".join(CAPABILITIES) + " |",
        "|---|---|" + "---|" * len(CAPABILITIES),
    ]
    lines += [
        f"| {name} | {system} | {' | '.join(_cells(name, found, '../../'))} |"
        for name, system, found in rows
    ]
    return "\n".join(lines) + "\n"


def short_table(rows: list[Row]) -> str:
    """The table in README: all cores are one row, and so are all systems of an emulator."""
    lines = ["| | systems | " + " | ".join(CAPABILITIES) + " |", "|---" * 9 + "|"]
    for kind in dict.fromkeys(name.partition(":")[0] for name, _, _ in rows):
        mine = [row for row in rows if row[0].partition(":")[0] == kind]
        systems = ", ".join(dict.fromkeys(system for _, system, _ in mine))
        found = {name: all(row[2][name] for row in mine) for name in CAPABILITIES}
        label = "libretro cores" if kind == "libretro" else kind
        lines.append(f"| {label} | {systems} | {' | '.join(_cells(kind, found, ''))} |")
    return "\n".join(lines) + "\n"


def _cells(name: str, found: dict[str, bool], root: str) -> list[str]:
    return [
        f"[yes]({root}{test_of(name, capability)})" if found[capability] else "no"
        for capability in CAPABILITIES
    ]


def main() -> None:
    """Write the page and README's table."""
    found: dict[tuple[str, str], dict[str, bool]] = {}
    for path in dict.fromkeys(target.rom for target in find_targets()):
        rom = read_rom(path)
        for name in emulators_for(path):
            if (name, rom.system.name) not in found:
                with open_named(rom, name) as emulator:
                    found[name, rom.system.name] = capabilities(emulator)
    rows = [(*key, one) for key, one in sorted(found.items())]
    PAGE.write_text(page(rows), encoding="utf-8")
    README.write_text(
        SHORT.sub(lambda _: short_table(rows), README.read_text(encoding="utf-8")), encoding="utf-8"
    )
    print(f"{PAGE.relative_to(ROOT)}: {len(rows)} rows")


if __name__ == "__main__":
    main()
