"""Every error copain raises, in one tree.

::

    CopainError
    ├── RomError                the ROM cannot be read, or is not what it should be
    ├── InputError              buttons, ports or shapes that this system does not have
    ├── MemoryRangeError        an address or value outside the memory domain (also IndexError)
    ├── SavestateError          cut short, damaged, or of another game, core or version
    ├── EmulatorError           the emulator failed
    │   ├── EmulatorMissing     not installed, or no core for this ROM
    │   ├── EmulatorClosed      used after close()
    │   ├── EmulatorCrashed     it refused to load, died or stopped answering
    │   ├── LuaError            Lua code inside the emulator raised an error
    │   └── WireError           the connection to an emulator in another process failed
    │       ├── WireClosed      the other side is gone
    │       └── WireTimeout     no answer in time
    ├── MovieError              a movie that cannot be read, written or played
    ├── GameError               a game definition that is wrong, or unknown
    ├── RunError                a run folder that cannot be used
    ├── RunnerError             a runner of a CopainRun, or its agent, failed
    ├── LearningError           an agent cannot learn on
    │   └── CheckpointError     a checkpoint that cannot be used, or written
    └── MissingExtra            an optional package is not installed

Every message says what was called, what was found, what is allowed and how to go on.
Failures of several emulators at once come together in one ``ExceptionGroup``.
"""

from __future__ import annotations


class CopainError(Exception):
    """The root of all errors that copain raises on purpose."""


class RomError(CopainError):
    """The ROM cannot be read, or is not what it should be."""


class InputError(CopainError, ValueError):
    """Buttons, ports, frame counts or shapes that this system does not have."""


class MemoryRangeError(CopainError, IndexError):
    """An address or a value outside the memory domain."""


class SavestateError(CopainError):
    """A savestate that is cut short, damaged, or of another game, core or version."""


class EmulatorError(CopainError):
    """The emulator failed."""


class EmulatorMissing(EmulatorError):
    """The emulator is not installed, or no core plays this ROM."""


class EmulatorClosed(EmulatorError):
    """An emulator was used after ``close()``."""


class EmulatorCrashed(EmulatorError):
    """The emulator refused to load, died or stopped answering."""


class LuaError(EmulatorError):
    """Lua code inside the emulator raised an error; the message ends with its traceback."""


class WireError(EmulatorError):
    """The connection to an emulator in another process failed, or it spoke nonsense."""


class WireClosed(WireError):
    """The other side of the connection is gone."""


class WireTimeout(WireError):
    """The other side did not answer in time."""


class MovieError(CopainError):
    """A movie that cannot be read, written or played."""


class GameError(CopainError):
    """A game definition that is wrong, or a game that copain does not know."""


class RunError(CopainError):
    """A run folder that cannot be used."""


class RunnerError(CopainError):
    """A runner of a `CopainRun`, or its agent, failed; the cause says how."""

    runner: int | None = None
    """Which runner, from 0; None for the agent."""


class LearningError(CopainError):
    """An agent cannot learn on: its loss is no number, or what it learns from is not enough."""


class CheckpointError(LearningError):
    """A checkpoint of another game or agent, a damaged one, or one that cannot be written."""


class MissingExtra(CopainError, ImportError):
    """An optional package is not installed."""

    @classmethod
    def needed(cls, what: str, package: str, extra: str) -> MissingExtra:
        """The error for `what`, which needs `package`, installed by copain's `extra`."""
        return cls(
            f"{what} needs the package {package}, which is not installed: "
            f"pip install 'copain[{extra}]'"
        )
