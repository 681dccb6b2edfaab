"""What is drawn over and under the picture: the strip, messages, variables, the keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pygame

from copain.joypad import Button, Joypad
from copain.play.player import Status, speed_text
from copain.system import System

STRIP = 30
"""Height in pixels of the strip under the picture."""

PANEL = 176
"""Width in pixels of the panel of variables beside the picture."""

_INK = (232, 232, 236)
_DIM = (148, 150, 164)
_GROUND = (18, 18, 24)
_RED = (255, 84, 84)
_GREEN = (90, 214, 130)
_YELLOW = (250, 204, 90)
_BLUE = (116, 178, 255)

_PAD = ((Button.LEFT, (-1, 0)), (Button.RIGHT, (1, 0)), (Button.UP, (0, -1)), (Button.DOWN, (0, 1)))
_NAMES = {Button.SELECT: "Sel", Button.START: "Sta"}


class Hud:
    """Draws the display; holds the fonts. Needs pygame's fonts initialised."""

    def __init__(self, system: System) -> None:
        """A display for the buttons of `system`."""
        self._system = system
        # Drawn at double size and halved: the font's own small letters stand unevenly apart.
        self._font = pygame.font.Font(None, 46)
        self._small = pygame.font.Font(None, 40)
        self._cache: dict[tuple[str, tuple[int, int, int], bool], pygame.Surface] = {}
        self._values: dict[str, tuple[int, int]] = {}

    def draw_strip(self, target: pygame.Surface, status: Status, recording: str | None) -> None:
        """The strip at the foot of `target`: mode, frame, lag, rerecords, speed, input."""
        area = pygame.Rect(0, target.get_height() - STRIP, target.get_width(), STRIP)
        target.fill(_GROUND, area)
        x = self._mode(target, area.x + 10, area.centery, status) + 12
        ahead = status.movie_frames > status.frame
        frame = f"{status.frame}/{status.movie_frames}" if ahead else str(status.frame)
        lag = "-" if status.lag_count is None else str(status.lag_count)
        fields = [
            ("frame", frame, _INK),
            ("lag", lag, _RED if status.lagged else _INK),
            ("rerecords", str(status.rerecords), _INK),
            ("speed", speed_text(status.speed), _INK if status.speed == 1 else _YELLOW),
        ]
        if recording is not None:
            fields.append(("to", recording, _INK))
        right = area.right - 10
        for joypad in reversed(self._joypads(status)):
            right = self._draw_joypad(target, right, area.centery, joypad) - 14
        for name, value, colour in fields:
            needed = self._text(name, _DIM, small=True).get_width() + 5
            needed += self._text(value, colour).get_width()
            if x + needed > right:
                break
            x = self._write(target, name, _DIM, x, area.centery, small=True) + 5
            x = self._write(target, value, colour, x, area.centery) + 14

    def draw_message(self, target: pygame.Surface, area: pygame.Rect, message: str) -> None:
        """A message at the foot of `area`, in as many lines as it needs."""
        lines = self._wrapped(message, area.width - 40)
        height = len(lines) * 20 + 12
        width = max(self._text(line, _INK).get_width() for line in lines) + 24
        box = pygame.Rect(0, 0, width, height)
        box.midbottom = (area.centerx, area.bottom - 10)
        _shade(target, box, 190)
        for row, line in enumerate(lines):
            self._write(target, line, _INK, box.x + 12, box.y + 16 + 20 * row)

    def draw_variables(
        self, target: pygame.Surface, area: pygame.Rect, frame: int, values: Mapping[str, int]
    ) -> None:
        """Named values down the panel `area`; what changed within half a second is bright."""
        target.fill(_GROUND, area)
        row = max(11, min(19, (area.height - 16) // max(1, len(values))))
        y = area.y + 8 + row // 2
        for name, value in values.items():
            old, since = self._values.get(name, (value, -60))
            if value != old:
                since = frame
            elif frame < since:
                since = -60
            self._values[name] = (value, since)
            if y + row // 2 > area.bottom:
                continue
            shown = self._text(str(value), _YELLOW if frame - since < 30 else _INK, small=True)
            place = shown.get_rect(midright=(area.right - 10, y))
            self._write(target, name, _DIM, area.x + 10, y, small=True)
            target.fill(_GROUND, place.inflate(8, -4))
            target.blit(shown, place)
            y += row

    def draw_help(
        self,
        target: pygame.Surface,
        area: pygame.Rect,
        columns: Sequence[Sequence[tuple[str, str]]],
    ) -> None:
        """The keys over all of `area`, as columns of (keys, what they do)."""
        _shade(target, area, 235)
        self._write(target, "Keys", _YELLOW, area.x + 20, area.y + 24)
        note = "named by their places on a US keyboard"
        self._write(target, note, _DIM, area.x + 70, area.y + 24, small=True)
        row = min(22, (area.height - 60) // max(map(len, columns)))
        x = area.x + 20
        for column in columns:
            key_width = max(self._text(keys, _INK, small=True).get_width() for keys, _ in column)
            right = x
            for place, (keys, what) in enumerate(column):
                y = area.y + 56 + place * row
                self._write(target, keys, _INK, x, y, small=True)
                end = self._write(target, what, _BLUE, x + key_width + 14, y, small=True)
                right = max(right, end)
            x = right + 40

    # Parts

    def _mode(self, target: pygame.Surface, x: int, y: int, status: Status) -> int:
        """A sign and a word for what happens; where it ends."""
        colour = _GREEN if status.read_only else _RED
        if status.rewinding:
            for shift in (0, 7):
                points = [(x + shift, y), (x + 7 + shift, y - 6), (x + 7 + shift, y + 6)]
                pygame.draw.polygon(target, _YELLOW, points)
        elif status.paused:
            pygame.draw.rect(target, colour, (x + 1, y - 6, 4, 12))
            pygame.draw.rect(target, colour, (x + 8, y - 6, 4, 12))
        elif status.read_only:
            pygame.draw.polygon(target, colour, [(x + 1, y - 6), (x + 1, y + 6), (x + 12, y)])
        else:
            pygame.draw.circle(target, colour, (x + 6, y), 6)
        return self._write(target, "read-only" if status.read_only else "rec", colour, x + 22, y)

    def _joypads(self, status: Status) -> list[Joypad]:
        """The first joypad, and those behind it up to the last that holds something."""
        joypads = list(status.held.joypads) or [Joypad()]
        while len(joypads) > 1 and not joypads[-1].bits:
            joypads.pop()
        return joypads

    def _draw_joypad(self, target: pygame.Surface, right: int, y: int, joypad: Joypad) -> int:
        """A joypad whose held buttons shine, ending at `right`; where it begins."""
        for button in reversed(self._system.buttons):
            if button in (Button.UP, Button.DOWN, Button.LEFT, Button.RIGHT):
                continue
            held = bool(joypad.bits & button)
            name = _NAMES.get(button, str(button.name))
            label = self._text(name, _GROUND if held else _DIM, small=True)
            box = pygame.Rect(0, 0, label.get_width() + 9, 19)
            box.midright = (right, y)
            if held:
                pygame.draw.rect(target, _YELLOW, box, border_radius=6)
            else:
                pygame.draw.rect(target, _DIM, box, width=1, border_radius=6)
            target.blit(label, label.get_rect(center=box.center))
            right = box.left - 3
        centre = right - 14
        for button, (dx, dy) in _PAD:
            box = pygame.Rect(0, 0, 8, 8)
            box.center = (centre + 8 * dx, y + 8 * dy)
            pygame.draw.rect(target, _YELLOW if joypad.bits & button else _DIM, box)
        return centre - 14

    def _write(
        self, target: pygame.Surface, text: str, colour: tuple[int, int, int], x: int, y: int,
        *, small: bool = False,
    ) -> int:  # fmt: skip
        """Text whose left middle is at (x, y); where it ends."""
        drawn = self._text(text, colour, small=small)
        target.blit(drawn, drawn.get_rect(midleft=(x, y)))
        return x + drawn.get_width()

    def _text(
        self, text: str, colour: tuple[int, int, int], *, small: bool = False
    ) -> pygame.Surface:
        key = (text, colour, small)
        if key not in self._cache:
            if len(self._cache) > 500:
                self._cache.clear()
            font = self._small if small else self._font
            large = font.render(text, True, colour).convert_alpha()
            self._cache[key] = pygame.transform.smoothscale_by(large, 0.5)
        return self._cache[key]

    def _wrapped(self, text: str, width: int) -> list[str]:
        lines: list[str] = []
        for word in text.split():
            longer = f"{lines[-1]} {word}" if lines else word
            if lines and self._font.size(longer)[0] // 2 <= width:
                lines[-1] = longer
            else:
                lines.append(word)
        return lines or [""]


def _shade(target: pygame.Surface, area: pygame.Rect, alpha: int) -> None:
    """Darken a part of `target`, so that text on it is read on any picture."""
    veil = pygame.Surface(area.size, pygame.SRCALPHA)
    veil.fill((*_GROUND, alpha))
    target.blit(veil, area)
