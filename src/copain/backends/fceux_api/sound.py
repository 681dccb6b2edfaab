"""FCEUX's ``sound``: what the console's sound channels play."""

from __future__ import annotations

from typing import TypedDict, cast

from copain.backends.lua_namespace import Namespace


class Registers(TypedDict):
    """What stands in the channel's registers."""

    frequency: int


class Channel(TypedDict):
    """A channel: `volume` 0.0 to 1.0, `frequency` in Hz, `midikey` (69.0 is 440 Hz)."""

    volume: float
    frequency: float
    midikey: float
    regs: Registers


class Square(Channel):
    """A square wave; `duty` is 0 to 3 (1/8, 1/4, 1/2, 3/4)."""

    duty: int


class Noise(Channel):
    """The noise; `short` is its short sequence."""

    short: bool


class Samples(Channel):
    """The samples: where they are, their length in bytes, whether they repeat, the first level."""

    dmcaddress: int
    dmcsize: int
    dmcloop: bool
    dmcseed: int


class Rp2a03(TypedDict):
    """The five channels of the console's chip."""

    square1: Square
    square2: Square
    triangle: Channel
    noise: Noise
    dpcm: Samples


class Channels(TypedDict):
    """All that sounds."""

    rp2a03: Rp2a03


class Sound(Namespace):
    """``nes.lua.sound``: what the console's sound channels play."""

    __slots__ = ()
    lua_name = "sound"

    def get(self) -> Channels:
        """The channels at this moment; sound chips of cartridges are not in it."""
        return cast(Channels, self._table("get"))
