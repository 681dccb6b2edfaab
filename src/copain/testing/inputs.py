"""Inputs as a clumsy player would give them, from a seed."""

from __future__ import annotations

import numpy as np

from copain.joypad import Button, InputLog
from copain.system import System

START_FRAMES = 240
"""Within so many frames Start is pressed often, so that games begin."""


def random_inputs(system: System, frames: int, seed: int) -> InputLog:
    """Random inputs, ``uint16 (frames, ports)``, the same for the same seed on every machine.

    Directions are held for a while, fire buttons for a few frames; opposite directions are never
    held together. Start is tapped early and seldom later. A longer log begins with the shorter.
    """
    log = np.zeros((frames, system.ports), np.uint16)
    for port in range(system.ports):
        random = np.random.Generator(np.random.PCG64([seed, port]))
        frame = 0
        while frame < frames:
            bits, length = _run(system, random, early=frame < START_FRAMES)
            log[frame : frame + length, port] = bits
            frame += length
    return log


def _run(system: System, random: np.random.Generator, *, early: bool) -> tuple[int, int]:
    """What is held next, and for how many frames."""
    luck = random.random(len(Button) + 2)
    length = int(random.integers(1, 21))
    if Button.START in system.buttons and luck[-1] < (0.3 if early else 0.01):
        return int(Button.START), 1 + length % 4
    bits = 0
    for number, button in enumerate(Button):
        if button in system.buttons and button is not Button.START:
            often = 0.02 if button is Button.SELECT else 0.35
            bits |= int(button) if luck[number] < often else 0
    for pair in (Button.UP | Button.DOWN, Button.LEFT | Button.RIGHT):
        if bits & pair == pair:
            bits &= ~int(pair)
    if luck[-2] < 0.25:  # sometimes nothing, sometimes only a tap
        bits, length = (0, length) if luck[-2] < 0.1 else (bits, 1)
    return bits, length
