"""The public names: pinned, so that none comes or goes unnoticed."""

from __future__ import annotations

import inspect
import subprocess
import sys

import copain

PUBLIC = {
    "EMULATOR_NAMES", "IDLE", "Button", "CheckpointError", "CopainError", "Emulator",
    "EmulatorClosed",
    "EmulatorCrashed", "EmulatorError", "EmulatorMissing", "Fleet", "FrameInput", "GameError",
    "HasAudio", "HasFleet", "HasHooks", "HasLagFrames", "HasLiveRam", "HasRegisters", "HasRollout",
    "HasScreen", "HasSoftReset", "HasTrace", "InputError", "InputLog", "Joypad",
    "LearningError", "LuaError",
    "Memory", "MemoryRangeError",
    "MissingExtra", "Movie", "MovieError", "Recorder", "Rom", "RomError", "RolloutBatch",
    "RunError", "RunnerError", "Savestate", "SavestateError", "System", "Trajectory", "Variable",
    "WireClosed", "WireError", "WireTimeout", "open", "open_emulator", "rollout", "verify",
}  # fmt: skip


def test_the_public_names_are_these() -> None:
    assert set(copain.__all__) == PUBLIC
    assert len(copain.__all__) == len(PUBLIC)


def test_every_public_name_is_there_and_explained() -> None:
    for name in PUBLIC:
        public = getattr(copain, name)
        if inspect.isclass(public) or inspect.isfunction(public):
            assert inspect.getdoc(public), name


def test_copain_is_typed() -> None:
    from importlib import resources

    assert resources.files("copain").joinpath("py.typed").is_file()


def test_import_is_light() -> None:
    """What only some commands need is not imported by ``import copain``."""
    heavy = ["av", "pygame", "PIL", "retro", "stable_retro", "gymnasium", "rich", "typer"]
    code = f"import copain, sys; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
