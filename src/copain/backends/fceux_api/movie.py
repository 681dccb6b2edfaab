"""FCEUX's ``movie``: its own recording and playback."""

from __future__ import annotations

import os
from typing import Literal, TypeAlias, cast

from copain.backends.lua_namespace import Namespace, given

Mode: TypeAlias = Literal["record", "playback", "finished", "taseditor"]


class Movie(Namespace):
    """``nes.lua.movie``: FCEUX's own recording and playback; `copain.movie` needs none of it.

    `nes.frame` does not follow when a movie starts the game again.
    """

    __slots__ = ()
    lua_name = "movie"

    def record(
        self, path: str | os.PathLike[str], start: Literal[0, 1, 2] = 0, author: str | None = None
    ) -> bool:
        """Record into an fm2: from power-on (0), from now (1), from battery RAM (2).

        0 switches the console off and on. The path is FCEUX's own to judge: make it absolute.
        """
        return self._bool("record", *given(os.fspath(path), start, author))

    save = record

    def play(
        self, path: str | os.PathLike[str], readonly: bool = False, pauseframe: int | None = None
    ) -> bool:
        """Play an fm2 from its start; whether it could be loaded.

        Its inputs win over what `nes.advance` holds. When not `readonly`, loading a savestate goes
        on recording. FCEUX pauses at frame `pauseframe`.
        """
        return self._bool("play", *given(os.fspath(path), readonly, pauseframe))

    load = play
    playback = play

    def replay(self) -> None:
        """Play the loaded movie from its start, read-only."""
        self._do("replay")

    playbeginning = replay

    def stop(self) -> None:
        """End recording or playback. Raises LuaError when there is no movie."""
        self._do("stop")

    close = stop

    def mode(self) -> Mode | None:
        """What is going on, or None without a movie."""
        return cast(Mode | None, self._optional_text("mode"))

    def active(self) -> bool:
        """Whether a movie is recorded or played."""
        return self._bool("active")

    def recording(self) -> bool:
        """Whether a movie is recorded."""
        return self._bool("recording")

    def playing(self) -> bool:
        """Whether a movie is played."""
        return self._bool("playing")

    def framecount(self) -> int:
        """The same as `emu.framecount`."""
        return self._int("framecount")

    def length(self) -> int:
        """Frames of the movie. Raises LuaError when there is none."""
        return self._int("length")

    def rerecordcount(self) -> int:
        """Savestates that were loaded while recording. Raises LuaError without a movie."""
        return self._int("rerecordcount")

    def rerecordcounting(self, skip: bool) -> None:
        """True: loading savestates counts no more as rerecording. FCEUX's manual reverses it."""
        self._do("rerecordcounting", skip)

    def name(self) -> str:
        """The path of the movie. Raises LuaError when there is none."""
        return self._text("name")

    getname = name

    def filename(self) -> str:
        """The file name of the movie, without folder. Raises LuaError when there is none."""
        return self._text("filename")

    def readonly(self) -> bool:
        """Whether movies are read-only: loading a savestate then plays on."""
        return self._bool("readonly")

    getreadonly = readonly

    def setreadonly(self, readonly: bool) -> None:
        """Choose whether movies are read-only."""
        self._do("setreadonly", readonly)

    def ispoweron(self) -> bool:
        """Whether the movie begins at power-on; False when there is none."""
        return self._bool("ispoweron")

    def isfromsavestate(self) -> bool:
        """Whether the movie begins at a savestate; False when there is none."""
        return self._bool("isfromsavestate")
