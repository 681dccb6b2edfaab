"""The sound of the frames played, in step with them: a resampler, a queue, the audio device.

The emulator's clock, the audio device's and the computer's never agree exactly. So the samples
are resampled by a ratio that is corrected by up to half a percent, too little to be heard, so
that the queue neither runs dry nor grows (https://docs.libretro.com/development/cores/
dynamic-rate-control/).
"""

from __future__ import annotations

import ctypes
import math
import threading
from typing import Any

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]
"""Samples: ``int16 (n, 2)``, left and right."""

DEVICE_RATE = 48_000
_DEVICE_NUMBERS = range(2, 17)  # those of SDL_OpenAudioDevice (SDL 2, src/audio/SDL_audio.c)
CHUNK = 512
"""Samples that the device asks for at once: 11 ms."""

TARGET = 2_400
"""Samples that the queue should hold: 50 ms, three frames."""

LIMIT = 3 * TARGET
CORRECTION = 0.005
FADE = 256


class Resampler:
    """Samples of one rate as samples of another; each is a mean over a stretch of time.

    The stretch is as long as an output sample, but at least an input sample: that folds no high
    tones down where there are many samples for one, is linear interpolation where there are
    few, and leaves no seam between two calls.
    """

    def __init__(self) -> None:
        self._last = np.zeros((1, 2), np.int16)
        self._at = 0.0  # where the next stretch begins, in input samples from the first kept one

    def resample(self, samples: Samples, step: float) -> Samples:
        """As many samples as there are, `step` input samples for each output sample."""
        given = np.concatenate((self._last, samples))
        sums = np.concatenate((np.zeros((1, 2)), np.cumsum(given, axis=0, dtype=np.float64)))
        width = max(1.0, step)
        count = max(0, math.floor((len(given) - self._at - width) / step) + 1)
        starts = self._at + step * np.arange(count + 1, dtype=np.float64)

        def sum_until(times: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
            index = np.minimum(times.astype(np.int64), len(given) - 1)
            return sums[index] + (times - index)[:, None] * given[index]

        out = (sum_until(starts[:-1] + width) - sum_until(starts[:-1])) / width
        kept = min(int(starts[-1]), len(given) - 1)
        self._last, self._at = given[kept:], float(starts[-1]) - kept
        return np.clip(np.rint(out), -32768, 32767).astype(np.int16)


class SoundQueue:
    """What waits to be heard. One thread puts samples in, the device's thread takes them out.

    When it runs dry the last sample fades to silence, and the next ones fade in, so that nothing
    clicks; it then waits until `TARGET` samples are there.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Samples] = []
        self._count = 0
        self._flowing = False
        self._tail = np.zeros(2)
        self.underruns = 0

    def __len__(self) -> int:
        return self._count

    def put(self, samples: Samples) -> None:
        """Add samples; beyond `LIMIT` the oldest go."""
        if not len(samples):
            return
        with self._lock:
            self._waiting.append(samples)
            self._count += len(samples)
            while self._count - len(self._waiting[0]) > LIMIT:
                self._count -= len(self._waiting.pop(0))

    def clear(self) -> None:
        """Forget what waits: fade to silence."""
        with self._lock:
            self._waiting.clear()
            self._count = 0
            self._flowing = False

    def take(self, count: int) -> Samples:
        """The next `count` samples, always as many: silence where there are none."""
        with self._lock:
            started = self._flowing
            if not self._flowing and self._count < TARGET:
                return self._faded_tail(count)
            self._flowing = True
            taken: list[Samples] = []
            missing = count
            while missing and self._waiting:
                first = self._waiting[0]
                taken.append(first[:missing])
                if len(first) > missing:
                    self._waiting[0] = first[missing:]
                else:
                    self._waiting.pop(0)
                missing -= len(taken[-1])
            self._count -= count - missing
            out = np.concatenate(taken) if taken else np.zeros((0, 2), np.int16)
            if not started:
                ramp = np.minimum(1.0, np.arange(len(out)) / FADE)[:, None]
                out = (out * ramp).astype(np.int16)
            if len(out):
                self._tail = out[-1].astype(np.float64)
            if missing:
                self._flowing = False
                self.underruns += 1
                out = np.concatenate((out, self._faded_tail(missing)))
            return out

    def _faded_tail(self, count: int) -> Samples:
        ramp = np.maximum(0.0, 1.0 - np.arange(1, count + 1) / FADE)[:, None]
        out = (self._tail * ramp).astype(np.int16)
        self._tail = out[-1].astype(np.float64) if count else self._tail
        return out


class SoundStream:
    """From a frame's samples to those that the device takes: resampled, corrected, queued."""

    def __init__(self, sample_rate: float) -> None:
        """A stream for samples at `sample_rate` a second."""
        self.queue = SoundQueue()
        self._step = sample_rate / DEVICE_RATE
        self._resampler = Resampler()

    def feed(self, samples: Samples) -> None:
        """Add the samples of a frame."""
        if not len(samples):
            return
        fullness = (len(self.queue) - TARGET) / TARGET
        correction = CORRECTION * max(-1.0, min(1.0, fullness))
        self.queue.put(self._resampler.resample(samples, self._step * (1 + correction)))


class Sound:
    """The audio device, fed with the samples of the frames played at normal speed."""

    def __init__(self, sample_rate: float) -> None:
        """Open the default device. Raises pygame._sdl2.sdl2.error when there is none."""
        from pygame._sdl2 import audio, sdl2

        sdl2.init_subsystem(sdl2.INIT_AUDIO)
        self.muted = False
        self.stream = SoundStream(sample_rate)
        self._device = audio.AudioDevice(
            devicename=None, iscapture=False, frequency=DEVICE_RATE, audioformat=audio.AUDIO_S16,
            numchannels=2, chunksize=CHUNK, allowed_changes=0, callback=self._fill,
        )  # fmt: skip
        self._device.pause(0)

    def feed(self, samples: Samples) -> None:
        """The samples of a frame, ``int16 (n, 2)`` at the emulator's sample rate."""
        if not self.muted:
            self.stream.feed(samples)

    def hush(self) -> None:
        """Be silent from now on, until fed again."""
        if len(self.stream.queue):
            self.stream.queue.clear()

    def close(self) -> None:
        """Give the device back."""
        # AudioDevice.close waits for SDL's thread while it holds Python's lock, and that thread may
        # be waiting for the lock to call `_fill`: neither ever goes on. ctypes lets go of the lock.
        from pygame._sdl2 import audio

        # The device does not tell its number, and numbers that are not open are none of ours.
        sdl = ctypes.CDLL(audio.__file__)  # and through it the SDL that it is linked to
        for number in _DEVICE_NUMBERS:
            sdl.SDL_CloseAudioDevice(number)
        self._device.close()

    def _fill(self, device: Any, stream: memoryview) -> None:
        stream[:] = self.stream.queue.take(len(stream) // 4).tobytes()
