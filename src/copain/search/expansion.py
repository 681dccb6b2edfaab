"""Expansion: play actions from places that a search holds, and judge what comes of it.

What all algorithms share: batches of rollouts, one judgement, and children that are kept or let
go. While one batch is judged here, the next ones are already being played.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, fields, replace
from itertools import pairwise
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
from copain.search.shelf import PackedShelf, Room, Shelf, ShelvesSavestates, Slots, SlotShelf

SIDES = 3
"""Batches at once: one is judged, one is played, one waits so that players never do."""


@dataclass(slots=True)
class Places:
    """Moments of play, row by row.

    `slots`: where the savestate is, -1 for none: of what was just played, a slot of the pool in
    which it was; of what is kept, a number on the shelf. What is kept has its RAM there too, and
    no columns in `ram`.

    `lines`: which line leads there, -1 while that is not noted; then it is the line
    `from_lines` with `actions` (``int64 (n, steps)``), of whose frames `counted` count. `frame`:
    frames since power-on. `hashes`: of the RAM, under the search's mask. `score` and `acc`: see
    `Objective`.
    """

    slots: Numbers
    ram: Bytes
    lines: Numbers
    from_lines: Numbers
    actions: Numbers
    counted: Numbers
    frame: Numbers
    hashes: Hashes
    score: Numbers
    acc: Numbers
    cell: Numbers

    def __len__(self) -> int:
        return len(self.slots)

    def take(self, rows: Numbers | Flags) -> Places:
        """These rows, in this order."""
        return Places(*(getattr(self, column.name)[rows] for column in fields(self)))

    def without_ram(self) -> Places:
        """The same, and no RAM."""
        return replace(self, ram=self.ram[:, :0])

    @classmethod
    def join(cls, parts: list[Places]) -> Places:
        """All rows of several."""
        columns = (
            np.concatenate([getattr(part, column.name) for part in parts]) for column in fields(cls)
        )
        return cls(*columns)


def store(places: Places) -> dict[str, npt.NDArray[Any]]:
    """The places as arrays that can be written, without savestates; their RAM is packed."""
    arrays = {column.name: getattr(places, column.name) for column in fields(Places)}
    arrays["ram"], arrays["ram_shape"] = _native.pack_rows(places.ram), np.array(places.ram.shape)
    return arrays


def restore(arrays: Mapping[str, npt.NDArray[Any]]) -> Places:
    """The places that `store` wrote."""
    columns = {column.name: np.array(arrays[column.name]) for column in fields(Places)}
    columns["ram"] = np.empty(arrays["ram_shape"], np.uint8)
    _native.unpack_rows(arrays["ram"], columns["ram"])
    places = Places(**columns)
    places.slots[:] = -1
    return places


@dataclass(slots=True)
class Children:
    """What came of one batch: where the jobs stand, and which of them ended.

    A job that ended (`dead` or `reached`) has in `places` the RAM of the frame in which it did,
    and no slot (-1). `every_frame` is ``uint8 (jobs, frames, ram_size)``. `parents` are the rows
    of what was played from, `actions` what was played. All of it is there until the next batch
    is asked for: what is to stay longer is kept with `Expansion.keep`.
    """

    places: Places
    dead: Flags
    reached: Flags
    every_frame: Bytes
    parents: Numbers
    actions: Numbers
    pool: Pool

    @property
    def live(self) -> Numbers:
        """The rows that did not end."""
        return np.flatnonzero(~(self.dead | self.reached))


Choice = Callable[[Bytes], tuple[Numbers, Numbers]]
"""From the RAM of places to jobs: rows of them, and actions, ``int64 (jobs, 1 to steps)``."""


@dataclass(slots=True)
class _Side:
    """A pool in which one batch at a time is played, and its slots in use."""

    pool: Pool
    parents: Slots = field(default_factory=lambda: np.zeros(0, np.int32))
    children: Slots = field(default_factory=lambda: np.zeros(0, np.int32))


@dataclass(frozen=True, slots=True)
class _Playing:
    """A batch that is being played, and what is needed to judge it."""

    side: _Side
    places: Places
    ram: Bytes
    parents: Numbers
    actions: Numbers
    inputs: npt.NDArray[np.uint16]
    played: Future[RolloutBatch]


class Expansion:
    """Plays and judges for one search. Owns the shelf of what is kept, and a thread that plays."""

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
        room: Room | None = None,
    ) -> None:
        """`batch` jobs of up to `steps` actions at once; `capacity` places can be kept, packed
        in the memory of `room` where the fleet can pack them.
        """
        self.fleet, self.objective, self.actions = fleet, objective, actions
        self.action_repeat, self.steps = action_repeat, steps
        self.batch, self.mask = batch, mask
        first = fleet.new_pool(2 * batch)  # parents and children
        if isinstance(first, ShelvesSavestates):
            self.shelf: Shelf = PackedShelf(fleet.ram_size, room)
            pools = [first, *(fleet.new_pool(2 * batch) for _ in range(SIDES - 1))]
        else:
            pools = [fleet.new_pool(capacity + SIDES * batch)] * SIDES
            self.shelf = SlotShelf(pools[0], fleet.ram_size)
        self._sides = deque(_Side(pool) for pool in pools)
        self.counters = (0, 0, 0)
        self._every_byte = np.arange(fleet.ram_size)
        self._before = np.empty((batch, fleet.ram_size), np.uint8)
        self._ahead = ThreadPoolExecutor(1, "copain-expansion")

    def root(self, start: InputLog, line: int = 0) -> Places:
        """Where `start` leads from power-on, which is that line: ``uint16 (frames, ports)``."""
        pool = self._sides[0].pool
        origin = pool.put(self.fleet.root())
        played = self.fleet.rollout(pool, [origin], start[None], hash_mask=self.mask)
        number = self.shelf.put(pool, played.slots, played.ram, np.zeros(1, np.int64))
        self.shelf.free(pool, np.append(played.slots, np.int32(origin)))
        self._count(len(start), 1, 0)
        return Places(
            slots=number,
            ram=played.ram[:, :0],
            lines=np.full(1, line, np.int64),
            from_lines=np.full(1, -1, np.int64),
            actions=np.zeros((1, self.steps), np.int64),
            counted=np.zeros(1, np.int64),
            frame=np.full(1, len(start), np.int64),
            hashes=played.hashes,
            score=np.zeros(1, np.int64),
            acc=self.objective.begin(played.ram),
            cell=np.zeros(1, np.int64),
        )

    def play(self, places: Places, parents: Numbers, actions: Numbers) -> Iterator[Children]:
        """Play ``actions[j]`` from row ``parents[j]`` of `places`, batch by batch, in order.

        `actions` is ``int64 (jobs, 1 to steps)``, each held for `action_repeat` frames. The
        parents of the children are rows of all that a batch is played from.
        """

        def batches() -> Iterator[tuple[Places, Choice]]:
            for first in range(0, len(parents), self.batch):
                jobs = slice(first, first + self.batch)
                rows, which = np.unique(parents[jobs], return_inverse=True)
                chosen = which.reshape(-1), actions[jobs]
                yield places.take(rows), lambda _, chosen=chosen: chosen

        return self.explore(batches())

    def explore(self, batches: Iterable[tuple[Places, Choice]]) -> Iterator[Children]:
        """Play from places what is chosen by their RAM, at most `batch` jobs for each, in order.

        The next ones are chosen while the ones before are played.
        """
        ahead: deque[_Playing] = deque()
        try:
            for places, choose in batches:
                self._begin(ahead, places, choose)
                if len(ahead) == SIDES:
                    yield self._judge(ahead[0])
                    self._let_go(ahead.popleft().side)
            while ahead:
                yield self._judge(ahead[0])
                self._let_go(ahead.popleft().side)
        finally:
            for playing in ahead:  # nothing plays on when an error is told
                playing.played.exception()
                self._let_go(playing.side)

    def keep(self, children: Children, rows: Numbers) -> Places:
        """Keep these rows, which have slots: as places of the shelf."""
        places = children.places.without_ram().take(rows)
        slots = children.places.slots.astype(np.int32)
        places.slots = self.shelf.put(children.pool, slots, children.places.ram, rows)
        return places

    def let_go(self, kept: Numbers) -> None:
        """Places of the shelf that are not needed any more; numbers below 0 are none."""
        self.shelf.drop(kept[kept >= 0])

    def with_ram(self, places: Places) -> Places:
        """Kept places, their RAM and no savestate: of their own."""
        return replace(places, slots=np.full(len(places), -1), ram=self.shelf.ram(places.slots))

    def savestate(self, number: int) -> Savestate:
        """The savestate of a place on the shelf, with bytes of its own; between two batches."""
        pool = self._sides[0].pool
        slots, _ = self.shelf.take(pool, np.array([number]))
        try:
            return pool.get(int(slots[0]))
        finally:
            self.shelf.put_back(pool, slots)

    def store(self, places: Places) -> dict[str, npt.NDArray[Any]]:
        """Kept places as arrays that can be written, with their savestates; between two batches.

        RAM is packed, and savestates where the pool can: they are much alike.
        """
        arrays = store(places)
        pool = self._sides[0].pool
        whole: list[bytes] = []
        packed: list[Bytes] = []
        ram: list[Bytes] = []
        reference: Savestate | None = None
        for first in range(0, len(places), self.batch):
            slots, rows = self.shelf.take(pool, places.slots[first : first + self.batch])
            ram.append(_native.pack_rows(rows))
            if isinstance(pool, PacksSavestates):
                if reference is None:
                    reference = pool.get(int(slots[0]))
                    whole.append(reference.to_bytes())
                packed.append(pool.pack(slots, reference))
            else:
                whole += [pool.get(slot).to_bytes() for slot in slots.tolist()]
            self.shelf.put_back(pool, slots)
        arrays["ram_shape"] = np.array((len(places), self.fleet.ram_size))
        arrays["ram"], arrays["ram_parts"] = _joined(ram)
        arrays["packed"], arrays["packed_parts"] = _joined(packed)
        wholes = [np.frombuffer(state, np.uint8) for state in whole]
        arrays["savestates"], arrays["savestates_parts"] = _joined(wholes)
        return arrays

    def restore(self, arrays: Mapping[str, npt.NDArray[Any]]) -> Places:
        """The places that `store` wrote, on the shelf."""
        columns = {column.name: np.array(arrays[column.name]) for column in fields(Places)}
        columns["ram"] = np.empty((len(columns["slots"]), 0), np.uint8)
        places = Places(**columns)
        pool = self._sides[0].pool
        packed = _parts(arrays, "packed")
        states = [Savestate.from_bytes(part.tobytes()) for part in _parts(arrays, "savestates")]
        for part, rows in enumerate(_parts(arrays, "ram")):
            chunk = slice(part * self.batch, (part + 1) * self.batch)
            ram = np.empty((len(places.slots[chunk]), self.fleet.ram_size), np.uint8)
            _native.unpack_rows(rows, ram)
            if packed and isinstance(pool, PacksSavestates):
                slots = pool.unpack(packed[part], states[0])
            else:
                slots = np.array([pool.put(state) for state in states[chunk]], np.int32)
            places.slots[chunk] = self.shelf.put(pool, slots, ram, np.arange(len(slots)))
            self.shelf.free(pool, slots)
        return places

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

    def _begin(self, ahead: deque[_Playing], places: Places, choose: Choice) -> None:
        """Bring places into a pool that is free, and play what is chosen there, if anything."""
        side = self._sides.popleft()
        slots, ram = self.shelf.take(side.pool, places.slots)
        side.parents = slots
        try:
            parents, actions = choose(ram)
        except BaseException:
            self._let_go(side)
            raise
        if not len(parents):
            self._let_go(side)
            return
        inputs = self.actions[actions]
        if self.action_repeat > 1:
            inputs = np.repeat(inputs, self.action_repeat, axis=1)
        played = self._ahead.submit(
            self.fleet.rollout, side.pool, slots[parents], inputs,
            watch=self._every_byte if inputs.shape[1] > 1 else None,  # pyright: ignore[reportArgumentType]
            hash_mask=self.mask,
        )  # fmt: skip
        ahead.append(_Playing(side, places, ram, parents, actions, inputs, played))

    def _let_go(self, side: _Side) -> None:
        """Nothing of this batch is needed any more, but what was kept."""
        self.shelf.put_back(side.pool, side.parents)
        self.shelf.free(side.pool, side.children)
        side.parents = side.children = np.zeros(0, np.int32)
        self._sides.append(side)

    def _judge(self, playing: _Playing) -> Children:
        played = playing.played.result()
        playing.side.children = played.slots
        places, parents, actions = playing.places, playing.parents, playing.actions
        jobs, frames = len(parents), int(playing.inputs.shape[1])
        every_frame = played.watched if frames > 1 else played.ram[:, None]
        frame = places.frame[parents]
        # Taken into memory that is there: new pages cost more than the copy.
        before = self._before[:jobs]
        np.take(playing.ram, parents, axis=0, out=before, mode="clip")
        acc = places.acc[parents]
        judged = judge(self.objective, before, every_frame, playing.inputs, frame, acc)
        ended = judged.dead | judged.reached
        self._count(jobs * frames, jobs, int(judged.dead.sum()))
        ram, slots = played.ram, played.slots.astype(np.int64)
        if ended.any():
            slots[ended] = -1
            earlier = np.flatnonzero(judged.frames < frames)
            if len(earlier):
                ram = ram.copy()
                ram[earlier] = every_frame[earlier, judged.frames[earlier] - 1]
        if actions.shape[1] < self.steps:
            actions = np.pad(actions, ((0, 0), (0, self.steps - actions.shape[1])))
        come_to = Places(
            slots=slots,
            ram=ram,
            lines=np.full(jobs, -1, np.int64),
            from_lines=places.lines[parents],
            actions=actions,
            counted=judged.frames,
            frame=frame + judged.frames,
            hashes=played.hashes,
            score=judged.score,
            acc=judged.acc,
            cell=np.zeros(jobs, np.int64),
        )
        pool = playing.side.pool
        return Children(come_to, judged.dead, judged.reached, every_frame, parents, actions, pool)

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


def _joined(parts: list[Bytes]) -> tuple[Bytes, Numbers]:
    """Parts as one array, and their lengths."""
    return np.concatenate([np.zeros(0, np.uint8), *parts]), np.array([*map(len, parts)], np.int64)


def _parts(arrays: Mapping[str, npt.NDArray[Any]], name: str) -> list[Bytes]:
    """The parts that were joined."""
    ends = np.concatenate([[0], np.cumsum(arrays[f"{name}_parts"])]).tolist()
    return [arrays[name][first:end] for first, end in pairwise(ends)]
