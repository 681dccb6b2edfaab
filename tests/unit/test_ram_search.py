"""RamSearch: the list shrinks as the comparisons say, for every type, and goes back."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from copain import GameError, InputError, MemoryRangeError
from copain.memory import Memory
from copain.ram import Candidate, RamSearch
from copain.ram.search import UNDO_STEPS, Comparison


class Bytes:
    """A memory region that a test can change as it likes."""

    def __init__(self, *values: int) -> None:
        self.data = bytearray(values)
        self.memory = Memory("ram", len(self.data), self)

    def read(self, address: int, length: int) -> bytes:
        return bytes(self.data[address : address + length])

    def write(self, address: int, data: bytes) -> None:
        self.data[address : address + len(data)] = data

    def become(self, *values: int) -> None:
        self.data[:] = bytes(values)


def left(search: RamSearch) -> list[int]:
    return search.addresses.tolist()


def test_it_starts_with_every_address() -> None:
    assert left(RamSearch(Bytes(5, 5, 6).memory)) == [0, 1, 2]


def test_a_known_value_is_kept_and_the_number_left_is_told() -> None:
    ram = Bytes(3, 7, 3, 3)
    search = RamSearch(ram.memory)
    assert search.equal(3) == 3
    ram.become(2, 3, 3, 2)
    assert search.equal(2) == 2
    assert left(search) == [0, 3]
    assert list(search) == [Candidate(0, 2, 2, 3), Candidate(3, 2, 2, 3)]


# After the values 10 20 30 40 became 10 25 28 40: who stays.
CASES: list[tuple[Callable[[RamSearch], int], list[int]]] = [
    (lambda s: s.unchanged(), [0, 3]),
    (lambda s: s.changed(), [1, 2]),
    (lambda s: s.equal(), [0, 3]),
    (lambda s: s.not_equal(), [1, 2]),
    (lambda s: s.greater(), [1]),
    (lambda s: s.less(), [2]),
    (lambda s: s.at_least(), [0, 1, 3]),
    (lambda s: s.at_most(), [0, 2, 3]),
    (lambda s: s.equal(28), [2]),
    (lambda s: s.not_equal(28), [0, 1, 3]),
    (lambda s: s.greater(25), [2, 3]),
    (lambda s: s.at_least(25), [1, 2, 3]),
    (lambda s: s.less(25), [0]),
    (lambda s: s.at_most(25), [0, 1]),
    (lambda s: s.greater_by(5), [1]),
    (lambda s: s.less_by(2), [2]),
    (lambda s: s.less_by(-5), [1]),
    (lambda s: s.different_by(2), [2]),
    (lambda s: s.different_by(5), [1]),
]


@pytest.mark.parametrize(("compare", "kept"), CASES)
def test_each_comparison_keeps_what_agrees(
    compare: Callable[[RamSearch], int], kept: list[int]
) -> None:
    ram = Bytes(10, 20, 30, 40)
    search = RamSearch(ram.memory)
    ram.become(10, 25, 28, 40)
    assert compare(search) == len(kept)
    assert left(search) == kept


def test_before_is_the_last_comparison_or_the_start() -> None:
    ram = Bytes(1, 1, 1)
    search = RamSearch(ram.memory)
    ram.become(2, 2, 1)
    search.at_least()
    ram.become(1, 3, 1)
    search.changed()
    assert left(search) == [0, 1]
    assert search.unchanged(since="original") == 1
    assert left(search) == [0]


def test_look_makes_now_the_previous_and_keeps_all() -> None:
    ram = Bytes(1, 2)
    search = RamSearch(ram.memory)
    ram.become(5, 6)
    assert search.look() == 2
    ram.become(5, 7)
    search.unchanged()
    assert list(search) == [Candidate(0, 5, 5, 1)]


TYPES: list[tuple[Callable[[Memory], RamSearch], int, list[int]]] = [
    (lambda m: RamSearch(m, "i8"), -1, [1, 2]),
    (lambda m: RamSearch(m, "u16"), 0xFFFF, [1]),
    (lambda m: RamSearch(m, "u16"), 0x34FF, [2]),
    (lambda m: RamSearch(m, "u16", order="big"), 0xFF34, [2]),
    (lambda m: RamSearch(m, "i16", order="big"), -204, [2]),
    (lambda m: RamSearch(m, "u32"), 0x1234FFFF, [1]),
    (lambda m: RamSearch(m, "u32", order="big"), 0x00FFFF34, [0]),
    (lambda m: RamSearch(m, "i32", order="big"), -52206, [1]),
    (lambda m: RamSearch(m, "bcd", length=2, order="big"), 3412, [3]),
    (lambda m: RamSearch(m, "bcd", length=2), 1234, [3]),
    (lambda m: RamSearch(m, "digits", length=2), 78, [5]),
    (lambda m: RamSearch(m, "digits", length=2, order="little"), 87, [5]),
]


@pytest.mark.parametrize(("search", "value", "kept"), TYPES)
def test_bytes_make_values_as_the_type_says(
    search: Callable[[Memory], RamSearch], value: int, kept: list[int]
) -> None:
    ram = Bytes(0x00, 0xFF, 0xFF, 0x34, 0x12, 0x07, 0x08)
    found = search(ram.memory)
    found.equal(value)
    assert left(found) == kept


def test_what_is_no_decimal_is_no_candidate() -> None:
    ram = Bytes(0x1A, 0xA1, 0x99)
    search = RamSearch(ram.memory, "bcd")
    search.unchanged()
    assert left(search) == [2]
    search = RamSearch(Bytes(8, 9, 10, 9).memory, "digits", length=2)
    search.unchanged()
    assert left(search) == [0]


def test_aligned_addresses_are_multiples_of_the_length() -> None:
    assert left(RamSearch(Bytes(*range(7)).memory, "u16", aligned=True)) == [0, 2, 4]
    assert left(RamSearch(Bytes(*range(7)).memory, "u16")) == [0, 1, 2, 3, 4, 5]


def test_undo_and_redo_bring_back_the_list_and_what_before_means() -> None:
    ram = Bytes(1, 2, 3)
    search = RamSearch(ram.memory)
    ram.become(1, 3, 3)
    search.changed()
    ram.become(1, 4, 4)
    search.less()
    assert left(search) == []
    assert search.undo() == 1
    assert list(search) == [Candidate(1, 4, 3, 2)]
    assert search.undo() == 3
    assert search.redo() == 1
    assert search.redo() == 0
    search.undo()
    search.greater()  # another way: the one undone is gone
    with pytest.raises(InputError, match="redo: nothing was undone since"):
        search.redo()
    assert left(search) == [1]


def test_undo_at_the_start_says_so() -> None:
    with pytest.raises(InputError, match="undo: nothing was compared yet"):
        RamSearch(Bytes(1).memory).undo()


def test_a_search_after_every_frame_keeps_no_endless_history() -> None:
    search = RamSearch(Bytes(1).memory)
    for _ in range(1000):
        search.unchanged()
    for _ in range(UNDO_STEPS):
        search.undo()
    with pytest.raises(InputError, match="undo: nothing"):
        search.undo()


def test_eliminate_drops_by_hand() -> None:
    search = RamSearch(Bytes(1, 2, 3).memory)
    assert search.eliminate(0, 2) == 1
    with pytest.raises(InputError, match="0x2 is not among the 1 addresses left"):
        search.eliminate(2)
    assert left(search) == [1]


def test_reset_begins_anew_and_can_be_undone() -> None:
    ram = Bytes(1, 2)
    search = RamSearch(ram.memory)
    search.equal(1)
    ram.become(7, 8)
    assert search.reset() == 2
    assert [c.original for c in search] == [7, 8]
    search.undo()
    assert [c.original for c in search] == [1]


def test_retype_keeps_the_addresses_where_it_fits() -> None:
    ram = Bytes(1, 0, 1)
    search = RamSearch(ram.memory)
    search.equal(1)
    assert search.retype("u16") == 1
    assert list(search) == [Candidate(0, 1, 1, 1)]
    assert search.undo() == 2


def test_what_is_left_gets_a_name() -> None:
    search = RamSearch(Bytes(1, 2, 3).memory, "u16")
    search.equal(0x302)
    variable = search.variable("speed", about="Pixels a frame.")
    assert (variable.name, variable.address, variable.type) == ("speed", 1, "u16")
    assert variable.about == "Pixels a frame."
    search.undo()
    with pytest.raises(InputError, match="2 addresses are left; say which"):
        search.variable("speed")
    with pytest.raises(InputError, match="0x2 is not among"):
        search.variable("speed", 2)
    assert search.variable("speed", 0).address == 0


REFUSED: list[tuple[Callable[[RamSearch], int], type[Exception], str]] = [
    (lambda s: s.equal(256), MemoryRangeError, "0 to 255 fits a u8"),
    (lambda s: s.less(-1), MemoryRangeError, "0 to 255 fits a u8"),
    (lambda s: s.compare("greater_by"), InputError, "by how much"),
    (lambda s: s.compare("like"), InputError, "the comparisons are equal"),  # type: ignore[arg-type]
    (lambda s: s.changed(since="yesterday"), InputError, "previous or original is allowed"),  # type: ignore[arg-type]
    (lambda s: s.retype("u64"), GameError, "no type is called 'u64'; the types are u8"),  # type: ignore[arg-type]
    (lambda s: s.retype("u32"), MemoryRangeError, "4 bytes make a u32; ram has 2"),
]


@pytest.mark.parametrize(("call", "error", "message"), REFUSED)
def test_what_cannot_be_compared_is_refused_and_changes_nothing(
    call: Callable[[RamSearch], int], error: type[Exception], message: str
) -> None:
    ram = Bytes(1, 2)
    search = RamSearch(ram.memory)
    ram.become(3, 4)
    with pytest.raises(error, match=message):
        call(search)
    assert list(search) == [Candidate(0, 3, 1, 1), Candidate(1, 4, 2, 2)]
    with pytest.raises(InputError, match="nothing was compared yet"):
        search.undo()


def test_the_table_shows_addresses_and_values_and_counts_the_rest() -> None:
    search = RamSearch(Bytes(*range(30)).memory)
    assert str(search).splitlines()[:2] == [
        "address  now  previous  original",
        "     00    0         0         0",
    ]
    assert search.table(10).splitlines()[-1] == "and 20 more"
    search.equal(77)
    assert str(search) == "nothing is left"


OPERATORS: dict[Comparison, Callable[[int, int], bool]] = {
    "equal": lambda now, then: now == then,
    "not_equal": lambda now, then: now != then,
    "greater": lambda now, then: now > then,
    "less": lambda now, then: now < then,
    "at_least": lambda now, then: now >= then,
    "at_most": lambda now, then: now <= then,
}
RAMS = st.lists(st.binary(min_size=12, max_size=12), min_size=2, max_size=5)
KINDS = st.sampled_from([("u8", 1), ("i8", 1), ("u16", 2), ("i16", 2), ("u32", 4), ("i32", 4)])


@given(RAMS, KINDS, st.sampled_from(["little", "big"]), st.data())
def test_it_agrees_with_plain_integers(
    rams: list[bytes], kind: tuple[str, int], order: str, data: st.DataObject
) -> None:
    """Against int.from_bytes, address by address."""
    name, length = kind
    ram = Bytes(*rams[0])
    search = RamSearch(ram.memory, name, order=order)  # type: ignore[arg-type]

    def value(values: bytes, address: int) -> int:
        part = values[address : address + length]
        return int.from_bytes(part, "big" if order == "big" else "little", signed=name[0] == "i")

    expected, last = list(range(12 - length + 1)), rams[0]
    for now in rams[1:]:
        ram.become(*now)
        how = data.draw(st.sampled_from(list(OPERATORS)))
        since = data.draw(st.sampled_from(["previous", "original"]))
        then = last if since == "previous" else rams[0]
        expected = [a for a in expected if OPERATORS[how](value(now, a), value(then, a))]
        assert search.compare(how, since=since) == len(expected)  # type: ignore[arg-type]
        assert left(search) == expected
        assert search.values.tolist() == [value(now, a) for a in expected]
        last = now
    for _ in rams[1:]:
        search.undo()
    assert left(search) == list(range(12 - length + 1))


def test_the_lists_given_out_are_the_callers_own() -> None:
    search = RamSearch(Bytes(1, 2).memory)
    search.addresses[:] = 99
    assert left(search) == [0, 1]
    assert search.addresses.dtype == np.int64
