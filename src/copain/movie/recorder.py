"""Recorder: an emulator around an emulator that keeps the movie of what is played.

The input log is a tree. A savestate remembers a place in it, so that a thousand savestates
share one log, and going back to one and on from there grows another branch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from types import TracebackType
from typing import Any, Self, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from copain.emulator import (
    Emulator,
    HasAudio,
    HasLagFrames,
    HasLiveRam,
    HasScreen,
    HasSoftReset,
    Picture,
)
from copain.errors import InputError, MovieError, SavestateError
from copain.joypad import IDLE, FrameInput, Held, Joypad, check_input_log, held_bits
from copain.memory import Bytes, Memory
from copain.movie.movie import Command, Movie, RomIdentity
from copain.movie.playback import (
    anchor_savestate,
    boot_offset,
    check_playable,
    hash_ram,
    record_hashes,
)
from copain.rollout import Fleet, HasFleet, HasRollout, Trajectory
from copain.rom import Rom
from copain.savestate import Savestate
from copain.system import System

_Row: TypeAlias = tuple[int, ...]
"""The bits of all ports during one frame."""


class _Branch:
    """Inputs from `start` frames on, after the first `start` of `parent` and its ancestors."""

    __slots__ = ("anchor", "commands", "parent", "rows", "start")

    def __init__(self, parent: _Branch | None, start: int, anchor: Savestate | None) -> None:
        self.parent = parent
        self.start = start
        self.anchor = anchor
        self.rows: list[_Row] = []
        self.commands: dict[int, Command] = {}

    @property
    def end(self) -> int:
        return self.start + len(self.rows)

    def at(self, length: int) -> _Branch:
        """The branch that goes on after `length` frames: one of those that lead here if it ends
        there, else a new one.
        """
        branch = self
        while branch.parent is not None and length < branch.end and length <= branch.start:
            branch = branch.parent
        return branch if length == branch.end else _Branch(branch, length, self.anchor)

    def log(self, length: int) -> tuple[list[_Row], dict[int, Command]]:
        """The first `length` frames: their inputs, and the commands by frame."""
        parts: list[list[_Row]] = []
        commands: dict[int, Command] = {}
        branch: _Branch | None = self
        while branch is not None:
            parts.append(branch.rows[: max(0, length - branch.start)])
            commands |= {at: what for at, what in branch.commands.items() if at < length}
            length = min(length, branch.start)
            branch = branch.parent
        return [row for part in reversed(parts) for row in part], commands


@dataclass(frozen=True, slots=True)
class _Moment:
    """What a recorder's savestate remembers beside the emulator's own."""

    recorder: Recorder
    savestate: Savestate
    branch: _Branch
    position: int
    pending: Command


class Recorder:
    """An `Emulator` that wraps another and records what is played as a movie.

    It has every capability that the wrapped one has. The recording starts at power-on when the
    emulator stands at frame 0, else from a savestate of the moment.

    - `power_on` starts a new recording from power-on; `soft_reset` becomes a command of the next
      frame.
    - `load_state` of a savestate that this recorder made goes back to that place of its movie,
      cuts off what came after, and counts a rerecord, as FCEUX does. A savestate from elsewhere
      carries no movie: a new recording starts from it.
    - While `read_only` is set, `advance` plays the recorded movie and ignores what is held, and
      loading a savestate moves along the movie without cutting it. Clearing it goes on recording
      from where the movie stands; the rest is cut off by the next frame.

    What is written into memory, and what a fleet made from it plays, is not recorded: a movie
    with such a gap does not verify. Savestates keep their movie while this process lives;
    `movie_of` gives it, to be written beside the savestate's file.
    """

    def __new__(cls, emulator: Emulator) -> Self:
        """A recorder with the capabilities of `emulator`."""
        parts = tuple(part for has, part in _CAPABILITIES if isinstance(emulator, has))
        return object.__new__(_with(cls, parts))

    def __init__(self, emulator: Emulator) -> None:
        """Record what is played on `emulator`, which the recorder then owns."""
        self.emulator = emulator
        self.read_only = False
        self._ports = emulator.system.ports
        self._buttons = emulator.system.button_bits
        self._begin(None if emulator.frame == 0 else emulator.save_state())

    def _begin(self, anchor: Savestate | None) -> None:
        """Start a recording of no frames."""
        self._branch = _Branch(None, 0, anchor)
        self._position = 0
        self._pending = Command(0)
        self._rerecords = 0
        self._script: tuple[list[_Row], dict[int, Command]] | None = None
        self._opened: Movie | None = None

    # The movie

    @property
    def position(self) -> int:
        """Frames from the movie's start to here."""
        return self._position

    @property
    def frames(self) -> int:
        """Frames of the movie; more than `position` only after going back in read-only."""
        return self._branch.end

    @property
    def rerecords(self) -> int:
        """How often the recording was taken up again from an earlier place."""
        return self._rerecords

    def input_at(self, frame: int) -> FrameInput:
        """What the movie holds during its frame `frame`, counted from 0 and below `frames`."""
        branch = self._branch
        while branch.parent is not None and frame < branch.start:
            branch = branch.parent
        return _frame_input(branch.rows[frame - branch.start])

    def passes(self, savestate: Savestate) -> bool:
        """Whether the movie, as it is now, passes through a savestate of this recorder."""
        moment = self._moment(savestate)
        branch: _Branch | None = self._branch
        length = self._branch.end
        while moment is not None and branch is not None:
            if branch is moment.branch and moment.position <= length:
                return True
            length = min(length, branch.start)
            branch = branch.parent
        return False

    def movie(self, author: str = "", hashes_every: int | None = None) -> Movie:
        """The movie so far, in FCEUX's time (see `copain.movie.playback`).

        With `hashes_every` it is played again from its start on this emulator, which afterwards
        is back where it was, to record the RAM hashes that `verify` compares. Raises MovieError
        when that does not end in the same RAM: something was played that a movie cannot hold.
        """
        movie = self._movie(self._branch, self._branch.end, author)
        if hashes_every is None or not movie.frames:
            return movie
        here, ram = self.emulator.save_state(), self.emulator.ram.read_all()
        try:
            movie = record_hashes(movie, self.emulator, hashes_every)
            replayed = self.emulator.ram.read_all()
        finally:
            self.emulator.load_state(here)
        if self._position == self._branch.end and hash_ram(ram, self.system) != hash_ram(
            replayed, self.system
        ):
            raise MovieError(
                f"Recorder.movie: played again, the {movie.frames} frames do not end in the same "
                "RAM: memory was written while recording, or the emulator is not deterministic"
            )
        return movie

    def movie_of(self, savestate: Savestate) -> Movie:
        """The movie that leads to a savestate of this recorder. Raises SavestateError."""
        moment = self._moment(savestate)
        if moment is None:
            raise SavestateError("movie_of: this savestate was not made by this recorder")
        return self._movie(moment.branch, moment.position, "")

    def open(self, movie: Movie) -> None:
        """Take up `movie` at its start, `read_only`. Raises as `copain.movie.play` does.

        A movie with a power command can only be taken up where no boot offset applies.
        """
        check_playable(movie, self.emulator)
        offset = boot_offset(self.emulator) if movie.savestate is None else 0
        if offset and (movie.commands & int(Command.POWER)).any():
            raise MovieError(
                f"Recorder.open: the movie switches the power, and {self.emulator.name} boots "
                f"{offset:+} frames beside FCEUX; play it with copain.movie.play"
            )
        anchor = movie.savestate and anchor_savestate(movie.savestate, self.emulator, movie.made_by)
        if anchor:
            self.emulator.load_state(anchor)
        else:
            self.emulator.power_on()
        self._begin(anchor or None)
        idle: list[_Row] = [(0,) * self._ports] * offset
        rows = idle + [tuple(row) for row in movie.inputs.tolist()]
        dropped = max(0, -offset)
        self._branch.rows = rows[dropped:]
        self._branch.commands = {
            int(frame) + offset: Command(int(movie.commands[frame]))
            for frame in np.flatnonzero(movie.commands)
            if frame + offset >= 0
        }
        self._opened = movie
        self._rerecords = movie.rerecords
        self.read_only = True

    def _movie(self, branch: _Branch, length: int, author: str) -> Movie:
        rows, commands = branch.log(length)
        offset = boot_offset(self.emulator) if branch.anchor is None else 0
        lost = [row for row in rows[: max(0, offset)] if any(row)]
        if lost:
            raise MovieError(
                f"Recorder.movie: {self.emulator.name} boots {offset} frames longer than FCEUX, "
                "and something was held in them, which a movie cannot hold"
            )
        lead = max(0, -offset)
        inputs = np.zeros((max(0, len(rows) - offset), self._ports), np.uint16)
        kept = rows[max(0, offset) :]
        if kept:
            inputs[lead:] = kept
        log = np.zeros(len(inputs), np.uint8)
        for frame, command in commands.items():
            if 0 <= frame - offset < len(log):
                log[frame - offset] = int(command)
        opened = self._opened
        if opened is not None and lead:
            inputs[:lead], log[:lead] = opened.inputs[:lead], opened.commands[:lead]
        anchor = branch.anchor
        base = opened or Movie(self.system, inputs)
        return replace(
            base,
            inputs=inputs,
            commands=log,
            rom=RomIdentity.of(self.rom),
            rerecords=self._rerecords,
            savestate=None if anchor is None else anchor.to_bytes(),
            authors=base.authors + ((author,) if author else ()),
            hashes={} if opened is None or not _same_log(opened, inputs, log) else opened.hashes,
            made_by=f"{self.emulator.name} {self.emulator.version}",
            region="pal" if self.frame_rate < 55 else "ntsc",
            ram_init=0,
        )

    # The clock

    def power_on(self) -> None:
        """Cold boot; a new recording starts here, or while `read_only` the movie starts again."""
        if self.read_only and self._branch.anchor is None:
            self.emulator.power_on()
            self._position, self._pending = 0, Command(0)
            return
        self.emulator.power_on()
        self.read_only = False
        self._begin(None)

    def advance(self, held: Held = IDLE, *, frames: int = 1) -> None:
        """Play and record frames; while `read_only`, play the movie's.

        Raises InputError as any emulator, and while `read_only` MovieError, before the first
        frame, when the movie has fewer frames left.
        """
        if self.read_only:
            self._play(frames)
            return
        self.emulator.advance(held, frames=frames)
        if frames:
            row = held_bits(held, self._ports, self._buttons)
            if self._position != self._branch.end:
                self._cut(self._branch, self._position)
            if self._pending:
                self._branch.commands[self._position] = self._pending
                self._pending = Command(0)
            if frames == 1:
                self._branch.rows.append(row)
            else:
                self._branch.rows.extend([row] * frames)
            self._position += frames

    def _cut(self, branch: _Branch, position: int) -> None:
        """Go on from `position` of `branch`, as a rerecord."""
        self._branch = branch.at(position)
        self._position = position
        self._rerecords += 1
        self._script = None

    def _play(self, frames: int) -> None:
        if frames < 0:
            raise InputError(f"advance(frames={frames}): 0 or more is allowed")
        left = self._branch.end - self._position
        if frames > left:
            raise MovieError(
                f"advance: the movie has {left} frames left; clear read_only to record on"
            )
        if self._script is None or len(self._script[0]) != self._branch.end:
            self._script = self._branch.log(self._branch.end)
        rows, commands = self._script
        for _ in range(frames):
            # A savestate may stand between the button and its frame: it is pressed already.
            command = commands.get(self._position, Command(0)) & ~self._pending
            self._pending = Command(0)
            if command & Command.POWER:
                self.emulator.power_on()
            if command & Command.SOFT_RESET and isinstance(self.emulator, HasSoftReset):
                self.emulator.soft_reset()
            self.emulator.advance(_frame_input(rows[self._position]))
            self._position += 1

    # Savestates

    def save_state(self) -> Savestate:
        """A handle on this moment and on the movie that leads to it."""
        return self._wrap(self.emulator.save_state())

    def _wrap(self, savestate: Savestate) -> Savestate:
        moment = _Moment(self, savestate, self._branch, self._position, self._pending)
        return Savestate(savestate.header, lambda: savestate.payload, moment)

    def load_state(self, state: Savestate) -> None:
        """Come back to a moment and its place in the movie; see the class."""
        moment = self._moment(state)
        if self.read_only:
            if moment is None:
                raise SavestateError(
                    "load_state: this savestate carries no movie of this recorder, so it has no "
                    "place in the one being played; clear read_only to record from it"
                )
            if not self.passes(state):  # by its branch, at once; else by comparing the logs
                self._check_on_movie(moment)
            self.emulator.load_state(moment.savestate)
            self._position, self._pending = moment.position, moment.pending
            return
        self.emulator.load_state(state if moment is None else moment.savestate)
        self._loaded(state, moment)

    def _loaded(self, state: Savestate, moment: _Moment | None) -> None:
        if moment is None:
            self._begin(state)
        else:
            self._cut(moment.branch, moment.position)
            self._pending = moment.pending

    def _moment(self, state: Savestate) -> _Moment | None:
        moment = state.handle
        return moment if isinstance(moment, _Moment) and moment.recorder is self else None

    def _check_on_movie(self, moment: _Moment) -> None:
        """Raise SavestateError unless the savestate lies on the movie being played."""
        rows, commands = moment.branch.log(moment.position)
        mine, own = self._branch.log(moment.position)
        if moment.branch.anchor is not self._branch.anchor:
            raise SavestateError("load_state: this savestate's movie starts from another anchor")
        parted = next((at for at, pair in enumerate(zip(rows, mine, strict=False))
                       if pair[0] != pair[1]), min(len(rows), len(mine)))  # fmt: skip
        if len(mine) < len(rows) or parted < len(rows) or commands != own:
            raise SavestateError(
                f"load_state: this savestate's movie parts from the one being played at frame "
                f"{parted}; clear read_only to go on from it"
            )

    # What it is, from the wrapped emulator

    @property
    def name(self) -> str:
        """The wrapped emulator's name."""
        return self.emulator.name

    @property
    def version(self) -> str:
        """The wrapped emulator's version."""
        return self.emulator.version

    @property
    def system(self) -> System:
        """The wrapped emulator's system."""
        return self.emulator.system

    @property
    def rom(self) -> Rom:
        """The game."""
        return self.emulator.rom

    @property
    def frame(self) -> int:
        """Frames emulated since `power_on`."""
        return self.emulator.frame

    @property
    def frame_rate(self) -> Fraction:
        """Frames a second."""
        return self.emulator.frame_rate

    @property
    def ram(self) -> Memory:
        """The work RAM."""
        return self.emulator.ram

    @property
    def memory(self) -> Mapping[str, Memory]:
        """All memory domains by name."""
        return self.emulator.memory

    def close(self) -> None:
        """Close the wrapped emulator. The movie can still be asked for."""
        self.emulator.close()

    def __enter__(self) -> Self:
        self.emulator.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __getattr__(self, name: str) -> Any:
        """Whatever else the wrapped emulator has: its options, its own API."""
        if name.startswith("_") or name == "emulator":
            raise AttributeError(name)
        return getattr(self.emulator, name)

    def __repr__(self) -> str:
        return f"<Recorder of {self._branch.end} frames around {self.emulator!r}>"


@cache
def _frame_input(row: _Row) -> FrameInput:
    return FrameInput(tuple(Joypad.from_bits(bits) for bits in row))


def _same_log(movie: Movie, inputs: npt.NDArray[np.uint16], log: npt.NDArray[np.uint8]) -> bool:
    return np.array_equal(movie.inputs, inputs) and np.array_equal(movie.commands, log)


# Capabilities: a recorder's class is put together from those that the wrapped emulator has, so
# that isinstance answers for the recorder as it does for the emulator.


class _Screen(Recorder):
    @property
    def screen(self) -> Picture:
        return cast(HasScreen, self.emulator).screen


class _Audio(Recorder):
    @property
    def audio(self) -> npt.NDArray[np.int16]:
        return cast(HasAudio, self.emulator).audio

    @property
    def sample_rate(self) -> float:
        return cast(HasAudio, self.emulator).sample_rate


class _SoftReset(Recorder):
    def soft_reset(self) -> None:
        """Press the reset button; the movie presses it before the next frame."""
        if self.read_only:
            return  # the movie presses its own
        cast(HasSoftReset, self.emulator).soft_reset()
        self._pending |= Command.SOFT_RESET


class _LagFrames(Recorder):
    @property
    def lagged(self) -> bool:
        return cast(HasLagFrames, self.emulator).lagged

    @property
    def lag_count(self) -> int:
        return cast(HasLagFrames, self.emulator).lag_count


class _LiveRam(Recorder):
    def live_ram(self) -> Bytes:
        return cast(HasLiveRam, self.emulator).live_ram()


class _Rollout(Recorder):
    def rollout(
        self, savestate: Savestate, inputs: npt.ArrayLike, watch: Sequence[int] = ()
    ) -> Trajectory:
        """Play and record `inputs` from `savestate` in one call."""
        if self.read_only:
            raise MovieError("rollout: a movie is being played; clear read_only to record")
        log = check_input_log(inputs, self._ports, self._buttons, "rollout")
        moment = self._moment(savestate)
        own = savestate if moment is None else moment.savestate
        played = cast(HasRollout, self.emulator).rollout(own, log, watch)
        self._loaded(savestate, moment)
        if len(log):
            if self._pending:
                self._branch.commands[self._position] = self._pending
                self._pending = Command(0)
            self._branch.rows.extend(map(tuple, log.tolist()))
            self._position += len(log)
        return replace(played, savestate=self._wrap(played.savestate))


class _OpenFleet(Recorder):
    def open_fleet(self, workers: int) -> Fleet:
        """A fleet of the wrapped emulator; what it plays is not recorded."""
        return cast(HasFleet, self.emulator).open_fleet(workers)


_CAPABILITIES: tuple[tuple[type, type[Recorder]], ...] = (
    (HasScreen, _Screen),
    (HasAudio, _Audio),
    (HasSoftReset, _SoftReset),
    (HasLagFrames, _LagFrames),
    (HasLiveRam, _LiveRam),
    (HasRollout, _Rollout),
    (HasFleet, _OpenFleet),
)


@cache
def _with(cls: type[Recorder], parts: tuple[type[Recorder], ...]) -> type[Any]:
    return type(cls.__name__, (*parts, cls), {"__doc__": cls.__doc__})
