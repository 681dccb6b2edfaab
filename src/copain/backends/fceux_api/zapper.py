"""FCEUX's ``zapper``: the light gun."""

from __future__ import annotations

from typing import TypedDict

from copain.backends.lua_namespace import Namespace
from copain.wire.protocol import Value, as_int


class Aim(TypedDict):
    """Where the light gun points, in pixels of the picture, and whether it fires (1) or not (0)."""

    x: int
    y: int
    fire: int


class Zapper(Namespace):
    """``nes.lua.zapper``: the light gun in port 2, which is the mouse."""

    __slots__ = ()
    lua_name = "zapper"

    def read(self) -> Aim:
        """Where the mouse points, or in a movie that plays, the gun. `set` does not show here."""
        aim = self._table("read")
        return Aim(x=as_int(aim["x"]), y=as_int(aim["y"]), fire=as_int(aim["fire"]))

    def set(self, x: int | None = None, y: int | None = None, fire: bool | None = None) -> None:
        """Point the gun and fire, until the next `set`; None leaves that to the mouse.

        For FCEUX for Windows: the Qt build (Linux, macOS) asks the mouse all the same.
        """
        aim: dict[Value, Value] = {"x": x, "y": y, "fire": fire}
        self._do("set", {key: value for key, value in aim.items() if value is not None})
