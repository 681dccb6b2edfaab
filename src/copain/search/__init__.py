"""What to try next: searches over savestates that find a run of a game.

Six lines find one::

    import copain
    from copain.games import game_by_name, rom_path
    from copain.search import Fastest, brute_force

    wish = Fastest(game_by_name("alouette"))
    found = brute_force(lambda: copain.open(rom_path("alouette")), wish)
    print(found.outcome, found.score, found.movie.frames)
"""

from copain.games.objective import (
    Fastest,
    Goal,
    Objective,
    Points,
    Preferred,
    stage_cleared,
    won,
)
from copain.search.beam import Beam, beam
from copain.search.brute_force import BruteForce, brute_force
from copain.search.digest import Digest, digest
from copain.search.fork import fork
from copain.search.go_explore import GoExplore, go_explore
from copain.search.line import End, Found, Line, Progress
from copain.search.mask import MaskSearch, find_mask
from copain.search.mask_file import Mask
from copain.search.perfect import Perfect
from copain.search.polish import Polish, polish
from copain.search.proof import inputs_of, movie_of, prove
from copain.search.random_search import RandomSearch, random_search
from copain.search.style import FewestChanges, InRegion, OnBeat, Pareto, Then

__all__ = [
    "Beam", "BruteForce", "Digest", "End", "Fastest", "FewestChanges", "Found", "GoExplore", "Goal",
    "InRegion", "Line", "Mask", "MaskSearch", "Objective", "OnBeat", "Pareto", "Perfect", "Points",
    "Polish", "Preferred", "Progress", "RandomSearch", "Then", "beam", "brute_force", "digest",
    "find_mask", "fork", "go_explore", "inputs_of", "movie_of", "polish", "prove",
    "random_search", "stage_cleared", "won",
]  # fmt: skip
