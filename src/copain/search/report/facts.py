"""What a run folder says of a search, as numbers to be drawn."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from copain.errors import MovieError, RunError
from copain.games.game import Numbers
from copain.games.objective import MOST_FRAMES
from copain.movie import Movie, RomIdentity
from copain.rom import Rom
from copain.runs import Archive
from copain.search.digest import Digest, digest

_MOST_MOVIES = 8


@dataclass(frozen=True, slots=True)
class Known:
    """All lines of a search, row by row: the row each goes on from (-1: power-on), the row that it
    began with, its action and for how many frames that was held; `frame` is where it ends, in
    frames since power-on, `score` its score there. `noted` says which rows came to a place: those
    in the middle of several actions did not. `best` are the rows of the movies that were kept.
    """

    parent: Numbers
    root: Numbers
    action: Numbers
    frames: Numbers
    frame: Numbers
    score: Numbers
    noted: npt.NDArray[np.bool_]
    best: Numbers


@dataclass(frozen=True, slots=True)
class Kept:
    """A movie that the run kept: its file, and its SHA-256 in hexadecimal."""

    name: str
    movie: Movie
    sha256: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What a run folder says: `run` and `config` are its ``run.toml``, `events` its events."""

    path: Path
    run: dict[str, Any]
    config: dict[str, Any]
    events: list[dict[str, Any]]
    known: Known
    digest: Digest

    @property
    def measure(self) -> str:
        """What the numbers in `Known.score` are called."""
        objective = str(self.config.get("objective", "score"))
        return "progress" if objective == "fastest" else objective

    def over_time(self) -> dict[str, npt.NDArray[np.float64]]:
        """What was noted while the search ran, as columns: ``seconds``, ``frames``, ``jobs``,
        ``new``, ``deaths``, ``held``, ``frame``, ``score``. A search that was taken up again goes
        on where it was. Empty where nothing was noted.
        """
        names = ("seconds", "frames", "jobs", "new", "deaths", "held", "frame", "score")
        rows: list[list[float]] = []
        before, session_new, last = 0.0, 0.0, [0.0] * len(names)
        for event in self.events:
            if event["event"] in ("begin", "resume"):  # its clock and what is new begin at 0
                before, session_new = last[0], last[3]
            elif event["event"] == "progress":
                last = [float(event[name]) for name in names]
                last[0] += before
                last[3] += session_new
                rows.append(last)
        columns = np.array(rows, np.float64).reshape(-1, len(names))
        return {name: columns[:, number] for number, name in enumerate(names)}


def read_facts(folder: Path) -> Facts:
    """What this run folder says. Raises RunError when it holds no run, or is damaged."""
    call = f"search report {str(folder)!r}"
    try:
        document: dict[str, Any] = tomllib.loads((folder / "run.toml").read_text(encoding="utf-8"))
        lines = (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()
        run, config = document["run"], document["config"]
    except FileNotFoundError as error:
        raise RunError(f"{call}: it is no run folder: there is no {error.filename}") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError) as error:
        raise RunError(f"{call}: it is damaged: {error!r}") from error
    events: list[dict[str, Any]] = []
    for line in lines:
        try:
            event: Any = json.loads(line)
        except json.JSONDecodeError:
            continue  # a kill in the middle of a line
        if isinstance(event, dict) and "event" in event:
            events.append(event)  # pyright: ignore[reportUnknownArgumentType]
    found = digest(folder)
    known = _known(Archive(folder / "archive").read(), config)
    return Facts(folder, run, config, events, known, found)


def _known(arrays: Mapping[str, npt.NDArray[Any]], config: dict[str, Any]) -> Known:
    """The lines of an archive, and where each ends."""
    lines = arrays["lines"]
    best = arrays.get("ends/lines", arrays["farthest/lines"])
    parent = lines["parent"].astype(np.int64)
    frames = lines["frames"].astype(np.int64)
    # Each row adds the frames of its parent, of the parent's parent, and so on, twice as many at
    # a time.
    frame, up, root = frames.copy(), parent.copy(), np.arange(len(lines))
    while (going := np.flatnonzero(up >= 0)).size:
        above = up[going]
        frame[going] += frame[above]
        root[going], up[going] = root[above], up[above]
    noted = lines["hash"] != 0
    score = lines["score"].astype(np.int64)
    if config.get("objective") == "fastest":
        score = (score + frame) // MOST_FRAMES
    action = lines["action"].astype(np.int64)
    return Known(parent, root, action, frames, frame, score, noted, best.astype(np.int64))


def kept_movies(folder: Path, rom: Rom) -> list[Kept]:
    """The movies that the run kept, the best first. Raises RunError for one that is damaged."""
    paths = sorted(path for path in folder.glob("best.*") if path.suffix in (".fm2", ".npy"))
    ends = sorted(path for path in (folder / "ends").glob("*") if path.suffix in (".fm2", ".npy"))
    kept: list[Kept] = []
    for path in [*paths, *ends[1:]][:_MOST_MOVIES]:  # the first of the ends is the best run
        try:
            data = path.read_bytes()
            if path.suffix == ".fm2":
                movie = Movie.read(path)
            else:
                inputs: Any = np.load(path, allow_pickle=False)
                movie = Movie(system=rom.system, inputs=inputs, rom=RomIdentity.of(rom))
        except (OSError, ValueError, MovieError) as error:
            raise RunError(f"search report {str(folder)!r}: {path.name}: {error}") from error
        name = str(path.relative_to(folder))
        kept.append(Kept(name, movie, hashlib.sha256(data).hexdigest()))
    return kept
