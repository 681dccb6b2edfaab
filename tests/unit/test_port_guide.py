"""The port guide says how many lines belong to all emulators with Lua, and to one alone."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterable
from pathlib import Path

import pytest

import copain
from conftest import TESTS

GUIDE = TESTS.parent / "docs" / "guides" / "port-an-emulator.md"
PACKAGE = Path(copain.__file__).parent

SHARED = {
    "`wire/*.py`": ["wire/*.py"],
    "`wire/copain.lua`": ["wire/copain.lua"],
    "`backends/lua_emulator.py`": ["backends/lua_emulator.py"],
    "`backends/lua_namespace.py`, `slots.py`, `one_cpu.py`": [
        "backends/lua_namespace.py", "backends/slots.py", "backends/one_cpu.py",
    ],
}  # fmt: skip
ALONE = {
    "FCEUX": (["backends/fceux.py", "backends/fceux_start.py"], ["backends/fceux.lua"]),
    "MAME": (["backends/mame.py", "backends/mame_start.py"], ["backends/mame.lua"]),
}
"""For each emulator the files of its backend in Python and in Lua, without its own API."""

_BLANK = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
    tokenize.ENDMARKER,
}  # fmt: skip


def python_lines(text: str) -> int:
    """Lines without blanks, comments and docstrings."""
    docstrings: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            docstrings |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in _BLANK:
            lines |= set(range(token.start[0], token.end[0] + 1))
    return len(lines - docstrings)


def lines_of(patterns: Iterable[str]) -> int:
    """All lines of code of these files; there must be some."""
    total = 0
    for pattern in patterns:
        paths = sorted(PACKAGE.glob(pattern))
        assert paths, pattern
        for path in paths:
            text = path.read_text(encoding="utf-8")
            if path.suffix == ".py":
                total += python_lines(text)
            else:
                bare = [line.strip() for line in text.splitlines()]
                total += sum(bool(line) and not line.startswith("--") for line in bare)
    return total


def test_what_is_counted() -> None:
    text = '"""A word."""\n\nimport x  # why\n\n# no\n'
    text += 'def f():\n    """Two\n    lines."""\n    g(\n    )\n'
    assert python_lines(text) == 4


def check(said: str, counted: int, what: str) -> None:
    """A tenth either way: the guide tells how much it is, not each line."""
    assert int(said) == pytest.approx(counted, rel=0.1), f"{what}: {counted} lines"


def test_the_guides_counts_are_true() -> None:
    guide = GUIDE.read_text(encoding="utf-8")
    for label, patterns in SHARED.items():
        row = re.search(rf"^\| {re.escape(label)} \| (\d+) \|", guide, re.MULTILINE)
        assert row is not None, label
        check(row[1], lines_of(patterns), label)
    for label, (python, lua) in ALONE.items():
        row = re.search(rf"^\| {label} \| (\d+) \| (\d+) \|", guide, re.MULTILINE)
        assert row is not None, label
        check(row[1], lines_of(python), f"{label}, Python")
        check(row[2], lines_of(lua), f"{label}, Lua")


def test_what_is_shared_is_more_than_what_one_needs_alone() -> None:
    shared = sum(map(lines_of, SHARED.values()))
    for label, (python, lua) in ALONE.items():
        assert lines_of(python) + lines_of(lua) < shared / 2, label
