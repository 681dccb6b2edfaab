"""The tables of what each emulator can do: every yes is linked to a test that is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from conftest import TESTS
from copain.backends import EMULATOR_NAMES

ROOT = TESTS.parent
CELL = re.compile(r"\[yes\]\((.*?)\)|no")


def rows_of(page: Path) -> dict[str, list[str]]:
    """The cells by the first two columns."""
    table = re.search(r"^\| .*lock-step.*\n\|[-|]+\n((?:\|.*\n)+)", page.read_text(), re.MULTILINE)
    assert table is not None
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table[1].splitlines()]
    return {f"{name} {system}": cells for name, system, *cells in lines}


@pytest.mark.parametrize("page", ["README.md", "docs/reference/emulators.md"])
def test_each_yes_has_its_test(page: str) -> None:
    path = ROOT / page
    rows = rows_of(path)
    shown = {row.partition(" ")[0].partition(":")[0] for row in rows}
    assert shown == set(EMULATOR_NAMES), "python tools/emulators_table.py"
    links = 0
    for row, cells in rows.items():
        assert len(cells) == 7, row
        for cell in cells:
            found = CELL.fullmatch(cell)
            assert found, (row, cell)
            if found[1]:
                test = (path.parent / found[1]).resolve()
                assert test.is_relative_to(TESTS), (row, cell)
                assert test.is_file(), (row, cell)
                links += 1
    assert links > 4 * len(rows)
