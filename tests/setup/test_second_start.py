"""A second start sets nothing up; a changed source does; two starts at once do not meet."""

from __future__ import annotations

from pathlib import Path

import pytest
from bare import BareMachine

# Set-up with its slow parts replaced, so that what is left is when they run.
PRETEND = """
. ./tools/recipes.sh
set_up_packages() {
    echo packages; mkdir -p "$venv"; sleep 1; packages_sum >"$venv/.packages-$level"
}
step() { echo native; }
"""


@pytest.fixture
def machine(tmp_path: Path) -> BareMachine:
    """A machine whose set-up only pretends."""
    return BareMachine(tmp_path)


def set_up(machine: BareMachine, level: str = "demo") -> list[str]:
    """What set-up did: the names of its parts."""
    answer = machine.run(f"{PRETEND}\nset_up {level}")
    assert answer.status == 0, answer.text
    return answer.lines


def test_a_second_start_sets_nothing_up(machine: BareMachine) -> None:
    assert set_up(machine) == ["packages", "native"]
    assert set_up(machine) == []


def test_a_changed_source_is_built_again_without_new_packages(machine: BareMachine) -> None:
    set_up(machine)
    (machine.root / "native" / "new.cpp").write_text("// new\n", encoding="utf-8")
    assert set_up(machine) == ["native"]


def test_a_changed_dependency_is_fetched(machine: BareMachine) -> None:
    set_up(machine)
    with (machine.root / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    assert set_up(machine) == ["packages", "native"]


def test_the_tests_need_more_than_the_demo(machine: BareMachine) -> None:
    set_up(machine, "demo")
    assert set_up(machine, "test") == ["packages", "native"]


def test_what_the_tests_need_is_enough_for_the_demo(machine: BareMachine) -> None:
    set_up(machine, "test")
    assert set_up(machine, "demo") == []


def test_a_moved_folder_is_set_up_again(machine: BareMachine) -> None:
    set_up(machine)
    machine.root = machine.root.rename(machine.root.parent / "moved")
    assert set_up(machine) == ["packages", "native"]


def test_two_starts_at_once_set_up_once(machine: BareMachine) -> None:
    both = [machine.start(f"{PRETEND}\nset_up demo") for _ in range(2)]
    said = [process.communicate(timeout=60)[0].splitlines() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    first, second = sorted(said, key=len, reverse=True)
    assert first == ["packages", "native"]
    assert second == ["Another set-up is running in this folder; waiting for it."]
