"""``copain conformance``: its exit status, its table, its JSON, and that a crash is contained."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import cast

import pytest

from conftest import core
from copain import Rom
from copain.cli.conformance import check_apart, is_exact
from copain.cli.targets import Target
from copain.testing import CHECK_NAMES

Run = tuple[int, str, str]


def run(*arguments: str) -> Run:
    done = subprocess.run(
        [sys.executable, "-c", "from copain.cli import main; main()", "conformance", *arguments],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def test_a_table_and_the_page(tmp_path: Path) -> None:
    page = tmp_path / "conformance.md"
    options = ("--frames", "150", "--seed", "7", "--markdown", str(page))
    status, output, _ = run("--emulator", "grid", *options)
    assert status == 0, output
    (row,) = [line for line in page.read_text().splitlines() if line.startswith("| grid ")]
    assert row.count(" exact ") == len(CHECK_NAMES) - 3
    assert row.count(" - ") == 3
    cells = [line.rsplit(maxsplit=1) for line in output.splitlines()]
    rows = {row[0].strip(): row[1] for row in cells if len(row) == 2}
    assert {rows[name] for name in CHECK_NAMES} == {"exact", "absent"}
    assert "bytes were compared" in output


def test_json() -> None:
    status, output, _ = run("--emulator", "grid", "--frames", "150", "--seed", "7", "--json")
    assert status == 0
    (report,) = cast(list[dict[str, object]], json.loads(output))
    assert (report["emulator"], report["frames"], report["seeds"]) == ("grid", 150, [7])
    assert is_exact(report)
    assert tuple(cast(dict[str, object], report["checks"])) == CHECK_NAMES


@pytest.mark.timeout(300)
def test_a_core_that_is_not_exact_and_need_not_be(tmp_path: Path) -> None:
    core("gambatte")
    path = tmp_path / "still.gb"
    game = bytearray(0x8000)
    game[0x104:0x108] = b"\xce\xed\x66\x66"
    game[0x100:0x103] = b"\x18\xfe\x00"  # jr -2: nothing ever happens
    path.write_bytes(game)
    options = ("--rom", str(path), "--core", "gambatte", "--frames", "120")
    status, output, errors = run(*options)
    assert status == 0, output
    assert "gambatte still, alive: wrong" in output
    assert "Plain ROM loaded" in errors  # what the core says is no part of the table
    assert "Plain ROM loaded" not in output


def test_nothing_to_check_is_an_error() -> None:
    status, _, errors = run("--emulator", "bizhawk")
    assert status == 2
    assert "no emulator like this was found with a game for it" in errors


def test_a_check_that_does_not_end_is_no_report(efp: Rom, fceumm: str) -> None:
    assert efp.path is not None
    good = Target("libretro", fceumm, "efp", efp.path)
    bad = Target("libretro", fceumm, "nothing", Path("/none.nes"))
    lost, done = check_apart([bad, good], 120, [1])
    assert "there is no such file" in str(lost["error"])
    assert not is_exact(lost)
    assert is_exact(done)
