"""Write docs/reference/emulators.md: emulator x system x capability, told by the emulators.

Each emulator that is here is opened with each game that is here, and asked with ``isinstance``;
each capability is linked to the test that shows it. Run it as
``python tools/emulators_table.py``; with ``--check`` it only says whether the tests are there.
"""

from __future__ import annotations

import sys
from pathlib import Path

from copain.cli.conformance import find_targets
from copain.cli.determinism import emulators_for
from copain.cli.verify import open_named
from copain.emulator import Emulator, HasHooks, HasTrace
from copain.rom import Rom

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/reference/emulators.md"

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
    "mame": dict.fromkeys(
        ("lock-step", "savestate bytes", "hooks", "headless", "own API"),
        "tests/integration/test_mame.py",
    ),
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


def test_of(emulator: str, capability: str) -> str | None:
    """The test that shows a capability, relative to the repository."""
    kind = emulator.partition(":")[0]
    return TESTS.get(kind, {}).get(capability) or TESTS["*"].get(capability)


def page(rows: list[tuple[str, str, dict[str, bool]]]) -> str:
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
    for name, system, found in rows:
        cells: list[str] = []
        for capability in CAPABILITIES:
            test = test_of(name, capability)
            shown = test is not None and (ROOT / test).is_file()
            yes = f"[yes](../../{test})" if shown else "yes, untested"
            cells.append(yes if found[capability] else "no")
        lines.append(f"| {name} | {system} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the page."""
    missing = [test for tests in TESTS.values() for test in tests.values()
               if not (ROOT / test).is_file()]  # fmt: skip
    if missing:
        print("no such test: " + ", ".join(sorted(set(missing))), file=sys.stderr)
    if "--check" in sys.argv:
        sys.exit(bool(missing))
    rows: dict[tuple[str, str], dict[str, bool]] = {}
    for path in dict.fromkeys(target.rom for target in find_targets()):
        rom = Rom.read(path)
        for name in emulators_for(path):
            if (name, rom.system.name) not in rows:
                with open_named(rom, name) as emulator:
                    rows[name, rom.system.name] = capabilities(emulator)
    PAGE.write_text(page([(*key, found) for key, found in sorted(rows.items())]), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {len(rows)} rows")


if __name__ == "__main__":
    main()
