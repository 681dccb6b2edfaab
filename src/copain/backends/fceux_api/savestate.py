"""FCEUX's ``savestate``: its own savestate objects and slots."""

from __future__ import annotations

import os

from copain.backends.fceux_api.hooks import Hook, SlotFunction
from copain.backends.lua_namespace import Ask, Namespace, given
from copain.errors import InputError, WireError
from copain.wire.protocol import LuaObject, Value


class Savestate(Namespace):
    """``nes.lua.savestate``: FCEUX's own objects and slots.

    `nes.save_state` and `nes.load_state` are safer and give memory back; `nes.frame` does not
    follow what is loaded here.
    """

    __slots__ = ("_load", "_save")
    lua_name = "savestate"

    def __init__(self, ask: Ask) -> None:
        super().__init__(ask)
        self._save = Hook(ask, "savestate.registersave")
        self._load = Hook(ask, "savestate.registerload")

    def object(self, which: int | str | os.PathLike[str] | None = None) -> LuaObject:
        """A new object that can hold a savestate.

        `which`: a slot of the person's, 1 to 10 (10 is the key 0), a path, or None for one that has
        no file. What is in that file can be loaded. An object takes 72 KB that is not given back:
        use it again.
        """
        return self._object("object", which)

    def create(self, which: int | str | os.PathLike[str] | None = None) -> LuaObject:
        """As `object`, in the old numbering: 1 is the key 0, 2 the key 1, 10 the key 9."""
        return self._object("create", which)

    def save(self, state: LuaObject) -> None:
        """Save into the object, in memory only; see `persist`."""
        self._do("save", _checked(state, "save"))

    def persist(self, state: LuaObject) -> None:
        """Write the object into its file. Raises LuaError when `save` was not called."""
        self._do("persist", _checked(state, "persist"))

    def load(self, state: LuaObject) -> None:
        """Load what was saved into the object. FCEUX says nothing when it holds nothing."""
        self._do("load", _checked(state, "load"))

    def registersave(self, function: SlotFunction | None) -> SlotFunction | None:
        """Call `function(slot)` when the person saves into a slot (not for `save`).

        What it returns is kept beside the savestate, for `registerload`.
        """
        return self._save.register(function)

    def registerload(self, function: SlotFunction | None) -> SlotFunction | None:
        """Call `function(slot, ...)` when the person loads a slot, with what was kept."""
        return self._load.register(function)

    def loadscriptdata(self, state: LuaObject) -> list[Value]:
        """What the function of `registersave` returned for this savestate.

        Raises LuaError: FCEUX 2.6.5 crashes here.
        """
        return self._results("loadscriptdata", _checked(state, "loadscriptdata"))

    def _object(self, function: str, which: int | str | os.PathLike[str] | None) -> LuaObject:
        where = which if isinstance(which, int) or which is None else os.fspath(which)
        state = self._value(function, *given(where))
        if not isinstance(state, LuaObject):
            raise WireError(f"savestate.{function}: FCEUX gave {state!r:.80}, no object")
        return state


def _checked(state: LuaObject, call: str) -> LuaObject:
    if state.kind != "userdata":  # FCEUX takes anything for its own object, and crashes
        raise InputError(
            f"savestate.{call}: this is a Lua {state.kind}; savestate.object() gives what is wanted"
        )
    return state
