"""Journal: what a search writes into its run folder while it runs, and finds there again.

Commits are compressed and written by a thread of their own, while the search goes on.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from copain.emulator import Emulator
from copain.movie import Movie
from copain.runs import Archive, Arrays, RunFolder
from copain.search.line import End, Line, Progress
from copain.search.proof import movie_of

_AT_MOST_EVERY = 1.0
"""Seconds between two times that the best line is written while the search runs."""
_NOTE_EVERY = 0.2
"""Seconds at least between two notes of what the search is at; more the longer it goes on."""
_COMMIT_EVERY = 2.0
"""Seconds at least between two commits."""


class Journal:
    """Writes events and the best line; with no folder, nothing."""

    def __init__(self, folder: RunFolder | None, emulator: Emulator) -> None:
        """`emulator` is of the kind that searches: the movies are in its time."""
        self._folder, self._emulator = folder, emulator
        self._began = self._wrote = self._committed = self._noted = time.monotonic()
        self._commit_cost = 0.0
        self._writer = ThreadPoolExecutor(1, "copain-journal")
        self._writing: Future[None] | None = None

    @property
    def writes(self) -> bool:
        """Whether there is a folder."""
        return self._folder is not None

    @property
    def due(self) -> bool:
        """Whether it is time to write the best line again."""
        return self._folder is not None and time.monotonic() - self._wrote >= _AT_MOST_EVERY

    def keep(self, line: Line, frames: int, rerecords: int, proven: Movie | None = None) -> None:
        """Write `line` as the best run, if it is; `proven` is its movie once it was verified.

        `frames` and `rerecords` are what the search took so far.
        """
        if self._folder is None:
            return
        self._wrote = time.monotonic()
        movie = proven or movie_of(line, self._emulator, rerecords)
        known = self._folder.best
        if not self._folder.keep_best(movie, line.rank, verified=proven is not None):
            return
        if known is None or (known.rank, known.verified) != (line.rank, proven is not None):
            self.event(
                "best", score=line.score, progress=line.progress, length=line.frames,
                won=line.won, verified=proven is not None, frames=frames, rerecords=rerecords,
            )  # fmt: skip

    @property
    def note_due(self) -> bool:
        """Whether it is time for a note: a few thousand of them tell of a week."""
        now = time.monotonic()
        wait = max(_NOTE_EVERY, (now - self._began) / 500)
        return self._folder is not None and now - self._noted >= wait

    def note(self, progress: Progress, new: int) -> None:
        """Append what the search is at; `new` is how many places it came to that were new."""
        self._noted = time.monotonic()
        self.event(
            "progress", seconds=round(progress.seconds, 3), frames=progress.frames,
            jobs=progress.rerecords, new=new, deaths=progress.deaths, held=progress.savestates,
            frame=progress.best_frame, score=progress.best_score,
        )  # fmt: skip

    def keep_ends(self, ends: Sequence[End]) -> None:
        """Write all lines to the goal that were kept, if they are more than the best one."""
        if self._folder is not None and len(ends) > 1:
            self._folder.keep_ends([(end.movie, end.line.rank) for end in ends])

    @property
    def archive(self) -> Archive | None:
        """What an earlier run of the same search has left here, if it has."""
        return self._folder.archive if self._folder and self._folder.archive.exists else None

    @property
    def commit_due(self) -> bool:
        """Whether it is time to commit again: commits take a twentieth of the time at most."""
        if self._folder is None or (self._writing is not None and not self._writing.done()):
            return False
        self.flush()
        waited = time.monotonic() - self._committed
        return waited >= max(_COMMIT_EVERY, 20 * self._commit_cost)

    def commit(self, arrays: Arrays, new_rows: Arrays) -> None:
        """Store what the search knows; see `copain.runs.Archive`. It is written by and by: the
        arrays are never to be changed in place. Raises RunError if the one before failed.
        """
        if self._folder is None:
            return
        self.flush()
        self._writing = self._writer.submit(self._write, self._folder.archive, arrays, new_rows)

    def flush(self) -> None:
        """Wait until the last commit is written. Raises RunError if it failed."""
        writing, self._writing = self._writing, None
        if writing is not None:
            writing.result()

    def close(self) -> None:
        """Wait until the last commit is written, or has failed."""
        self._writer.shutdown()

    def _write(self, archive: Archive, arrays: Arrays, new_rows: Arrays) -> None:
        began = time.monotonic()
        archive.commit(arrays, new_rows)
        self._committed = time.monotonic()
        self._commit_cost = self._committed - began

    def event(self, kind: str, **facts: str | float | bool) -> None:
        """Append an event to the folder's ``events.jsonl``."""
        if self._folder is not None:
            self._folder.event(kind, **facts)
