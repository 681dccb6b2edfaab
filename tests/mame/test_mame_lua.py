"""MAME's own objects, evaluated Lua, and memory taps."""

from __future__ import annotations

import numpy as np
import pytest
from mame_games import Open, airstriker, mame, opened

import copain
from copain.errors import InputError, LuaError, MemoryRangeError
from copain.wire.protocol import LuaObject

__all__ = ["airstriker", "mame", "opened"]


def test_evaluated_lua(opened: Open) -> None:
    nes = opened()
    lua = nes.lua
    assert lua.eval("return 1 + ...", 41) == 42
    assert lua.eval("return emu.romname(), nil, 2.5") == ("nes", None, 2.5)
    assert lua.eval("return {1, {x = 'y'}}") == [1, {"x": "y"}]
    assert lua.eval("return copain.bytes('\\0\\255')") == b"\0\xff"
    double = lua.eval("return function(x) return 2 * x end")
    assert isinstance(double, LuaObject)
    assert lua.call(double, 21) == 42
    assert lua.eval("return (...)(20) + 2", lambda x: 2 * x) == 42  # pyright: ignore
    with pytest.raises(LuaError, match="attempt to index a nil value"):
        lua.eval("return nothing.at_all")
    with pytest.raises(LuaError, match=r"unexpected symbol|syntax error"):
        lua.eval("this is not Lua")
    nes.advance()
    assert nes.frame == 1


def test_evaluated_lua_emulates_frames(opened: Open) -> None:
    nes, other = opened(), opened()
    nes.lua.eval("for _ = 1, 30 do copain.frame() end")
    other.advance(frames=30)
    assert nes.frame == other.frame == 30
    assert (nes.ram.read_all() == other.ram.read_all()).all()


def test_the_machine_and_what_is_in_it(opened: Open, airstriker: copain.Rom) -> None:
    nes = opened()
    nes.advance(frames=60)
    machine = nes.lua.machine
    assert machine.time == pytest.approx(60 / float(nes.frame_rate), abs=1e-6)
    assert not machine.paused
    cpu = machine.devices[":maincpu"]
    assert (cpu.tag, cpu.shortname) == (":maincpu", "rp2a03g")
    assert {":ppu", ":screen", ":nes_slot"} <= set(machine.devices)
    with pytest.raises(KeyError):
        machine.devices[":nowhere"]
    assert ":nowhere" not in machine.devices
    space = cpu.spaces["program"]
    facts = (space.name, space.address_mask, space.data_width, space.endianness)
    assert facts == ("program", 0xFFFF, 8, "little")
    assert space.read_range(0, 0x7FF) == nes.ram.read_all().tobytes()
    space.write(0x300, 0x1234, bits=16)
    assert nes.ram[0x300:0x302].tolist() == [0x34, 0x12]
    assert space.read(0x300, bits=16) == 0x1234
    assert cpu.state["PC"].value >= 0x8000
    cpu.state["X"].value = 0x77
    assert cpu.state["X"].value == 0x77
    screen = machine.screens[":screen"]
    assert (screen.width, screen.height, screen.refresh) == (256, 240, float(nes.frame_rate))
    before = screen.frame_number
    nes.advance(frames=5)
    assert screen.frame_number == before + 5
    share = machine.memory.shares[":mainram"]
    assert (share.size, share.read(0x301)) == (2048, nes.ram[0x301])
    rom = machine.memory.regions[":nes_slot:cart:prg_rom"]
    assert rom.read(0) == nes.rom.data[16]
    field = machine.ioport.ports[":ctrl1:joypad:JOYPAD"].fields["P1 A"]
    assert (field.name, field.mask, field.is_analog) == ("P1 A", 1, False)
    z80 = opened(airstriker).lua.machine.devices[":genesis_snd_z80"]
    assert {"program", "io"} <= set(z80.spaces)


def test_what_has_no_name_in_python_is_reached_too(opened: Open) -> None:
    machine = opened().lua.machine
    options = machine.get("options")
    assert isinstance(options, LuaObject)
    assert machine.call("popmessage", "hello") is None
    video = machine.get("video")
    assert isinstance(video, LuaObject)
    machine.set("samplerate", 48000) if machine.get("samplerate") is None else None


def test_a_field_that_lua_holds_is_held(opened: Open) -> None:
    nes, other = opened(), opened()
    field = nes.lua.machine.ioport.ports[":ctrl1:joypad:JOYPAD"].fields["P1 Start"]
    port = nes.lua.machine.ioport.ports[":ctrl1:joypad:JOYPAD"]
    for emulator in (nes, other):
        emulator.advance(frames=60)
    field.set_value(1)
    nes.advance(frames=20)
    other.advance(copain.Joypad(start=True), frames=20)
    assert port.read() == 8
    assert (nes.ram.read_all() == other.ram.read_all()).all()
    field.clear_value()
    nes.advance()
    assert port.read() == 0


# Taps --------------------------------------------------------------------------------------------


def test_taps_on_writes_say_what_ram_became(opened: Open) -> None:
    nes = opened()
    nes.advance(frames=60)
    last: dict[int, int] = {}
    tap = nes.on_write(range(0x100), lambda address, value: last.__setitem__(address, value))
    nes.advance(copain.Joypad(start=True), frames=30)
    ram = nes.ram.read_all()
    assert len(last) > 3
    assert {address: int(ram[address]) for address in last} == last
    assert tap.active
    tap.remove()
    tap.remove()
    assert not tap.active
    last.clear()
    nes.advance(frames=10)
    assert not last


def test_taps_on_reads_and_by_name(opened: Open) -> None:
    nes = opened()
    reads: list[int] = []
    writes: list[int] = []
    nes.on_read(0x4016, lambda address, value: reads.append(address))
    nes.on_write("lives", lambda address, value: writes.append(value))
    nes.advance(frames=2)
    nes.ram["lives"] = 7
    nes.advance(copain.Joypad(start=True), frames=120)
    assert len(reads) >= 8, "the joypad was never polled"
    assert set(reads) == {0x4016}
    assert writes, "the game never set its lives"


def test_taps_give_single_bytes_on_wide_buses(opened: Open, airstriker: copain.Rom) -> None:
    genesis = opened(airstriker)
    genesis.advance(frames=30)
    last: dict[int, int] = {}
    genesis.on_write(
        range(0xFF0001, 0x1000000), lambda address, value: last.__setitem__(address, value)
    )
    genesis.advance()
    ram = genesis.ram.read_all()
    assert last
    assert {at: int(ram[at - 0xFF0000]) for at in last} == last
    assert 0xFF0000 not in last


def test_a_tap_that_does_not_look_changes_nothing(opened: Open) -> None:
    nes, other = opened(), opened()
    calls: list[int] = []

    def look(address: int, value: int) -> None:
        calls.append(int(nes.memory["cpu"][0x10]))  # reading is allowed meanwhile

    nes.on_write(0x20, look)
    for emulator in (nes, other):
        emulator.advance(copain.Joypad(start=True), frames=90)
    assert calls
    assert np.array_equal(nes.ram.read_all(), other.ram.read_all())


def test_what_a_tap_raises_comes_out_of_advance(opened: Open) -> None:
    nes = opened()

    def fail(address: int, value: int) -> None:
        raise ValueError(f"at {address:#x}")

    tap = nes.on_write(range(0x100), fail)
    with pytest.raises(ValueError, match="at 0x"):
        nes.advance(frames=60)
    tap.remove()
    before = nes.frame
    nes.advance()
    assert nes.frame == before + 1


def test_no_frames_and_savestates_inside_a_tap(opened: Open) -> None:
    nes = opened()
    tap = nes.on_write(range(0x100), lambda address, value: nes.advance())
    with pytest.raises(LuaError, match="no frame can be emulated inside a callback"):
        nes.advance(frames=60)
    tap.remove()
    tap = nes.on_write(range(0x100), lambda address, value: nes.call("save", 1))
    with pytest.raises(LuaError, match="cannot be done inside a callback"):
        nes.advance(frames=60)
    tap.remove()
    nes.advance()


def test_taps_on_what_is_not_there(opened: Open) -> None:
    nes = opened()
    with pytest.raises(MemoryRangeError, match="no variable of this name"):
        nes.on_write("no such", print)
    for where in (-1, 0x10000, range(0), range(0, 10, 2)):
        with pytest.raises(MemoryRangeError, match="addresses 0 to 0xffff"):
            nes.on_read(where, print)
    with pytest.raises(InputError):
        nes.advance(copain.Joypad(x=True))
