"""The window: pygame's events become orders to the player, its picture and status are drawn.

Nothing is decided here that a test without a window would want to see.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path

import pygame
from pygame._sdl2 import controller, sdl2

from copain.emulator import HasAudio, Picture
from copain.errors import CopainError
from copain.joypad import FrameInput
from copain.play.hud import PANEL, STRIP, Hud
from copain.play.keys import PAD_BUTTONS, Bindings, Order, PlayCommand, SlotCommand
from copain.play.player import Player
from copain.play.sound import Sound

_SCANCODES: dict[str, int] = {
    name.removeprefix("KSCAN_").lower(): code
    for name, code in vars(pygame).items()
    if name.startswith("KSCAN_")
}
_NAP = 1 / 100
"""Seconds after which events are looked at, at the latest."""

_STILL = 0.25
"""Seconds after which a still picture is drawn again: messages go."""

_STICK = 16_000
"""How far a stick must lean to count as a direction; it ends at 32,767."""


class Window:
    """A window onto a player. Opened when made; `run` returns when the person closes it."""

    def __init__(
        self,
        player: Player,
        bindings: Bindings,
        *,
        record: Path | None = None,
        scale: int | None = None,
        full_screen: bool = False,
        sound: bool = True,
        watch: Sequence[str] = (),
    ) -> None:
        """Open it. Raises CopainError where there is no display, or for keys SDL does not know.

        `record` is the file that the movie is written to at the end; `scale` is how many pixels
        wide a pixel of the picture is (default: as fits); `watch` are the variables to show.
        """
        self.player = player
        self.record = record
        self.hud_shown, self.variables_shown, self.help_shown = True, bool(watch), False
        self.closing = False
        self._bindings = bindings
        self._codes = _codes(bindings)
        known = player.emulator.ram.variables
        self._watch = list(watch) or list(known)
        self._pressed: dict[str, None] = {}
        # Pressed since the last frame was played; and those of them that are up again already.
        self._fresh: set[str] = set()
        self._tapped: dict[str, None] = {}
        self._draw_at = 0.0
        self.gamepads: dict[int, controller.Controller] = {}
        self._full_screen = full_screen
        picture = player.picture
        self._size = (320, 240) if picture is None else (picture.shape[1], picture.shape[0])
        _open_display()
        self._scale = scale or _fitting_scale(self._size)
        self._display = self._set_mode()
        pygame.display.set_caption(f"{player.emulator.rom.name} - copain")
        self._hud = Hud(player.emulator.system)
        self._sound = self._open_sound() if sound else None
        controller.init()
        player.on_frame = self._hear

    # The loop

    def run(self) -> None:
        """Play until the person closes the window, or presses Ctrl-C where it was started."""
        with contextlib.suppress(KeyboardInterrupt):
            while not self.closing:
                self.turn()
                time.sleep(min(self.player.wait(), _NAP))

    def turn(self) -> None:
        """One round: events, the frames that are due, the picture."""
        ordered = False
        for event in pygame.event.get():
            ordered = self.handle(event) or ordered
        changed = self.player.update(self.held)
        if changed:
            self._tapped.clear()
            self._fresh.clear()
        if self._sound is not None and not self.player.heard:
            self._sound.hush()
        now = time.perf_counter()
        if changed or ordered or now >= self._draw_at:
            self.draw()
            self._draw_at = now + _STILL

    @property
    def held(self) -> FrameInput:
        """What the person holds now."""
        system = self.player.emulator.system
        pads = [_pad_buttons(pad) for pad in self.gamepads.values()]
        return self._bindings.held_input(system, [*self._tapped, *self._pressed], pads)

    def close(self) -> None:
        """Close the window and give the devices back."""
        self.player.on_frame = None
        if self._sound is not None:
            self._sound.close()
        for pad in self.gamepads.values():
            pad.quit()
        controller.quit()
        pygame.quit()

    # Events

    def handle(self, event: pygame.Event) -> bool:
        """Do what an event asks for; whether the display may have changed."""
        if event.type == pygame.QUIT:
            self.closing = True
        elif event.type == pygame.KEYDOWN:
            key = self._codes.get(event.scancode)
            if key is not None:
                self._pressed[key] = None
                self._fresh.add(key)
                order = self._bindings.order(key, self._pressed)
                if order is not None:
                    self._obey(order)
        elif event.type == pygame.KEYUP:
            self._release(self._codes.get(event.scancode, ""))
        elif event.type == pygame.WINDOWFOCUSLOST:
            self._pressed.clear()
        elif event.type == pygame.CONTROLLERDEVICEADDED:
            pad = controller.Controller(event.device_index)
            self.gamepads[pad.as_joystick().get_instance_id()] = pad
            self.player.say(f"gamepad {len(self.gamepads)}: {pad.name}")
        elif event.type == pygame.CONTROLLERDEVICEREMOVED:
            self.gamepads.pop(event.instance_id, None)
        elif event.type not in (pygame.WINDOWEXPOSED, pygame.VIDEORESIZE):
            return False
        self._obey_held()
        return True

    def _release(self, key: str) -> None:
        if self._pressed.pop(key, self) is None and key in self._fresh:
            self._tapped[key] = None

    def _obey_held(self) -> None:
        """Begin and end what lasts as long as a key is down."""
        player, held = self.player, self._pressed
        rewinding = self._bindings.is_held(PlayCommand.REWIND, held)
        if rewinding != player.rewinding:
            player.rewind(rewinding)
        player.advancing = self._bindings.is_held(PlayCommand.ADVANCE, held)
        player.fast = self._bindings.is_held(PlayCommand.FAST_FORWARD, held)

    def _obey(self, order: Order) -> None:
        player = self.player
        if isinstance(order, SlotCommand):
            (player.load_slot if order.load else player.save_slot)(order.slot)
            return
        match order:
            case PlayCommand.PAUSE:
                player.pause()
            case PlayCommand.ADVANCE:
                player.step(self.held)
                self._tapped.clear()
                self._fresh.clear()
            case PlayCommand.SLOWER:
                player.change_speed(-1)
            case PlayCommand.FASTER:
                player.change_speed(1)
            case PlayCommand.NORMAL_SPEED:
                player.change_speed(0)
            case PlayCommand.UNDO_LOAD:
                player.undo_load()
            case PlayCommand.READ_ONLY:
                player.toggle_read_only()
            case PlayCommand.SOFT_RESET:
                player.soft_reset()
            case PlayCommand.POWER_ON:
                player.power_on()
            case PlayCommand.RECORD:
                self._write_movie()
            case PlayCommand.SCREENSHOT:
                self._write_screenshot()
            case PlayCommand.HUD:
                self.hud_shown = not self.hud_shown
                self._display = self._set_mode()
            case PlayCommand.VARIABLES:
                self._toggle_variables()
            case PlayCommand.SOUND:
                self._toggle_sound()
            case PlayCommand.FULL_SCREEN:
                self._toggle_full_screen()
            case PlayCommand.HELP:
                self._toggle_help()
            case PlayCommand.LEAVE:
                self._leave()
            case PlayCommand.QUIT:
                self.closing = True
            case PlayCommand.REWIND | PlayCommand.FAST_FORWARD:
                pass  # they last: _obey_held

    def _toggle_variables(self) -> None:
        if self._watch:
            self.variables_shown = not self.variables_shown
            self._display = self._set_mode()
        else:
            self.player.say("copain does not know this game's variables")

    def _toggle_sound(self) -> None:
        if self._sound is None:
            self.player.say("there is no sound")
            return
        self._sound.muted = not self._sound.muted
        self.player.say("sound off" if self._sound.muted else "sound on")

    def _toggle_help(self) -> None:
        self.help_shown = not self.help_shown
        if self.help_shown:
            self.player.pause(True)

    def _toggle_full_screen(self) -> None:
        self._full_screen = not self._full_screen
        self._display = self._set_mode()

    def _leave(self) -> None:
        if self.help_shown:
            self._toggle_help()
        elif self._full_screen:
            self._toggle_full_screen()

    # Files

    def _write_movie(self) -> None:
        """Write the movie now; from now on it is written at the end too."""
        path = self.record or _new_file(self.player.emulator.rom.name, "fm2")
        try:
            self.player.recorder.movie().write(path)
        except (CopainError, OSError) as error:
            self.player.say(str(error))
            return
        self.record = path
        self.player.say(f"wrote {path}; it is written again at the end")

    def _write_screenshot(self) -> None:
        picture = self.player.picture
        if picture is None:
            self.player.say(f"{self.player.emulator.name} has no picture")
            return
        path = _new_file(f"{self.player.emulator.rom.name}-{self.player.status.frame}", "png")
        try:
            pygame.image.save(_surface(picture), path)
        except pygame.error as error:
            self.player.say(f"{path}: {error}")
            return
        self.player.say(f"wrote {path}")

    # Drawing

    def draw(self) -> None:
        """Draw everything as it is now."""
        display, player = self._display, self.player
        status = player.status
        area = display.get_rect()
        if self.hud_shown:
            area.height -= STRIP
        display.fill((0, 0, 0))
        if self.variables_shown:
            ram = player.emulator.ram
            values = {name: int(ram[name]) for name in self._watch}
            panel = pygame.Rect(area.x, area.y, PANEL, area.height)
            self._hud.draw_variables(display, panel, status.frame, values)
            area.update(area.x + PANEL, area.y, area.width - PANEL, area.height)
        picture = player.picture
        if picture is not None:
            place = _placed((picture.shape[1], picture.shape[0]), area)
            small = _surface(picture).convert(display)
            if display.get_rect().contains(place):
                pygame.transform.scale(small, place.size, display.subsurface(place))
            else:
                display.blit(pygame.transform.scale(small, place.size), place)
            area = place.clip(area)
        if self.help_shown:
            self._hud.draw_help(display, area, self._bindings.help(player.emulator.system))
        if status.message:
            self._hud.draw_message(display, area, status.message)
        if self.hud_shown:
            name = None if self.record is None else self.record.name
            self._hud.draw_strip(display, status, name)
        pygame.display.flip()

    def _set_mode(self) -> pygame.Surface:
        if self._full_screen:
            return pygame.display.set_mode((0, 0), pygame.FULLSCREEN)
        width, height = (side * self._scale for side in self._size)
        width += PANEL if self.variables_shown else 0
        height += STRIP if self.hud_shown else 0
        return pygame.display.set_mode((width, height), pygame.RESIZABLE)

    # Sound

    def _open_sound(self) -> Sound | None:
        emulator = self.player.emulator
        if not isinstance(emulator, HasAudio):
            return None
        try:
            return Sound(emulator.sample_rate)
        except (sdl2.error, pygame.error) as error:
            self.player.say(f"no sound: {error}")
            return None

    def _hear(self) -> None:
        emulator = self.player.emulator
        if self._sound is not None and self.player.heard and isinstance(emulator, HasAudio):
            self._sound.feed(emulator.audio)


def _open_display() -> None:
    try:
        pygame.display.init()
        hidden = pygame.display.get_driver() in ("dummy", "offscreen", "evdev")
        if hidden and "SDL_VIDEODRIVER" not in os.environ:
            raise pygame.error(f"only the driver {pygame.display.get_driver()} was found")
        pygame.font.init()
    except pygame.error as error:
        pygame.quit()
        raise CopainError(
            f"copain play: no window can be opened: {error}. It needs a desktop (DISPLAY or "
            "WAYLAND_DISPLAY); over ssh, ssh -X brings one; without any, script the game in "
            "Python, or watch a movie with copain render"
        ) from None


def _fitting_scale(size: tuple[int, int]) -> int:
    """The largest scale that leaves room on the desktop, 4 at most."""
    width, height = pygame.display.get_desktop_sizes()[0]
    fits = min((width * 9 // 10) // size[0], (height * 8 // 10 - STRIP) // size[1])
    return max(1, min(4, fits))


def _placed(size: tuple[int, int], area: pygame.Rect) -> pygame.Rect:
    """Where a picture lies in `area`: the largest whole scale, in the middle."""
    scale = max(1, min(area.width // size[0], area.height // size[1]))
    place = pygame.Rect(0, 0, size[0] * scale, size[1] * scale)
    place.center = area.center
    return place


def _surface(picture: Picture) -> pygame.Surface:
    height, width = picture.shape[:2]
    return pygame.image.frombuffer(picture.tobytes(), (width, height), "RGB")


def _codes(bindings: Bindings) -> dict[int, str]:
    """The names of the bound keys, and of the modifiers, by scancode."""
    wanted = bindings.keys | {"lshift", "rshift", "lctrl", "rctrl", "lalt", "ralt"}
    unknown = sorted(wanted - _SCANCODES.keys())
    if unknown:
        raise CopainError(
            f"copain play: no key is called {unknown[0]!r}; "
            f"the keys are {', '.join(sorted(_SCANCODES))}"
        )
    return {_SCANCODES[name]: name for name in wanted}


def _pad_buttons(pad: controller.Controller) -> Collection[str]:
    """The buttons that are down on a gamepad; its left stick counts as directions."""
    down = {name for number, name in enumerate(PAD_BUTTONS) if pad.get_button(number)}
    across, along = pad.get_axis(0), pad.get_axis(1)
    if abs(across) > _STICK:
        down.add("right" if across > 0 else "left")
    if abs(along) > _STICK:
        down.add("down" if along > 0 else "up")
    return down


def _new_file(stem: str, ending: str) -> Path:
    """A file here that does not exist yet, named after the game and the time."""
    path = Path(f"{stem}-{datetime.now():%Y%m%d-%H%M%S}.{ending}")
    number = 1
    while path.exists():
        number += 1
        path = path.with_stem(f"{path.stem}-{number}")
    return path
