"""RAM hashes, and the checks of what rollouts are given."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from copain import FrameInput, InputError, Joypad, MemoryRangeError, SavestateError
from copain.rollout import check_jobs, check_watch, frame_inputs, input_log, ram_hash


def hash_by_hand(data: bytes, mask: bytes | None = None) -> int:
    """The documented hash, word by word, without numpy."""
    full = (1 << 64) - 1

    def mix(z: int) -> int:
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & full
        z = (z ^ z >> 27) * 0x94D049BB133111EB & full
        return z ^ z >> 31

    masked = data if mask is None else bytes(a & b for a, b in zip(data, mask, strict=True))
    masked += bytes(-len(masked) % 8)
    total = len(data)
    for number in range(len(masked) // 8):
        word = int.from_bytes(masked[8 * number : 8 * number + 8], "little")
        odd = mix((number + 1) * 0x9E3779B97F4A7C15 & full) | 1
        product = (word ^ word >> 32) * odd & full
        total += product ^ product >> 29
    return mix(total & full)


@given(st.binary(max_size=100))
def test_the_hash_is_the_documented_one(data: bytes) -> None:
    ram = np.frombuffer(data, np.uint8)
    mask = np.resize(np.array([0xFF, 0, 0xF0, 1, 0x80], np.uint8), len(data))
    assert int(ram_hash(ram)) == hash_by_hand(data)
    assert int(ram_hash(ram, mask)) == hash_by_hand(data, mask.tobytes())


def test_a_batch_is_hashed_row_by_row() -> None:
    batch = np.random.default_rng(1).integers(0, 256, (2, 3, 2048), np.uint8)
    hashes = ram_hash(batch)
    assert (hashes.dtype, hashes.shape) == (np.uint64, (2, 3))
    assert int(hashes[1, 2]) == hash_by_hand(batch[1, 2].tobytes())


def test_every_bit_of_ram_counts() -> None:
    ram = np.zeros(256, np.uint8)
    batch = np.repeat(ram[None], 2048, axis=0)
    for bit in range(2048):
        batch[bit, bit // 8] = 1 << bit % 8
    hashes = {int(one) for one in ram_hash(batch)} | {int(ram_hash(ram))}
    assert len(hashes) == 2049


def test_the_hash_is_the_same_for_ever() -> None:
    """Hashes are written into movies: a change of the function would break them."""
    assert int(ram_hash(np.zeros(2048, np.uint8))) == 16202010351308940394
    ram = (np.arange(2048) * 7 % 256).astype(np.uint8)
    assert int(ram_hash(ram)) == hash_by_hand(ram.tobytes())


def test_logs_and_frame_inputs_are_the_same_thing() -> None:
    inputs = [FrameInput((Joypad(a=True), Joypad(up=True))), FrameInput(), FrameInput((Joypad(),))]
    log = input_log(inputs, 2)
    assert log.tolist() == [[1, 16], [0, 0], [0, 0]]
    assert input_log(frame_inputs(log), 2).tolist() == log.tolist()


@pytest.mark.parametrize("watch", [None, [], (), np.zeros(0)])
def test_nothing_may_be_watched(watch: object) -> None:
    assert check_watch(watch, 256, "here").shape == (0,)  # type: ignore[arg-type]


@pytest.mark.parametrize("watch", [[256], [-1], [0, 1 << 70], [0.5], [[1, 2]], [[1], [1, 2]], "ab"])
def test_addresses_that_cannot_be_watched(watch: object) -> None:
    with pytest.raises(MemoryRangeError, match=r"^here: watch"):
        check_watch(watch, 256, "here")  # type: ignore[arg-type]


def test_parents_are_slots() -> None:
    slots = check_jobs([3, 0, 3], 3, "here")
    assert (slots.dtype, slots.tolist()) == (np.int32, [3, 0, 3])
    assert check_jobs([], 0, "here").tolist() == []


@pytest.mark.parametrize(
    ("parents", "error"),
    [
        ([1], InputError), ([[1, 2]], InputError), ([0.5, 1.0], InputError), (7, InputError),
        (["a", "b"], InputError), ([[1], [1, 2]], InputError),
        ([0, -1], SavestateError), ([0, 1 << 32], SavestateError),
    ],
)  # fmt: skip
def test_parents_that_are_no_slots(parents: object, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^here: parents"):
        check_jobs(parents, 2, "here")  # type: ignore[arg-type]
