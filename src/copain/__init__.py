"""copain: script, search, learn and prove retro games from Python.

::

    import copain

    with copain.open("game.nes") as nes:
        nes.advance(copain.Joypad(start=True), frames=4)
        print(nes.frame, nes.ram[0x20])
"""

from copain.backends import EMULATOR_NAMES, open_emulator
from copain.backends import open_emulator as open
from copain.emulator import (
    Emulator,
    HasAudio,
    HasHooks,
    HasLagFrames,
    HasLiveRam,
    HasRegisters,
    HasScreen,
    HasSoftReset,
    HasTrace,
)
from copain.errors import (
    CheckpointError,
    CopainError,
    EmulatorClosed,
    EmulatorCrashed,
    EmulatorError,
    EmulatorMissing,
    GameError,
    InputError,
    LearningError,
    LuaError,
    MemoryRangeError,
    MissingExtra,
    MovieError,
    RomError,
    RunError,
    RunnerError,
    SavestateError,
    WireClosed,
    WireError,
    WireTimeout,
)
from copain.joypad import IDLE, Button, FrameInput, InputLog, Joypad
from copain.memory import Memory, Variable
from copain.movie import Movie, Recorder, verify
from copain.rollout import Fleet, HasFleet, HasRollout, RolloutBatch, Trajectory, rollout
from copain.rom import Rom
from copain.savestate import Savestate
from copain.system import System

__all__ = [
    "EMULATOR_NAMES", "IDLE", "Button", "CheckpointError", "CopainError", "Emulator",
    "EmulatorClosed",
    "EmulatorCrashed", "EmulatorError", "EmulatorMissing", "Fleet", "FrameInput", "GameError",
    "HasAudio", "HasFleet", "HasHooks", "HasLagFrames", "HasLiveRam", "HasRegisters",
    "HasRollout", "HasScreen", "HasSoftReset", "HasTrace", "InputError", "InputLog", "Joypad",
    "LearningError", "LuaError", "Memory", "MemoryRangeError", "MissingExtra", "Movie",
    "MovieError",
    "Recorder", "RolloutBatch", "Rom", "RomError", "RunError", "RunnerError", "Savestate",
    "SavestateError", "System", "Trajectory", "Variable", "WireClosed", "WireError",
    "WireTimeout", "open", "open_emulator", "rollout", "verify",
]  # fmt: skip

__version__ = "0.1.0"
