"""FCEUX's ``input``: keyboard, mouse and questions to the person."""

from __future__ import annotations

from typing import Literal, TypeAlias

from copain.backends.lua_namespace import Namespace, as_list, given
from copain.wire.protocol import Value

Buttons: TypeAlias = Literal["ok", "yesno", "yesnocancel"]
"""The buttons of a popup; FCEUX for Windows has more."""


class Input(Namespace):
    """``nes.lua.input``: keyboard, mouse and questions to the person."""

    __slots__ = ()
    lua_name = "input"

    def get(self) -> dict[str, Value]:
        """The keys that are pressed now (each True), and ``xmouse``, ``ymouse``, ``click``.

        Keys have SDL's names without spaces (``A``, ``Space``, ``LeftShift``); FCEUX for Windows
        has its own (``space``, ``shift``). The mouse is in pixels of the picture; click is 0, 1
        (left) or 2 (right).
        """
        return self._table("get")

    read = get

    def popup(self, message: str, buttons: Buttons = "yesno", icon: str = "question") -> str | None:
        """Ask the person; ``"yes"``, ``"no"`` or ``"cancel"``. The game waits.

        On Linux the program ``xmessage`` asks, and without it LuaError is raised.
        """
        return self._optional_text("popup", *given(message, buttons, icon))

    def openfilepopup(self) -> str | None:
        """Ask for a file to open, in FCEUX for Windows; its path, or None.

        Elsewhere FCEUX asks its standard input, which is empty here.
        """
        return self._first("openfilepopup")

    def savefilepopup(self) -> str | None:
        """Ask for a file to save to; see `openfilepopup`."""
        return self._first("savefilepopup")

    def _first(self, function: str) -> str | None:
        names = as_list(self._value(function))
        return str(names[0]).rstrip("\n") or None if names else None
