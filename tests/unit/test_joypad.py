"""Joypads, inputs and input logs: bits, names, and what is refused."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from copain import IDLE, Button, FrameInput, InputError, Joypad
from copain.joypad import ALL_BITS, BUTTON_NAMES, check_input_log, held_bits
from copain.system import GAME_BOY, NES

all_bits = st.integers(0, ALL_BITS)


def test_the_low_byte_is_the_order_in_which_an_nes_joypad_reports() -> None:
    order = ["a", "b", "select", "start", "up", "down", "left", "right"]
    assert [Joypad.of(name).bits for name in order] == [1 << bit for bit in range(8)]
    assert BUTTON_NAMES[:8] == tuple(order)


@given(all_bits)
def test_bits_and_joypads_are_the_same_thing(bits: int) -> None:
    joypad = Joypad.from_bits(bits)
    assert joypad.bits == bits
    assert joypad == Joypad.of(*joypad.held)
    assert len(joypad.held) == bits.bit_count()


@given(all_bits, all_bits)
def test_joypads_join(one: int, other: int) -> None:
    assert (Joypad.from_bits(one) | Joypad.from_bits(other)).bits == one | other


def test_a_joypad_is_a_value() -> None:
    assert Joypad(right=True, a=True) == Joypad.of("a", "right")
    assert len({Joypad(a=True), Joypad.of("a"), Joypad(b=True)}) == 2
    assert str(Joypad(right=True, a=True)) == "a+right"
    assert str(Joypad()) == "idle"


def test_unknown_names_and_bits_are_refused_with_what_is_allowed() -> None:
    with pytest.raises(InputError, match=r"'fire'.*the names are a, b, select"):
        Joypad.of("right", "fire")
    for bits in (-1, ALL_BITS + 1):
        with pytest.raises(InputError, match="bits must be 0 to 0x3fff"):
            Joypad.from_bits(bits)


def test_held_is_a_joypad_bits_or_all_ports() -> None:
    assert held_bits(Joypad(b=True), 2, NES.button_bits) == (2, 0)
    assert held_bits(IDLE, 2, NES.button_bits) == (0, 0)
    assert held_bits(FrameInput((Joypad(a=True),)), 2, NES.button_bits) == (1, 0)
    both = FrameInput((Joypad(a=True), Joypad(start=True)))
    assert held_bits(both, 2, NES.button_bits) == (1, 8)


@pytest.mark.parametrize(
    ("held", "message"),
    [
        (Joypad(x=True), "no button x on port 1 on this system; it has a, b, select, start"),
        (FrameInput((Joypad(), Joypad(c=True, z=True))), r"no button c\+z on port 2"),
        (8, r"held=8: .*advance\(frames=8\) .*Joypad.from_bits\(8\)"),
        (np.uint16(9), "a Joypad or a FrameInput is needed"),
        (0.5, "held=0.5: a Joypad or a FrameInput is needed"),
        ("a", "held='a': a Joypad"),
        (None, "held=None"),
        (FrameInput((Joypad(),) * 3), "this input has 3 joypads, the system has 2 ports"),
    ],
)
def test_what_an_nes_cannot_hold_is_refused_by_name(held: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        held_bits(held, 2, NES.button_bits)  # type: ignore[arg-type]


def test_the_second_port_of_a_game_boy_is_refused() -> None:
    with pytest.raises(InputError, match="2 joypads, the system has 1 ports"):
        held_bits(FrameInput((Joypad(), Joypad())), GAME_BOY.ports, GAME_BOY.button_bits)


def test_a_log_of_one_port_is_filled_with_idle_ports() -> None:
    log = check_input_log([1, 2, 3], 2, NES.button_bits, "here")
    assert log.tolist() == [[1, 0], [2, 0], [3, 0]]
    assert log.dtype == np.uint16
    assert log.flags.c_contiguous


def test_a_log_may_be_empty() -> None:
    for empty in (list[int](), np.zeros((0, 2)), np.zeros((0, 1), np.uint8)):
        assert check_input_log(empty, 2, NES.button_bits, "here").shape == (0, 2)


def test_a_log_is_not_changed_and_not_kept() -> None:
    given_log = np.array([[1, 2]], np.uint16)
    log = check_input_log(given_log, 2, NES.button_bits, "here")
    log[:] = 5
    assert given_log.tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (np.zeros((4, 3), np.uint16), r"shape \(4, 3\); \(frames, ports\) with 1 to 2 ports"),
        (np.zeros((4, 0), np.uint16), r"shape \(4, 0\)"),
        (np.zeros((1, 1, 2), np.uint16), r"shape \(1, 1, 2\)"),
        (7, r"shape \(\)"),
        (np.ones((2, 2)), "type float64; integers"),
        ([["a", "b"]], "integers"),
        ([[1], [1, 2]], "not an array"),
        ([[-1, 0]], r"inputs from -1 to 0; 0 to 16383 is allowed"),
        ([[1 << 16, 0]], "inputs from 0 to 65536"),
        ([[1 << 80, 0]], "integers"),
        ([[int(Button.X), 0]], "no button x on this system"),
        ([[0, int(Button.X)]], "no button x on this system"),
    ],
)
def test_logs_that_no_one_can_play_are_refused(inputs: object, message: str) -> None:
    with pytest.raises(InputError, match=message) as refusal:
        check_input_log(inputs, 2, NES.button_bits, "Fleet.rollout")  # type: ignore[arg-type]
    assert str(refusal.value).startswith("Fleet.rollout: ")


any_array = arrays.arrays(
    dtype=st.one_of(
        arrays.integer_dtypes(), arrays.unsigned_integer_dtypes(), arrays.floating_dtypes(),
        arrays.boolean_dtypes(), arrays.complex_number_dtypes(), arrays.unicode_string_dtypes(),
    ),
    shape=arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
)  # fmt: skip
anything = st.one_of(
    any_array,
    st.recursive(
        st.one_of(st.integers(), st.floats(), st.text(), st.none(), st.binary()),
        lambda inner: st.lists(inner, max_size=3),
        max_leaves=8,
    ),
)


@given(anything, st.sampled_from([2, 3]))
def test_anything_is_a_log_or_an_input_error(inputs: object, ndim: int) -> None:
    try:
        log = check_input_log(inputs, 2, NES.button_bits, "fuzz", ndim)  # type: ignore[arg-type]
    except InputError:
        return
    assert log.dtype == np.uint16
    assert log.ndim == ndim
    assert log.shape[-1] == 2
    assert not np.any(log & ~np.uint16(NES.button_bits))


def test_every_button_of_every_pair_is_told_apart() -> None:
    for one, other in itertools.combinations(Button, 2):
        assert Joypad.from_bits(one) != Joypad.from_bits(other)
