"""Lua itself from Python: evaluated code, callbacks in Python, scripts of users."""

from __future__ import annotations

import gc
import itertools
import os
import shutil
import subprocess
import time
import weakref
from collections.abc import Generator
from pathlib import Path

import pytest
from lua_api import covers

import copain
from conftest import absent
from copain.backends.fceux import FceuxEmulator
from copain.backends.fceux_api import Lua
from copain.backends.fceux_start import find_fceux
from copain.errors import EmulatorClosed, EmulatorMissing, InputError, LuaError
from copain.joypad import FrameInput, Joypad
from copain.wire.protocol import LuaObject, Value


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


# Evaluated code


RETURNED: list[tuple[str, Value]] = [
    ("return 1 + 1", 2),
    ("return 0.5, -2^40", (0.5, -(2**40))),
    ("", None),
    ("return nil", None),
    ("return nil, nil", (None, None)),
    ("return true, 'text'", (True, "text")),
    ("return {1, 2}, {}", ([1, 2], [])),
    ("return {[1] = 1, [3] = 3}, {a = {b = 1}}", ({1: 1, 3: 3}, {"a": {"b": 1}})),
    ("return copain.bytes('\\0\\255')", b"\x00\xff"),
    ("return '\\255'", "\udcff"),
    ("return 'caf\\195\\169'", "café"),
]


@pytest.mark.parametrize(("code", "value"), RETURNED)
def test_what_evaluated_code_returns(lua: Lua, code: str, value: Value) -> None:
    assert lua.eval(code) == value


def test_arguments_arrive(lua: Lua) -> None:
    values: list[Value] = [None, True, 7, 0.25, "é", b"\xff\x00", [1, [2]], {"k": "v"}]
    back = (None, True, 7, 0.25, "é", "\udcff\x00", [1, [2]], {"k": "v"})
    assert lua.eval("return ...", *values) == back
    assert lua.eval("local f = ...; return f(20) + 1", lambda x: x * 2) == 41  # pyright: ignore


def test_objects_stay_in_lua(lua: Lua) -> None:
    counter = lua.eval("local n = 0; return function(by) n = n + by; return n, 'so far' end")
    assert isinstance(counter, LuaObject)
    lua.call(counter, 2)
    assert lua.call(counter, 3) == (5, "so far")


def test_errors_have_luas_traceback_and_end_nothing(nes: FceuxEmulator, lua: Lua) -> None:
    with pytest.raises(LuaError, match=r"(?s)nes.lua.eval:2: no such thing.*traceback.*inner"):
        lua.eval("local function inner()\nerror('no such thing') end inner() return 1")
    with pytest.raises(LuaError, match=r"unexpected symbol|near"):
        lua.eval("return return")
    with pytest.raises(LuaError, match="an error object"):
        lua.eval("error({})")
    nes.advance()
    assert nes.frame == 1


def test_evaluated_code_emulates_frames(nes: FceuxEmulator, lua: Lua) -> None:
    code = """
        for i = 1, ... do joypad.set(1, {right = true}) emu.frameadvance() end
        return emu.framecount()
    """
    assert lua.eval(code, 5) == 5
    assert nes.frame == 5
    assert lua.joypad.getdown(1) == {"right": True}
    state = nes.save_state()
    lua.eval(code, 3)
    nes.load_state(state)
    lua.emu.framecount()
    assert nes.frame == 5


# Callbacks


@covers("emu.registerbefore", "emu.registerafter")
def test_callbacks_around_frames(nes: FceuxEmulator, lua: Lua) -> None:
    seen: list[tuple[str, int, int, int]] = []

    def before() -> None:
        seen.append(("before", nes.frame, lua.emu.framecount(), int(nes.ram[0])))

    def after() -> None:
        seen.append(("after", nes.frame, lua.emu.framecount(), int(nes.ram[4])))

    assert lua.emu.registerbefore(before) is None
    assert lua.emu.registerafter(after) is None
    nes.advance(frames=2)
    assert [what for what, *_ in seen] == ["before", "after"] * 2
    assert [frame for _, frame, *_ in seen] == [1, 1, 2, 2]
    assert nes.frame == 2
    nes.advance(frames=58)
    nes.advance(Joypad(start=True), frames=3)
    nes.advance(frames=300)
    seen.clear()
    nes.advance(frames=60)
    assert seen[-1][1] == nes.frame == 423
    clock = [ram for what, _, _, ram in seen if what == "after"]
    steps = {(now - before) % 256 for before, now in itertools.pairwise(clock)}
    assert steps == {1}  # RAM of each frame, not of the first that was asked for
    assert clock[-1] == int(nes.ram[4])

    assert lua.emu.registerafter(None) is after
    assert lua.emu.registerbefore(None) is before
    seen.clear()
    nes.advance(frames=2)
    assert not seen


def test_what_a_callback_reads_is_of_its_frame(nes: FceuxEmulator, lua: Lua) -> None:
    nes.advance(frames=60)
    nes.advance(Joypad(start=True), frames=3)
    nes.advance(frames=300)
    alone = nes.save_state()
    clocks: list[int] = []
    for _ in range(10):
        nes.advance()
        clocks.append(int(nes.ram[4]))
    nes.load_state(alone)
    seen: list[tuple[int, int]] = []
    lua.emu.registerafter(lambda: seen.append((nes.frame, int(nes.ram[4]))))
    nes.advance(frames=10)
    assert seen == list(zip(range(364, 374), clocks, strict=True))
    once: list[int] = []
    lua.emu.registerafter(lambda: None if once else once.append(nes.frame))
    assert nes.frame == 373
    nes.advance(frames=10)  # it asks in the first frame only
    assert once == [374]
    assert nes.frame == 383


def test_what_a_callback_raises_comes_out(nes: FceuxEmulator, lua: Lua) -> None:
    def raises() -> None:
        if nes.frame == 3:
            raise ValueError("in the third frame")

    lua.emu.registerafter(raises)
    with pytest.raises(ValueError, match="in the third frame"):
        nes.advance(frames=10)
    assert nes.frame == 3  # the call ended with that frame
    nes.advance(frames=7)
    assert nes.frame == 10

    lua.emu.registerafter(lua_function(lua, "local x = nil; return x.y"))
    with pytest.raises(LuaError, match=r"attempt to index local 'x'"):
        nes.advance(frames=5)
    assert nes.frame == 11
    lua.emu.registerafter(None)
    lua.emu.registerbefore(nes.advance)
    with pytest.raises(LuaError, match="no frame can be emulated inside a callback"):
        nes.advance()
    lua.emu.registerbefore(None)
    nes.advance()


def lua_function(lua: Lua, body: str) -> LuaObject:
    function = lua.eval(f"return function(...) {body} end")
    assert isinstance(function, LuaObject)
    return function


def test_what_stood_there_before(lua: Lua) -> None:
    def first() -> None: ...

    def second() -> None: ...

    assert lua.emu.registerbefore(first) is None
    assert lua.emu.registerbefore(second) is first
    lua.eval("emu.registerbefore(function() end)")
    of_lua = lua.emu.registerbefore(first)
    assert isinstance(of_lua, LuaObject)
    assert lua.emu.registerbefore(of_lua) is first
    assert lua.emu.registerbefore(None) is of_lua
    assert lua.emu.registerbefore(None) is None
    with pytest.raises(InputError, match="is no function"):
        lua.emu.registerbefore("text")  # pyright: ignore[reportArgumentType]


def test_registering_on_each_frame_piles_nothing_up(nes: FceuxEmulator, lua: Lua) -> None:
    calls: list[int] = []
    for number in range(50):
        lua.emu.registerafter(lambda number=number: calls.append(number))
        lua.memory.registerwrite(0, 16, lambda at, size, value: None)
        nes.advance()
    assert calls == list(range(50))
    assert nes.session.functions <= 2


@covers("memory.registerwrite")
def test_write_hooks(nes: FceuxEmulator, lua: Lua) -> None:
    nes.advance(frames=10)
    writes: list[tuple[int, int, int]] = []
    lua.memory.registerwrite(0x0B, 2, lambda at, size, value: writes.append((at, size, value)))
    nes.advance(Joypad(a=True))
    assert writes
    assert {address for address, _, _ in writes} <= {0x0B, 0x0C}
    assert all(size == 1 for _, size, _ in writes)
    last = {address: value for address, _, value in writes}
    assert nes.ram[0x0B] == last[0x0B] == 0x80
    count = len(writes)
    lua.memory.writebyte(0x0B, 1)
    assert len(writes) == count  # only the game's writes

    others: list[int] = []
    lua.memory.registerwrite(0x0B, lambda at, size, value: others.append(at))
    lua.memory.registerwrite(0x0D, -1, None)  # FCEUX's own: the address before
    nes.advance(frames=2)
    assert set(others) == {0x0B}
    assert len(writes) == count
    lua.memory.registerwrite(0x0B, None)
    others.clear()
    nes.advance(frames=2)
    assert not others

    lua.memory.register(0x0B, lua_function(lua, "written = select(3, ...)"))
    nes.advance(Joypad(b=True))
    assert lua.eval("return written") == 0x40
    for wrong in ((0x10000,), (0xFFFF, 2), (0, -1)):
        with pytest.raises(InputError, match="0 to 0xFFFF"):
            lua.memory.registerwrite(*wrong, print)  # pyright: ignore
    with pytest.raises(InputError, match="is no function"):
        lua.memory.registerwrite(0, "text")  # pyright: ignore


@covers("memory.registerexec")
def test_exec_hooks(nes: FceuxEmulator, lua: Lua) -> None:
    nes.advance(frames=10)
    handler = lua.memory.readword(0xFFFA)  # where the picture's interrupt goes
    calls: list[tuple[int, int]] = []

    def executed(address: int, size: int, value: int) -> None:
        assert (size, value) == (1, 0)
        calls.append((address, lua.memory.getregister("pc")))

    lua.memory.registerexec(handler, executed)
    nes.advance(frames=4)
    assert calls == [(handler, handler)] * 4  # before the instruction runs
    lua.memory.registerexecute(handler, None)
    nes.advance(frames=4)
    assert len(calls) == 4


def test_hooks_of_the_persons_slots(nes: FceuxEmulator, lua: Lua) -> None:
    called: list[int] = []

    def slot(number: int) -> None:
        called.append(number)

    for register in (lua.savestate.registersave, lua.savestate.registerload):
        assert register(slot) is None
        state = lua.savestate.object(1)
        lua.savestate.save(state)
        lua.savestate.load(state)
        nes.advance()
        assert register(None) is slot
    assert not called  # only for what a person saves


@covers("savestate.registersave", "savestate.registerload")
def test_slots_saved_and_loaded_by_a_person(alouette: copain.Rom) -> None:
    for program in ("Xvfb", "xdotool"):
        if shutil.which(program) is None:
            absent(program, f"apt install {program.lower()}")
    called: list[tuple[int, ...]] = []

    def saved(*arguments: int) -> int:
        called.append(arguments)
        return 42

    with FceuxEmulator(alouette, display="xvfb", speed="normal") as nes:
        nes.lua.savestate.registersave(saved)
        nes.lua.savestate.registerload(lambda *arguments: called.append(arguments))
        nes.advance(frames=30)
        display = {**os.environ, "DISPLAY": str(nes.display_name)}

        def xdotool(*words: str) -> str:
            command = ["xdotool", *words]
            done = subprocess.run(command, env=display, capture_output=True, text=True, check=False)
            return done.stdout

        for window in xdotool("search", "--name", "FCEUX").split():
            xdotool("windowfocus", window)
        for key in ("i", "p"):  # FCEUX's keys for saving and loading the slot
            before, deadline = len(called), time.monotonic() + 20
            while len(called) == before and time.monotonic() < deadline:
                pressed = subprocess.Popen(["xdotool", "key", key], env=display)
                nes.advance(frames=20)  # its window answers while the game runs
                pressed.wait(10)
        slot, (loaded, kept) = called[0], called[-1]
        assert slot == (loaded,)
        assert kept == 42


@covers("taseditor.registerauto", "taseditor.registermanual")
def test_hooks_of_the_tas_editor(nes: FceuxEmulator, lua: Lua) -> None:
    def of_editor() -> None:
        raise AssertionError("the editor is closed")

    assert lua.taseditor.registerauto(of_editor) is None
    assert lua.taseditor.registermanual(of_editor, "Do it") is None
    nes.advance(frames=3)
    assert lua.taseditor.registerauto(None) is of_editor
    assert lua.taseditor.registermanual(None) is of_editor


def test_the_exit_function_is_called_at_close(alouette: copain.Rom) -> None:
    nes = FceuxEmulator(alouette)
    frames: list[int] = []
    nes.lua.emu.registerexit(lambda: frames.append(nes.lua.emu.framecount()))
    nes.advance(frames=4)
    nes.close()
    nes.close()
    assert frames == [4]

    def raises() -> None:
        raise ValueError("at the end")

    nes = FceuxEmulator(alouette)
    nes.lua.emu.registerexit(raises)
    with pytest.raises(ValueError, match="at the end"):
        nes.close()
    with pytest.raises(EmulatorClosed):
        nes.advance()


def test_callbacks_do_not_keep_the_emulator_alive(alouette: copain.Rom) -> None:
    nes = FceuxEmulator(alouette)
    lua = nes.lua
    lua.emu.registerafter(lambda: None)
    lua.memory.registerwrite(0, lambda at, size, value: None)
    nes.advance()
    gone = weakref.ref(nes)
    del nes
    gc.collect()
    assert gone() is None
    with pytest.raises(EmulatorClosed, match="nobody held the emulator"):
        lua.emu.framecount()


# Scripts of users


def test_a_script_runs_beside_the_session(nes: FceuxEmulator, lua: Lua, tmp_path: Path) -> None:
    (tmp_path / "part.lua").write_text("function part_of() return 'part' end")
    (tmp_path / "wanted.lua").write_text("return { name = 'module' }")
    (tmp_path / "data.txt").write_text("data beside it")
    script = tmp_path / "script.lua"
    script.write_text(
        """
        dofile("part.lua")
        local module = require("wanted")
        beside = io.open("data.txt"):read("*a")
        said = { part_of(), module.name, arg, 0 }
        emu.registerafter(function() said[4] = said[4] + 1 end)
        while emu.framecount() < 6 do
            joypad.set(1, { left = true })
            gui.box(10, 10, 20, 20, "red", "red")
            FCEU.frameadvance()
        end
        finished = true
        """
    )
    running = lua.load(script, "argument")
    assert running.running
    assert lua.eval("return beside") == "data beside it"
    assert nes.frame == 0
    nes.advance(FrameInput((Joypad(right=True), Joypad(a=True))))
    assert lua.joypad.getdown(1) == {"left": True}  # the script wins on its port
    assert lua.joypad.getdown(2) == {"A": True}
    assert (nes.screen[10:21, 10:21] == (255, 0, 0)).all()
    nes.advance(frames=4)
    assert running.running
    nes.advance()
    assert not running.running
    assert lua.eval("return finished") is True
    nes.advance(Joypad(right=True))
    assert lua.joypad.getdown(1) == {"right": True}
    assert lua.eval("return said") == ["part", "module", "argument", 7]


def test_scripts_that_fail_or_are_stopped(nes: FceuxEmulator, lua: Lua, tmp_path: Path) -> None:
    def script(code: str) -> Path:
        path = tmp_path / f"script{len(list(tmp_path.iterdir()))}.lua"
        path.write_text(code)
        return path

    with pytest.raises(InputError, match="there is no such file"):
        lua.load(tmp_path / "nowhere.lua")
    with pytest.raises(LuaError, match=r"script\d.lua:1: .*near"):
        lua.load(script("this is not Lua"))
    with pytest.raises(LuaError, match=r"script\d.lua:1: at once(?s:.*)traceback"):
        lua.load(script("error('at once')"))
    loop = "while true do count = (count or 0) + 1; emu.frameadvance() end"
    endless = lua.load(script(loop))
    later = lua.load(script("emu.frameadvance() emu.frameadvance() error('later')"))
    nes.advance()
    with pytest.raises(LuaError, match=r"script\d.lua:1: later"):
        nes.advance(frames=5)
    assert nes.frame == 2
    assert not later.running
    assert endless.running
    nes.advance(frames=3)
    assert lua.eval("return count") == 6
    endless.stop()
    assert not endless.running
    nes.advance(frames=3)
    assert lua.eval("return count") == 6


def test_a_script_that_calls_python(nes: FceuxEmulator, lua: Lua, tmp_path: Path) -> None:
    seen: list[int] = []
    lua.eval("tell = ...", seen.append)
    script = tmp_path / "script.lua"
    script.write_text("while true do emu.frameadvance() tell(emu.framecount()) end")
    lua.load(script)
    nes.advance(frames=3)
    assert seen == [1, 2, 3]
    lua.eval("tell = ...", lambda _: nes.advance())  # pyright: ignore
    with pytest.raises(LuaError, match="while a script runs"):
        nes.advance()
