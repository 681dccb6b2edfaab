"""The code in README and docs runs, and prints what the page says it prints.

The ``python`` blocks of a page run one after the other, as one script, in an empty folder. A
``text`` block right after one is what it prints; ``...`` stands for anything. Commands in ``sh``
blocks are commands that there are, and links lead to files that there are.
"""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("src/**/*.md")])
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = "\n-- block {} --\n"


@dataclass(frozen=True, slots=True)
class Block:
    """A block of code on a page; `told` is what it prints, where the page says it."""

    code: str
    told: str | None


def python_blocks(page: Path) -> list[Block]:
    """The ``python`` blocks of a page in their order."""
    text = page.read_text(encoding="utf-8")
    blocks: list[Block] = []
    last_end = -1
    for found in BLOCK.finditer(text):
        language, code = found.groups()
        if language == "python":
            blocks.append(Block(code, None))
        elif language == "text" and blocks and not text[last_end : found.start()].strip():
            blocks[-1] = Block(blocks[-1].code, code)
        last_end = found.end()
    return blocks


def name_of(page: Path) -> str:
    """The page's name in the tree."""
    return page.relative_to(ROOT).as_posix()


CODE_PAGES = [page for page in PAGES if python_blocks(page)]


def test_there_is_code_to_check() -> None:
    names = [name_of(page) for page in CODE_PAGES]
    assert "README.md" in names
    assert "docs/tutorial.md" in names


@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", CODE_PAGES, ids=name_of)
def test_the_code_of_a_page_runs_and_prints_what_it_says(page: Path, tmp_path: Path) -> None:
    blocks = python_blocks(page)
    script = "".join(
        f"print({MARK.format(number)!r}, end='')\n{block.code}\n"
        for number, block in enumerate(blocks)
    )
    (tmp_path / "page.py").write_text(script, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", "page.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    printed = re.split(r"\n-- block \d+ --\n", done.stdout)[1:]
    assert len(printed) == len(blocks)
    for block, output in zip(blocks, printed, strict=True):
        if block.told is not None:
            same = doctest.OutputChecker().check_output(block.told, output, doctest.ELLIPSIS)
            assert same, f"{block.code}\nprints\n{output}\nand the page says\n{block.told}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    for target in re.findall(r"(?:\]\(|src=\")([^)\"#]+)", text):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{name_of(page)} links to {target}"


def shell_commands() -> set[str]:
    """The commands of copain that the pages name in ``sh`` blocks."""
    commands: set[str] = set()
    for page in PAGES:
        for language, code in BLOCK.findall(page.read_text(encoding="utf-8")):
            if language == "sh":
                commands |= set(re.findall(r"^(?:\$ )?copain ([a-z-]+)", code, re.MULTILINE))
    return commands


@pytest.mark.parametrize("command", sorted(shell_commands()))
def test_commands_on_the_pages_exist(command: str) -> None:
    done = subprocess.run(
        [Path(sys.prefix) / "bin" / "copain", command, "--help"],
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert f"copain {command}" in done.stdout or f"{command} [OPTIONS]" in done.stdout
