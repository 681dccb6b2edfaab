"""Write docs/reference/fceux-lua.md: each function of FCEUX's Lua, from Python, and how tested.

``python tools/fceux_lua_table.py`` writes it; ``--check`` says whether it is up to date. What
FCEUX really has is compared with these names by tests/integration/test_fceux_lua_api.py.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from copain.backends.fceux_api import Lua
from copain.backends.lua_namespace import Namespace
from copain.wire.protocol import Value

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/reference/fceux-lua.md"
TESTS = sorted((ROOT / "tests/integration").glob("test_fceux_lua_api*.py"))

PERSON = {
    "debugger.hitbreakpoint": "stops until a person goes on in the debugger's window; without a "
    "window it is refused",
    "savestate.loadscriptdata": "FCEUX 2.6.5 crashes in it, so it is refused",
    "taseditor.registerauto": "FCEUX calls the function while the TAS Editor's window is open",
    "taseditor.registermanual": "FCEUX calls the function at a button of the TAS Editor's window",
    "input.openfilepopup": "a dialog on Windows; the Qt build reads a name from standard input, "
    "which is empty here",
    "input.savefilepopup": "as openfilepopup",
    "debugger.getsymboloffset": "symbols come when a person loads them in the debugger; without "
    "them -1",
    "emu.print": "shows in FCEUX's Lua window",
    "_G.print": "shows in FCEUX's Lua window",
}
"""What a test without a person cannot see of a function, and why."""

NOT_IN_QT = {
    "emu.exec_time", "emu.debuggerloop", "emu.debuggerloopstep", "joypad.getimmediate",
    "zapper.set",
}  # fmt: skip
"""Functions that the Qt build has by name only, besides all of taseditor and cdlog."""

ABSENT = {
    "memory.persistent": "not in this build",
    "movie.getfilename": "not in this build; movie.filename does it",
    "taseditor.clearmarker": "not in this build; taseditor.removemarker does it",
    "memory.registerread": "in the source, switched off",
}
"""What FCEUX's manual or source names and FCEUX 2.6.5 does not have."""

HEAD = """\
# FCEUX's Lua from Python

`nes.lua` on the emulator `fceux` has every function of FCEUX 2.6.5's Lua, by its own name in its
own table: `nes.lua.gui.text(10, 10, "hello")`. Arguments, units and traps are in the docstrings
(`help(nes.lua.gui)`).

```py
import copain
from copain.games import rom_path

with copain.open(rom_path("alouette"), emulator="fceux") as nes:
    nes.lua.memory.registerwrite(0x000A, lambda address, size, value: print("lives:", value))
    nes.lua.gui.box(100, 100, 120, 120, "clear", "red")
    nes.advance(frames=60)
    print(nes.lua.eval("return emu.framecount() * 2"))
```

- **Callbacks** are Python functions (or Lua functions that `eval` gave). They may call everything
  but what emulates frames. What they raise comes out of the call that was running, such as
  `advance`, which ends with that frame; the session lives on. None takes a callback away, and
  registering gives what stood there before.
- **`nes.lua.eval(code, *arguments)`** runs any Lua. Nothing returned is None, several values are a
  tuple, a table is a list or a dict (an empty one a list), a string is text with surrogate escapes;
  `copain.bytes(s)` in Lua makes it bytes. An error is `LuaError` with Lua's traceback.
- **`nes.lua.load(path)`** runs a script that was written for FCEUX beside the session: until its
  first `emu.frameadvance()`, and on after each frame of `advance`. Its `joypad.set` wins over what
  `advance` holds.
- **`nes.frame` counts the frames that were emulated**; power-on, movies and savestates of FCEUX's
  own move `nes.lua.emu.framecount()` only.
- Where FCEUX 2.6.5 would crash or wait for ever (a breakpoint or a pause without a window, a popup
  without `xmessage`, an empty savestate, a bad ROM) there is an error instead.

In the table, `=` marks another name of the same function, *Qt* a function that FCEUX's Qt build
(Linux, macOS) has by name only: it answers and does nothing. "By hand" is what a test without a
person cannot see. The page is written by `python tools/fceux_lua_table.py`.
"""


class Row(NamedTuple):
    """A function: table and name, what it is another name of, the first line of its docstring."""

    table: str
    name: str
    alias_of: str | None
    about: str

    @property
    def full(self) -> str:
        """The name with its table, of the function itself."""
        return f"{self.table}.{self.alias_of or self.name}"


def rows() -> Iterator[Row]:
    """All functions, table by table."""
    lua = Lua(_nobody)
    tables = [value for name in Lua.__slots__ if isinstance(value := getattr(lua, name), Namespace)]
    for table in [*tables, lua]:
        for name, function in vars(type(table)).items():
            if name.startswith("_") or not inspect.isfunction(function):
                continue
            if table is lua and name in ("eval", "call", "load", "leave"):
                continue
            alias = None if function.__name__ == name else function.__name__
            about = (inspect.getdoc(function) or "").split("\n")[0]
            yield Row(table.lua_name, name, alias, about)


def _nobody(operation: str, *arguments: Value, timeout: float | None = -1) -> list[Value]:
    raise AssertionError(f"{operation} was called")


def tests() -> dict[str, str]:
    """Which test covers each function: the names in ``@covers(...)``."""
    found: dict[str, str] = {}
    for path in TESTS:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef):
                continue
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "covers":
                    for argument in mark.args:
                        assert isinstance(argument, ast.Constant)
                        found.setdefault(str(argument.value), node.name)
    return found


def page() -> str:
    """The whole page. Raises SystemExit for functions that no test calls."""
    covered, all_rows = tests(), list(rows())
    functions = {row.full for row in all_rows}
    untested, unknown = functions - set(covered), (set(covered) | set(PERSON)) - functions
    if untested or unknown:
        raise SystemExit(f"no test covers {sorted(untested)}; no such function {sorted(unknown)}")
    lines = [HEAD]
    table = ""
    for row in all_rows:
        if row.table != table:
            table = row.table
            title = "Globals" if table == "_G" else f"`{table}`"
            if table == "emu":
                title += " (also `FCEU`)"
            lines += [f"\n## {title}\n", "| function | what | tested |", "|---|---|---|"]
        if row.alias_of is not None:
            lines.append(f"| `{row.name}` | = `{row.alias_of}` | |")
            continue
        qt = "*Qt.* " if row.table in ("taseditor", "cdlog") or row.full in NOT_IN_QT else ""
        how = f"`{covered[row.full]}`"
        if row.full in PERSON:
            how += f"; by hand: {PERSON[row.full]}"
        lines.append(f"| `{row.name}` | {qt}{row.about} | {how} |".replace("``", "`"))
    lines += ["\n## Not there\n", "| name | why |", "|---|---|"]
    lines += [f"| `{name}` | {why} |" for name, why in ABSENT.items()]
    aliases = sum(row.alias_of is not None for row in all_rows)
    lines.append(f"\n{len(all_rows) - aliases} functions and {aliases} other names of them.")
    return "\n".join(lines) + "\n"


def main(write: Callable[[str], object], check: bool) -> int:
    """Write the page, or compare; 1 when it is out of date."""
    text = page()
    if not check:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(text, encoding="utf-8")
        return 0
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text:
        return 0
    write(f"{PAGE.relative_to(ROOT)} is out of date: python tools/fceux_lua_table.py\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.stderr.write, "--check" in sys.argv[1:]))
