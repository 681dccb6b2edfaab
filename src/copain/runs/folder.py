"""RunFolder: everything one run knows, in a folder.

::

    run.toml        the plan: what runs on what; written once, never changed
    events.jsonl    what happened, one JSON object a line, appended
    best.fm2        the best run so far, written whole or not at all
    best.json       what it reached, and whether it was verified from power-on
    ends/           other ends that were asked for: 001.fm2 (the best), 002.fm2, ... and ends.json
    archive/        what the search knows, so that it can go on: see `copain.runs.archive`

A system whose movies copain cannot write yet has ``best.npy`` (``uint16 (frames, ports)``) in
place of ``best.fm2``. ``.lock`` is held by the process that writes here.
"""

from __future__ import annotations

import errno
import fcntl
import io
import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, TypeAlias, cast

import numpy as np

from copain.errors import RunError
from copain.movie import Movie
from copain.rollout import Fleet
from copain.runs.archive import Archive
from copain.system import NES

Value: TypeAlias = str | int | float | bool
"""What a plan holds: everything that TOML and JSON both say in one line."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is: the game, the emulator and the configuration that decide all its results.

    Two runs of equal plans find the same. What only ends a run (budgets) is no part of it.
    """

    game: str
    rom: str
    rom_sha1: str
    emulator: str
    emulator_version: str
    copain: str
    algorithm: str
    config: Mapping[str, Value] = field(default_factory=dict[str, Value])

    @classmethod
    def of(cls, game: str, fleet: Fleet, algorithm: str, config: Mapping[str, Value]) -> Plan:
        """The plan of `algorithm` with `config` for a game on this fleet, by this copain."""
        return cls(
            game=game,
            rom=fleet.rom.name,
            rom_sha1=fleet.rom.sha1,
            emulator=fleet.name,
            emulator_version=fleet.version,
            copain=version("copain"),
            algorithm=algorithm,
            config=dict(config),
        )

    def to_toml(self) -> str:
        """The plan as ``run.toml`` holds it."""
        return _toml("run", self._facts()) + "\n" + _toml("config", self.config)

    def check_continues(self, text: str, call: str) -> None:
        """Raise RunError, naming what differs, unless `text` is the ``run.toml`` of this plan."""
        try:
            document = tomllib.loads(text)
            run, config = document["run"], document["config"]
            assert isinstance(run, dict)
            assert isinstance(config, dict)
        except (tomllib.TOMLDecodeError, KeyError, AssertionError) as error:
            raise RunError(f"{call}: its run.toml is damaged: {error!r}") from error
        for what, mine, theirs in (
            ("", self._facts(), cast(dict[str, Any], run)),
            ("option ", self.config, cast(dict[str, Any], config)),
        ):
            for name in [*mine, *(name for name in theirs if name not in mine)]:
                if name == "rom":  # a file may be renamed; its SHA-1 says what it is
                    continue
                if mine.get(name) != theirs.get(name):
                    raise RunError(
                        f"{call}: this folder holds another run: {what}{name} is "
                        f"{theirs.get(name)!r} there and {mine.get(name)!r} here; "
                        "choose another folder, or the same settings"
                    )

    def _facts(self) -> dict[str, Value]:
        return {
            "game": self.game,
            "rom": self.rom,
            "rom_sha1": self.rom_sha1,
            "emulator": self.emulator,
            "emulator_version": self.emulator_version,
            "copain": self.copain,
            "algorithm": self.algorithm,
        }


@dataclass(frozen=True, slots=True)
class Best:
    """What ``best.json`` says: how good the best run is, its length, whether it was verified."""

    rank: tuple[int, ...]
    frames: int
    verified: bool


class RunFolder:
    """A run's folder, held by one process at a time.

    An existing folder is taken up again when it is of the same plan: events are appended, and
    its best run stays until a better one comes.
    """

    def __init__(self, path: str | os.PathLike[str], plan: Plan) -> None:
        """Make the folder, or take it up again, and lock it.

        Raises RunError when it cannot be written, when another process holds it, when it holds
        something else, and when it is of another plan: the message names what differs.
        """
        self.path = Path(path)
        self.plan = plan
        call = f"run folder {str(self.path)!r}"
        self._lock = io.BytesIO()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            foreign = any(self.path.iterdir()) and not (self.path / ".lock").exists()
            if foreign:
                raise RunError(f"{call}: it is not empty and holds no run; choose another folder")
            self._lock = (self.path / ".lock").open("ab")
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RunError(
                    f"{call}: another process is using it; wait for it, or choose another folder"
                ) from None
            toml = self.path / "run.toml"
            if toml.exists():
                plan.check_continues(toml.read_text(encoding="utf-8"), call)
            else:
                _write_whole(toml, plan.to_toml().encode())
            self.best = self._read_best(call)
            self.archive = Archive(self.path / "archive")
            # Not buffered: what a full disk does not take must not come again at the end.
            self._events = (self.path / "events.jsonl").open("a+b", buffering=0)
            _cut_to_lines(self._events)
        except (OSError, UnicodeDecodeError) as error:
            self._lock.close()
            raise RunError(f"{call}: {error}") from error
        except RunError:
            self._lock.close()
            raise

    def event(self, kind: str, **facts: Value) -> None:
        """Append an event. Raises RunError when it cannot be written."""
        data = (json.dumps({"event": kind, **facts}) + "\n").encode()
        try:
            if self._events.write(data) < len(data):
                _cut_to_lines(self._events)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            raise RunError(
                f"run folder {str(self.path)!r}: events.jsonl: {error.strerror}"
            ) from error

    def keep_best(self, movie: Movie, rank: tuple[int, ...], *, verified: bool) -> bool:
        """Write `movie` as the best run, unless what is there is better; whether it is now there.

        `rank` says how good it is, compared item by item; of two equal ones, the verified one
        and else the newer one stays.
        """
        best = Best(rank, movie.frames, verified)
        if self.best and (rank, verified) < (self.best.rank, self.best.verified):
            return False
        try:
            _write_movie(self.best_path(movie), movie)
            # The movie first: a crash in between leaves a best run that is better than it says.
            _write_whole(self.path / "best.json", json.dumps(asdict(best)).encode())
        except OSError as error:
            raise RunError(
                f"run folder {str(self.path)!r}: the best run: {error.strerror}"
            ) from error
        self.best = best
        return True

    def keep_ends(self, ends: Sequence[tuple[Movie, tuple[int, ...]]]) -> None:
        """Write verified movies, the best first, and how good each is, in place of those there."""
        folder = self.path / "ends"
        try:
            folder.mkdir(exist_ok=True)
            facts: list[dict[str, object]] = []
            for number, (movie, rank) in enumerate(ends, start=1):
                path = self.best_path(movie)
                path = folder / f"{number:03}{path.suffix}"
                _write_movie(path, movie)
                facts.append({"movie": path.name, "rank": rank, "frames": movie.frames})
            for old in folder.iterdir():
                if old.name not in ("ends.json", *(fact["movie"] for fact in facts)):
                    old.unlink()
            _write_whole(folder / "ends.json", json.dumps(facts).encode())
        except OSError as error:
            raise RunError(f"run folder {str(self.path)!r}: the ends: {error.strerror}") from error

    def best_path(self, movie: Movie) -> Path:
        """Where the best run lies, in a format that holds this movie's system."""
        return self.path / ("best.fm2" if movie.system is NES else "best.npy")

    def close(self) -> None:
        """Let go of the folder. May be called again."""
        self._events.close()
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _read_best(self, call: str) -> Best | None:
        try:
            facts = json.loads((self.path / "best.json").read_text(encoding="utf-8"))
            best = Best(tuple(facts["rank"]), facts["frames"], facts["verified"])
            if all(type(item) is int for item in (*best.rank, best.frames)):
                return best
            raise ValueError(f"rank = {best.rank!r}, frames = {best.frames!r}")
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise RunError(f"{call}: its best.json is damaged: {error!r}; remove it") from error


def _cut_to_lines(file: IO[bytes]) -> None:
    """Cut off the part of a line that a kill, or a full disk, left at the end of a file."""
    end = file.seek(0, os.SEEK_END)
    while end > 0:
        start = max(0, end - 4096)
        file.seek(start)
        newline = file.read(end - start).rfind(b"\n")
        if newline >= 0:
            end = start + newline + 1
            break
        end = start
    file.truncate(end)


def _write_movie(path: Path, movie: Movie) -> None:
    """Write a movie as fm2, or the inputs alone where its system has no format."""
    if path.suffix == ".fm2":
        movie.write(path)
        return
    data = io.BytesIO()
    np.save(data, movie.inputs)
    _write_whole(path, data.getvalue())


def _write_whole(path: Path, data: bytes) -> None:
    """Write a file so that a crash at any moment leaves the old one or the new one."""
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _toml(table: str, values: Mapping[str, Value]) -> str:
    # A JSON string, number or boolean is the same in TOML (https://toml.io/en/v1.0.0#string),
    # but for characters beyond the BMP, which JSON would escape as two halves.
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items()]
    return "\n".join([f"[{table}]", *lines]) + "\n"
