"""FCEUX's ``gui``: drawing on the picture."""

from __future__ import annotations

import os

from copain.backends.fceux_api.colours import Colour, Image, colour, gd_image
from copain.backends.fceux_api.hooks import Function, Hook
from copain.backends.fceux_api.input import Buttons
from copain.backends.lua_namespace import Ask, Namespace, given
from copain.errors import InputError


class Gui(Namespace):
    """``nes.lua.gui``: drawing on the picture, 256 pixels wide and 240 high.

    What is drawn shows on the next frame only, in the window and in `nes.screen`: draw before each
    `advance`, or in a function given to `register`. FCEUX's picture has 256 colours, so that the
    nearest of them is shown. Coordinates may lie outside. Raises InputError for what is no colour.
    """

    __slots__ = ("_hook",)
    lua_name = "gui"

    def __init__(self, ask: Ask) -> None:
        super().__init__(ask)
        self._hook = Hook(ask, "gui.register")

    def pixel(self, x: int, y: int, color: Colour) -> None:
        """Draw a pixel."""
        self._do("pixel", x, y, colour(color, "gui.pixel"))

    drawpixel = pixel
    setpixel = pixel
    writepixel = pixel

    def getpixel(self, x: int, y: int) -> tuple[int, int, int, int]:
        """Red, green, blue, alpha of what was drawn at a pixel; (0, 0, 0, 0) for nothing.

        The game's own pixels: `emu.getscreenpixel`.
        """
        red, green, blue, alpha = self._ints("getpixel", x, y)
        return red, green, blue, alpha

    def line(
        self,
        x1: int, y1: int, x2: int, y2: int,
        color: Colour | None = None, skipfirst: bool = False,
    ) -> None:  # fmt: skip
        """Draw a line, white unless said; `skipfirst` leaves the first pixel out."""
        self._do("line", x1, y1, x2, y2, colour(color, "gui.line"), skipfirst)

    drawline = line

    def box(
        self,
        x1: int, y1: int, x2: int, y2: int,
        fill: Colour | None = None, outline: Colour | None = None,
    ) -> None:  # fmt: skip
        """Draw a box between two corners, which are part of it.

        `fill`: a quarter of white unless said; ``"clear"`` for none. `outline`: the fill's colour,
        solid, unless said.
        """
        fill_value, outline_value = colour(fill, "gui.box"), colour(outline, "gui.box")
        self._do("box", x1, y1, x2, y2, fill_value, outline_value)

    drawbox = box
    rect = box
    drawrect = box

    def text(
        self, x: int, y: int, text: str,
        color: Colour | None = None, background: Colour | None = None,
    ) -> int:  # fmt: skip
        r"""Write text of 8 pixels a line, ``\n`` begins a line; the x where it ended.

        White on dark blue unless said. ASCII only: other characters are blank.
        """
        colours = colour(color, "gui.text"), colour(background, "gui.text")
        return self._int("text", x, y, text, *colours)

    drawtext = text

    def gdoverlay(
        self, x: int, y: int, image: Image,
        source: tuple[int, int, int, int] | None = None, alpha: float = 1.0,
    ) -> None:  # fmt: skip
        """Draw an image: an array of RGB or RGBA, or gd's format.

        `source` is the part of it to draw: left, top, width, height. `alpha` from 0.0 to 1.0 makes
        all of it paler. FCEUX 2.6.5 forgets `source`'s corner when x or y is negative.
        """
        data = gd_image(image, "gui.gdoverlay")
        if len(data) < 11:
            raise InputError(f"gui.gdoverlay: {len(data)} bytes are no image of gd")
        self._do("gdoverlay", x, y, data, *(source or ()), alpha)

    image = gdoverlay
    drawimage = gdoverlay

    def opacity(self, alpha: float) -> None:
        """From now on draw everything with this opacity, 0.0 to 1.0, until it is set again."""
        self._do("opacity", alpha)

    def transparency(self, strength: float) -> None:
        """The same as `opacity` on another scale: 0 is solid, 4 is invisible."""
        self._do("transparency", strength)

    def parsecolor(self, color: Colour) -> tuple[int, int, int, int]:
        """Red, green, blue, alpha of a colour, as FCEUX takes it; `opacity` counts."""
        red, green, blue, alpha = self._ints("parsecolor", colour(color, "gui.parsecolor"))
        return red, green, blue, alpha

    def gdscreenshot(self, emulator_screen: bool = False) -> bytes:
        """The picture in gd's format: 11 bytes, then four a pixel: 0, red, green, blue.

        `emulator_screen`: without what was drawn on it. As an array: `nes.screen`.
        """
        return self._bytes("gdscreenshot", emulator_screen)

    def savescreenshot(self) -> None:
        """Save a PNG into FCEUX's folder for screenshots at the next frame, with what is drawn.

        That folder (``snaps`` in ``FCEUX_CONFIG_DIR``) ends with the emulator.
        """
        self._do("savescreenshot")

    def savescreenshotas(self, path: str | os.PathLike[str]) -> None:
        """Save a PNG at the next frame, without what is drawn on it; a file there is written over.

        With what is drawn: `savescreenshot`, or save `nes.screen`.
        """
        self._do("savescreenshotas", os.fspath(path))

    def register(self, function: Function | None) -> Function | None:
        """Call `function` when a picture is complete, to draw on it; None takes it away.

        Gives what stood there before. Nothing is called for pictures that are left out (`turbo`,
        `maximum`).
        """
        return self._hook.register(function)

    def popup(self, message: str, buttons: Buttons = "ok", icon: str = "message") -> str | None:
        """Show a message to the person and wait; see `input.popup`."""
        return self._optional_text("popup", *given(message, buttons, icon))
