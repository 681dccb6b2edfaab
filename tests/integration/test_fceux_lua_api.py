"""Each function of FCEUX's Lua API, called from Python, and what it does."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import subprocess
import sys
import time
import zlib
from collections.abc import Generator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from lua_api import covers
from PIL import Image

import copain
from conftest import absent
from copain.backends.fceux import FceuxEmulator
from copain.backends.fceux_api import Lua
from copain.backends.fceux_start import find_fceux
from copain.backends.lua_namespace import Namespace
from copain.errors import EmulatorCrashed, EmulatorMissing, InputError, LuaError, RomError
from copain.joypad import FrameInput, Joypad
from copain.movie import Movie
from copain.wire.protocol import LuaObject, as_table

ROOT = Path(__file__).parents[2]
RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


@pytest.fixture(scope="module", autouse=True)
def fceux() -> None:
    try:
        find_fceux()
    except EmulatorMissing:
        absent("fceux", "apt install fceux")


@pytest.fixture
def nes(alouette: copain.Rom) -> Generator[FceuxEmulator]:
    with FceuxEmulator(alouette) as emulator:
        yield emulator


@pytest.fixture
def lua(nes: FceuxEmulator) -> Lua:
    return nes.lua


def clean_screen(lua: Lua) -> npt.NDArray[np.uint8]:
    """The picture without what was drawn on it."""
    data = np.frombuffer(lua.gui.gdscreenshot(True), np.uint8, offset=11)
    return data.reshape(240, 256, 4)[:, :, 1:]


# The list


def test_every_name_that_this_fceux_has_is_there(lua: Lua) -> None:
    tables = [name for name, value in vars_of(lua) if isinstance(value, Namespace)]
    found = as_table(
        lua.eval(
            """
            local names = {}
            for _, namespace in ipairs(...) do
                names[namespace] = {}
                for name in pairs(_G[namespace]) do
                    names[namespace][name] = true
                end
            end
            return names
            """,
            tables,
        )
    )
    total = 0
    for name in tables:
        theirs = {str(function) for function in as_table(found[name])}
        ours = {function for function, _ in vars_of(getattr(lua, name)) if function != "lua_name"}
        assert ours == theirs, name
        total += len(theirs)
    assert total > 200  # with aliases, and emu twice

    standard = (
        "assert collectgarbage dofile error gcinfo getfenv getmetatable ipairs load loadfile "
        "loadstring module newproxy next pairs pcall rawequal rawget rawset require select "
        "setfenv setmetatable tonumber type unpack xpcall"
    )
    code = "local n = {} for k, v in pairs(_G) do if type(v) == 'function' then n[k] = 1 end end"
    found = as_table(lua.eval(f"{code} return n"))
    ours = {name for name, value in vars_of(lua) if callable(value)}
    assert {str(name) for name in found} - set(standard.split()) == ours - {
        "call", "eval", "leave", "load", "lua_name",
    }  # fmt: skip


def vars_of(value: object) -> list[tuple[str, object]]:
    return [(name, getattr(value, name)) for name in dir(value) if not name.startswith("_")]


def test_the_table_in_the_documents_is_up_to_date() -> None:
    command = [sys.executable, str(ROOT / "tools/fceux_lua_table.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_code_in_the_documents_runs(tmp_path: Path) -> None:
    page = (ROOT / "docs/reference/fceux-lua.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```py\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    *_, last = done.stdout.splitlines()
    assert last == "120"


# emu


@covers("emu.frameadvance", "emu.framecount", "emu.lagcount", "emu.lagged", "emu.setlagflag")
def test_frames(nes: FceuxEmulator, lua: Lua) -> None:
    assert lua.emu.framecount() == 0
    lua.emu.frameadvance()
    nes.advance(frames=2)
    assert lua.emu.framecount() == nes.frame == 3
    nes.advance(frames=30)
    assert lua.emu.lagcount() == nes.lag_count > 0
    assert not lua.emu.lagged()
    lua.emu.setlagflag(True)
    assert lua.emu.lagged()
    lua.emu.setlagflag(False)
    assert not lua.emu.lagged()
    lags = nes.lag_count
    lua.emu.registerafter(lambda: lua.emu.setlagflag(True))
    nes.advance(frames=2)
    assert nes.lagged
    assert nes.lag_count == lags + 2


@covers("emu.poweron", "emu.softreset")
def test_power_and_reset(tmp_path: Path) -> None:
    with FceuxEmulator(small_game(tmp_path)) as nes:
        nes.advance(frames=10)
        nes.ram[0x300] = 77
        nes.lua.emu.softreset()
        nes.advance(frames=5)
        assert nes.ram[0x300] == 77  # the button leaves RAM alone
        assert nes.lua.emu.framecount() == 5
        nes.lua.emu.poweron()
        nes.advance(frames=5)
        assert nes.ram[0x300] == 0
        assert nes.lua.emu.framecount() == 5
        assert nes.frame == 20


@covers("emu.speedmode")
def test_speed(nes: FceuxEmulator, lua: Lua) -> None:
    lua.emu.speedmode("normal")
    began = time.monotonic()
    nes.advance(frames=30)
    assert time.monotonic() - began > 0.3  # half a second, as the console takes
    lua.emu.speedmode("maximum")
    nes.advance(frames=2)
    began = time.monotonic()
    nes.advance(frames=30)
    assert time.monotonic() - began < 0.3
    with pytest.raises(LuaError, match="Invalid mode ludicrous"):
        lua.emu.speedmode("ludicrous")  # pyright: ignore[reportArgumentType]


@covers("emu.pause", "emu.unpause", "emu.paused")
def test_a_pause_is_no_hang(nes: FceuxEmulator, lua: Lua) -> None:
    assert not lua.emu.paused()
    lua.emu.pause()
    assert lua.emu.paused()
    with pytest.raises(LuaError, match=r"call emu.unpause"):
        nes.advance()
    lua.emu.unpause()
    assert not lua.emu.paused()
    nes.advance()
    assert nes.frame == 1


@covers("emu.exec_count", "emu.exec_time", "emu.debuggerloop", "emu.debuggerloopstep")
def test_limited_calls(lua: Lua) -> None:
    forever, short = lua_object(lua, "while true do end"), lua_object(lua, "ran = true")
    assert lua.emu.exec_count(1000, forever) == 2
    assert lua.emu.exec_count(1000, short) == 0
    assert lua.eval("return ran") is True
    lua.eval("ran = false")
    lua.emu.exec_time(1000, short)
    assert lua.eval("return ran") is False  # only FCEUX for Windows calls it
    lua.emu.debuggerloop()
    lua.emu.debuggerloopstep()


def lua_object(lua: Lua, body: str) -> LuaObject:
    function = lua.eval(f"return function(...) {body} end")
    assert isinstance(function, LuaObject)
    return function


@covers("emu.setrenderplanes")
def test_render_planes(nes: FceuxEmulator, lua: Lua) -> None:
    nes.advance(frames=60)
    assert len(np.unique(nes.screen.reshape(-1, 3), axis=0)) > 4
    lua.emu.setrenderplanes(False, False)
    nes.advance(frames=2)
    assert len(np.unique(nes.screen.reshape(-1, 3), axis=0)) == 1
    lua.emu.setrenderplanes(True, True)
    nes.advance(frames=2)
    assert len(np.unique(nes.screen.reshape(-1, 3), axis=0)) > 4


@covers("emu.message", "emu.print", "_G.print")
def test_messages(nes: FceuxEmulator, lua: Lua) -> None:
    lua.emu.message("what a message")
    lua.emu.print("to the window", 1, None)
    lua.print({"a": 1}, [1, 2])
    nes.advance()
    deadline = time.monotonic() + 5
    while "what a message" not in log_of(nes):  # FCEUX writes its log when a block is full
        lua.emu.message("what a message" + "." * 200)
        assert time.monotonic() < deadline
    assert (nes.screen == clean_screen(lua)).all()  # there is no window to show it in


def log_of(nes: FceuxEmulator) -> str:
    return nes.log


@covers("emu.emulating", "emu.getdir", "rom.getfilename", "rom.gethash")
def test_what_runs(lua: Lua, alouette: copain.Rom) -> None:
    assert lua.emu.emulating()
    assert Path(lua.emu.getdir()) == Path(find_fceux()).resolve().parent
    assert lua.rom.getfilename() == "alouette"
    digest = hashlib.md5(alouette.data[16:])
    assert lua.rom.gethash("md5").removeprefix("0x") == digest.hexdigest()
    assert lua.rom.gethash("base64") == "base64:" + base64.b64encode(digest.digest()).decode()


@covers("emu.getscreenpixel", "gui.gdscreenshot")
def test_pixels_of_the_picture(nes: FceuxEmulator, lua: Lua) -> None:
    nes.advance(frames=60)
    screen = nes.screen
    assert lua.gui.gdscreenshot()[:11] == b"\xff\xfe\x01\x00\x00\xf0\x01\xff\xff\xff\xff"
    assert (clean_screen(lua) == screen).all()
    for x, y in ((0, 0), (128, 60), (255, 239)):
        *colour, index = lua.emu.getscreenpixel(x, y)
        assert colour == screen[y, x].tolist()
        assert index < 64
    background = nes.lua.ppu.readbyte(0x3F00) & 63
    assert lua.emu.getscreenpixel(0, 0)[3] == background
    with pytest.raises(LuaError, match="bad coordinates"):
        lua.emu.getscreenpixel(256, 0)


@covers("emu.addgamegenie", "emu.delgamegenie")
def test_game_genie(nes: FceuxEmulator, lua: Lua) -> None:
    # GOSSIP is 0xD1DD becomes 0x14: https://www.nesdev.org/wiki/Game_Genie
    before = lua.memory.readbyte(0xD1DD)
    assert before != 0x14
    assert lua.emu.addgamegenie("GOSSIP")
    assert lua.memory.readbyte(0xD1DD) == 0x14
    assert lua.emu.delgamegenie("GOSSIP")
    assert lua.memory.readbyte(0xD1DD) == before
    assert lua.emu.delgamegenie("GOSSIP")  # FCEUX calls that a success
    with pytest.raises(LuaError, match="Failed to decode"):
        lua.emu.addgamegenie("U")


@covers("emu.loadrom")
def test_another_rom(nes: FceuxEmulator, lua: Lua, efp: copain.Rom) -> None:
    assert efp.path is not None
    nes.advance(frames=5)
    lua.emu.loadrom(efp.path)
    deadline = time.monotonic() + 10
    while lua.rom.getfilename() != "efp":
        nes.advance(frames=10)
        assert time.monotonic() < deadline
    with pytest.raises(RomError):
        lua.emu.loadrom("/nowhere.nes")  # over which FCEUX would hang


@covers("emu.exit", "emu.registerexit")
def test_exit(nes: FceuxEmulator, lua: Lua) -> None:
    exits: list[int] = []
    lua.emu.registerexit(lambda: exits.append(lua.emu.framecount()))
    lua.emu.exit()
    # The window's thread ends FCEUX, when it has the time; so many frames take a minute.
    with pytest.raises(EmulatorCrashed, match="exit status 0"):
        nes.advance(frames=100_000)
    assert len(exits) == 1


# rom, memory, ppu


@covers("rom.readbyte", "rom.readbytesigned", "rom.readbyterange", "rom.writebyte")
def test_rom(lua: Lua, alouette: copain.Rom) -> None:
    assert lua.rom.readbyterange(0, len(alouette.data)) == alouette.data
    at = next(i for i in range(16, len(alouette.data)) if alouette.data[i] > 127)
    assert lua.rom.readbyte(at) == alouette.data[at]
    assert lua.rom.readbytesigned(at) == alouette.data[at] - 256
    lua.rom.writebyte(at, 5)
    assert lua.rom.readbyte(at) == 5
    assert lua.rom.readbyterange(0, -1) == b""
    with pytest.raises(LuaError, match="can't edit the ROM header"):
        lua.rom.writebyte(3, 0)


@covers(
    "memory.readbyte", "memory.readbytesigned", "memory.readbyterange", "memory.readword",
    "memory.readwordsigned", "memory.writebyte", "memory.legacywritebyte",
)  # fmt: skip
def test_memory(nes: FceuxEmulator, lua: Lua) -> None:
    nes.advance(frames=10)
    assert lua.memory.readbyterange(0, 2048) == nes.ram[:].tobytes()
    assert len(lua.memory.readbyterange(0, 0x10000)) == 0x10000
    lua.memory.writebyte(0x300, 0x81)
    lua.memory.writebyte(0x301, 0xFE)
    lua.memory.writebyte(0x302, 0x01)
    assert nes.ram[0x300] == lua.memory.readbyte(0x300) == 0x81
    assert lua.memory.readbytesigned(0x300) == 0x81 - 256
    assert lua.memory.readword(0x300) == 0xFE81
    assert lua.memory.readword(0x300, 0x302) == 0x0181
    assert lua.memory.readwordsigned(0x300) == 0xFE81 - 0x10000
    lua.memory.legacywritebyte(0x300, 7)
    assert nes.ram[0x300] == 7
    rom = lua.memory.readbyte(0x8000)
    lua.memory.writebyte(0x8000, rom ^ 255)
    assert lua.memory.readbyte(0x8000) == rom


@covers("memory.getregister", "memory.setregister")
def test_registers(nes: FceuxEmulator, lua: Lua) -> None:
    nes.advance()
    assert lua.memory.getregister("pc") >= 0x8000  # in the ROM
    lua.memory.setregister("x", 0x1FF)
    assert lua.memory.getregister("x") == 0xFF
    for register in ("a", "y", "s", "p"):
        lua.memory.setregister(register, 0x35)
        assert lua.memory.getregister(register) == 0x35
    lua.memory.setregister("pc", 0x8123)
    assert lua.memory.getregister("pc") == 0x8123


@covers("ppu.readbyte", "ppu.readbyterange")
def test_ppu(nes: FceuxEmulator, lua: Lua, alouette: copain.Rom) -> None:
    nes.advance(frames=60)
    patterns = lua.ppu.readbyterange(0, 0x2000)
    assert patterns in alouette.data
    assert lua.ppu.readbyterange(0, 0x4000) == nes.memory["ppu"][:].tobytes()
    assert lua.ppu.readbyte(0x3F00) == lua.ppu.readbyterange(0x3F00, 1)[0]


# debugger


@covers(
    "debugger.getcyclescount", "debugger.resetcyclescount", "debugger.getinstructionscount",
    "debugger.resetinstructionscount",
)  # fmt: skip
def test_counters(nes: FceuxEmulator, lua: Lua) -> None:
    nes.advance(frames=10)
    lua.debugger.resetcyclescount()
    lua.debugger.resetinstructionscount()
    assert lua.debugger.getcyclescount() == lua.debugger.getinstructionscount() == 0
    nes.advance(frames=10)
    assert abs(lua.debugger.getcyclescount() - 297805) < 20
    assert 297805 / 7 < lua.debugger.getinstructionscount() < 297805 / 2


@covers("debugger.hitbreakpoint", "debugger.getsymboloffset")
def test_the_debugger(nes: FceuxEmulator, lua: Lua) -> None:
    with pytest.raises(LuaError, match="wait for ever"):
        lua.debugger.hitbreakpoint()
    nes.advance()
    assert lua.debugger.getsymboloffset("main") == -1
    assert lua.debugger.getsymboloffset("main", 0) == -1


# joypad, zapper, input


@covers("joypad.get", "joypad.getdown", "joypad.getup", "joypad.getimmediate", "joypad.set")
def test_joypad(nes: FceuxEmulator, lua: Lua) -> None:
    nes.advance(FrameInput((Joypad(right=True, a=True), Joypad(start=True))))
    held = {"A": True, "B": False, "select": False, "start": False}
    held |= {"up": False, "down": False, "left": False, "right": True}
    assert lua.joypad.get(1) == held
    assert lua.joypad.getdown(1) == {"A": True, "right": True}
    assert lua.joypad.getdown(2) == {"start": True}
    assert set(lua.joypad.getup(1)) == {"B", "select", "start", "up", "down", "left"}
    assert not any(lua.joypad.getup(1).values())
    assert lua.joypad.getimmediate(1) is None  # only FCEUX for Windows knows

    lua.joypad.set(1, {"left": True, "B": True})
    nes.advance(FrameInput((Joypad(right=True), Joypad(up=True))))
    assert lua.joypad.getdown(1) == {"left": True, "B": True}  # it wins on its port
    assert lua.joypad.getdown(2) == {"up": True}
    nes.advance(Joypad(right=True))
    assert lua.joypad.getdown(1) == {"right": True}  # and lasts one frame
    lua.joypad.set(1, {"A": "invert", "B": False, "up": None})
    lua.emu.frameadvance()
    assert lua.joypad.getdown(1) == {"A": True}

    with pytest.raises(InputError, match=r"'Right': the buttons are A, B, select"):
        lua.joypad.set(1, {"Right": True})
    with pytest.raises(LuaError, match="valid range 1-4"):
        lua.joypad.set(5, {})
    with pytest.raises(LuaError, match="valid range 1-4"):
        lua.joypad.get(0)


def small_game(folder: Path) -> copain.Rom:
    """A game that only puts what $4017 says into RAM at 0; with a light gun in port 2 (NES 2.0)."""
    #            SEI, CLD, 8000: LDA $4017, STA $00, JMP $8002
    code = bytes.fromhex("78 d8 ad1740 8500 4c0280")
    program = code.ljust(0x3FFA, b"\xea") + bytes.fromhex("0080 0080 0080")
    header = b"NES\x1a\x01\x01\x00\x08".ljust(15, b"\x00") + b"\x08"
    path = folder / "small.nes"
    path.write_bytes(header + program + bytes(0x2000))
    return copain.Rom.read(path)


@covers("zapper.read", "zapper.set")
def test_zapper(tmp_path: Path) -> None:
    with FceuxEmulator(small_game(tmp_path)) as nes:
        nes.advance(frames=3)
        assert nes.ram[0] & 0x18 == 0x08  # it is there: no light, no trigger
        nes.lua.zapper.set(x=100, y=90, fire=True)
        nes.advance(frames=3)
        assert nes.ram[0] & 0x18 == 0x08  # the Qt build asks the mouse all the same
        aim = nes.lua.zapper.read()
        assert set(aim) == {"x", "y", "fire"}
        assert aim["fire"] == 0


@covers("input.get", "input.openfilepopup", "input.savefilepopup")
def test_input_without_a_person(lua: Lua) -> None:
    pressed = lua.input.get()
    assert {"xmouse", "ymouse", "click"} <= set(pressed)
    assert pressed["click"] == 0
    assert lua.input.openfilepopup() is None
    assert lua.input.savefilepopup() is None


@covers("input.popup", "gui.popup")
def test_popups(alouette: copain.Rom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    person = tmp_path / "xmessage"
    person.write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\ncase "$2" in *No*) exit 101;; esac\n'
    )
    person.chmod(0o755)
    path = os.environ["PATH"]
    monkeypatch.setenv("PATH", f"{tmp_path}:{path}")
    with FceuxEmulator(alouette) as nes:
        assert nes.lua.input.popup("Go on?", "yesnocancel") == "no"
        assert nes.lua.gui.popup("Ready.") is None
    asked = (tmp_path / "asked").read_text()
    assert asked == "-buttons Yes:100,No:101,Cancel:102 Go on?\n-buttons OK:100 Ready.\n"
    person.unlink()
    monkeypatch.setenv("PATH", f"{tmp_path}:{tmp_path}")
    with FceuxEmulator(alouette, fceux=find_in(path)) as nes:
        with pytest.raises(LuaError, match="xmessage"):
            nes.lua.gui.popup("Ready.")  # FCEUX itself would crash
        nes.advance()


def find_in(path: str) -> str:
    os.environ["PATH"], now = path, os.environ["PATH"]
    try:
        return find_fceux()
    finally:
        os.environ["PATH"] = now


# savestate


@covers("savestate.object", "savestate.create", "savestate.save", "savestate.load")
def test_savestates(nes: FceuxEmulator, lua: Lua) -> None:
    nes.advance(frames=10)
    states = lua.savestate.object(), lua.savestate.create(), lua.savestate.object(3)
    ram = nes.ram[:].tobytes()
    for state in states:
        lua.savestate.save(state)
    for state in states:
        nes.advance(Joypad(start=True), frames=20)
        assert nes.ram[:].tobytes() != ram
        lua.savestate.load(state)
        assert nes.ram[:].tobytes() == ram
        assert lua.emu.framecount() == 10
    with pytest.raises(LuaError, match="invalid player's savestate 11"):
        lua.savestate.object(11)
    with pytest.raises(InputError, match="Lua function"):
        lua.savestate.load(lua_object(lua, ""))


@covers("savestate.persist", "savestate.loadscriptdata")
def test_savestate_files(nes: FceuxEmulator, lua: Lua, tmp_path: Path) -> None:
    path = tmp_path / "state.fc0"
    state = lua.savestate.object(path)
    with pytest.raises(LuaError, match="nothing in this savestate"):
        lua.savestate.persist(state)  # FCEUX itself would crash
    nes.advance(frames=10)
    ram = nes.ram[:].tobytes()
    lua.savestate.save(state)
    assert not path.exists()
    lua.savestate.persist(state)
    assert path.read_bytes()[:4] == b"FCSX"
    nes.power_on()
    lua.savestate.load(lua.savestate.create(path))
    assert nes.ram[:].tobytes() == ram
    with pytest.raises(LuaError, match="crashes in savestate"):
        lua.savestate.loadscriptdata(state)


# movie


@covers(
    "movie.record", "movie.play", "movie.stop", "movie.mode", "movie.active", "movie.recording",
    "movie.playing", "movie.length", "movie.name", "movie.filename", "movie.framecount",
    "movie.replay", "movie.ispoweron", "movie.isfromsavestate",
)  # fmt: skip
def test_movies(nes: FceuxEmulator, lua: Lua, tmp_path: Path) -> None:
    path = tmp_path / "run.fm2"
    movie = lua.movie
    assert movie.mode() is None
    questions = (movie.active, movie.recording, movie.playing, movie.ispoweron)
    assert not any(question() for question in questions)
    with pytest.raises(LuaError, match="no movie"):
        movie.stop()
    for asks in (movie.length, movie.name, movie.filename):
        with pytest.raises(LuaError, match="No movie loaded"):
            asks()

    nes.advance(frames=7)
    assert movie.record(path, 0, "a person")
    assert (movie.mode(), movie.active(), movie.recording()) == ("record", True, True)
    assert movie.framecount() == 0
    for frame in range(40):
        nes.advance(Joypad(start=frame % 8 == 0, right=frame % 3 == 0))
    assert movie.length() == movie.framecount() == 40
    assert (movie.name(), movie.filename()) == (str(path), "run.fm2")
    assert movie.ispoweron()
    assert not movie.isfromsavestate()
    ram = nes.ram[:].tobytes()
    movie.stop()
    assert movie.mode() is None
    assert len(Movie.read(path).inputs) == 40

    assert movie.play(path, True)
    assert (movie.mode(), movie.playing(), movie.recording()) == ("playback", True, False)
    nes.advance(frames=40)
    assert nes.ram[:].tobytes() == ram
    nes.advance()
    assert movie.mode() == "finished"
    movie.replay()
    assert (movie.mode(), movie.framecount()) == ("playback", 0)
    nes.advance(frames=40)
    assert nes.ram[:].tobytes() == ram
    movie.stop()
    assert not movie.play(tmp_path / "nothing.fm2")


@covers(
    "movie.rerecordcount", "movie.rerecordcounting", "movie.readonly", "movie.setreadonly",
    "emu.readonly", "emu.setreadonly",
)  # fmt: skip
def test_rerecording(nes: FceuxEmulator, lua: Lua, tmp_path: Path) -> None:
    movie = lua.movie
    with pytest.raises(LuaError, match="No movie loaded"):
        movie.rerecordcount()
    nes.advance(frames=5)
    movie.record(tmp_path / "run.fm2", 1)
    assert movie.isfromsavestate()
    nes.advance(frames=5)
    state = lua.savestate.object()
    lua.savestate.save(state)
    nes.advance(frames=5)
    lua.savestate.load(state)
    assert (movie.rerecordcount(), movie.length()) == (1, 5)
    movie.rerecordcounting(True)
    lua.savestate.load(state)
    assert movie.rerecordcount() == 1
    movie.rerecordcounting(False)
    lua.savestate.load(state)
    assert movie.rerecordcount() == 2
    assert not movie.readonly()
    movie.setreadonly(True)
    assert movie.readonly()
    assert lua.emu.readonly()
    lua.savestate.load(state)
    assert movie.mode() in ("playback", "finished")  # read-only: it goes back to playing
    lua.emu.setreadonly(False)
    assert not movie.readonly()


# gui


@covers("gui.pixel", "gui.line", "gui.box", "gui.getpixel", "gui.parsecolor")
def test_shapes(nes: FceuxEmulator, lua: Lua) -> None:
    gui = lua.gui
    nes.advance(frames=2)
    plain = nes.screen
    gui.pixel(5, 6, "red")
    gui.line(10, 20, 40, 20, "#00FF00")
    gui.line(10, 30, 40, 30, (0, 0, 255), True)
    gui.box(60, 60, 80, 90, 0xFF0000FF, (0, 255, 0, 255))
    gui.box(100, 60, 120, 90, "clear", "Blue")
    gui.pixel(-5, 300, "red")  # outside is nothing
    assert gui.getpixel(5, 6) == (*RED, 255)
    assert gui.getpixel(6, 6) == (0, 0, 0, 0)
    nes.advance()
    drawn = nes.screen
    expected = plain.copy()
    expected[6, 5] = RED
    expected[20, 10:41] = GREEN
    expected[30, 11:41] = BLUE
    expected[60:91, 60:81] = GREEN
    expected[61:90, 61:80] = RED
    edge = np.ones((31, 21), bool)
    edge[1:-1, 1:-1] = False
    expected[60:91, 100:121][edge] = BLUE
    assert (drawn == expected).all()
    assert (clean_screen(lua) == plain).all()
    nes.advance()
    assert (nes.screen == plain).all()  # what is drawn lasts one frame

    assert gui.parsecolor("orange") == (255, 127, 0, 255)
    assert gui.parsecolor("Purple") == (127, 0, 255, 255)  # FCEUX took it for a palette number
    assert gui.parsecolor("#01020304") == gui.parsecolor((1, 2, 3, 4)) == (1, 2, 3, 4)
    assert gui.parsecolor(0x010203FF) == (1, 2, 3, 255)
    assert gui.parsecolor("P16") != gui.parsecolor("P2A")
    for wrong in ("blurple", "#12", "P80", (1, 2), (0, 0, 256), -1):
        with pytest.raises(InputError, match="is no colour"):
            gui.parsecolor(wrong)  # pyright: ignore[reportArgumentType]


@covers("gui.text")
def test_text(nes: FceuxEmulator, lua: Lua) -> None:
    nes.advance(frames=2)
    assert lua.gui.text(100, 50, "HELLO") == 131
    lua.gui.text(100, 100, "HELLO", "red", "#00FF00")
    nes.advance()
    first, second = nes.screen[49:58, 99:129], nes.screen[99:108, 99:129]
    white, red = (first == 255).all(axis=2), (second == RED).all(axis=2)
    assert 40 < white.sum() < 200
    assert (white == red).all()
    assert ((second == GREEN).all(axis=2) | red).all()
    with pytest.raises(InputError, match="is no colour"):
        lua.gui.text(0, 0, "x", "blurple")  # FCEUX would draw white


@covers("gui.gdoverlay")
def test_images(nes: FceuxEmulator, lua: Lua) -> None:
    nes.advance(frames=2)
    plain = nes.screen
    image = np.zeros((8, 16, 3), np.uint8)
    image[:, :8], image[:, 8:] = RED, BLUE
    lua.gui.image(20, 30, image)
    lua.gui.gdoverlay(60, 30, image, (8, 0, 8, 4))
    ghost = np.dstack([image, np.zeros((8, 16), np.uint8)])
    ghost[2:4, :, 3] = 255
    lua.gui.drawimage(100, 30, ghost)
    lua.gui.gdoverlay(140, 30, image, alpha=0.0)
    lua.gui.gdoverlay(250, 236, image)  # cut off at the corner
    nes.advance()
    expected = plain.copy()
    expected[30:38, 20:36] = image
    expected[30:34, 60:68] = BLUE
    expected[32:34, 100:116] = image[2:4]
    expected[236:240, 250:256] = RED
    assert (nes.screen == expected).all()
    with pytest.raises(InputError, match=r"float64 \(2, 2\)"):
        lua.gui.gdoverlay(0, 0, np.zeros((2, 2)))  # pyright: ignore[reportArgumentType]
    with pytest.raises(LuaError, match="bad image data"):
        lua.gui.gdoverlay(0, 0, b"no image at all")


@covers("gui.opacity", "gui.transparency")
def test_opacity(lua: Lua) -> None:
    lua.gui.opacity(0.5)
    assert lua.gui.parsecolor("red") == (*RED, 127)
    lua.gui.transparency(3)
    assert lua.gui.parsecolor("red") == (*RED, 63)
    lua.gui.transparency(0)
    assert lua.gui.parsecolor("red") == (*RED, 255)


@covers("gui.register")
def test_drawing_in_a_callback(nes: FceuxEmulator, lua: Lua) -> None:
    nes.advance(frames=2)

    def draw() -> None:
        lua.gui.box(10, 10, 20, 20, "red", "red")

    assert lua.gui.register(draw) is None
    nes.advance(frames=3)
    assert (nes.screen[10:21, 10:21] == RED).all()
    assert lua.gui.register(None) is draw
    nes.advance(frames=2)
    assert (nes.screen == clean_screen(lua)).all()


@covers("gui.savescreenshot", "gui.savescreenshotas")
def test_screenshots(nes: FceuxEmulator, lua: Lua, tmp_path: Path) -> None:
    nes.advance(frames=60)
    path = tmp_path / "screen.png"
    lua.gui.savescreenshotas(path)
    lua.gui.box(50, 50, 60, 60, "red", "red")
    nes.advance()
    plain = clean_screen(lua)
    lua.gui.savescreenshot()
    lua.gui.box(50, 50, 60, 60, "red", "red")
    nes.advance()
    (saved,) = Path(str(lua.eval("return os.getenv('FCEUX_CONFIG_DIR')"))).rglob("*.png")
    with Image.open(path) as image:
        assert (np.asarray(image.convert("RGB")) == plain[8:232]).all()  # what a television shows
    with Image.open(saved) as image:
        assert (np.asarray(image.convert("RGB")) == nes.screen[8:232]).all()
    assert (nes.screen[50:61, 50:61] == RED).all()


# sound, taseditor, cdlog


@covers("sound.get")
def test_sound(nes: FceuxEmulator, lua: Lua) -> None:
    volumes: list[float] = []
    for _ in range(12):
        nes.advance(frames=10)
        channels = lua.sound.get()["rp2a03"]
        volumes.append(channels["square1"]["volume"])
        square = channels["square1"]
        assert square["frequency"] == pytest.approx(
            1789772.7 / 16 / (square["regs"]["frequency"] + 1), rel=1e-4
        )
        assert square["midikey"] == pytest.approx(
            69 + 12 * np.log2(square["frequency"] / 440), abs=1e-6
        )
        assert 0 <= square["duty"] <= 3
        assert isinstance(channels["noise"]["short"], bool)
        assert channels["dpcm"]["dmcaddress"] >= 0xC000
        assert channels["triangle"]["volume"] in (0, 1)
    assert max(volumes) > 0  # the title has music
    assert all(0 <= volume <= 1 for volume in volumes)


@covers(
    "taseditor.engaged", "taseditor.markedframe", "taseditor.getmarker", "taseditor.setmarker",
    "taseditor.removemarker", "taseditor.getnote", "taseditor.setnote",
    "taseditor.getcurrentbranch", "taseditor.getrecordermode", "taseditor.getsuperimpose",
    "taseditor.getlostplayback", "taseditor.getplaybacktarget", "taseditor.setplayback",
    "taseditor.stopseeking", "taseditor.getselection", "taseditor.setselection",
    "taseditor.getinput", "taseditor.submitinputchange", "taseditor.submitinsertframes",
    "taseditor.submitdeleteframes", "taseditor.applyinputchanges", "taseditor.clearinputchanges",
)  # fmt: skip
def test_the_qt_build_leaves_the_tas_editor_out(lua: Lua) -> None:
    editor = lua.taseditor
    assert not editor.engaged()
    assert not editor.markedframe(1)
    numbers = [
        editor.getmarker(1), editor.setmarker(1), editor.getcurrentbranch(),
        editor.getsuperimpose(), editor.getlostplayback(), editor.getplaybacktarget(),
        editor.getinput(1, 1), editor.applyinputchanges("name"), editor.applyinputchanges(),
    ]  # fmt: skip
    assert numbers == [-1] * len(numbers)
    assert editor.getnote(1) is editor.getrecordermode() is editor.getselection() is None
    editor.removemarker(1)
    editor.setnote(1, "text")
    editor.setplayback(1)
    editor.stopseeking()
    editor.setselection([1, 2])
    editor.setselection(None)
    editor.submitinputchange(1, 1, 1)
    editor.submitinsertframes(1, 1)
    editor.submitdeleteframes(1, 1)
    editor.clearinputchanges()


@covers(
    "cdlog.docdlogger", "cdlog.loadfile", "cdlog.loadcdlog", "cdlog.savecdlogfile",
    "cdlog.savecdlogfileas", "cdlog.startcdlogging", "cdlog.pausecdlogging", "cdlog.resetcdlog",
)  # fmt: skip
def test_the_qt_build_leaves_the_data_logger_out(lua: Lua, tmp_path: Path) -> None:
    log = lua.cdlog
    assert log.docdlogger() == log.pausecdlogging() == log.loadcdlog("nothing.cdl") == 0
    log.loadfile()
    log.startcdlogging()
    log.resetcdlog()
    log.savecdlogfile()
    log.savecdlogfileas(str(tmp_path / "log.cdl"))
    assert not list(tmp_path.iterdir())


# bit, globals


@covers(
    "bit.tobit", "bit.tohex", "bit.bnot", "bit.band", "bit.bor", "bit.bxor", "bit.lshift",
    "bit.rshift", "bit.arshift", "bit.rol", "bit.ror", "bit.bswap",
)  # fmt: skip
def test_bits(lua: Lua) -> None:
    bit = lua.bit
    assert bit.tobit(0xFFFFFFFF) == -1
    assert bit.tohex(-1) == "ffffffff"
    assert (bit.tohex(0xABCD, 4), bit.tohex(0xABCD, -4)) == ("abcd", "ABCD")
    assert bit.bnot(0) == -1
    assert (bit.band(0xFF, 0x3C, 0x0F), bit.bor(1, 2, 4), bit.bxor(7, 2, 1)) == (0x0C, 7, 4)
    assert (bit.lshift(1, 4), bit.lshift(1, 33)) == (16, 2)
    assert bit.rshift(-1, 28) == 15
    assert bit.arshift(-16, 2) == -4
    assert (bit.rol(0x12345678, 8), bit.ror(0x12345678, 8)) == (0x34567812, 0x78123456)
    assert bit.bswap(0x12345678) == 0x78563412


@covers(
    "_G.AND", "_G.OR", "_G.XOR", "_G.SHIFT", "_G.BIT", "_G.addressof", "_G.copytable",
    "_G.gethash", "_G.tobitstring", "_G.tostring",
)  # fmt: skip
def test_globals(lua: Lua) -> None:
    assert lua.FCEU is lua.emu
    assert (lua.AND(6, 3), lua.OR(6, 1), lua.XOR(6, 3)) == (2, 7, 5)
    assert (lua.SHIFT(8, 1), lua.SHIFT(8, -1)) == (4, 16)
    assert lua.BIT(0, 3, 40) == 9
    assert lua.addressof(lua_object(lua, "")) > 0
    assert lua.copytable({"a": [1, 2]}) == {"a": [1, 2]}
    assert lua.gethash(b"abcdef", 3) == zlib.crc32(b"abc")
    with pytest.raises(InputError, match="4 bytes of 3"):
        lua.gethash("abc", 4)
    assert lua.tobitstring(0xA5) == "1010 0101"
    assert lua.tostring({"a": 1}) == "{a=1}"
