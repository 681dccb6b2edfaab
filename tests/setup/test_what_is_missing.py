"""What ./demo and ./test say on a machine that lacks something: one line, and no traceback."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from bare import Answer, BareMachine


@pytest.fixture
def machine(tmp_path: Path) -> BareMachine:
    """A machine with nothing but Debian's essential packages, and no apt-get."""
    return BareMachine(tmp_path)


def only_line(answer: Answer) -> str:
    """The one line that a refused command said."""
    assert answer.status == 2, answer.text
    assert len(answer.lines) == 1, answer.text
    assert answer.lines[0].startswith("copain: ")
    return answer.lines[0]


@pytest.mark.parametrize("command", ["./demo", "./test"])
def test_a_machine_with_nothing_is_told_all_it_lacks(machine: BareMachine, command: str) -> None:
    line = only_line(machine.run(command))
    assert "Python 3.11" in line
    assert "C++20 compiler" in line
    assert "apt-get install python3 python3-venv python3-dev g++" in line


def test_a_machine_without_a_compiler(machine: BareMachine) -> None:
    line = only_line(machine.run("./demo", PYTHON=sys.executable))
    assert "missing: a C++20 compiler" in line
    assert line.count("apt-get install g++") == 1


def test_a_compiler_that_is_too_old_counts_as_none(machine: BareMachine) -> None:
    machine.install_script("g++", "echo 'unrecognized option -std=c++20' >&2; exit 1")
    assert "C++20 compiler" in only_line(machine.run("./demo", PYTHON=sys.executable))


@pytest.mark.parametrize("version", ["3.9.2", "3.14.0"])
def test_a_python_out_of_range(machine: BareMachine, version: str) -> None:
    machine.install_script("python3", f"echo '{version} outside yes yes'")
    line = only_line(machine.run("./demo"))
    assert f"python3 is {version}" in line
    assert "Python 3.11 to 3.13" in line
    assert "PYTHON=" in line


def test_a_named_python_that_is_not_there(machine: BareMachine) -> None:
    line = only_line(machine.run("./test", PYTHON="/nowhere/python3.12"))
    assert "/nowhere/python3.12 does not run" in line


def test_the_newest_python_that_is_whole_is_chosen(machine: BareMachine) -> None:
    machine.install_script("python3.13", "echo '3.13.1 inside no yes'")  # no ensurepip
    machine.install_script("python3.12", "echo '3.12.8 inside yes yes'")
    machine.install_script("python3", "echo '3.11.2 inside yes yes'")
    answer = machine.run(". ./tools/recipes.sh; choose_python; echo $python $has_venv")
    assert answer.lines == ["python3.12 yes"]


def test_without_a_network(machine: BareMachine) -> None:
    for compiler in ("c++", "as", "ld"):
        machine.install(compiler, shutil.which(compiler))
    answer = machine.run(
        "./demo",
        PYTHON=sys.executable,
        PIP_CONFIG_FILE="/dev/null",
        PIP_INDEX_URL="http://127.0.0.1:9/simple",
        PIP_NO_CACHE_DIR="1",
        PIP_RETRIES="1",
    )
    assert answer.status == 2
    assert "PyPI cannot be reached: is there a network?" in answer.lines[-1]
    assert "Traceback" not in answer.text
    # How much there is to fetch was said before anything was fetched.
    (size,) = (index for index, line in enumerate(answer.lines) if "MB from PyPI" in line)
    assert size < next(i for i, line in enumerate(answer.lines) if "build tools" in line)
    assert not (machine.root / ".venv" / ".packages-demo").exists()


def test_a_folder_that_cannot_be_written(machine: BareMachine) -> None:
    (machine.root / "build").write_text("a file where the folder belongs", encoding="utf-8")
    assert "cannot write to" in only_line(machine.run("./demo"))


def test_a_tier_that_does_not_exist(machine: BareMachine) -> None:
    answer = machine.run("./test everything")
    assert answer.status == 2
    assert answer.lines[-1] == "copain: no tier is called everything"
