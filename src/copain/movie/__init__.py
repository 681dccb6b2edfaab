"""Movies: what was played, and whether it still plays.

::

    from copain.movie import Movie, Recorder, verify

    with Recorder(copain.open("game.nes")) as nes:
        nes.advance(copain.Joypad(start=True), frames=4)
        nes.movie(author="me", hashes_every=60).write("run.fm2")
    verify(Movie.read("run.fm2"), lambda: copain.open("game.nes")).in_sync
"""

from copain.movie.across import Cause, Row, StoryEnd, Table, verify_on
from copain.movie.convert import Conversion, convert
from copain.movie.edit import Change, cut, diff, splice
from copain.movie.movie import Command, Movie, RomIdentity, Subtitle
from copain.movie.playback import hash_ram, play, record_hashes
from copain.movie.recorder import Recorder
from copain.movie.verdict import Comparison, Difference, Status, Verdict, verify

__all__ = [
    "Cause", "Change", "Command", "Comparison", "Conversion", "Difference", "Movie", "Recorder",
    "RomIdentity", "Row", "Status", "StoryEnd", "Subtitle", "Table", "Verdict", "convert", "cut",
    "diff", "hash_ram", "play", "record_hashes", "splice", "verify", "verify_on",
]  # fmt: skip
