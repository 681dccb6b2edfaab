"""FCEUX's ``taseditor``: the TAS Editor's piano roll."""

from __future__ import annotations

from collections.abc import Sequence

from copain.backends.fceux_api.hooks import Function, Hook
from copain.backends.lua_namespace import Ask, Namespace, as_list, given
from copain.wire.protocol import Value, as_int


class TasEditor(Namespace):
    """``nes.lua.taseditor``: the TAS Editor's piano roll, of FCEUX for Windows.

    The Qt build (Linux, macOS) has the editor and these names, but what they do is left out of it:
    it answers as if the editor were closed, and only the two registered functions are called. The
    docstrings tell what FCEUX for Windows does.
    """

    __slots__ = ("_auto", "_manual")
    lua_name = "taseditor"

    def __init__(self, ask: Ask) -> None:
        super().__init__(ask)
        self._auto = Hook(ask, "taseditor.registerauto")
        self._manual = Hook(ask, "taseditor.registermanual")

    def registerauto(self, function: Function | None) -> Function | None:
        """Call `function` whenever the editor is redrawn, 60 times a second; None takes it away."""
        return self._auto.register(function)

    def registermanual(
        self, function: Function | None, caption: str | None = None
    ) -> Function | None:
        """Call `function` at the editor's button, which shows `caption` (not in the Qt build)."""
        return self._manual.register(function, caption)

    def engaged(self) -> bool:
        """Whether the editor is open. Qt build: False."""
        return self._bool("engaged")

    def markedframe(self, frame: int) -> bool:
        """Whether a marker is on this frame. Qt build: False."""
        return self._bool("markedframe", frame)

    def getmarker(self, frame: int) -> int:
        """The number of the marker that rules this frame. Qt build: -1."""
        return self._int("getmarker", frame)

    def setmarker(self, frame: int) -> int:
        """Put a marker on this frame; its number. Qt build: -1."""
        return self._int("setmarker", frame)

    def removemarker(self, frame: int) -> None:
        """Take the marker from this frame."""
        self._do("removemarker", frame)

    def getnote(self, index: int) -> str | None:
        """The note of a marker. Qt build: None."""
        return self._optional_text("getnote", index)

    def setnote(self, index: int, text: str) -> None:
        """Write the note of a marker."""
        self._do("setnote", index, text)

    def getcurrentbranch(self) -> int:
        """The number of the branch, -1 for none. Qt build: -1."""
        return self._int("getcurrentbranch")

    def getrecordermode(self) -> str | None:
        """Who is recorded: ``"All"``, ``"1P"`` to ``"4P"``. Qt build: None."""
        return self._optional_text("getrecordermode")

    def getsuperimpose(self) -> int:
        """Whether recording adds to what is there: 0 no, 1 yes, 2 in part. Qt build: -1."""
        return self._int("getsuperimpose")

    def getlostplayback(self) -> int:
        """Where playback was before it was sent back, -1 for nowhere. Qt build: -1."""
        return self._int("getlostplayback")

    def getplaybacktarget(self) -> int:
        """Where seeking goes, -1 when it does not seek. Qt build: -1."""
        return self._int("getplaybacktarget")

    def setplayback(self, frame: int) -> None:
        """Seek to this frame."""
        self._do("setplayback", frame)

    def stopseeking(self) -> None:
        """Stop seeking."""
        self._do("stopseeking")

    def getselection(self) -> list[int] | None:
        """The frames that are selected, or None. Qt build: None."""
        frames = self._value("getselection")
        return None if frames is None else [as_int(frame) for frame in as_list(frames)]

    def setselection(self, frames: Sequence[int] | None) -> None:
        """Select these frames; None for none."""
        chosen: Value = None if frames is None else list(frames)
        self._do("setselection", chosen)

    def getinput(self, frame: int, joypad: int) -> int:
        """The buttons of a joypad (1 to 4; 0: commands) in a frame, as bits. Qt build: -1."""
        return self._int("getinput", frame, joypad)

    def submitinputchange(self, frame: int, joypad: int, buttons: int) -> None:
        """Note a change of input for `applyinputchanges`."""
        self._do("submitinputchange", frame, joypad, buttons)

    def submitinsertframes(self, frame: int, number: int) -> None:
        """Note blank frames to insert for `applyinputchanges`."""
        self._do("submitinsertframes", frame, number)

    def submitdeleteframes(self, frame: int, number: int) -> None:
        """Note frames to delete for `applyinputchanges`."""
        self._do("submitdeleteframes", frame, number)

    def applyinputchanges(self, name: str | None = None) -> int:
        """Make all the changes at once; the first frame that changed, or -1. Qt build: -1."""
        return self._int("applyinputchanges", *given(name))

    def clearinputchanges(self) -> None:
        """Forget the changes that were noted."""
        self._do("clearinputchanges")
