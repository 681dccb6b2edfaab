"""Player: what a person at a game does to it, without a window.

It holds an emulator, a recorder around it, the speed, the rewind ring and the savestate slots.
A window tells it what is held and what is ordered, calls `update` as often as it likes, and
shows `picture` and `status`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from copain.emulator import Emulator, HasLagFrames, HasScreen, HasSoftReset, Picture
from copain.errors import CopainError
from copain.joypad import IDLE, FrameInput
from copain.movie.movie import Movie
from copain.movie.recorder import Recorder
from copain.play.pace import Pace
from copain.play.rewind import DEFAULT_MEMORY, RewindRing
from copain.savestate import Savestate

SPEEDS: tuple[Fraction | None, ...] = (
    *(Fraction(1, n) for n in (16, 8, 4, 2)),
    *(Fraction(n) for n in (1, 2, 4, 8, 16)),
    None,
)
"""The steps of the speed; None is as fast as it goes."""

NORMAL = SPEEDS.index(Fraction(1))
FAST = Fraction(4)
REPEAT_DELAY = 0.35
REPEAT_RATE = Fraction(20)
"""Held frame advance: seconds until it repeats, and frames a second then."""

BUDGET = 1 / 60
"""Seconds that one `update` may take, so that the window stays alive at any speed."""

MESSAGE_SECONDS = 2.5


@dataclass(frozen=True, slots=True)
class Status:
    """What the display shows.

    `movie_frames` is the length of the movie; `held` the input of the last frame, or, while
    paused, of the next; `lagged` and `lag_count` are None where the emulator does not know;
    `message` is what was last said, for a while, or empty.
    """

    frame: int
    movie_frames: int
    held: FrameInput
    lagged: bool | None
    lag_count: int | None
    rerecords: int
    read_only: bool
    paused: bool
    rewinding: bool
    speed: Fraction | None
    message: str


@dataclass(frozen=True, slots=True)
class _Slot:
    """A savestate with its movie, and the picture that belongs to it."""

    state: Savestate
    picture: Picture | None


class Player:
    """One game being played; the recorder makes a movie of all that happens.

    The emulator is the caller's, and closed by it. `on_frame` is called after every frame that
    is played forwards. Not a thread of its own: everything happens inside the calls.
    """

    def __init__(
        self,
        emulator: Emulator,
        movie: Movie | None = None,
        *,
        rewind_memory: int = DEFAULT_MEMORY,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Play from power-on; with a `movie`, play that, read-only.

        `rewind_memory` is in bytes, `clock` gives seconds.
        """
        self.emulator = emulator
        self.recorder = Recorder(emulator)
        self.paused = False
        self.rewinding = False
        self.advancing = False
        self.fast = False
        self.on_frame: Callable[[], None] | None = None
        self._clock = clock
        self._pace = Pace()
        self._speed = NORMAL
        self._ring = RewindRing(rewind_memory)
        self._slots: dict[int, _Slot] = {}
        self._undo: _Slot | None = None
        self._held = IDLE
        self._repeat_at = 0.0
        self._picture: Picture | None = None
        self._message, self._message_until = "", 0.0
        if movie is not None:
            self.recorder.open(movie)
        self._first_picture = self.picture

    # What is seen

    @property
    def picture(self) -> Picture | None:
        """The picture of this moment, ``uint8 (height, width, 3)``; None where there is none."""
        if self._picture is not None:
            return self._picture
        return self.emulator.screen if isinstance(self.emulator, HasScreen) else None

    @property
    def status(self) -> Status:
        """What the display shows now."""
        recorder, emulator = self.recorder, self.emulator
        lag = emulator if isinstance(emulator, HasLagFrames) else None
        return Status(
            frame=recorder.position,
            movie_frames=recorder.frames,
            held=self._shown_input(),
            lagged=None if lag is None else lag.lagged,
            lag_count=None if lag is None else lag.lag_count,
            rerecords=recorder.rerecords,
            read_only=recorder.read_only,
            paused=self.paused,
            rewinding=self.rewinding,
            speed=self.speed,
            message=self._message if self._clock() < self._message_until else "",
        )

    @property
    def speed(self) -> Fraction | None:
        """The speed that was chosen, in multiples of the console's; None is unlimited."""
        speed = SPEEDS[self._speed]
        return FAST if self.fast and speed is not None and speed < FAST else speed

    @property
    def heard(self) -> bool:
        """Whether the sound of the frames makes sense: forwards, at normal speed."""
        return not self.paused and not self.rewinding and self.speed == 1

    def say(self, message: str) -> None:
        """Show a message for a while."""
        self._message, self._message_until = message, self._clock() + MESSAGE_SECONDS

    # Time

    def update(self, held: FrameInput = IDLE) -> bool:
        """Play, or take back, the frames that are due now; whether the picture changed.

        `held` is what the player holds. Takes at most about `BUDGET` seconds.
        """
        began = self._clock()
        self._held = held
        rate = self._rate(began)
        if rate == 0:
            self._pace.stop()
            return False
        changed = False
        while rate is None or self._pace.due(self._clock(), rate) > 0:
            if not (self._take_back() if self.rewinding else self._play(held)):
                break
            changed = True
            self._pace.played()
            if self._clock() - began >= BUDGET:
                break
        return changed

    def wait(self) -> float:
        """Seconds until there is something to do; 0.1 at most, and while nothing moves."""
        now = self._clock()
        rate = self._rate(now)
        if rate == 0:
            return max(0.0, min(0.1, self._repeat_at - now)) if self.advancing else 0.1
        return 0.0 if rate is None else min(0.1, self._pace.wait(now))

    def _rate(self, now: float) -> Fraction | None:
        """Frames a second that should pass now; None is as many as can be."""
        frame_rate = self.emulator.frame_rate
        if self.rewinding:
            return frame_rate * (FAST if self.fast else 1)
        if self.paused:
            return REPEAT_RATE if self.advancing and now >= self._repeat_at else Fraction(0)
        return None if self.speed is None else frame_rate * self.speed

    # Orders

    def pause(self, paused: bool | None = None) -> None:
        """Pause or go on; the other of the two when not said."""
        self.paused = not self.paused if paused is None else paused
        if not self.paused and self._at_end():
            self.say("the movie ends here; leave read-only to play on")
            self.paused = True

    def step(self, held: FrameInput = IDLE) -> None:
        """Play one frame and pause; repeats while `advancing`, after a delay."""
        self.paused = True
        self._held = held
        self._play(held)
        self._repeat_at = self._clock() + REPEAT_DELAY

    def change_speed(self, steps: int) -> None:
        """Choose a speed so many steps faster, or slower; 0 for the normal one."""
        self._speed = NORMAL if not steps else max(0, min(len(SPEEDS) - 1, self._speed + steps))
        self.say(f"speed {speed_text(SPEEDS[self._speed])}")

    def save_slot(self, slot: int) -> None:
        """Save this moment, with its movie, to a slot."""
        self._slots[slot] = self._moment()
        self.say(f"saved {slot}")

    def load_slot(self, slot: int) -> None:
        """Come back to the moment in a slot.

        Recording, the movie becomes the slot's and has one rerecord more; read-only, the movie
        stays as it is.
        """
        moment = self._slots.get(slot)
        if moment is None:
            self.say(f"slot {slot} is empty")
            return
        undo = self._moment()
        if self._load(moment):
            self._undo = undo
            self.say(f"loaded {slot}")

    def undo_load(self) -> None:
        """Come back to where the last load, or power-on, was made."""
        if self._undo is None:
            self.say("nothing was loaded yet")
            return
        moment, self._undo = self._undo, self._moment()
        if self._load(moment):
            self.say("back to before the load")

    def rewind(self, on: bool) -> None:
        """Begin to go back frame by frame, or end it.

        Recording, the movie is cut when play goes on from there: one rerecord, however far.
        """
        if on and not self.rewinding:
            self._undo = self._moment()
        self.rewinding = on
        self._pace.stop()

    def toggle_read_only(self) -> None:
        """Play the movie as it is, or take over: from here on, what is held is recorded."""
        recorder = self.recorder
        recorder.read_only = not recorder.read_only
        left = recorder.frames - recorder.position
        if recorder.read_only:
            self.say("read-only: the movie plays")
        else:
            self.say("recording" + (f"; playing on cuts {left} frames" if left > 0 else ""))

    def soft_reset(self) -> None:
        """Press the reset button."""
        if self.recorder.read_only:
            self.say("read-only: the movie plays, no reset")
        elif isinstance(self.recorder, HasSoftReset):
            self.recorder.soft_reset()
            self.say("reset")
        else:
            self.say(f"{self.emulator.system} has no reset button")

    def power_on(self) -> None:
        """Switch off and on: back to frame 0; recording, with an empty movie."""
        self._undo = self._moment()
        self.recorder.power_on()
        self._came_to(self._first_picture)
        self.say("power on")

    # One frame

    def _play(self, held: FrameInput) -> bool:
        """One frame forwards; False when there is none, because the movie has ended."""
        recorder, ring = self.recorder, self._ring
        if self._at_end():
            self.paused = True
            self.say("the movie ends here; leave read-only to play on")
            return False
        if not recorder.read_only:
            ring.forget_after(recorder.position)
        if ring.wants(recorder.position):
            ring.keep(recorder.position, recorder.save_state())
        recorder.advance(held)
        self._picture = None
        if self.on_frame is not None:
            self.on_frame()
        return True

    def _take_back(self) -> bool:
        """One frame backwards; False when nothing earlier is kept.

        The frame before is reached from the one before that, so that its picture is drawn.
        """
        recorder, ring = self.recorder, self._ring
        target = recorder.position - 1
        state = ring.at_or_before(max(target - 1, 0)) if target >= 0 else None
        if state is None:
            self.say("this is as far back as it goes")
            return False
        read_only, recorder.read_only = recorder.read_only, True  # nothing is cut yet
        try:
            recorder.load_state(state)
            while recorder.position < target:
                ring.fill(recorder.position, recorder.save_state())
                recorder.advance()
        finally:
            recorder.read_only = read_only
        self._picture = self._first_picture if target == 0 else None
        return True

    def _at_end(self) -> bool:
        return self.recorder.read_only and self.recorder.position >= self.recorder.frames

    def _shown_input(self) -> FrameInput:
        recorder = self.recorder
        live = self.paused and not self.rewinding and not recorder.read_only
        if live or not recorder.position:
            return self._held
        return recorder.input_at(recorder.position - 1)

    # Moments

    def _moment(self) -> _Slot:
        return _Slot(self.recorder.save_state(), self.picture)

    def _load(self, moment: _Slot) -> bool:
        try:
            self.recorder.load_state(moment.state)
        except CopainError as error:
            self.say(str(error))
            return False
        self._came_to(moment.picture)
        return True

    def _came_to(self, picture: Picture | None) -> None:
        """After a jump: show its picture, forget what the movie does not pass through."""
        self._picture = picture
        self._ring.forget_unless(self.recorder.passes)
        self._pace.stop()


def speed_text(speed: Fraction | None) -> str:
    """A speed as people read it: ``100 %``, ``1/4``, ``8x``, ``max``."""
    if speed is None:
        return "max"
    return f"1/{speed.denominator}" if speed < 1 else f"{speed.numerator}x"
