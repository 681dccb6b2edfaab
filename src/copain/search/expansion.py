"""Expansion: play actions from places that a search holds, and judge what comes of it.

What all algorithms share: one batch of rollouts, one judgement, and children that are held or
let go. While one batch is judged here, the next one is already being played.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, fields
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from copain import _native
from copain.games.game import Flags, Numbers
from copain.games.objective import Objective, judge
from copain.joypad import InputLog
from copain.memory import Bytes
from copain.rollout import Fleet, PacksSavestates, Pool, RolloutBatch
from copain.savestate import Savestate
from copain.search.seen import Hashes


@dataclass(slots=True)
class Places:
    """Moments that a search holds, row by row; each has a savestate in `slots` of the pool.

    `lines`: which line leads there, -1 while that is not noted; then it is the line
    `from_lines` with `actions` (``int64 (n, steps)``), of whose frames `counted` count. `frame`:
    frames since power-on. `hashes`: of the RAM, under the search's mask. `score` and `acc`: see
    `Objective`.
    """

    slots: npt.NDArray[np.int32]
    ram: Bytes
    lines: Numbers
    from_lines: Numbers
    actions: Numbers
    counted: Numbers
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


def store(places: Places, pool: Pool | None) -> dict[str, npt.NDArray[Any]]:
    """The places as arrays that can be written, with their savestates from the pool, if given.

    RAM is packed, and savestates where the pool can: they are much alike.
    """
    arrays = {column.name: getattr(places, column.name) for column in fields(Places)}
    arrays["ram"], arrays["ram_shape"] = _native.pack_rows(places.ram), np.array(places.ram.shape)
    slots = places.slots if pool is not None else places.slots[:0]
    whole = [] if pool is None else [pool.get(slot) for slot in slots[:1].tolist()]
    if whole and isinstance(pool, PacksSavestates):
        arrays["packed"] = pool.pack(slots, whole[0])
    elif pool is not None:
        whole += [pool.get(slot) for slot in slots[1:].tolist()]
    states = [state.to_bytes() for state in whole]
    arrays["sizes"] = np.array([len(state) for state in states], np.int64)
    arrays["savestates"] = np.frombuffer(b"".join(states), np.uint8)
    return arrays


def restore(arrays: Mapping[str, npt.NDArray[Any]], pool: Pool | None) -> Places:
    """The places that `store` wrote; their savestates are put into the pool, if given."""
    columns = {column.name: np.array(arrays[column.name]) for column in fields(Places)}
    columns["ram"] = np.empty(arrays["ram_shape"], np.uint8)
    _native.unpack_rows(arrays["ram"], columns["ram"])
    places = Places(**columns)
    places.slots[:] = -1
    if pool is None:
        return places
    ends = np.cumsum(arrays["sizes"])[:-1]
    parts = np.split(arrays["savestates"], ends) if len(arrays["sizes"]) else []
    states = [Savestate.from_bytes(part.tobytes()) for part in parts]
    if "packed" in arrays and isinstance(pool, PacksSavestates):
        places.slots[:] = pool.unpack(arrays["packed"], states[0])
    else:
        places.slots[:] = [pool.put(state) for state in states]
    return places


@dataclass(slots=True)
class Children:
    """What came of one batch: where the jobs stand, and which of them ended.

    A job that ended (`dead` or `reached`) has in `places` the RAM of the frame in which it did,
    and no slot (-1). `every_frame` is ``uint8 (jobs, frames, ram_size)``.
    """

    places: Places
    dead: Flags
    reached: Flags
    every_frame: Bytes


class Expansion:
    """Plays and judges for one search. Owns a pool, and a thread that plays ahead."""

    def __init__(
        self,
        fleet: Fleet,
        objective: Objective,
        actions: InputLog,
        *,
        action_repeat: int,
        steps: int,
        batch: int,
        capacity: int,
        mask: Bytes | None = None,
    ) -> None:
        """`batch` jobs of up to `steps` actions at once; `capacity` places can be held besides."""
        self.fleet, self.objective, self.actions = fleet, objective, actions
        self.action_repeat, self.steps = action_repeat, steps
        self.batch, self.mask = batch, mask
        # One batch is played while another is judged.
        self.pool: Pool = fleet.new_pool(capacity + 2 * batch)
        self.counters = (0, 0, 0)
        self._every_byte = np.arange(fleet.ram_size)
        self._before = np.empty((batch, fleet.ram_size), np.uint8)
        self._ahead = ThreadPoolExecutor(1, "copain-expansion")
        self._free: list[npt.NDArray[np.int32]] = []

    def root(self, start: InputLog, line: int = 0) -> Places:
        """Where `start` leads from power-on, which is that line: ``uint16 (frames, ports)``."""
        origin = self.pool.put(self.fleet.root())
        played = self.fleet.rollout(self.pool, [origin], start[None], hash_mask=self.mask)
        self.pool.free([origin])
        self._count(len(start), 1, 0)
        return Places(
            slots=played.slots,
            ram=played.ram,
            lines=np.full(1, line, np.int64),
            from_lines=np.full(1, -1, np.int64),
            actions=np.zeros((1, self.steps), np.int64),
            counted=np.zeros(1, np.int64),
            frame=np.full(1, len(start), np.int64),
            hashes=played.hashes,
            score=np.zeros(1, np.int64),
            acc=self.objective.begin(played.ram),
        )

    def play(self, places: Places, parents: Numbers, actions: Numbers) -> Iterator[Children]:
        """Play ``actions[j]`` from row ``parents[j]`` of `places`, batch by batch, in order.

        `actions` is ``int64 (jobs, 1 to steps)``, each held for `action_repeat` frames. The
        children that live have slots, which belong to the caller: `let_go` of them.
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
        inputs = np.repeat(self.actions[actions[job]], self.action_repeat, axis=1)
        return self._ahead.submit(
            self.fleet.rollout,
            self.pool, slots, inputs,
            watch=self._watch(inputs.shape[1]), hash_mask=self.mask,  # pyright: ignore[reportArgumentType]
        )  # fmt: skip

    def _watch(self, frames: int) -> npt.NDArray[np.int64] | None:
        """All of RAM after each frame; of one frame it comes anyway."""
        return self._every_byte if frames > 1 else None

    def _judge(
        self, places: Places, parents: Numbers, actions: Numbers, played: RolloutBatch
    ) -> Children:
        inputs = np.repeat(self.actions[actions], self.action_repeat, axis=1)
        every_frame = played.watched if inputs.shape[1] > 1 else played.ram[:, None]
        frame = places.frame[parents]
        # Taken into memory that is there: new pages cost more than the copy.
        before = self._before[: len(parents)]
        np.take(places.ram, parents, axis=0, out=before, mode="clip")
        judged = judge(self.objective, before, every_frame, inputs, frame, places.acc[parents])
        ended = judged.dead | judged.reached
        self._count(len(parents) * inputs.shape[1], len(parents), int(judged.dead.sum()))
        ram, slots = played.ram, played.slots
        if ended.any():
            self.let_go(slots[ended])
            slots = np.where(ended, np.int32(-1), slots)
            earlier = np.flatnonzero(judged.frames < inputs.shape[1])
            if len(earlier):
                ram = ram.copy()
                ram[earlier] = every_frame[earlier, judged.frames[earlier] - 1]
        come_to = Places(
            slots=slots,
            ram=ram,
            lines=np.full(len(parents), -1, np.int64),
            from_lines=places.lines[parents],
            actions=np.pad(actions, ((0, 0), (0, self.steps - actions.shape[1]))),
            counted=judged.frames,
            frame=frame + judged.frames,
            hashes=played.hashes,
            score=judged.score,
            acc=judged.acc,
        )
        return Children(come_to, judged.dead, judged.reached, every_frame)

    @property
    def frames(self) -> int:
        """Frames emulated in all."""
        return self.counters[0]

    @property
    def rerecords(self) -> int:
        """Savestates loaded in all."""
        return self.counters[1]

    @property
    def deaths(self) -> int:
        """Jobs that ended in one."""
        return self.counters[2]

    def _count(self, frames: int, rerecords: int, deaths: int) -> None:
        self.counters = (self.frames + frames, self.rerecords + rerecords, self.deaths + deaths)

    def _let_go_now(self) -> None:
        """Free what was let go of, while nothing is being played: a rollout holds the pool."""
        given, self._free = self._free, []
        if given and (slots := np.concatenate(given)).size:
            self.pool.free(slots)
