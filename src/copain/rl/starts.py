"""Where episodes begin: power-on, savestates, or a named set of a game's starts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, cast

from copain.emulator import Emulator
from copain.errors import InputError
from copain.games import Game, Start
from copain.savestate import Savestate

Starts: TypeAlias = "str | Start | Savestate | Sequence[Start | Savestate]"

POWER_ON = "power-on"


class StartingPlaces:
    """The places where the episodes of an environment begin; each is reached when it is needed."""

    def __init__(self, starts: Starts, game: Game, emulator: Emulator) -> None:
        """`emulator` is one of the game's; it reaches starts that are of its own kind.

        Raises InputError or GameError for a set that there is not, or an empty one.
        """
        self._emulator = emulator
        self._places = _places(starts, game)
        if not self._places:
            raise InputError("starts: an empty sequence; at least one start is needed")
        self._reached: dict[int, Savestate] = {
            number: place
            for number, place in enumerate(self._places)
            if isinstance(place, Savestate)
        }
        self.names = [
            place.name if isinstance(place, Start) else f"savestate {number}"
            for number, place in enumerate(self._places)
        ]

    def __len__(self) -> int:
        return len(self._places)

    def savestate(self, number: int) -> Savestate:
        """The savestate of the place with this number, from 0."""
        if number not in self._reached:
            self._reached[number] = self.reach(self._places[number])
        return self._reached[number]

    def reach(self, place: object) -> Savestate:
        """The savestate of any place. Raises InputError for what is none."""
        if isinstance(place, Savestate):
            return place
        if not isinstance(place, Start):
            raise InputError(f"start={place!r}; a Start or a Savestate is needed")
        return place.reach(self._emulator)


def _places(starts: object, game: Game) -> Sequence[Start | Savestate]:
    if isinstance(starts, str):
        return [Start(POWER_ON)] if starts == POWER_ON else game.starts(starts)
    if isinstance(starts, Start | Savestate):
        return [starts]
    if not isinstance(starts, Sequence):
        raise InputError(_not_starts(starts, game))
    places = list(cast("Sequence[object]", starts))
    for place in places:
        if not isinstance(place, Start | Savestate):
            raise InputError(_not_starts(place, game))
    return cast("list[Start | Savestate]", places)


def _not_starts(found: object, game: Game) -> str:
    return (
        f"starts={found!r}; needed is {POWER_ON!r}, the name of a set "
        f"({', '.join(game.splits)}), a Start or Savestate, or a sequence of them"
    )
