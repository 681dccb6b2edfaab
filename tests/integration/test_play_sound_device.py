"""The audio device: opened and closed while Python is busy (SDL's dummy driver)."""

from __future__ import annotations

import os
import subprocess
import sys

# In a process of its own: what hangs here holds Python's lock, and no time limit gets in.
SCRIPT = """
import threading, time
import numpy as np
from copain.play.sound import Sound

def burn():
    while True:
        sum(range(1000))

for _ in range(3):
    threading.Thread(target=burn, daemon=True).start()
for turn in range(12):
    sound = Sound(32040.5)
    sound.feed(np.zeros((2000, 2), np.int16))
    time.sleep(0.002 * turn)
    sound.close()
print("closed", flush=True)
"""


def test_closing_the_device_never_waits_for_its_own_callback() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=os.environ | {"SDL_AUDIODRIVER": "dummy"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout.endswith("closed\n"), done.stderr
