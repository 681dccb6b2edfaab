"""Frames fall due exactly, whatever the clock's steps are."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest

from copain.play.pace import Pace
from copain.system import NES


@pytest.mark.parametrize("speed", [Fraction(1, 16), Fraction(1), Fraction(8)])
def test_the_rate_is_kept_over_an_hour_of_uneven_calls(speed: Fraction, seed: int) -> None:
    chance = random.Random(seed)
    pace, now, frames = Pace(), 100.0, 0
    rate = NES.frame_rate * speed
    pace.due(now, rate)
    while now < 3700.0:
        now += chance.uniform(0.001, 0.2)
        due = pace.due(now, rate)
        pace.played(due)
        frames += due
    assert frames == int(float((now - 100.0) * rate))


def test_a_long_sleep_is_not_caught_up() -> None:
    pace = Pace()
    pace.due(0.0, Fraction(60))
    assert pace.due(10.0, Fraction(60)) == 1
    pace.played()
    assert pace.due(10.0 + 1.5 / 60, Fraction(60)) <= 1


def test_waiting_as_long_as_said_makes_one_frame_due() -> None:
    pace = Pace()
    pace.due(5.0, Fraction(60))
    wait = pace.wait(5.0)
    assert wait == pytest.approx(1 / 60)
    assert pace.due(5.0 + wait * 0.99, Fraction(60)) == 0
    assert pace.due(5.0 + wait * 1.01, Fraction(60)) == 1


def test_another_rate_begins_anew() -> None:
    pace = Pace()
    pace.due(0.0, Fraction(60))
    assert pace.due(0.2, Fraction(6)) == 0
    assert pace.due(0.4, Fraction(6)) == 1
