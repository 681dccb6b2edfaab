"""Finding a mask: which bytes of RAM change nothing that is watched, proposed and then checked.

1. Random play gives real states. Each byte that is not the same in all of them is given values it
   has elsewhere, alone, and the state is played for a horizon: if nothing watched ever differs
   from the play of the state itself, the byte is proposed to be ignored.
2. Pairs of real states that are equal but for ignored bytes play the same inputs for a horizon. A
   pair that differs in what is watched is a false merge: the bytes that caused it matter again.
   This goes on until so many pairs were alike. A byte stays ignored only if enough of these pairs
   differ in it.

What is watched is all the game says of its RAM (dead, won, score, stage, progress, cell, allowed)
and named variables. All is relative to that, the horizon, the states and the inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from copain.emulator import Emulator
from copain.errors import GameError
from copain.fleet import open_fleet
from copain.games import Game
from copain.games.game import Flags, Numbers
from copain.joypad import InputLog
from copain.memory import Bytes
from copain.movie import Movie
from copain.rollout import Fleet, ram_hash
from copain.search.mask_file import Fact, Mask
from copain.search.options import check_options
from copain.search.proof import inputs_of

Slots = npt.NDArray[np.int32]

_SAID = ("dead", "won", "score", "stage", "progress", "cell", "allowed")
_HELD = 4
_FAN = 64
_TAIL = 16


@dataclass(frozen=True, slots=True)
class MaskSearch:
    """How a mask is looked for.

    - `seed`: of the random numbers.
    - `horizon`: frames that states are played on for comparison.
    - `states`: real states that bytes are changed in, and that pairs come from.
    - `trials`: changes of each byte, each in another state.
    - `pairs`: pairs that must be alike.
    - `evidence`: of these, pairs that must differ in a byte for it to be ignored.
    - `rounds`: batches of pairs at most, where pairs are rare.
    """

    seed: int = 0
    horizon: int = 60
    states: int = 64
    trials: int = 8
    pairs: int = 3000
    evidence: int = 30
    rounds: int = 2000

    def __post_init__(self) -> None:
        check_options(self, from_zero=("seed", "evidence"))


def find_mask(
    factory: Callable[[], Emulator],
    game: Game,
    config: MaskSearch | None = None,
    *,
    watch: Sequence[str] | None = None,
    movies: Sequence[Movie] = (),
    workers: int | None = None,
    on_progress: Callable[[str], None] | None = None,
) -> Mask:
    """Find what of RAM may be ignored, with its evidence.

    `watch` names variables that must not differ besides what the game says: by default all of
    the kind "position". States are come to by random play and, evenly, along `movies`: random
    play alone does not see much of a game. `on_progress` is told what is being done. Raises
    GameError for a variable that the game does not have.
    """
    config = config or MaskSearch()
    variables = game.variables
    positions = [name for name, variable in variables.items() if variable.kind == "position"]
    names = positions if watch is None else list(watch)
    for name in names:
        if name not in variables:
            known = ", ".join(variables)
            raise GameError(f"find_mask: {game.name} has no variable {name!r}; it has {known}")
    tell = on_progress or _silent
    with open_fleet(factory, workers) as fleet, factory() as emulator:
        search = _MaskSearch(fleet, emulator, game, config, names)
        tell(f"going to {config.states} states")
        for movie in movies:
            search.collect_along(inputs_of(movie, emulator), config.states // (len(movies) + 1))
        search.collect()
        tell(f"changing {len(search.varying)} bytes that vary, one at a time")
        search.propose()
        search.check(tell)
        search.drop_without_evidence()
        return search.mask()


def _silent(_: str) -> None:
    pass


class _MaskSearch:
    """One search for a mask; `ignored` is what it knows so far, ``bool (ram_size,)``."""

    def __init__(
        self, fleet: Fleet, emulator: Emulator, game: Game, config: MaskSearch, names: list[str]
    ) -> None:
        self.fleet, self.emulator, self.game = fleet, emulator, game
        self.config, self.names = config, names
        self.chance = np.random.default_rng(config.seed)
        self.pool = fleet.new_pool(config.states + 2 * max(_FAN, config.states) + 8)
        ports = fleet.system.ports
        self.actions = np.array([each.held.bits(ports) for each in game.actions], np.uint16)
        self.states = np.zeros(0, np.int32)
        self.ram = np.zeros((0, fleet.ram_size), np.uint8)
        self.varying = np.zeros(0, np.int64)
        self.ignored = np.zeros(fleet.ram_size, np.bool_)
        self.alike = np.zeros((0, fleet.ram_size), np.bool_)  # where pairs that were alike differ
        self.frames = self.false_merges = 0

    def collect(self) -> None:
        """Play at random, again from the start after a death, and keep states on the way."""
        origin = self.pool.put(self.fleet.root())
        start = self.game.start_log(self.fleet.system.ports)
        begun = self.fleet.rollout(self.pool, [origin], start[None]).slots
        self.pool.free([origin])
        slots, kept, ram = begun.copy(), self.states.tolist(), list(self.ram)
        while len(kept) < self.config.states:
            log = self._inputs(1, 4 * _HELD * int(self.chance.integers(1, 5)))
            played = self._play(slots, log)
            prev = np.concatenate([played.watched[:, :1], played.watched[:, :-1]], axis=1)
            over = self.game.dead(prev, played.watched) | self.game.won(prev, played.watched)
            if not np.array_equal(slots, begun) and int(slots[0]) not in kept:
                self.pool.free(slots)
            if over.any():
                self.pool.free(played.slots)
                slots = begun.copy()
                continue
            slots = played.slots
            kept.append(int(slots[0]))
            ram.append(played.ram[0])
        self.states, self.ram = np.array(kept, np.int32), np.stack(ram)
        self.varying = np.flatnonzero((self.ram != self.ram[:1]).any(axis=0))

    def collect_along(self, inputs: InputLog, states: int) -> None:
        """States along a line from power-on."""
        start = len(self.game.start_log(self.fleet.system.ports))
        frames = np.linspace(start, len(inputs), states + 2).astype(np.int64)[1:-1]
        at, slot = 0, self.pool.put(self.fleet.root())
        for frame in frames.tolist():
            played = self._play(np.array([slot], np.int32), inputs[None, at:frame])
            if at == 0:
                self.pool.free([slot])
            at, slot = frame, int(played.slots[0])
            self.states = np.append(self.states, played.slots)
            self.ram = np.concatenate([self.ram, played.ram])

    def propose(self) -> None:
        """Ignore every byte that, changed alone, changes nothing watched."""
        log = self._inputs(1, self.config.horizon)
        plain = self._signatures(self.states, np.repeat(log, len(self.states), axis=0))
        for address in self.varying.tolist():
            rows = self.chance.choice(len(self.states), min(self.config.trials, len(self.states)))
            values = self.ram[self.chance.permutation(len(self.ram)), address]
            slots: list[int] = []
            of: list[int] = []
            for row in rows.tolist():
                others = values[values != self.ram[row, address]]
                if len(others):
                    slots.append(self._changed(int(self.states[row]), {address: int(others[0])}))
                    of.append(row)
            changed = self._signatures(
                np.array(slots, np.int32), np.repeat(log, len(slots), axis=0)
            )
            self.pool.free(slots)
            self.ignored[address] = bool(slots) and np.array_equal(changed, plain[of])

    def check(self, tell: Callable[[str], None]) -> None:
        """Let pairs that are equal under the mask play on, until enough were alike."""
        for number in range(self.config.rounds):
            if not self.ignored.any() or len(self.alike) >= self.config.pairs:
                return
            if number % 50 == 0:
                tell(
                    f"{len(self.alike)} of {self.config.pairs} pairs alike, {self.false_merges} "
                    f"false merges, {int(self.ignored.sum())} bytes ignored"
                )
            self._check_some()

    def _check_some(self) -> None:
        """Different inputs and then the same ones from one state; pairs of what comes of it."""
        state = self.states[int(self.chance.integers(len(self.states)))]
        first = self._inputs(_FAN, int(self.chance.integers(1, 3)) * _HELD)
        same = self._inputs(1, int(self.chance.integers(_TAIL + 1)))
        tail = np.repeat(same, _FAN, axis=0)
        played = self._play(np.full(_FAN, state, np.int32), np.concatenate([first, tail], axis=1))
        keys = ram_hash(played.ram, self._bits())
        order = np.lexsort((ram_hash(played.ram), keys))
        one, other = order[:-1], order[1:]
        differ = played.ram[one] != played.ram[other]
        pairs = (keys[one] == keys[other]) & differ.any(axis=1)
        one, other, differ = one[pairs], other[pairs], differ[pairs]
        if len(one):
            log = np.repeat(self._inputs(1, self.config.horizon), len(one), axis=0)
            mine = self._signatures(played.slots[one], log)
            theirs = self._signatures(played.slots[other], log)
            alike = (mine == theirs).all(axis=(1, 2))
            self.alike = np.concatenate([self.alike, differ[alike]])
            for pair in np.flatnonzero(~alike).tolist():
                self.false_merges += 1
                self._put_back(
                    int(played.slots[one[pair]]), np.flatnonzero(differ[pair]).tolist(),
                    played.ram[other[pair]], mine[pair], log[:1],
                )  # fmt: skip
        self.pool.free(played.slots)

    def _put_back(
        self, slot: int, addresses: list[int], other: Bytes, plain: Numbers, log: InputLog
    ) -> None:
        """The bytes that make this state differ from the other one matter again; all, if no
        single one does.
        """
        guilty: list[int] = []
        for address in addresses:
            changed = self._changed(slot, {address: int(other[address])})
            if not np.array_equal(self._signatures(np.array([changed], np.int32), log)[0], plain):
                guilty.append(address)
            self.pool.free([changed])
        self._matter(guilty or addresses)

    def drop_without_evidence(self) -> None:
        """Bytes in which too few pairs differ matter, and then maybe fewer pairs are left."""
        weak = self.ignored
        while weak.any():
            weak = self.ignored & (self.alike.sum(axis=0) < self.config.evidence)
            self._matter(np.flatnonzero(weak).tolist())

    def mask(self) -> Mask:
        """What was found."""
        pairs, config = len(self.alike), self.config
        told = self.alike.sum(axis=0)
        evidence: dict[str, Fact] = {
            "emulator": f"{self.fleet.name} {self.fleet.version}",
            "watched": [
                "dead",
                "won",
                "score",
                "stage",
                "progress",
                "cell",
                "allowed",
                *self.names,
            ],
            **asdict(config),
            "pairs": pairs,
            "false_merges": 0,
            "false_merges_before": self.false_merges,
            "bound": round(3 / pairs, 6) if pairs else 1.0,
            "frames": self.frames,
        }
        addresses = np.flatnonzero(self.ignored).tolist()
        return Mask(
            self.game.name, self.fleet.rom.sha1, self._bits(), evidence,
            {address: int(told[address]) for address in addresses},
        )  # fmt: skip

    def _matter(self, addresses: list[int]) -> None:
        """These bytes matter; pairs that differ in them are none."""
        self.ignored[addresses] = False
        self.alike = self.alike[~self.alike[:, addresses].any(axis=1)]

    def _bits(self) -> Bytes:
        return np.where(self.ignored, 0, 0xFF).astype(np.uint8)

    def _inputs(self, jobs: int, frames: int) -> InputLog:
        """Random actions, each held for a few frames: ``uint16 (jobs, frames, ports)``."""
        chosen = self.chance.integers(len(self.actions), size=(jobs, -(-frames // _HELD)))
        return self.actions[np.repeat(chosen, _HELD, axis=1)[:, :frames]]

    def _play(self, slots: Slots, log: InputLog):
        self.frames += log.shape[0] * log.shape[1]
        return self.fleet.rollout(self.pool, slots, log, watch=range(self.fleet.ram_size))

    def _changed(self, slot: int, values: dict[int, int]) -> int:
        """A new slot with the savestate of a slot in which some bytes of RAM are others."""
        self.emulator.load_state(self.pool.get(slot))
        for address, value in values.items():
            self.emulator.ram[address] = value
        return self.pool.put(self.emulator.save_state())

    def _signatures(self, slots: Slots, log: InputLog) -> Numbers:
        """What is watched in each frame of each job: ``int64 (jobs, frames, watched)``."""
        if not len(slots):
            return np.zeros((0, log.shape[1], 0), np.int64)
        self.frames += log.shape[0] * log.shape[1]
        ram = self.fleet.rollout(
            self.pool, slots, log, keep=False, watch=range(self.fleet.ram_size)
        ).watched
        game, prev = self.game, np.concatenate([ram[:, :1], ram[:, :-1]], axis=1)
        allowed: Flags = game.allowed(ram)
        columns = [
            game.dead(prev, ram), game.won(prev, ram), game.score(ram), game.stage(ram),
            game.progress(ram), game.cell(ram), *np.moveaxis(allowed, -1, 0),
            *(game.value(ram, name) for name in self.names),
        ]  # fmt: skip
        return np.stack([np.asarray(column, np.int64) for column in columns], axis=-1)
