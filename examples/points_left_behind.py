"""Say what a movie of Alouette left behind: every point of the maximum that it did not get.

python examples/points_left_behind.py [MOVIE]
"""

import sys
from importlib import resources

import copain
from copain.games import rom_path
from copain.games.alouette.ledger import losses
from copain.movie import Movie
from copain.testing.audit import ram_trace

movies = resources.files("copain.games") / "alouette" / "movies"
movie = Movie.read(sys.argv[1] if len(sys.argv) > 1 else str(movies / "all-stages.fm2"))
with copain.open(rom_path("alouette"), "colibri") as nes:
    found = losses(ram_trace(nes, movie.inputs, 0))
for loss in found:
    where = f"frame {loss.frame + 1:>5}  stage {loss.stage}  scroll {loss.scroll:>4}"
    print(f"{where}  {loss.points:>5,}  {loss.what}")
print(f"{sum(loss.points for loss in found):,} points left behind")
