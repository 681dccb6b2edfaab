"""CopainRun: one loop, played by many emulators at once.

Each runner is a thread with an emulator of its own; a process emulator such as FCEUX then plays
on a processor of its own. However the run ends (loops that return, a failure, Ctrl-C, an error of
the agent), all emulators are ended with it.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias, runtime_checkable

# Through the door that scripts take: which emulator there is, is not known here.
from copain import open_emulator
from copain.emulator import Emulator
from copain.errors import InputError, RomError, RunnerError
from copain.fleet.agent import Agent, AgentDesk, AgentLink, RunStopped
from copain.fleet.run_display import Display, Line, RunDisplay
from copain.rom import Rom, RomLike, as_rom, ines_header

Loop: TypeAlias = Callable[[Any, "Run"], Any]
"""What each runner plays: ``loop(nes, run)``, with the emulator and its `Run`."""

Opener: TypeAlias = Callable[..., Emulator]
"""Opens an emulator: ``opener(rom, **options)``."""

GRACE = 1.0
"""Seconds that loops have to see `Run.stop` and return, before they are broken off."""

_GRACE_AFTER_CTRL_C = 0.2
_FIRST_PAUSE, _LAST_PAUSE = 0.05, 5.0  # seconds before a runner is restarted
_LAST_WAIT = 2.0  # seconds for threads that were broken off
_LOGGER = logging.getLogger("copain.run")


@runtime_checkable
class _HasProcess(Protocol):
    """An emulator that is a process of its own, the leader of its process group."""

    @property
    def pid(self) -> int | None: ...


@dataclass(slots=True, eq=False)
class Run:
    """What a loop knows of its run, and where it tells what it does."""

    runner: int
    """This runner's number, from 0."""
    runners: int
    """How many there are."""
    visible: bool
    """Whether this runner's emulator shows a window."""
    stop: threading.Event
    """Set when the run is to end: a loop that looks at it ends tidily."""
    log: logging.LoggerAdapter[logging.Logger]
    """The log that all runners share (logger ``copain.run``); says whose each line is."""
    attempt: int = 0
    """How often this runner was restarted."""
    _facts: dict[str, object] = field(default_factory=dict[str, object])
    _agent: AgentLink | None = None

    @property
    def agent(self) -> AgentLink:
        """The agent. Raises InputError when the run has none."""
        if self._agent is None:
            raise InputError("run.agent: this run has no agent; see CopainRun(agent=...)")
        return self._agent

    def progress(self, **facts: object) -> None:
        """What the progress display shows of this runner: ``run.progress(frame=..., score=...)``.

        Cheap enough for every frame: the display looks a few times a second.
        """
        self._facts.update(facts)

    @property
    def line(self) -> Line:
        """What the progress display shows of this runner."""
        return Line(self.runner, self.visible, self.attempt, dict(self._facts))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run: in the runners' order, what each loop returned, and its restarts.

    A loop that was broken off has returned None.
    """

    results: tuple[Any, ...]
    restarts: tuple[int, ...]
    seconds: float


class CopainRun:
    """Many emulators with one game, the same loop in each; ::

    def loop(nes, run):
        while not run.stop.is_set():
            nes.advance(copain.Joypad(right=True))
            run.progress(frame=nes.frame)

    CopainRun("game.nes", loop, runners=8, emulator="fceux", visible=1).run()
    """

    def __init__(
        self,
        rom: RomLike,
        loop: Loop,
        runners: int = 8,
        emulator: str | Opener | None = None,
        visible: int = 0,
        *,
        options: Mapping[str, object] | None = None,
        shown: Mapping[str, object] | None = None,
        agent: Agent | None = None,
        restarts: int | None = 0,
        seconds: float | None = None,
        checksum: str | None = None,
        display: Display | bool | None = None,
        log: str | os.PathLike[str] | None = None,
    ) -> None:
        """A run of `loop` by `runners` emulators.

        - `emulator`: as in `copain.open`, or a function ``(rom, **options)`` that opens one.
        - `visible`: how many of them (the first ones) show a window, where the emulator can.
        - `options`: of the emulator, for all runners, such as ``{"display": "xvfb"}``; `shown`:
          for the visible ones alone, such as ``{"speed": "turbo", "sound": True}``.
        - `agent`: learns beside the runners, see `Agent`; loops reach it as ``run.agent``.
        - `restarts`: how often each runner may fail and be started again, with a new emulator,
          None for always; the failure after these stops the run.
        - `seconds`: after which the run stops.
        - `checksum`: SHA-1 or MD5 (hexadecimal) that the ROM must have, of the file or of what
          follows an NES header.
        - `display`: True shows what the runners `progress` on standard error, False nothing; by
          default shown on a terminal; or a `Display` of your own.
        - `log`: a file that the shared log is added to.

        Raises InputError.
        """
        call = "CopainRun"
        if runners < 1:
            raise InputError(f"{call}(runners={runners}): at least 1 is needed")
        if not 0 <= visible <= runners:
            raise InputError(f"{call}(visible={visible}): 0 to {runners} (all runners) is allowed")
        if restarts is not None and restarts < 0:
            raise InputError(f"{call}(restarts={restarts}): 0 or more, or None for always")
        self.rom, self.loop, self.runners, self.visible = rom, loop, runners, visible
        self.emulator, self.agent, self.restarts, self.seconds = emulator, agent, restarts, seconds
        self.options, self.shown = dict(options or {}), dict(shown or {})
        self.checksum, self.display, self.log = checksum, display, log
        self._stop = threading.Event()

    def run(self) -> Outcome:
        """Play until all loops have returned, or the run is stopped; all emulators end with it.

        Raises RunnerError, which names the runner, when one failed; an ExceptionGroup of them when
        several did; the error itself when no emulator could be opened for the same reason.
        KeyboardInterrupt (Ctrl-C) comes out when everything has ended, within a second.
        """
        rom = as_rom(self.rom)
        if self.checksum is not None:
            check_rom(rom, self.checksum)
        with ExitStack() as stack:
            if self.log is not None:
                stack.callback(_log_to(self.log))
            return _Play(self, rom, self._stop).run()

    def stop(self) -> None:
        """Ask the run to end: from any thread, or a loop."""
        self._stop.set()


def check_rom(rom: Rom, checksum: str) -> None:
    """Raise RomError unless the ROM has this SHA-1 or MD5, as a file or behind its header."""
    header = ines_header(rom.data)
    found = {rom.sha1, rom.md5}
    if header is not None:
        found |= {header.sha1, header.md5}
    if checksum.lower() not in found:
        raise RomError(
            f"CopainRun: {rom.name} is another ROM than was asked for: its checksums are "
            f"{', '.join(sorted(found))}, not {checksum}"
        )


class _Play:
    """One call of `CopainRun.run`."""

    def __init__(self, config: CopainRun, rom: Rom, stop: threading.Event) -> None:
        self.config, self.rom, self.stop = config, rom, stop
        self.opener: Opener = (
            config.emulator if callable(config.emulator) else _opener_of(config.emulator)
        )
        self.failures: list[tuple[BaseException, bool]] = []  # and whether it was in opening
        self.over = False  # loops were broken off: what they raise now is no failure
        self.gate = _Gate(config.runners)
        self.changed = threading.Event()
        self.desk: AgentDesk | None = None
        self.runners: list[_Runner] = []

    def run(self) -> Outcome:
        began = time.monotonic()
        self.stop.clear()
        if self.config.agent is not None:
            self.desk = AgentDesk(self.config.agent, self.config.runners, self._agent_failed)
        self.runners = [_Runner(self, self._new_run(at)) for at in range(self.config.runners)]
        display = self._display()
        interrupted: KeyboardInterrupt | None = None
        with display:
            try:
                for runner in self.runners:
                    runner.thread.start()
                self._watch(began, display)
            except KeyboardInterrupt as error:
                interrupted = error
            finally:
                self._end(_GRACE_AFTER_CTRL_C if interrupted else GRACE)
        if interrupted is not None:
            raise interrupted
        self._raise_failures()
        return Outcome(
            tuple(runner.result for runner in self.runners),
            tuple(runner.run.attempt for runner in self.runners),
            time.monotonic() - began,
        )

    def failed(self, error: BaseException, *, opening: bool = False) -> None:
        """A runner or the agent failed for good: the run stops."""
        if not self.over:
            self.failures.append((error, opening))
        self.stop.set()
        self.gate.give_up()
        self.changed.set()

    def _new_run(self, number: int) -> Run:
        return Run(
            runner=number,
            runners=self.config.runners,
            visible=number < self.config.visible,
            stop=self.stop,
            log=_RunnerLog(_LOGGER, {"runner": number}),
            _agent=None if self.desk is None else AgentLink(self.desk, number),
        )

    def _display(self) -> Display:
        wanted = self.config.display
        if wanted is None:
            wanted = sys.stderr.isatty()
        return RunDisplay(quiet=not wanted) if isinstance(wanted, bool) else wanted

    def _watch(self, began: float, display: Display) -> None:
        """Until all loops have ended, or the run is to stop."""
        seconds = self.config.seconds
        while any(runner.thread.is_alive() for runner in self.runners):
            self.changed.wait(0.1)
            self.changed.clear()
            display.show([runner.run.line for runner in self.runners])
            if seconds is not None and time.monotonic() - began >= seconds:
                self.stop.set()
            if self.stop.is_set():
                return

    def _end(self, grace: float) -> None:
        """Let the loops end by themselves, break off those that do not, and end the agent."""
        if any(runner.thread.is_alive() for runner in self.runners):
            self.stop.set()
        self.gate.give_up()
        deadline = time.monotonic() + grace
        for runner in self.runners:
            runner.wait(deadline)
        if self.desk is not None and not self.desk.close(max(0.1, deadline - time.monotonic())):
            kill = getattr(self.config.agent, "kill", None)
            if kill is not None:
                kill()
        self.over = True
        for runner in self.runners:
            runner.break_off()
        deadline = time.monotonic() + _LAST_WAIT
        for runner in self.runners:
            runner.wait(deadline)
            if runner.thread.is_alive():
                runner.run.log.warning("its loop does not end: it is left behind")

    def _agent_failed(self, error: BaseException) -> None:
        failure = RunnerError(f"the agent failed: {type(error).__name__}: {error}")
        failure.__cause__ = error
        self.failed(failure)

    def _raise_failures(self) -> None:
        errors = [error for error, _ in self.failures]
        if not errors:
            return
        reasons = {
            str(error.__cause__): error.__cause__ for error, opening in self.failures if opening
        }
        if len(errors) == self.config.runners and len(reasons) == 1:
            raise next(iter(reasons.values())) or errors[0]  # nobody could start, for one reason
        if len(errors) == 1:
            raise errors[0]
        raise BaseExceptionGroup(
            f"CopainRun: {len(errors)} failures with {self.config.runners} runners", errors
        )


class _Gate:
    """Where runners wait until all emulators are there, so that no loop starts when one is not."""

    def __init__(self, runners: int) -> None:
        self._lock = threading.Lock()
        self._missing = runners
        self._decided = threading.Event()

    def arrive(self) -> None:
        """Wait for the others. Raises RunStopped when they do not all come."""
        with self._lock:
            self._missing -= 1
            if self._missing == 0:
                self._decided.set()
        self._decided.wait()
        if self._missing > 0:
            raise RunStopped

    def give_up(self) -> None:
        """Let nobody wait any longer."""
        self._decided.set()


class _Runner:
    """A thread and its emulator."""

    def __init__(self, play: _Play, run: Run) -> None:
        self.run = run
        self.result: Any = None
        self.thread = threading.Thread(
            target=self._live, name=f"copain runner {run.runner}", daemon=True
        )
        self._play = play
        self._emulator: Emulator | None = None
        self._lock = threading.Lock()
        self._breakable = True

    def wait(self, deadline: float) -> None:
        """Wait for its end."""
        if self.thread.ident is not None:
            self.thread.join(max(0.0, deadline - time.monotonic()))

    def break_off(self) -> None:
        """Raise RunStopped in its loop, and end an emulator that it may be waiting for."""
        if not self.thread.is_alive():
            return
        with self._lock:
            if self._breakable:
                _raise_in(self.thread, RunStopped)
        emulator = self._emulator
        if isinstance(emulator, _HasProcess) and (pid := emulator.pid) is not None:
            # Not close(): that is for the thread that uses it, which now sees the end.
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)

    def _live(self) -> None:
        try:
            try:
                self._live_on()
            finally:
                self._unbreakable()
        except RunStopped:
            pass
        finally:
            # Again: the one RunStopped there is may have come just as the first began.
            self._unbreakable()
            self._close()
            self._play.changed.set()

    def _live_on(self) -> None:
        play, run = self._play, self.run
        pause = _FIRST_PAUSE
        while True:
            opened = False
            began = time.monotonic()
            try:
                self._emulator = self._open()
                opened = True
                if run.attempt == 0:
                    play.gate.arrive()
                self.result = play.config.loop(self._emulator, run)
                return
            except Exception as error:
                if play.over or self._fails_for_good(error, opened):
                    return
            self._close()
            run.attempt += 1
            # A loop that fails at once, time after time, must not keep the machine busy.
            pause = min(2 * pause, _LAST_PAUSE) if time.monotonic() - began < 5 else _FIRST_PAUSE
            if play.stop.wait(pause):
                return

    def _open(self) -> Emulator:
        """An emulator with our ROM, checked. A visible one has its own options."""
        config = self._play.config
        options = dict(config.options)
        if self.run.visible:
            options.pop("display", None)
            options = {**options, "visible": True, **config.shown}
        emulator = self._play.opener(self._play.rom, **options)
        if emulator.rom.sha1 != self._play.rom.sha1:
            emulator.close()
            raise RomError(
                f"{emulator.name} runs another ROM, SHA-1 {emulator.rom.sha1}; "
                f"{self._play.rom.name!r} has {self._play.rom.sha1}"
            )
        return emulator

    def _fails_for_good(self, error: Exception, opened: bool) -> bool:
        """Take note of a failure; whether it is this runner's last."""
        run, restarts = self.run, self._play.config.restarts
        text = f"runner {run.runner}: {type(error).__name__}: {error}"
        first_start = not opened and run.attempt == 0
        if first_start or (restarts is not None and run.attempt >= restarts):
            failure = RunnerError(text)
            failure.runner, failure.__cause__ = run.runner, error
            self._play.failed(failure, opening=first_start)
            return True
        run.log.warning("restarted after %s: %s", type(error).__name__, error)
        return False

    def _close(self) -> None:
        emulator, self._emulator = self._emulator, None
        if emulator is None:
            return
        # A process emulator's close() fetches the bytes of savestates first; nobody wants them.
        end: Callable[[], None] = getattr(emulator, "kill", emulator.close)
        try:
            end()
        except Exception as error:
            self.run.log.warning("closing its emulator: %s: %s", type(error).__name__, error)

    def _unbreakable(self) -> None:
        """From here on no RunStopped comes, also not one that is already on its way."""
        while self._breakable:
            with suppress(RunStopped), self._lock:
                self._breakable = False
                _raise_in(threading.current_thread(), None)


def _raise_in(thread: threading.Thread, error: type[BaseException] | None) -> None:
    """Raise an error in a thread at its next step in Python; None takes back one not yet raised.

    https://docs.python.org/3/c-api/init.html#c.PyThreadState_SetAsyncExc
    """
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread.ident or 0), None if error is None else ctypes.py_object(error)
    )


def _opener_of(name: str | None) -> Opener:
    def opener(rom: Rom, **options: object) -> Emulator:
        return open_emulator(rom, name, **options)

    return opener


class _RunnerLog(logging.LoggerAdapter[logging.Logger]):
    """The shared log, with the runner's number before each line."""

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, Any]:
        assert self.extra is not None
        return f"runner {self.extra['runner']}: {msg}", kwargs


def _log_to(path: str | os.PathLike[str]) -> Callable[[], None]:
    """Add the shared log to a file; what to call at the end."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s"))
    before = _LOGGER.level
    _LOGGER.addHandler(handler)
    if _LOGGER.getEffectiveLevel() > logging.INFO:
        _LOGGER.setLevel(logging.INFO)

    def end() -> None:
        _LOGGER.removeHandler(handler)
        _LOGGER.setLevel(before)
        handler.close()

    return end
