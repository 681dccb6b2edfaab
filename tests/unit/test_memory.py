"""Memory: by address, slice and name; and every access that is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import copain
from copain import GameError, Memory, MemoryRangeError, Variable
from copain.memory import VARIABLE_TYPES, VariableType


class Store:
    """A region of memory in a bytearray, which notices accesses that nobody checked."""

    def __init__(self, size: int) -> None:
        self.data = bytearray(range(size)) if size <= 256 else bytearray(size)

    def read(self, address: int, length: int) -> bytes:
        assert 0 <= address <= address + length <= len(self.data)
        return bytes(self.data[address : address + length])

    def write(self, address: int, data: bytes) -> None:
        assert 0 <= address <= address + len(data) <= len(self.data)
        self.data[address : address + len(data)] = data


def memory(size: int = 32, *variables: Variable) -> tuple[Memory, Store]:
    store = Store(size)
    return Memory("ram", size, store, {one.name: one for one in variables}), store


def test_reading() -> None:
    ram, _ = memory()
    assert (len(ram), repr(ram)) == (32, "<Memory ram of 32 bytes>")
    assert ram[5] == 5
    assert type(ram[5]) is int
    assert ram[np.int64(31)] == 31
    part = ram[4:8]
    assert part.dtype == np.uint8
    assert part.tolist() == [4, 5, 6, 7]
    assert ram[30:].tolist() == [30, 31]
    assert ram[::8].tolist() == [0, 8, 16, 24]
    assert ram[7:7].tolist() == []
    assert ram.read_all().tolist() == list(range(32))


def test_a_slice_is_a_copy_of_the_callers() -> None:
    ram, store = memory()
    part = ram[0:4]
    part[:] = 99
    assert store.data[:4] == bytes([0, 1, 2, 3])


def test_writing() -> None:
    ram, store = memory()
    ram[0] = 255
    ram[1:4] = [7, 8, 9]
    ram[4:6] = b"\x10\x11"
    ram[6:8] = np.array([1, 2], np.int64)
    ram[8:12] = 0
    ram[12:12] = []
    assert store.data[:13] == bytes([255, 7, 8, 9, 16, 17, 1, 2, 0, 0, 0, 0, 12])


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (32, r"ram\[0x20\]: addresses are 0 to 0x1f"),
        (-1, r"ram\[-0x1\]: addresses are 0 to 0x1f"),
        (1 << 70, "addresses are 0 to 0x1f"),
        (0.5, r"ram\[0.5\]: an address, a slice or a name is needed"),
        (None, "an address, a slice or a name"),
        (np.array([1, 2]), "an address, a slice or a name"),
        (slice(0, 33), r"ram\[0x0:0x21\]: a slice lies within 0 to 0x20, forwards"),
        (slice(-2, None), "a slice lies within"),
        (slice(5, 3), "a slice lies within"),
        (slice(0, 9, -1), "forwards"),
        (slice(0, 9, 0), "forwards"),
        (slice(0, 1.5), "the ends of a slice are integers"),
        (slice("a", None), "the ends of a slice are integers"),
        ("lives", r"ram\['lives'\]: the known names are none"),
    ],
)
def test_places_that_are_not_there(key: object, message: str) -> None:
    ram, store = memory()
    with pytest.raises(MemoryRangeError, match=message):
        ram[key]  # type: ignore[index]
    with pytest.raises(MemoryRangeError, match=message):
        ram[key] = 1  # type: ignore[index]
    assert store.data == bytearray(range(32))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        (0, 256, r"ram\[0x0\] = 256: bytes are 0 to 255"),
        (0, -1, "bytes are 0 to 255"),
        (0, 1 << 80, "1 integers are needed"),
        (0, 1.0, "1 integers are needed"),
        (0, [1, 2], "1 integers are needed"),
        (0, "A", "1 integers are needed"),
        (0, None, "1 integers are needed"),
        (0, [[1], [2, 3]], "these are not bytes"),
        (slice(0, 4), [1, 2, 3], r"ram\[0x0:0x4\] = \[1, 2, 3\]: 4 integers are needed"),
        (slice(0, 2), [1, 999], "bytes are 0 to 255"),
        (slice(0, 2), [[1, 2]], "2 integers"),
        (slice(0, 8, 2), [1, 2, 3, 4], "writing needs a step of 1"),
    ],
)
def test_values_that_are_no_bytes(key: object, value: object, message: str) -> None:
    ram, store = memory()
    with pytest.raises(MemoryRangeError, match=message):
        ram[key] = value  # type: ignore[index]
    assert store.data == bytearray(range(32))


def test_a_region_without_bytes() -> None:
    ram, _ = memory(0)
    assert ram[:].tolist() == []
    with pytest.raises(MemoryRangeError, match=r"ram\[0x0\]: it has no bytes"):
        ram[0]


def test_names() -> None:
    ram, store = memory(32, Variable("lives", 3), Variable("score", 8, "u16", 2))
    assert ram["lives"] == 3
    assert ram["score"] == 8 + 256 * 9
    ram["score"] = 1000
    assert store.data[8:10] == bytes([0xE8, 3])
    with pytest.raises(MemoryRangeError, match="the known names are lives, score"):
        ram["level"]
    for bad, message in ((-1, "score = -1: 0 to 65535 fits a u16"), (1.5, "an integer is needed")):
        with pytest.raises(MemoryRangeError, match=message):
            ram["score"] = bad


def test_a_name_beyond_the_end() -> None:
    ram, _ = memory(8, Variable("far", 7, "u16", 2))
    with pytest.raises(MemoryRangeError, match="it lies at 0x7, ram ends at 0x8"):
        ram["far"]


@pytest.mark.parametrize(
    ("variable", "data", "value"),
    [
        (Variable("v", 0, "u8"), [200], 200),
        (Variable("v", 0, "i8"), [200], -56),
        (Variable("v", 0, "u16", 2), [1, 2], 513),
        (Variable("v", 0, "u16", 2, "big"), [1, 2], 258),
        (Variable("v", 0, "i16", 2), [0xFE, 0xFF], -2),
        (Variable("v", 0, "u24", 3), [1, 2, 3], 197121),
        (Variable("v", 0, "u32", 4, "big"), [0x80, 0, 0, 1], 2147483649),
        (Variable("v", 0, "i32", 4), [0xFE, 0xFF, 0xFF, 0xFF], -2),
        (Variable("v", 0, "bcd", 2, "big"), [0x12, 0x34], 1234),
        (Variable("v", 0, "bcd", 2), [0x12, 0x34], 3412),
        (Variable("v", 0, "digits", 3, "big"), [1, 2, 3], 123),
        (Variable("v", 0, "digits", 3), [1, 2, 3], 321),
    ],
)
def test_types_read_and_write_the_same_number(
    variable: Variable, data: list[int], value: int
) -> None:
    batch = np.array([data, data], np.uint8)
    assert variable.decode(batch).tolist() == [value, value]
    assert list(variable.encode(value)) == data


def variables() -> st.SearchStrategy[Variable]:
    types: list[VariableType] = ["u8", "i8", "u16", "i16", "u24", "u32", "i32", "bcd", "digits"]

    def one(kind: VariableType) -> st.SearchStrategy[Variable]:
        decimal = kind in ("bcd", "digits")
        lengths = st.integers(1, 8) if decimal else st.just(VARIABLE_TYPES[kind])
        orders = st.sampled_from(["little", "big"])
        return st.builds(
            Variable, st.just("v"), st.integers(0, 20), st.just(kind), lengths, orders,
            swapped=st.booleans(),
        )  # fmt: skip

    return st.sampled_from(types).flatmap(one)


@given(variables(), st.integers(-(2**40), 10**17))
def test_what_is_written_is_read(variable: Variable, value: int) -> None:
    ram, _ = memory(32, variable)
    before = ram[:]
    try:
        ram["v"] = value
    except MemoryRangeError:
        assert (ram[:] == before).all()
        return
    assert ram["v"] == value
    assert variable.decode(ram[:]) == value
    outside = [address for address in range(32) if address not in variable.addresses]
    assert (ram[:][outside] == before[outside]).all()


@pytest.mark.parametrize(
    ("address", "value", "places"),
    [(0, 0x01020304, [1, 0, 3, 2]), (1, 0x01020304, [0, 3, 2, 5])],
    ids=["even", "odd"],
)
def test_swapped_pairs_of_bytes(address: int, value: int, places: list[int]) -> None:
    """A big number of a 68000, as a core on a little-endian machine holds it."""
    ram, store = memory(6, Variable("v", address, "u32", 4, "big", swapped=True))
    store.data[:] = bytes(6)
    ram["v"] = value
    assert [store.data[place] for place in places] == [1, 2, 3, 4]
    assert ram["v"] == value


def test_a_swapped_pair_may_not_cross_the_end() -> None:
    ram, _ = memory(5, Variable("v", 4, swapped=True))
    with pytest.raises(MemoryRangeError, match="lies at 0x4, ram ends at 0x5"):
        _ = ram["v"]


def test_a_mask_says_which_bits_count() -> None:
    ram, store = memory(4, Variable("lives", 2, mask=0x0F))
    store.data[2] = 0x53
    assert ram["lives"] == 3
    with pytest.raises(MemoryRangeError, match="write the byte at 0x2"):
        ram["lives"] = 2
    assert store.data[2] == 0x53


def test_digits_may_be_characters() -> None:
    ram = np.frombuffer(b"1972", np.uint8)
    assert int(Variable("score", 0, "digits", 4, "big").decode(ram)) == 1972


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"type": "u64"}, "no type is called 'u64'; the types are u8"),
        ({"type": "u16"}, "a u16 of 1 bytes; 2 is allowed"),
        ({"type": "bcd", "length": 9}, "a bcd of 9 bytes; 1 to 8 is allowed"),
        ({"address": -1}, "the address -1 is negative"),
        ({"order": "middle"}, "order = 'middle'; little or big"),
        ({"range": (3, 0)}, r"range = \[3, 0\]"),
    ],
)
def test_variables_that_cannot_be(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(GameError, match=message):
        Variable(**{"name": "v", "address": 0} | arguments)  # type: ignore[arg-type]


keys = st.one_of(
    st.integers(-40, 40), st.integers(), st.floats(), st.text(max_size=3), st.none(),
    st.builds(slice, st.none() | st.integers(-40, 40), st.none() | st.integers(-40, 40),
              st.none() | st.integers(-3, 3)),
    st.builds(slice, st.floats() | st.text(max_size=2), st.none()),
)  # fmt: skip
values = st.one_of(
    st.integers(-2, 300), st.floats(), st.binary(max_size=4), st.text(max_size=2), st.none(),
    st.lists(st.integers(-1, 256) | st.floats() | st.lists(st.integers(), max_size=2), max_size=4),
)  # fmt: skip


@given(keys, values)
def test_any_access_works_or_is_a_range_error(key: object, value: object) -> None:
    ram, store = memory(32, Variable("a", 1))
    before = bytes(store.data)
    try:
        ram[key]  # type: ignore[index]
        ram[key] = value  # type: ignore[index]
    except MemoryRangeError:
        assert store.data == before


def test_a_name_is_in_memory_when_it_is_known() -> None:
    ram, _ = memory(32, Variable("lives", 3))
    assert "lives" in ram
    assert "score" not in ram
    assert 3 not in ram


def test_a_domain_that_is_none_is_told_with_those_there_are(grid_rom: copain.Rom) -> None:
    with copain.open(grid_rom) as emulator:
        with pytest.raises(MemoryRangeError, match=r"memory\['chr'\]: .* have ram"):
            emulator.memory["chr"]
        assert "chr" not in emulator.memory
        assert emulator.memory.get("chr") is None
