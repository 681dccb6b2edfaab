"""Colibri's hooks, registers and traces."""

from __future__ import annotations

import gc
import re
import weakref
from itertools import pairwise
from pathlib import Path

import pytest

import copain
from copain import Joypad, Rom
from copain.backends.colibri import ColibriEmulator
from copain.errors import EmulatorError, InputError, MemoryRangeError, SavestateError
from copain.rollout import frame_inputs
from copain.system import NES
from copain.testing import random_inputs


@pytest.fixture
def nes(alouette: Rom) -> ColibriEmulator:
    """Alouette in Colibri, on its title screen."""
    nes = copain.open(alouette, "colibri")
    nes.advance(frames=60)
    return nes


def nmi(nes: ColibriEmulator) -> int:
    """Where the game's handler of NMI begins: it runs once a frame."""
    low, high = nes.memory["cpu"][0xFFFA:0xFFFC].tolist()
    return low | high << 8


# Hooks


def test_hooks_see_what_happens_and_change_nothing(alouette: Rom, seed: int) -> None:
    hooked, plain = copain.open(alouette, "colibri"), copain.open(alouette, "colibri")
    written: list[tuple[int, int]] = []
    executed: list[tuple[int, int]] = []
    read: list[int] = []
    hooked.on_write(range(0x00, 0x20), lambda address, value: written.append((address, value)))
    hooked.on_execute(nmi(hooked), lambda address, opcode: executed.append((address, opcode)))
    hooked.on_read(0x4016, lambda address, value: read.append(address))
    counts: set[int] = set()
    for held in frame_inputs(random_inputs(NES, 150, seed)):
        before = hooked.ram[0:0x20]
        written.clear()
        executed.clear()
        read.clear()
        hooked.advance(held)
        plain.advance(held)
        counts.add(len(executed))
        after = before.copy()
        for address, value in written:
            after[address] = value
        assert (after == hooked.ram[0:0x20]).all()
        assert bool(read) == (not hooked.lagged)
        assert hooked.save_state().payload == plain.save_state().payload
        assert (hooked.screen == plain.screen).all()
    assert counts == {0, 1}


def test_a_hook_goes_by_the_names_of_ram(nes: ColibriEmulator) -> None:
    lives: list[int] = []
    hook = nes.on_write("lives", lambda address, value: lives.append(value))
    nes.advance(Joypad(start=True), frames=4)
    nes.advance(frames=60)
    assert lives
    assert nes.ram["lives"] == lives[-1]
    assert hook.active
    hook.remove()
    hook.remove()
    assert not hook.active
    nes.power_on()
    count = len(lives)
    nes.advance(frames=100)
    assert len(lives) == count


def test_what_a_hook_raises_comes_out_and_the_frame_goes_on(nes: ColibriEmulator) -> None:
    plain = copain.open(nes.rom, "colibri")
    plain.load_state(nes.save_state())
    frame = nes.frame
    wrong = [True]

    def raises(address: int, value: int) -> None:
        if wrong:
            wrong.pop()
            raise ZeroDivisionError("in the hook")

    nes.on_execute(nmi(nes), raises)
    with pytest.raises(ZeroDivisionError, match="in the hook"):
        nes.advance(frames=3)
    assert nes.frame == frame
    nes.advance()  # the rest of that frame
    plain.advance()
    assert nes.frame == frame + 1
    assert nes.save_state().payload == plain.save_state().payload


def test_a_hook_on_writes_that_raises(nes: ColibriEmulator) -> None:
    plain = copain.open(nes.rom, "colibri")
    plain.load_state(nes.save_state())

    def raises(address: int, value: int) -> None:
        hook.remove()
        raise ValueError(address)

    hook = nes.on_write(range(0x0000, 0x0800), raises)
    with pytest.raises(ValueError, match=r"\d+"):
        nes.advance()
    nes.advance()
    plain.advance()
    assert nes.save_state().payload == plain.save_state().payload


@pytest.mark.parametrize("kind", ["execute", "read", "write"])
def test_a_hook_may_load_a_savestate(nes: ColibriEmulator, kind: str) -> None:
    start = nes.save_state()
    nes.advance(frames=50)
    calls: list[int] = []

    def back(address: int, value: int) -> None:
        calls.append(address)
        hook.remove()
        nes.load_state(start)

    if kind == "execute":
        hook = nes.on_execute(nmi(nes), back)
    elif kind == "read":
        hook = nes.on_read(range(0x0000, 0x0800), back)
    else:
        hook = nes.on_write(range(0x100, 0x200), back)
    nes.advance()
    assert len(calls) == 1
    assert nes.frame == start.frame  # the load ended the frame
    assert nes.save_state().payload == start.payload
    hook = nes.on_execute(nmi(nes), back)
    nes.advance(frames=3)
    assert nes.frame == start.frame + 2
    twin = copain.open(nes.rom, "colibri")
    twin.load_state(start)
    twin.advance(frames=2)
    assert nes.save_state().payload == twin.save_state().payload


def test_a_savestate_taken_by_a_hook_leads_to_the_same(nes: ColibriEmulator) -> None:
    taken: list[copain.Savestate] = []
    refused: list[str] = []

    def take(address: int, opcode: int) -> None:
        taken.append(nes.save_state())

    def cannot(address: int, value: int) -> None:
        try:
            nes.save_state()
        except SavestateError as error:
            refused.append(str(error))

    first, second = nes.on_execute(nmi(nes), take), nes.on_write(range(0, 0x20), cannot)
    nes.advance()
    first.remove()
    second.remove()
    assert taken
    assert "between two instructions" in refused[0]
    end = nes.save_state().payload
    other = copain.open(nes.rom, "colibri")
    other.load_state(taken[0])
    other.advance()
    assert other.save_state().payload == end


def test_a_hook_may_write_memory_and_registers(nes: ColibriEmulator) -> None:
    seen: list[tuple[int, int]] = []
    first, second = nes.disassemble(nmi(nes), 2)

    def change(address: int, opcode: int) -> None:
        nes.ram[0x7F0] = 0x5A
        seen.append((nes.registers.pc, nes.ram[0x7F0]))
        nes.set_registers(y=0x77)  # from this instruction on

    nes.on_execute(first.address, change)
    nes.on_execute(second.address, lambda pc, opcode: seen.append((pc, nes.registers.y)))
    nes.advance()
    assert seen == [(first.address, 0x5A), (second.address, 0x77)]
    assert nes.ram[0x7F0] == 0x5A


def test_what_a_hook_draws_is_seen(nes: ColibriEmulator) -> None:
    nes.advance(Joypad(start=True), frames=4)
    nes.advance(frames=100)
    colours = {tuple(c) for c in nes.screen.reshape(-1, 3).tolist()}

    def red(address: int, opcode: int) -> None:
        nes.memory["palette"][0:32] = 0x16

    nes.on_execute(nmi(nes), red)
    nes.advance(frames=2)
    assert {tuple(c) for c in nes.screen.reshape(-1, 3).tolist()} != colours


def test_what_is_not_for_hooks_is_refused(nes: ColibriEmulator) -> None:
    for call in (nes.advance, nes.power_on, nes.soft_reset):
        hook = nes.on_execute(nmi(nes), lambda address, opcode, call=call: call())
        with pytest.raises(EmulatorError, match="not for hooks"):
            nes.advance()
        hook.remove()
        nes.advance()


def test_an_emulator_closed_by_a_hook_ends_after_the_frame(nes: ColibriEmulator) -> None:
    nes.on_execute(nmi(nes), lambda address, opcode: nes.close())
    nes.advance()
    with pytest.raises(copain.EmulatorClosed):
        nes.advance()


def test_hooks_do_not_keep_an_emulator_alive(alouette: Rom) -> None:
    def hooked() -> weakref.ref[ColibriEmulator]:
        nes = copain.open(alouette, "colibri")
        nes.on_write(0, lambda address, value: nes.ram[0])
        return weakref.ref(nes)

    gone = hooked()
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("where", [-1, 0x10000, range(5, 5), range(0, 9, 2), "no_such", None])
def test_addresses_that_are_none_are_refused(nes: ColibriEmulator, where: object) -> None:
    with pytest.raises(MemoryRangeError, match="on_write"):
        nes.on_write(where, print)  # type: ignore[arg-type]


# Registers, counters, traces


def test_registers_and_counters(nes: ColibriEmulator) -> None:
    before = nes.cycles, nes.instructions
    nes.advance(frames=10)
    cycles, instructions = nes.cycles - before[0], nes.instructions - before[1]
    assert abs(cycles - 10 * 29780.5) < 10
    assert 10 * 2000 < instructions < cycles / 2
    nes.set_registers(a=0x12, p=0xC3)
    assert nes.registers.a == 0x12
    assert nes.registers.p & 0xCF == 0xC3
    with pytest.raises(InputError, match=r"set_registers\(a=256\): 0 to 0xff"):
        nes.set_registers(a=256)


def test_a_trace_holds_every_instruction(nes: ColibriEmulator, tmp_path: Path) -> None:
    plain = copain.open(nes.rom, "colibri")
    plain.load_state(nes.save_state())
    count = nes.instructions
    path = tmp_path / "trace.log"
    pc = nes.registers.pc
    with nes.trace(path) as trace:
        nes.advance(frames=2)
        with pytest.raises(InputError, match="a trace is being written"):
            nes.trace(tmp_path / "other.log")
    lines = path.read_text().splitlines()
    assert len(lines) == trace.lines == nes.instructions - count
    assert lines[0].startswith(f"{pc:04X}")
    (first,) = nes.disassemble(pc)
    assert first.text in lines[0]
    assert all(re.match(r"[0-9A-F]{4}  .*A:..", line) for line in lines[:100])
    plain.advance(frames=2)
    assert nes.save_state().payload == plain.save_state().payload
    nes.advance()
    assert len(path.read_text().splitlines()) == len(lines)

    said: list[str] = []
    with nes.trace(said.append) as live:
        nes.advance()
    assert live.lines == len(said) > 1000
    with pytest.raises(InputError, match="cannot be written"):
        nes.trace(tmp_path / "no" / "folder")


def test_disassembly_goes_on_where_the_last_ended(nes: ColibriEmulator) -> None:
    code = nes.disassemble(nmi(nes), 8)
    for one, next_one in pairwise(code):
        assert next_one.address == one.address + len(one.data)
        assert one.data == nes.memory["cpu"][one.address : next_one.address].tobytes()
    assert all(re.match(r"\*?[A-Z]{3}", one.text) for one in code)
