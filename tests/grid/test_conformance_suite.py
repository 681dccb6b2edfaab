"""The conformance suite finds what is broken: one broken emulator for each check, and more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import SupportsIndex

import numpy as np
import numpy.typing as npt
import pytest

import copain
from copain import Emulator, Memory, Rom, Savestate, Trajectory
from copain.backends.grid import GridEmulator
from copain.emulator import Picture
from copain.joypad import IDLE, Held, Joypad
from copain.memory import Bytes
from copain.system import GRID, NES
from copain.testing import CHECK_NAMES, Outcome, check_emulator, random_inputs
from copain.testing.trace import Trace, compare

TIMER = 0x30  # bytes of RAM that the game does not use
EXACT, HEALS, DIVERGES, WRONG = Outcome.EXACT, Outcome.HEALS, Outcome.DIVERGES, Outcome.WRONG


class Counted(GridEmulator):
    """Counts its frames in RAM, so that a wrong savestate shows at once."""

    def advance(self, held: Held = IDLE, *, frames: int = 1) -> None:
        super().advance(held, frames=frames)
        self.ram[TIMER] = self.frame & 0xFF


class TwoAlike(GridEmulator):
    """Not deterministic from instance to instance."""

    instances = 0

    def __init__(self, rom: Rom) -> None:
        type(self).instances += 1
        self.number = self.instances
        super().__init__(rom)

    def advance(self, held: Held = IDLE, *, frames: int = 1) -> None:
        super().advance(held, frames=frames)
        if self.frame >= 50:
            self.ram[TIMER] = self.number & 0xFF


class PowerOnRemembers(GridEmulator):
    """Leaves a byte of RAM as it was."""

    def power_on(self) -> None:
        kept = self.live_ram()[0x20]
        super().power_on()
        self.ram[TIMER] = int(kept)


class SavingDisturbs(GridEmulator):
    """Taking a savestate changes the machine."""

    def save_state(self) -> Savestate:
        state = super().save_state()
        self.ram[TIMER] = self.ram[TIMER] + 1 & 0xFF
        return state


class Forgets(GridEmulator):
    """A hidden counter is not part of the savestates."""

    hidden = 0

    def power_on(self) -> None:
        super().power_on()
        self.hidden = 0

    def advance(self, held: Held = IDLE, *, frames: int = 1) -> None:
        super().advance(held, frames=frames)
        self.hidden += frames
        self.ram[TIMER] = self.hidden & 0xFF


class HealsAfterLoading(GridEmulator):
    """Shows a byte of before for ten frames after a load in an instance that has played."""

    since_load = 99
    used = 0

    def load_state(self, state: Savestate) -> None:
        super().load_state(state)
        self.since_load = 0

    def advance(self, held: Held = IDLE, *, frames: int = 1) -> None:
        super().advance(held, frames=frames)
        self.since_load += 1
        self.used += frames
        self.ram[TIMER] = 1 if self.since_load < 10 and self.used > 300 else 0


class LoadKeepsFrame(GridEmulator):
    """The frame count does not come back with a savestate."""

    def load_state(self, state: Savestate) -> None:
        frame = self._frame
        super().load_state(state)
        self._frame = frame


class ResetsTheClock(GridEmulator):
    """The reset button sets the frame count back."""

    def soft_reset(self) -> None:
        super().soft_reset()
        self._frame = 0


class SkipsFrames(GridEmulator):
    """Plays one frame too few when many are asked for at once."""

    def advance(self, held: Held = IDLE, *, frames: int = 1) -> None:
        super().advance(held, frames=frames - 1 if frames > 10 else frames)
        self._frame += 1 if frames > 10 else 0


class RollsOutOtherwise(Counted):
    """Its rollout is not the plain loop: RAM lacks what `advance` adds."""


class RollsOutAnything(GridEmulator):
    """Its rollout takes addresses beyond the RAM."""

    def rollout(
        self, savestate: Savestate, inputs: npt.ArrayLike, watch: Sequence[int] = ()
    ) -> Trajectory:
        inside = [address for address in watch if 0 <= address < len(self.ram)]
        return super().rollout(savestate, inputs, inside)


class WritesTwice(GridEmulator):
    """Writing a byte writes its neighbour too."""

    class _Ram(Memory):
        def __setitem__(self, key: SupportsIndex | slice | str, value: int | npt.ArrayLike) -> None:
            super().__setitem__(key, value)
            if isinstance(key, int):
                super().__setitem__(key ^ 1, value)

    @property
    def ram(self) -> Memory:
        ram = super().ram
        ram.__class__ = self._Ram
        return ram


class LiveIsACopy(GridEmulator):
    """Its live view does not live."""

    def live_ram(self) -> Bytes:
        view = super().live_ram().copy()
        view.flags.writeable = False
        return view


class ScreenIsShared(GridEmulator):
    """Gives the same array again and again."""

    buffer: Picture | None = None

    @property
    def screen(self) -> Picture:
        picture = super().screen
        if self.buffer is None:
            self.buffer = picture
        self.buffer[:] = picture
        return self.buffer


class ScreenIsUpright(GridEmulator):
    """Gives width before height, and no colours."""

    @property
    def screen(self) -> Picture:
        return super().screen[..., 0]


class LagStays(GridEmulator):
    """Its lag count does not come back with a savestate."""

    def load_state(self, state: Savestate) -> None:
        count = self._lag_count
        super().load_state(state)
        self._lag_count = count


class TakesAnyInput(GridEmulator):
    """Takes buttons that are not there."""

    def advance(self, held: Held = IDLE, *, frames: int = 1) -> None:
        bits = held.bits if isinstance(held, Joypad) else 0  # the first port will do
        super().advance(Joypad.from_bits(bits & 0xFF), frames=frames)


class RefusesTooLate(GridEmulator):
    """Plays a frame, then refuses the input."""

    def advance(self, held: Held = IDLE, *, frames: int = 1) -> None:
        if isinstance(held, Joypad) and held.bits & ~GRID.button_bits:
            super().advance()
        super().advance(held, frames=frames)


class LoadsAnything(GridEmulator):
    """Loads savestates of other games."""

    def load_state(self, state: Savestate) -> None:
        super().load_state(Savestate(self._header(), state.payload))
        self._frame = state.frame


class OutlivesItself(GridEmulator):
    """Goes on after close."""

    def close(self) -> None:
        pass


class RaisesAnother(GridEmulator):
    """Raises what is not EmulatorClosed after close."""

    def save_state(self) -> Savestate:
        if self._closed:
            raise RuntimeError("there is nothing here any more")
        return super().save_state()


class Frozen(GridEmulator):
    """Does nothing at all."""

    def advance(self, held: Held = IDLE, *, frames: int = 1) -> None:
        super().advance(held, frames=0)
        self._frame += frames


class Deaf(GridEmulator):
    """Runs, but no input reaches the game."""

    def advance(self, held: Held = IDLE, *, frames: int = 1) -> None:
        super().advance(held, frames=0)
        self._frame += frames
        self.ram[TIMER] = self.frame & 0xFF


BROKEN: list[tuple[type[GridEmulator], str, Outcome]] = [
    (Frozen, "alive", WRONG), (Deaf, "alive", WRONG),
    (TwoAlike, "determinism", DIVERGES),
    (PowerOnRemembers, "power on", DIVERGES),
    (SavingDisturbs, "save", DIVERGES),
    (LoadKeepsFrame, "rerecord", WRONG),
    (Forgets, "rerecord", DIVERGES), (Forgets, "full cycle", DIVERGES),
    (Forgets, "fresh load", DIVERGES), (Forgets, "history", DIVERGES),
    (HealsAfterLoading, "history", HEALS),
    (ResetsTheClock, "soft reset", WRONG),
    (SkipsFrames, "frames", DIVERGES),
    (RollsOutOtherwise, "rollout", DIVERGES), (RollsOutAnything, "rollout", WRONG),
    (WritesTwice, "memory", WRONG), (LiveIsACopy, "memory", WRONG),
    (ScreenIsShared, "screen", WRONG), (ScreenIsUpright, "screen", WRONG),
    (LagStays, "lag", WRONG),
    (TakesAnyInput, "bad input", WRONG), (RefusesTooLate, "bad input", WRONG),
    (LoadsAnything, "bad savestate", WRONG),
    (OutlivesItself, "closed", WRONG), (RaisesAnother, "closed", WRONG),
]  # fmt: skip


@pytest.mark.parametrize(("broken", "check", "outcome"), BROKEN)
def test_what_is_broken_is_found(
    grid_rom: Rom, broken: type[GridEmulator], check: str, outcome: Outcome
) -> None:
    report = check_emulator(lambda: broken(grid_rom), frames=320, seeds=[5], checks=[check])
    assert report.findings[check].outcome is outcome, str(report)
    assert not report.exact


def test_the_difference_is_told_by_frame_and_address(grid_rom: Rom) -> None:
    report = check_emulator(lambda: TwoAlike(grid_rom), seeds=[5], checks=["determinism"])
    finding = report.findings["determinism"]
    assert (finding.first_frame, finding.addresses) == (49, (TIMER,))
    assert "determinism" in str(report)
    assert "diverges at frame 49 in ram 0x0030" in str(report)


def test_grid_is_exact_in_every_check(grid_rom: Rom, seed: int) -> None:
    report = check_emulator(lambda: copain.open(grid_rom), frames=300, seeds=[seed])
    assert report.exact, str(report)
    assert tuple(report.findings) == CHECK_NAMES
    absent = {n for n, found in report.findings.items() if found.outcome is Outcome.ABSENT}
    assert absent == {"fleet", "hashes", "sound"}
    for name, finding in report.findings.items():
        assert name in absent or finding.frames >= 10, name
    compared = sum(finding.size for finding in report.findings.values())
    assert compared > 300 * 256 * 15


def test_too_little_to_say_anything_is_refused(grid_rom: Rom) -> None:
    for frames, seeds in ((100, [1]), (400, [])):
        with pytest.raises(ValueError, match="at least 120 frames and one seed"):
            check_emulator(lambda: copain.open(grid_rom), frames=frames, seeds=list[int](seeds))


def trace(*rows: int) -> Trace:
    return Trace(np.array(rows, np.uint8)[:, None], tuple(rows))


def test_heals_needs_a_long_tail() -> None:
    same = [0] * 100
    late = [*([0] * 90), 1, *([0] * 9)]
    early = [1, 1, *([0] * 98)]
    assert compare(trace(*same), trace(*same)).outcome is EXACT
    assert compare(trace(*same), trace(*late)).outcome is DIVERGES
    healed = compare(trace(*same), trace(*early), first_frame=1000)
    assert (healed.outcome, healed.first_frame) == (HEALS, 1000)
    assert compare(trace(*same), trace(*same[1:])).outcome is WRONG


def test_a_picture_alone_may_differ() -> None:
    ram = np.zeros((100, 4), np.uint8)
    found = compare(Trace(ram, (0,) * 100), Trace(ram, (*(0,) * 99, 1)))
    assert (found.outcome, found.first_frame, found.addresses) == (DIVERGES, 99, ())
    assert "the picture" in found.detail


def test_inputs_are_the_same_for_the_same_seed_and_like_a_players() -> None:
    log = random_inputs(NES, 2000, 3)
    assert (log == random_inputs(NES, 2000, 3)).all()
    assert (log[:500] == random_inputs(NES, 500, 3)).all()
    assert (log != random_inputs(NES, 2000, 4)).any()
    assert (log[:, 0] != log[:, 1]).any()
    for pair in (0x30, 0xC0):  # up and down, left and right
        assert not ((log & pair) == pair).any()
    start = log[:, 0] & 8 > 0
    assert start[:240].any()
    assert start[:240].mean() > 4 * start[240:].mean()
    changes = (np.diff(log[:, 0].astype(int)) != 0).mean()
    assert 0.05 < changes < 0.3  # buttons are held for several frames


def emulator(rom: Rom) -> Emulator:
    """The suite takes any Emulator: this must type-check."""
    return GridEmulator(rom)
