"""The sound's path: no click, no drift, for any sample rate and any clock."""

from __future__ import annotations

import random

import numpy as np
import numpy.typing as npt
import pytest

from copain.play.sound import CHUNK, DEVICE_RATE, FADE, TARGET, Resampler, SoundQueue, SoundStream

FRAMES = 60.0988


def _tone(start: int, count: int, rate: float) -> npt.NDArray[np.int16]:
    """Samples of 440 Hz: a second difference of at most 27 at 48 kHz."""
    wave = 8000 * np.sin(2 * np.pi * 440 * (start + np.arange(count)) / rate)
    return np.repeat(np.rint(wave).astype(np.int16)[:, None], 2, axis=1)


def _roughness(samples: npt.NDArray[np.int16]) -> float:
    """The largest second difference: a click is hundreds, the tone itself 27."""
    return float(np.abs(np.diff(samples[:, 0].astype(np.float64), 2)).max())


@pytest.mark.parametrize("rate", [31_440.0, 32_040.5, 44_100.0, 48_000.0, 96_000.0, 2_097_152.0])
def test_resampling_has_no_seams_and_the_right_length(rate: float, seed: int) -> None:
    chance, resampler = random.Random(seed), Resampler()
    out: list[npt.NDArray[np.int16]] = []
    given = 0
    while given < rate:
        count = chance.randint(0, int(rate / 30))
        out.append(resampler.resample(_tone(given, count, rate), rate / DEVICE_RATE))
        given += count
    samples = np.concatenate(out)
    assert len(samples) == pytest.approx(given / rate * DEVICE_RATE, abs=3)
    assert _roughness(samples[10:]) < 60
    crossings = np.flatnonzero(np.diff(np.signbit(samples[:, 0])))
    seconds = (crossings[-1] - crossings[0]) / DEVICE_RATE
    assert (len(crossings) - 1) / 2 / seconds == pytest.approx(440, rel=0.001)


@pytest.mark.parametrize("rate", [32_040.5, 44_100.0, 48_000.0])
@pytest.mark.parametrize("drift", [-0.003, 0.0, 0.003])
def test_a_device_whose_clock_differs_neither_clicks_nor_falls_behind(
    rate: float, drift: float, seed: int
) -> None:
    chance, stream = random.Random(seed), SoundStream(rate)
    seconds = 15
    fed = [(n / FRAMES + chance.uniform(0, 0.008), 0) for n in range(int(seconds * FRAMES))]
    period = CHUNK / DEVICE_RATE / (1 + drift)
    asked = [(n * period, 1) for n in range(int(seconds / period) - 10)]
    heard: list[npt.NDArray[np.int16]] = []
    given, filled = 0, list[int]()
    for _, device in sorted(fed + asked):
        if device:
            heard.append(stream.queue.take(CHUNK))
            filled.append(len(stream.queue))
        else:
            count = int((given + rate / FRAMES) - given)
            stream.feed(_tone(given, count, rate))
            given += count
    assert stream.queue.underruns == 0
    assert max(filled) < 2.5 * TARGET
    assert _roughness(np.concatenate(heard)[DEVICE_RATE:]) < 60


def test_silence_begins_and_ends_without_a_click() -> None:
    queue = SoundQueue()
    assert not queue.take(100).any()
    queue.put(np.full((TARGET, 2), 8000, np.int16))
    heard = np.concatenate([queue.take(CHUNK) for _ in range(8)])
    steps = np.abs(np.diff(heard[:, 0].astype(int), prepend=0))
    assert heard.max() == 8000
    assert steps.max() <= 8000 / FADE + 1
    assert not heard[-CHUNK:].any()
    assert queue.underruns == 1


def test_hushing_fades_and_is_not_counted_as_running_dry() -> None:
    queue = SoundQueue()
    queue.put(np.full((2 * TARGET, 2), 8000, np.int16))
    queue.take(CHUNK)
    queue.clear()
    heard = queue.take(CHUNK)
    assert 0 < heard[0, 0] < 8000
    assert not heard[-1].any()
    assert queue.underruns == 0


def test_the_queue_does_not_grow_without_end() -> None:
    queue = SoundQueue()
    for _ in range(100):
        queue.put(np.zeros((TARGET, 2), np.int16))
    assert len(queue) <= 4 * TARGET
