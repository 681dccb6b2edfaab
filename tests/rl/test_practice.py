"""Practice: episodes that begin where earlier ones came to."""

from __future__ import annotations

import numpy as np

from copain.rl.practice import Practice
from copain.savestate import Savestate, SavestateHeader


def place(frame: int) -> Savestate:
    return Savestate(SavestateHeader("nes", "0" * 40, "colibri", "1", frame), b"")


def passed(practice: Practice, frames: range, *, lost: bool) -> None:
    """An episode of one step a frame."""
    for frame in frames:
        if len(practice.due(np.array([frame - frames.start]))):
            practice.note(0, frame - frames.start, place(frame))
    practice.end(0, len(frames), lost=lost)


def test_nothing_just_before_a_loss_and_each_stretch_as_often() -> None:
    practice = Practice(1, 1.0)
    assert practice.draw(3) == [None, None, None]
    for _ in range(50):
        passed(practice, range(100, 300), lost=True)
    passed(practice, range(100, 1500), lost=False)
    drawn = [each.frame for each in practice.draw(4000) if each is not None]
    assert len(drawn) == 4000
    stretches = np.bincount(np.array(drawn) // 64)
    assert (stretches[2:23] > 100).all()
    late = Practice(1, 1.0)
    passed(late, range(100, 300), lost=True)
    assert max(each.frame for each in late.draw(500) if each is not None) <= 290


def test_odds_and_places_that_stay() -> None:
    practice = Practice(1, 0.25, seed=1)
    practice.add(place(5000), keep=True)
    for frame in range(600):
        practice.add(place(frame % 60))
    drawn = practice.draw(2000)
    assert 400 < sum(each is not None for each in drawn) < 600
    assert 5000 in {each.frame for each in drawn if each is not None}
