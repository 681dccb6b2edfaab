"""The window, headless: events go in, pictures, files and movies come out."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest

import copain
from copain.backends.grid import open_grid
from copain.emulator import Emulator, Picture
from copain.errors import CopainError, InputError, MissingExtra, MovieError
from copain.joypad import Joypad
from copain.movie import Movie, verify
from copain.play import Bindings, Player, play
from copain.play.keys import parse_bindings

pygame = pytest.importorskip("pygame") if not os.environ.get("CI") else __import__("pygame")


class Clock:
    """A clock that the test moves."""

    now = 50.0

    def __call__(self) -> float:
        return self.now


class Desk:
    """A window on a game, and the hands of the person before it."""

    def __init__(self, emulator: Emulator, bindings: Bindings | None = None, **options: object):
        from copain.play.window import Window

        self.clock = Clock()
        self.player = Player(emulator, clock=self.clock)
        self.window = Window(self.player, bindings or Bindings(), scale=2, **options)  # type: ignore[arg-type]
        self.turn()

    def turn(self, times: int = 1) -> None:
        for _ in range(times):
            self.clock.now += 1.02 / 60
            self.window.turn()

    def _post(self, kind: int, key: str) -> None:
        code = getattr(pygame, f"KSCAN_{key.upper()}")
        pygame.event.post(pygame.event.Event(kind, scancode=code, key=0, mod=0, unicode=""))

    def down(self, *keys: str) -> None:
        for key in keys:
            self._post(pygame.KEYDOWN, key)

    def up(self, *keys: str) -> None:
        for key in keys:
            self._post(pygame.KEYUP, key)

    def tap(self, *keys: str) -> None:
        self.down(*keys)
        self.up(*reversed(keys))
        self.turn()

    @property
    def shown(self) -> Picture:
        """The window's content, ``uint8 (height, width, 3)``."""
        return pygame.surfarray.array3d(pygame.display.get_surface()).swapaxes(0, 1)


@pytest.fixture(autouse=True)
def headless(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setenv("SDL_AUDIODRIVER", "dummy")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def desk(alouette: copain.Rom, fceumm: str) -> Generator[Desk]:
    with copain.open(alouette, core=fceumm) as emulator:
        desk = Desk(emulator)
        yield desk
        desk.window.close()


def test_the_picture_is_shown_at_a_whole_scale(desk: Desk) -> None:
    desk.turn(60)
    picture = desk.player.picture
    assert picture is not None
    assert picture.any()
    doubled = picture.repeat(2, axis=0).repeat(2, axis=1)
    assert np.array_equal(desk.shown[: doubled.shape[0]], doubled)
    assert desk.shown[doubled.shape[0] :].any(), "the strip is under it"


def test_keys_held_are_played_and_recorded(desk: Desk) -> None:
    desk.down("right", "x")
    desk.turn(10)
    desk.up("x")
    desk.turn(10)
    log = desk.player.recorder.movie().inputs[:, 0]
    assert (log[-25:][log[-25:] == Joypad(right=True, a=True).bits].size) == 10
    assert log[-1] == Joypad(right=True).bits


def test_a_tap_between_two_frames_is_not_lost(desk: Desk) -> None:
    desk.down("return")
    desk.up("return")
    desk.turn(3)
    log = desk.player.recorder.movie().inputs[:, 0]
    assert list(log).count(Joypad(start=True).bits) == 1


def test_nothing_stays_held_when_the_window_loses_the_keyboard(desk: Desk) -> None:
    desk.down("right")
    desk.turn(3)
    pygame.event.post(pygame.event.Event(pygame.WINDOWFOCUSLOST))
    desk.turn(3)
    assert desk.player.recorder.movie().inputs[-1, 0] == 0


def test_pause_and_frame_advance(desk: Desk) -> None:
    desk.turn(10)
    desk.tap("space")
    at = desk.player.status.frame
    desk.turn(20)
    assert desk.player.status.frame == at
    desk.down("down")
    desk.tap("f")
    assert desk.player.status.frame == at + 1
    assert desk.player.recorder.movie().inputs[-1, 0] == Joypad(down=True).bits
    desk.down("f")
    desk.turn(120)
    assert 20 < desk.player.status.frame - at < 60, "held, it repeats"


def test_slots_rewind_and_read_only_by_their_keys(desk: Desk) -> None:
    desk.turn(30)
    at = desk.player.status.frame
    desk.tap("lshift", "4")
    desk.turn(30)
    desk.tap("4")
    assert desk.player.status.rerecords == 1
    assert at <= desk.player.status.frame <= at + 1
    desk.turn(30)
    before = desk.player.status.frame
    desk.down("r")
    desk.turn(20)
    assert desk.player.rewinding
    assert desk.player.status.frame < before - 15
    desk.up("r")
    desk.turn(2)
    assert not desk.player.rewinding
    desk.tap("f8")
    assert desk.player.status.read_only


def test_the_picture_is_that_of_the_moment_after_loading_and_rewinding(desk: Desk) -> None:
    """A core's savestate does not bring its picture back; the player must."""
    desk.tap("return")
    desk.down("right")
    pictures: dict[int, Picture] = {}
    for _ in range(90):
        desk.turn()
        picture = desk.player.picture
        assert picture is not None
        pictures[desk.player.status.frame] = picture
    desk.player.save_slot(1)
    saved = desk.player.status.frame
    desk.turn(30)
    desk.player.pause(True)
    desk.tap("1")
    assert np.array_equal(desk.player.picture, pictures[saved])  # type: ignore[arg-type]
    desk.down("r")
    for _ in range(40):
        desk.turn()
        frame = desk.player.status.frame
        assert np.array_equal(desk.player.picture, pictures[frame])  # type: ignore[arg-type]
    assert saved - desk.player.status.frame > 30


def test_help_variables_strip_and_full_screen_come_and_go(desk: Desk) -> None:
    desk.turn(60)
    desk.tap("space")
    plain = desk.shown
    desk.tap("f1")
    assert (desk.shown != plain).mean() > 0.3, "the help covers the picture"
    desk.tap("escape")
    assert not desk.window.help_shown
    desk.tap("f3")
    assert desk.shown.shape[1] > plain.shape[1], "the variables stand beside the picture"
    desk.tap("f3")
    desk.tap("f2")
    assert desk.shown.shape[0] == 2 * 240
    desk.tap("f11")
    assert desk.shown.shape[:2] == pygame.display.get_desktop_sizes()[0][::-1]
    desk.tap("escape")
    assert desk.shown.shape[0] == 2 * 240


def test_a_screenshot_is_the_picture(desk: Desk, tmp_path: Path) -> None:
    desk.turn(60)
    desk.tap("space")
    picture = desk.player.picture
    desk.tap("f6")
    (path,) = tmp_path.glob("*.png")
    saved = pygame.surfarray.array3d(pygame.image.load(path)).swapaxes(0, 1)
    assert np.array_equal(saved, picture)  # type: ignore[arg-type]


def test_sound_flows_at_normal_speed_and_is_off_in_fast_forward(desk: Desk) -> None:
    sound = desk.window._sound  # pyright: ignore[reportPrivateUsage]
    assert sound is not None
    desk.turn(3)
    assert len(sound.stream.queue) > 500
    desk.tap("equals")
    assert len(sound.stream.queue) == 0
    desk.tap("home")
    desk.tap("f4")
    assert sound.muted


def test_the_movie_key_writes_a_movie_that_verifies(
    desk: Desk, tmp_path: Path, alouette: copain.Rom, fceumm: str
) -> None:
    desk.tap("return")
    desk.down("right", "x")
    desk.turn(60)
    desk.tap("f5")
    (path,) = tmp_path.glob("*.fm2")
    movie = Movie.read(path)
    assert movie.frames > 55
    assert desk.window.record is not None


def _play(emulator: Emulator, frames: int, **options: object) -> Path | None:
    """Play in a window whose person holds right from the start and closes it after `frames`."""
    from copain.play import window

    turns = 0
    original = window.Window.turn

    def turn(self: window.Window) -> None:
        nonlocal turns
        turns += 1
        if turns == 2:
            code = pygame.KSCAN_RIGHT
            event = pygame.event.Event(pygame.KEYDOWN, scancode=code, key=0, mod=0, unicode="")
            pygame.event.post(event)
        if self.player.status.frame >= frames:
            pygame.event.post(pygame.event.Event(pygame.QUIT))
        original(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(window.Window, "turn", turn)
        return play(emulator, **options)  # type: ignore[arg-type]


def test_a_recording_is_on_disk_at_the_end_and_proves_itself(
    tmp_path: Path, alouette: copain.Rom, fceumm: str
) -> None:
    path = tmp_path / "run.fm2"
    with copain.open(alouette, core=fceumm) as emulator:
        assert _play(emulator, 70, record=path, author="a tester") == path
    movie = Movie.read(path)
    assert movie.frames >= 70
    assert movie.authors == ("a tester",)
    verdict = verify(movie, lambda: copain.open(alouette, core=fceumm))
    assert verdict.in_sync
    assert [file.name for file in tmp_path.iterdir()] == ["run.fm2"]


def test_a_recording_is_on_disk_when_the_emulator_fails(
    tmp_path: Path, alouette: copain.Rom, fceumm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.fm2"
    with copain.open(alouette, core=fceumm) as emulator:
        original = type(emulator).advance

        def advance(self: object, *args: object, **options: object) -> None:
            if emulator.frame >= 30:
                raise copain.EmulatorCrashed("the core fell over")
            original(emulator, *args, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(type(emulator), "advance", advance)
        with pytest.raises(copain.EmulatorCrashed, match="fell over"):
            _play(emulator, 70, record=path)
    assert Movie.read(path).frames == 30
    assert not pygame.display.get_init(), "the window is gone"


def test_watching_a_movie_changes_nothing_of_it(
    tmp_path: Path, alouette: copain.Rom, fceumm: str
) -> None:
    with copain.open(alouette, core=fceumm) as emulator:
        _play(emulator, 40, record=tmp_path / "first.fm2")
        first = Movie.read(tmp_path / "first.fm2")
        again = tmp_path / "again.fm2"
        assert _play(emulator, 20, movie=first, record=again) == again
    assert np.array_equal(Movie.read(again).inputs, first.inputs)


def test_what_cannot_be_recorded_is_said_at_the_start(tmp_path: Path, alouette: copain.Rom) -> None:
    (tmp_path / "old.fm2").write_text("precious")
    with open_grid() as grid, copain.open(alouette) as nes:
        with pytest.raises(MovieError, match="there is such a file already"):
            play(nes, record=tmp_path / "old.fm2")
        with pytest.raises(MovieError, match=r"an \.fm2 of an NES game"):
            play(nes, record=tmp_path / "new.bk2")
        with pytest.raises(MovieError, match="Grid"):
            play(grid, record=tmp_path / "new.fm2")
        with pytest.raises(MovieError, match="there is no folder"):
            play(nes, record=tmp_path / "nowhere" / "new.fm2")
        with pytest.raises(InputError, match=r"no variable is called 'luckk'.*luck"):
            play(grid, watch=["luckk"])
    assert (tmp_path / "old.fm2").read_text() == "precious"


def test_grid_plays_too_without_sound(tmp_path: Path) -> None:
    with open_grid() as grid:
        desk = Desk(grid, watch=["luck", "score"])
        desk.turn(5)
        assert desk.window.variables_shown
        desk.tap("f4")
        assert "no sound" in desk.player.status.message
        desk.tap("f5")
        assert "fm2" in desk.player.status.message, "why it cannot be written"
        assert not list(tmp_path.glob("*.fm2"))
        desk.window.close()


def test_a_key_that_sdl_does_not_know_is_named() -> None:
    with open_grid() as grid, pytest.raises(CopainError, match="no key is called 'hyper'"):
        Desk(grid, parse_bindings('[port1]\na = "hyper"'))


def test_without_pygame_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pygame", None)
    with open_grid() as grid, pytest.raises(MissingExtra, match=r"pip install 'copain\[play\]'"):
        play(grid)


def _copain(*arguments: str) -> subprocess.CompletedProcess[str]:
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")
    env = {name: value for name, value in os.environ.items() if name not in hidden}
    command = [sys.executable, "-c", "from copain.cli import main; main()", *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)


def test_without_a_display_one_line_says_how_to_go_on() -> None:
    from copain.games import rom_path

    done = _copain("play", str(rom_path("grid")))
    assert done.returncode == 2
    said = " ".join(done.stderr.split())
    assert "copain play: no window can be opened" in said
    assert "DISPLAY" in said
    assert "Traceback" not in said


def test_the_keys_can_be_printed_without_a_window() -> None:
    done = _copain("play", "--keys")
    assert done.returncode == 0
    assert parse_bindings(done.stdout) == Bindings()


def test_pygame_is_loaded_only_by_the_window() -> None:
    code = "import copain, copain.cli, copain.play, sys; print('pygame' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "False"


def test_closing_the_terminal_keeps_the_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A terminal that closes sends SIGHUP, and the shell in it sends another."""
    from copain.games import rom_path
    from copain.play.window import Window

    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    turn, write, turns = Window.turn, Movie.write, iter(range(1000))

    def hang_up(window: Window) -> None:
        turn(window)
        if next(turns) == 3:
            os.kill(os.getpid(), signal.SIGHUP)

    def hang_up_again(movie: Movie, path: Path) -> None:
        os.kill(os.getpid(), signal.SIGHUP)
        write(movie, path)

    monkeypatch.setattr(Window, "turn", hang_up)
    monkeypatch.setattr(Movie, "write", hang_up_again)
    try:
        with copain.open(rom_path("alouette")) as nes:
            assert play(nes, record=tmp_path / "run.fm2", sound=False) == tmp_path / "run.fm2"
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)
    assert Movie.read(tmp_path / "run.fm2").anchor == "power-on"
    assert next(turns) == 4


def test_a_gamepad_can_be_plugged_in_played_and_pulled_out() -> None:
    """With a virtual gamepad of SDL's, in the very library that pygame loaded."""
    with open_grid() as grid:
        desk = Desk(grid)
        maps = Path("/proc/self/maps").read_text().split()
        sdl = ctypes.CDLL(next(path for path in maps if "/libSDL2-2" in path))
        sdl.SDL_JoystickFromInstanceID.restype = ctypes.c_void_p
        index = sdl.SDL_JoystickAttachVirtual(1, 6, 15, 0)
        desk.turn()
        assert "gamepad 1" in desk.player.status.message
        (identity,) = desk.window.gamepads
        pad = ctypes.c_void_p(sdl.SDL_JoystickFromInstanceID(identity))
        sdl.SDL_JoystickSetVirtualButton(pad, 1, 1)
        sdl.SDL_JoystickSetVirtualAxis(pad, 0, ctypes.c_int16(30_000))
        sdl.SDL_JoystickUpdate()
        desk.turn(3)
        last = desk.player.recorder.movie().inputs[-1]
        assert list(last) == [Joypad(a=True, right=True).bits, 0]
        sdl.SDL_JoystickDetachVirtual(index)
        desk.turn(3)
        assert not desk.window.gamepads
        assert desk.player.recorder.movie().inputs[-1, 0] == 0
        desk.window.close()
