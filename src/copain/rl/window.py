"""The window of ``render_mode="human"``."""

from __future__ import annotations

from typing import Any

from copain.emulator import Picture
from copain.errors import MissingExtra

SCALE = 3


class Window:
    """A window that shows pictures at a pace."""

    def __init__(self, title: str) -> None:
        """Raises MissingExtra without pygame."""
        try:
            import pygame
        except ImportError:
            raise MissingExtra.needed('render_mode="human"', "pygame-ce", "play") from None
        self._pygame: Any = pygame
        pygame.display.init()
        pygame.display.set_caption(title)
        self._surface: Any = None
        self._clock = pygame.time.Clock()

    def show(self, picture: Picture, fps: float) -> None:
        """Show a picture, no sooner than its time."""
        pygame = self._pygame
        height, width = picture.shape[:2]
        size = (width * SCALE, height * SCALE)
        if self._surface is None or self._surface.get_size() != size:
            self._surface = pygame.display.set_mode(size)
        drawn = pygame.surfarray.make_surface(picture.swapaxes(0, 1))
        pygame.transform.scale(drawn, size, self._surface)
        pygame.event.pump()
        pygame.display.flip()
        self._clock.tick(fps)

    def close(self) -> None:
        """Close the window. May be called again."""
        self._pygame.display.quit()
