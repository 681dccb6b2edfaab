"""Record what a script plays as an FCEUX movie, prove that it plays back, and make a picture."""

from pathlib import Path

import copain
from copain.games import rom_path
from copain.movie import Movie, Recorder, verify
from copain.movie.render import render

ROM = rom_path("alouette")

with Recorder(copain.open(ROM)) as nes:
    nes.advance(frames=60)
    nes.advance(copain.Joypad(start=True), frames=2)
    nes.advance(frames=180)
    before = nes.save_state()
    nes.advance(copain.Joypad(down=True), frames=120)  # straight into the ground
    nes.load_state(before)  # think again: this counts as a rerecord
    nes.advance(copain.Joypad(a=True), frames=120)
    nes.movie(author="copain", hashes_every=60).write("first.fm2")

movie = Movie.read("first.fm2")
verdict = verify(movie, lambda: copain.open(ROM))
print(f"{movie.frames} frames, {movie.rerecords} rerecord, in sync: {verdict.in_sync}")

with copain.open(ROM) as nes:
    render(movie, nes, "first.png")
    render(movie, nes, "first.gif", first=240)
print(", ".join(sorted(path.name for path in Path().glob("first.*"))))
