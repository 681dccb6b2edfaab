"""The rewind ring keeps what fits, evenly spaced, on one timeline."""

from __future__ import annotations

from copain.play.rewind import MAX_SPACING, RewindRing
from copain.savestate import Savestate, SavestateHeader


def _state(frame: int, size: int) -> Savestate:
    return Savestate(SavestateHeader("nes", "0" * 40, "fake", "1", frame), bytes(size))


def _played(ring: RewindRing, frames: int, size: int) -> RewindRing:
    for frame in range(frames):
        if ring.wants(frame):
            ring.keep(frame, _state(frame, size))
    return ring


def test_small_savestates_are_kept_every_frame() -> None:
    ring = _played(RewindRing(1 << 20), 100, 10)
    assert ring.spacing == 1
    for frame in range(100):
        state = ring.at_or_before(frame)
        assert state is not None
        assert state.frame == frame


def test_memory_is_bounded_and_the_oldest_go() -> None:
    ring = _played(RewindRing(1_000_000), 20_000, 1000)
    assert len(ring) == 1000
    assert ring.at_or_before(100) is None
    newest = ring.at_or_before(20_000)
    assert newest is not None
    assert newest.frame > 20_000 - MAX_SPACING


def test_large_savestates_are_spaced_but_never_too_far() -> None:
    ring = _played(RewindRing(10_000_000), 2000, 1_000_000)
    assert ring.spacing == MAX_SPACING
    assert len(ring) == 10


def test_a_savestate_larger_than_the_memory_is_still_kept() -> None:
    assert len(_played(RewindRing(10), 20, 100)) == 1


def test_between_two_savestates_the_gap_is_filled_for_a_while() -> None:
    ring = _played(RewindRing(10_000_000), 100, 1_000_000)
    for frame in range(65, 80):
        ring.fill(frame, _state(frame, 1))
    inside = ring.at_or_before(70)
    assert inside is not None
    assert inside.frame == 70
    outside = ring.at_or_before(50)
    assert outside is not None
    assert outside.frame == 48
    again = ring.at_or_before(70)
    assert again is not None
    assert again.frame == 64, "the gap was left, so it is forgotten"


def test_another_future_forgets_the_old_one() -> None:
    ring = _played(RewindRing(1 << 20), 100, 10)
    ring.forget_after(40)
    newest = ring.at_or_before(99)
    assert newest is not None
    assert newest.frame == 40
    ring.forget_unless(lambda state: state.frame < 10)
    assert len(ring) == 10


def test_back_at_an_early_frame_the_farthest_go_first() -> None:
    ring = RewindRing(100)
    for frame in range(10):
        ring.keep(1000 + frame, _state(1000 + frame, 10))
    ring.keep(5, _state(5, 10))
    assert ring.at_or_before(5) is not None
    newest = ring.at_or_before(5000)
    assert newest is not None
    assert newest.frame == 1008
