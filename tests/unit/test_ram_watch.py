"""RamWatch and LiveWatch: the values, what changed, and what stands on the terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from copain import InputError, Memory, MemoryRangeError, Variable
from copain.ram import RamWatch
from copain.ram.live import LiveWatch

LIVES, SCORE = Variable("lives", 1), Variable("score", 2, "u16", 2)


class Ram:
    """A memory region of four bytes, with names; it counts how often it is read."""

    def __init__(self) -> None:
        self.data = bytearray(4)
        self.reads = 0
        self.memory = Memory("ram", 4, self, {"lives": LIVES, "score": SCORE})

    def read(self, address: int, length: int) -> bytes:
        self.reads += 1
        return bytes(self.data[address : address + length])

    def write(self, address: int, data: bytes) -> None:
        self.data[address : address + len(data)] = data


def test_the_values_by_name_in_the_order_asked_for() -> None:
    ram = Ram()
    ram.data[:] = bytes([9, 3, 0x34, 0x12])
    watch = RamWatch(ram.memory, ["score", "lives"])
    assert list(watch.read().items()) == [("score", 0x1234), ("lives", 3)]
    assert str(watch) == "score 4660  lives 3"
    assert watch.lines() == ["score 4660", "lives 3"]
    assert list(RamWatch(ram.memory).variables) == ["lives", "score"]


def test_the_ram_is_read_once() -> None:
    ram = Ram()
    watch = RamWatch(ram.memory)
    ram.reads = 0
    watch.read()
    assert ram.reads == 1


def test_names_from_elsewhere_come_beside_those_of_the_game() -> None:
    ram = Ram()
    ram.data[0] = 7
    mine = {"mine": Variable("mine", 0)}
    assert RamWatch(ram.memory, variables=mine).read() == {"mine": 7}
    assert RamWatch(ram.memory, ["lives", "mine"], mine).read() == {"lives": 0, "mine": 7}


def test_changes_are_told_once() -> None:
    ram = Ram()
    watch = RamWatch(ram.memory)
    assert watch.changes() == {}
    ram.data[1] = 3
    assert watch.changes() == {"lives": (0, 3)}
    assert watch.changes() == {}


def test_unknown_names_and_places_are_refused() -> None:
    ram = Ram()
    with pytest.raises(InputError, match="no variable is called 'x'; known are lives, score"):
        RamWatch(ram.memory, ["x"])
    with pytest.raises(MemoryRangeError, match="far lies at 0x3, ram ends at 0x4"):
        RamWatch(ram.memory, variables={"far": Variable("far", 3, "u16", 2)})


def test_it_draws_a_line_below_the_other() -> None:
    ram = Ram()
    ram.data[1] = 3
    drawn: list[tuple[int, int, str]] = []
    RamWatch(ram.memory).draw(lambda x, y, text: drawn.append((x, y, text)), x=4, y=10)
    assert drawn == [(4, 10, "lives 3"), (4, 19, "score 0")]


def test_without_a_terminal_each_change_is_a_line() -> None:
    ram, out = Ram(), io.StringIO()
    with LiveWatch(RamWatch(ram.memory), console=Console(file=out)) as show:
        show(1)
        ram.data[1], ram.data[2] = 3, 5
        show(2)
        show(3)
        ram.data[1] = 2
        show(4)
    assert out.getvalue() == "frame 2: lives 0 -> 3, score 0 -> 5\nframe 4: lives 3 -> 2\n"


def test_on_a_terminal_it_is_a_table_with_new_values_bright() -> None:
    ram, out = Ram(), io.StringIO()
    console = Console(file=out, force_terminal=True, width=60, height=20, color_system="standard")
    with LiveWatch(RamWatch(ram.memory), "my game", console) as show:
        show(1)
        out.seek(0)
        out.truncate()
        ram.data[1] = 3
        show(50)
    last = out.getvalue().rpartition("my game")[2]
    assert "frame 50" in last
    bright = "\x1b[1;93m"
    assert [text.split("\x1b")[0].strip() for text in last.split(bright)[1:]] == ["3"]


def test_a_small_terminal_says_how_many_more() -> None:
    ram, out = Ram(), io.StringIO()
    console = Console(file=out, force_terminal=True, width=60, height=8)
    with LiveWatch(RamWatch(ram.memory), console=console):
        pass
    assert "and 1 more" in out.getvalue()
