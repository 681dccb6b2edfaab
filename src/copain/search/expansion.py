"""Expansion: play actions from places that a search holds, and judge what comes of it.

What all algorithms share: one batch of rollouts, one judgement, and children that are held or
let go. While one batch is judged here, the next one is already being played.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, fields
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from copain.games.game import Flags, Numbers
from copain.joypad import InputLog
from copain.memory import Bytes
from copain.rollout import Fleet, Pool, RolloutBatch
from copain.search.objective import Objective, judge
from copain.search.seen import Hashes


@dataclass(slots=True)
class Places:
    """Moments that a search holds, row by row; each has a savestate in `slots` of the pool.

    `lines`: which line leads there. `frame`: frames since power-on. `hashes`: of the RAM, under
    the search's mask. `score` and `acc`: see `Objective`.
    """

    slots: npt.NDArray[np.int32]
    ram: Bytes
    lines: Numbers
    frame: Numbers
    hashes: Hashes
    score: Numbers
    acc: Numbers

    def __len__(self) -> int:
        return len(self.slots)

    def take(self, rows: Numbers | Flags) -> Places:
        """These rows, in this order."""
        return Places(*(getattr(self, column.name)[rows] for column in fields(self)))

    @classmethod
    def join(cls, parts: list[Places]) -> Places:
        """All rows of several."""
        columns = (
            np.concatenate([getattr(part, column.name) for part in parts]) for column in fields(cls)
        )
        return cls(*columns)


@dataclass(slots=True)
class Children:
    """What came of one batch: of each job its parent (a row of the places played from), action,
    and what was judged; `places` (with `lines` -1) are where the jobs stand.

    A line that ended (`dead` or `reached`) counts `frames` of its action; its `places` row has
    the RAM of that frame, and no slot (-1).
    """

    parents: Numbers
    actions: Numbers
    frames: Numbers
    dead: Flags
    reached: Flags
    places: Places


class Expansion:
    """Plays and judges for one search. Owns a pool, and a thread that plays ahead."""

    def __init__(
        self,
        fleet: Fleet,
        objective: Objective,
        actions: InputLog,
        *,
        action_repeat: int,
        batch: int,
        capacity: int,
        mask: Bytes | None = None,
    ) -> None:
        """`batch` jobs are played at once; `capacity` places can be held besides."""
        self.fleet, self.objective, self.actions = fleet, objective, actions
        self.action_repeat, self.batch, self.mask = action_repeat, batch, mask
        # One batch is played while another is judged.
        self.pool: Pool = fleet.new_pool(capacity + 2 * batch)
        self.frames = self.rerecords = self.deaths = 0
        self._every_byte = np.arange(fleet.ram_size) if action_repeat > 1 else None
        self._ahead = ThreadPoolExecutor(1, "copain-expansion")
        self._free: list[npt.NDArray[np.int32]] = []

    def root(self, prologue: InputLog) -> Places:
        """Where `prologue` leads from power-on; `prologue` is ``uint16 (frames, ports)``."""
        origin = self.pool.put(self.fleet.root())
        played = self.fleet.rollout(self.pool, [origin], prologue[None], hash_mask=self.mask)
        self.pool.free([origin])
        self.frames += len(prologue)
        self.rerecords += 1
        return Places(
            slots=played.slots,
            ram=played.ram,
            lines=np.zeros(1, np.int64),
            frame=np.full(1, len(prologue), np.int64),
            hashes=played.hashes,
            score=np.zeros(1, np.int64),
            acc=self.objective.begin(played.ram),
        )

    def play(self, places: Places, parents: Numbers, actions: Numbers) -> Iterator[Children]:
        """Play ``actions[j]`` from row ``parents[j]`` of `places`, batch by batch, in order.

        The children that live have slots, which belong to the caller: `let_go` of them.
        """
        starts = range(0, len(parents), self.batch)
        jobs = [slice(start, start + self.batch) for start in starts]
        playing = self._begin(places, parents, actions, jobs[0]) if jobs else None
        for number, job in enumerate(jobs):
            assert playing is not None
            played = playing.result()
            self._let_go_now()
            more = number + 1 < len(jobs)
            playing = self._begin(places, parents, actions, jobs[number + 1]) if more else None
            try:
                children = self._judge(places, parents[job], actions[job], played)
            except BaseException:
                if playing is not None:
                    playing.exception()  # nothing plays on when the error is told
                raise
            yield children

    def let_go(self, slots: npt.NDArray[np.int32]) -> None:
        """Give slots back; those below 0 are none. They are free before the next batch."""
        self._free.append(slots[slots >= 0])

    def close(self) -> None:
        """End the thread."""
        self._ahead.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _begin(
        self, places: Places, parents: Numbers, actions: Numbers, job: slice
    ) -> Future[RolloutBatch]:
        slots = places.slots[parents[job]]
        inputs = np.repeat(self.actions[actions[job], None], self.action_repeat, axis=1)
        return self._ahead.submit(
            self.fleet.rollout,
            self.pool, slots, inputs,
            watch=self._every_byte, hash_mask=self.mask,  # pyright: ignore[reportArgumentType]
        )  # fmt: skip

    def _judge(
        self, places: Places, parents: Numbers, actions: Numbers, played: RolloutBatch
    ) -> Children:
        every_frame = played.ram[:, None] if self._every_byte is None else played.watched
        inputs = np.repeat(self.actions[actions, None], self.action_repeat, axis=1)
        frame = places.frame[parents]
        judged = judge(
            self.objective, places.ram[parents], every_frame, inputs, frame, places.acc[parents]
        )
        ended = judged.dead | judged.reached
        self.frames += len(parents) * self.action_repeat
        self.rerecords += len(parents)
        self.deaths += int(judged.dead.sum())
        ram, slots = played.ram, played.slots
        if ended.any():
            self.let_go(slots[ended])
            slots = np.where(ended, np.int32(-1), slots)
            last = every_frame[np.arange(len(parents)), judged.frames - 1]
            ram = np.where(ended[:, None], last, ram)
        return Children(
            parents, actions, judged.frames, judged.dead, judged.reached,
            Places(
                slots, ram, np.full(len(parents), -1), frame + judged.frames, played.hashes,
                judged.score, judged.acc,
            ),
        )  # fmt: skip

    def _let_go_now(self) -> None:
        """Free what was let go of, while nothing is being played: a rollout holds the pool."""
        given, self._free = self._free, []
        if given and (slots := np.concatenate(given)).size:
            self.pool.free(slots)
