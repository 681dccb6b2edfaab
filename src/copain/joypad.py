"""Joypad and FrameInput: what is held during one frame.

The bit order below is the only one in copain: `Joypad.bits`, input logs (``uint16[T, ports]``)
and the native host all use it. Its low byte is the order in which an NES joypad reports its
buttons, which is also the order of fm2 (https://www.nesdev.org/wiki/Standard_controller).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import SupportsIndex, TypeAlias

import numpy as np
import numpy.typing as npt

from copain.errors import InputError
from copain.system import Button

InputLog: TypeAlias = npt.NDArray[np.uint16]
"""The inputs of consecutive frames: ``uint16 (frames, ports)`` of `Joypad.bits`."""


@dataclass(frozen=True, slots=True)
class Joypad:
    """The buttons held on one port during one frame.

    ``Joypad(right=True, a=True)``; joypads join with ``|`` and compare by value.
    """

    a: bool = False
    b: bool = False
    select: bool = False
    start: bool = False
    up: bool = False
    down: bool = False
    left: bool = False
    right: bool = False
    x: bool = False
    y: bool = False
    l: bool = False  # noqa: E741 - the button's name
    r: bool = False
    c: bool = False
    z: bool = False
    bits: int = field(init=False, repr=False, compare=False)
    """The buttons as an integer in the bit order of `Button`."""

    def __post_init__(self) -> None:
        bits = sum(int(button) for button, name in _FIELD.items() if getattr(self, name))
        object.__setattr__(self, "bits", bits)

    @classmethod
    def from_bits(cls, bits: int) -> Joypad:
        """The joypad whose `bits` are these. Raises InputError for unknown bits."""
        if not 0 <= bits <= ALL_BITS:
            raise InputError(
                f"Joypad.from_bits({bits!r}): bits must be 0 to {ALL_BITS:#06x}, see copain.Button"
            )
        return cls(**{_FIELD[button]: True for button in Button if bits & button})

    @classmethod
    def of(cls, *names: str) -> Joypad:
        """The joypad that holds the buttons with these names: ``Joypad.of("right", "a")``."""
        unknown = [name for name in names if name not in BUTTON_NAMES]
        if unknown:
            raise InputError(
                f"Joypad.of: no button is called {unknown[0]!r}; "
                f"the names are {', '.join(BUTTON_NAMES)}"
            )
        return cls(**dict.fromkeys(names, True))

    @property
    def held(self) -> tuple[str, ...]:
        """The names of the buttons held, in bit order."""
        return tuple(name for name in BUTTON_NAMES if getattr(self, name))

    def __or__(self, other: Joypad) -> Joypad:
        return Joypad.from_bits(self.bits | other.bits)

    def __str__(self) -> str:
        return "+".join(self.held) or "idle"


BUTTON_NAMES: tuple[str, ...] = tuple(str(button.name).lower() for button in Button)
_FIELD: dict[Button, str] = dict(zip(Button, BUTTON_NAMES, strict=True))
ALL_BITS = (1 << len(Button)) - 1


@dataclass(frozen=True, slots=True)
class FrameInput:
    """All that is held during one frame, a joypad a port; ports left out are idle."""

    joypads: tuple[Joypad, ...] = ()

    def bits(self, ports: int) -> tuple[int, ...]:
        """The bits of each of `ports` ports. Raises InputError when more joypads are given."""
        if len(self.joypads) > ports:
            raise InputError(
                f"this input has {len(self.joypads)} joypads, the system has {ports} ports"
            )
        held = tuple(joypad.bits for joypad in self.joypads)
        return held + (0,) * (ports - len(held))


IDLE = FrameInput()
"""Nothing is held on any port."""

Held: TypeAlias = "Joypad | FrameInput"
"""What `Emulator.advance` takes: a joypad (port 1, the others idle), or all ports."""


def held_bits(held: Held, ports: int, allowed: int) -> tuple[int, ...]:
    """The bits of each port for what is `held`, checked against the `allowed` bits.

    Raises InputError, naming the button, where a port or a button does not exist.
    """
    if isinstance(held, Joypad):
        bits = (held.bits,) + (0,) * (ports - 1)
    elif isinstance(held, FrameInput):  # pyright: ignore[reportUnnecessaryIsInstance] - who knows
        bits = held.bits(ports)
    else:
        raise InputError(_not_held(held))
    for port, value in enumerate(bits):
        if value & ~allowed:  # also of a negative number
            raise InputError(_foreign_buttons(value, port, allowed))
    return bits


def check_input_log(
    inputs: npt.ArrayLike, ports: int, allowed: int, what: str, ndim: int = 2
) -> InputLog:
    """`inputs` as C-contiguous ``uint16 (..., frames, ports)``, checked.

    A log with fewer ports than the system is filled with idle ports; one dimension less than
    `ndim` means port 1 alone. Raises InputError that begins with `what`.
    """
    try:
        given = np.asarray(inputs)
    except ValueError as error:
        raise InputError(f"{what}: inputs are not an array: {error}") from None
    if given.ndim == ndim - 1:
        given = given[..., None]
    if given.ndim != ndim or not 1 <= given.shape[-1] <= ports:
        batch = "jobs, " * (ndim - 2)
        raise InputError(
            f"{what}: inputs of shape {np.shape(inputs)}; "
            f"({batch}frames, ports) with 1 to {ports} ports is needed"
        )
    if given.size and given.dtype.kind not in "iub":
        raise InputError(f"{what}: inputs of type {given.dtype}; integers (Joypad.bits) are needed")
    if given.size:
        low, high = int(given.min()), int(given.max())
        if low < 0 or high > ALL_BITS:
            raise InputError(f"{what}: inputs from {low} to {high}; 0 to {ALL_BITS} is allowed")
    log: InputLog = given.astype(np.uint16) if given.size else np.zeros(given.shape, np.uint16)
    foreign = int(np.bitwise_or.reduce(log, axis=None)) & ~allowed if log.size else 0
    if foreign:
        raise InputError(f"{what}: {_foreign_buttons(foreign, None, allowed)}")
    if log.shape[-1] < ports:
        full = np.zeros((*log.shape[:-1], ports), np.uint16)
        full[..., : log.shape[-1]] = log
        log = full
    return np.ascontiguousarray(log)


def _not_held(held: object) -> str:
    """Integers too are refused: ``advance(8)`` looks like eight frames."""
    if isinstance(held, SupportsIndex):
        return (
            f"held={held!r}: a Joypad or a FrameInput is needed; advance(frames={held}) emulates "
            f"that many frames, Joypad.from_bits({held}) holds the buttons with these bits"
        )
    return f"held={held!r}: a Joypad or a FrameInput is needed"


def _foreign_buttons(bits: int, port: int | None, allowed: int) -> str:
    where = "" if port is None else f" on port {port + 1}"
    if not 0 <= bits <= ALL_BITS:
        return f"input bits {bits}{where}; 0 to {ALL_BITS:#06x} is allowed, see copain.Button"
    names = [name for button, name in _FIELD.items() if bits & ~allowed & button]
    has = [name for button, name in _FIELD.items() if allowed & button]
    return f"no button {'+'.join(names)}{where} on this system; it has {', '.join(has)}"
