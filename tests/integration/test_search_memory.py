"""Searches within a limit of memory find what searches without one find."""

from __future__ import annotations

from pathlib import Path

import pytest

import copain
from copain import Emulator, InputError
from copain.games import game_by_name, rom_path
from copain.search import Beam, GoExplore, Points, Progress, beam, digest, go_explore

WIDTH = 4000


def opened() -> Emulator:
    return copain.open(rom_path("alouette"), emulator="colibri")


def by_beam(
    folder: Path, memory: int | None = None, when_full: str = "spill", workers: int = 1,
    frames: int = 90_000,
) -> list[Progress]:  # fmt: skip
    told: list[Progress] = []
    config = Beam(
        width=WIDTH, batch=128, action_repeat=1, frames=frames, memory=memory,
        when_full=when_full,  # pyright: ignore[reportArgumentType]
    )  # fmt: skip
    objective = Points(game_by_name("alouette"))
    beam(opened, objective, config, folder=folder, workers=workers, on_progress=told.append)
    return told


def least() -> int:
    """What the beam needs at least."""
    config = Beam(width=WIDTH, batch=128, action_repeat=1, memory=1)
    with pytest.raises(InputError, match=r"memory=1: .*; at least \d+ are needed") as refused:
        beam(opened, Points(game_by_name("alouette")), config)
    return int(str(refused.value).split("at least ")[1].split(" ")[0])


def test_a_beam_that_spills_finds_the_same(tmp_path: Path) -> None:
    memory = least()
    by_beam(tmp_path / "whole")
    told = by_beam(tmp_path / "small", memory, workers=2)
    assert max(at.spilled for at in told) > 0
    assert all(0 < at.memory <= memory for at in told)
    assert digest(tmp_path / "small") == digest(tmp_path / "whole")
    # With another limit it is the same run, and goes on.
    by_beam(tmp_path / "small", None, frames=130_000)
    by_beam(tmp_path / "whole", memory, frames=130_000)
    assert digest(tmp_path / "small") == digest(tmp_path / "whole")


def test_a_beam_that_forgets_finds_the_same_at_the_same_memory(tmp_path: Path) -> None:
    memory = least()
    by_beam(tmp_path / "one", memory, "forget")
    by_beam(tmp_path / "two", memory, "forget", workers=2, frames=40_000)
    told = by_beam(tmp_path / "two", memory, "forget", workers=2)
    assert all(at.memory <= memory for at in told)
    assert digest(tmp_path / "two") == digest(tmp_path / "one")
    plan = (tmp_path / "one" / "run.toml").read_text()
    assert f"memory = {memory}\n" in plan
    assert 'when_full = "forget"\n' in plan


def test_an_archive_of_cells_spills(tmp_path: Path) -> None:
    objective = Points(game_by_name("alouette"))
    with pytest.raises(InputError, match="at least") as refused:
        go_explore(opened, objective, GoExplore(memory=1))
    memory = int(str(refused.value).split("at least ")[1].split(" ")[0])
    for folder, limit in (("whole", None), ("small", memory)):
        told: list[Progress] = []
        config = GoExplore(frames=40_000, memory=limit)
        go_explore(opened, objective, config, folder=tmp_path / folder, on_progress=told.append)
        assert limit is None or all(at.memory <= limit for at in told)
    assert digest(tmp_path / "small") == digest(tmp_path / "whole")
