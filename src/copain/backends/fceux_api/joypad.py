"""FCEUX's ``joypad``: what is held."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from copain.backends.lua_namespace import Namespace, table
from copain.errors import InputError
from copain.wire.protocol import Value

BUTTONS = ("A", "B", "select", "start", "up", "down", "left", "right")
Held: TypeAlias = bool | Literal["invert"] | None
"""True: held; False: not held; ``"invert"``: what the person does not do; None: as the person
does."""


class Joypad(Namespace):
    """``nes.lua.joypad``: ports are 1 to 4, buttons ``A B select start up down left right``."""

    __slots__ = ()
    lua_name = "joypad"

    def get(self, port: int) -> dict[str, bool]:
        """All buttons of the last frame, held or not; a movie that plays counts."""
        return self._buttons("get", port)

    read = get

    def getdown(self, port: int) -> dict[str, bool]:
        """The buttons that were held in the last frame, all True."""
        return self._buttons("getdown", port)

    readdown = getdown

    def getup(self, port: int) -> dict[str, bool]:
        """The buttons that were not held in the last frame, all False."""
        return self._buttons("getup", port)

    readup = getup

    def getimmediate(self, port: int) -> dict[str, bool] | None:
        """What is pressed at this moment, in FCEUX for Windows; elsewhere None."""
        value = self._value("getimmediate", port)
        return None if value is None else _held(table(value))

    readimmediate = getimmediate

    def set(self, port: int, buttons: Mapping[str, Held]) -> None:
        """Hold buttons of a port for one frame, the next.

        It wins over what `nes.advance` holds on this port, where a button that is not named is not
        held by it either. Raises InputError for other names, which FCEUX would overlook.
        """
        wrong = [name for name in buttons if name not in BUTTONS]
        if wrong:
            raise InputError(
                f"joypad.set: {', '.join(map(repr, wrong))}: the buttons are {', '.join(BUTTONS)}"
            )
        held: dict[Value, Value] = dict(buttons.items())
        self._do("set", port, held)

    write = set

    def _buttons(self, function: str, port: int) -> dict[str, bool]:
        return _held(self._table(function, port))


def _held(buttons: Mapping[str, Value]) -> dict[str, bool]:
    return {name: value is True for name, value in buttons.items()}
