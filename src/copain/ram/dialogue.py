"""Dialogue: a RAM search with the emulator it runs in, driven by lines of words."""

# pyright: reportPrivateUsage=false
from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast, get_args

from copain.emulator import Emulator, check_frames
from copain.errors import GameError, InputError, MovieError
from copain.joypad import IDLE, FrameInput, Joypad
from copain.memory import VARIABLE_TYPES, Variable, VariableType
from copain.movie import Movie
from copain.movie.playback import check_playable, go_to_anchor, play_frames
from copain.ram.search import SHOWN, Comparison, RamSearch
from copain.ram.watch import RamWatch
from copain.ram.watch_file import Format, read_watches, save_ram_toml, write_watches
from copain.savestate import Savestate
from copain.system import NES

_SIGNS = {
    "=": "equal", "!=": "not_equal", ">": "greater", "<": "less", ">=": "at_least",
    "<=": "at_most", "changed": "not_equal", "unchanged": "equal",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Moment:
    """A savestate and where in the movie it was taken; None when no movie was playing."""

    savestate: Savestate
    frame: int
    movie_frame: int | None


class Dialogue:
    """A RAM search and the emulator it runs in; `do` takes a line and gives what to print.

    With a `movie`, frames advance through its inputs from its anchor on, until buttons are named
    or it ends; without one, whatever is held is named. The emulator and its memory `domain` stay
    the caller's. `search` and `found`, the variables that got names, are open to read. Lines are
    those of `Dialogue.help`. Raises MovieError when the movie is not for this emulator.
    """

    def __init__(self, emulator: Emulator, movie: Movie | None = None, domain: str = "ram") -> None:
        if domain not in emulator.memory:
            raise InputError(
                f"Dialogue(domain={domain!r}): {emulator.name} has {', '.join(emulator.memory)}"
            )
        self.emulator = emulator
        self.movie = movie
        self.frame = 0
        """Frames played, those of the movie counted from its anchor."""
        self.found: dict[str, Variable] = {}
        self._moments: dict[str, _Moment] = {}
        self._rest: Iterator[tuple[int, bool]] | None = None
        self._movie_frame = 0
        if movie is None:
            self.frame = emulator.frame
        else:
            check_playable(movie, emulator)
            go_to_anchor(movie, emulator)  # again with the first frame, but the search looks now
            self._rest = play_frames(movie, emulator)
        self.search = RamSearch(emulator.memory[domain])

    @property
    def plays_movie(self) -> bool:
        """Whether the next frame is the movie's."""
        return self.movie is not None and self._rest is not None

    def do(self, line: str) -> str:
        """Carry out one line; what it says, without a line end. Raises CopainError."""
        words = line.split("#", 1)[0].split()
        if not words:
            return ""
        name, *rest = words
        name = _SIGNS.get(name, name.replace("-", "_"))
        if name in get_args(Comparison):
            return self._compare(cast(Comparison, name), words[0], rest)
        command = _COMMANDS.get(name.replace("_", "-"))
        if command is None:
            raise InputError(f"{words[0]!r} is no command; help lists them")
        return command.run(self, rest)

    @staticmethod
    def help() -> str:
        """The commands, a line each."""
        width = max(len(usage) for usage, _ in _HELP)
        return "\n".join(f"{usage.ljust(width)}  {about}" for usage, about in _HELP)

    # Comparing

    def _compare(self, how: Comparison, said: str, words: list[str]) -> str:
        since = "previous"
        if words and words[-1] in ("original", "previous"):
            since = "original" if words.pop() == "original" else "previous"
        if said in ("changed", "unchanged") and words:
            raise InputError(f"{said} [original]: no value is compared with, found {words[0]!r}")
        if len(words) > 1:
            raise InputError(f"{said} [VALUE] [original]: found {' '.join(words)!r}")
        self.search.compare(how, _number(words[0]) if words else None, since=since)
        return self._left()

    def _left(self) -> str:
        left = len(self.search)
        count = f"frame {self.frame}: {left:,} left"
        return f"{count}\n{self.search.table(SHOWN)}" if 0 < left <= 4 else count

    def _look(self, words: list[str]) -> str:
        _none(words, "look")
        self.search.look()
        return self._left()

    def _undo(self, words: list[str]) -> str:
        _none(words, "undo")
        self.search.undo()
        return self._left()

    def _redo(self, words: list[str]) -> str:
        _none(words, "redo")
        self.search.redo()
        return self._left()

    def _reset(self, words: list[str]) -> str:
        _none(words, "reset")
        self.search.reset()
        return self._left()

    def _eliminate(self, words: list[str]) -> str:
        if not words:
            raise InputError("eliminate ADDRESS...: which?")
        self.search.eliminate(*map(_address, words))
        return self._left()

    def _poke(self, words: list[str]) -> str:
        if len(words) != 2:
            raise InputError("poke ADDRESS VALUE: write a value there, to see what it does")
        address = _address(words[0])
        kind = replace(self.search.kind, name=f"poke {address:x}", address=address)
        data = kind.encode(_number(words[1]))
        self.search.ram[address : address + kind.length] = data
        return f"wrote {data.hex(' ')} to {address:x}"

    def _type(self, words: list[str]) -> str:
        """``type u16``, ``type bcd 3``, ``type digits 7 little``."""
        if not words:
            kind = self.search.kind
            return f"{kind.type}, {kind.length} bytes, {kind.order} end first"
        name, *rest = words
        order = rest.pop() if rest and rest[-1] in ("little", "big") else None
        if name not in VARIABLE_TYPES or len(rest) > 1:
            raise InputError(
                f"type TYPE [LENGTH] [little|big]: the types are {', '.join(VARIABLE_TYPES)}, "
                f"found {' '.join(words)!r}"
            )
        self.search.retype(
            cast(VariableType, name),
            length=_number(rest[0]) if rest else None,
            order="big" if order == "big" else "little" if order else None,
        )
        return self._left()

    def _list(self, words: list[str]) -> str:
        return self.search.table(_count(words, SHOWN, "list [HOW MANY]"))

    # Playing

    def _advance(self, words: list[str]) -> str:
        frames = 1
        if words and words[0].isdecimal():
            frames = check_frames(int(words[0]))
            words = words[1:]
        self.play(frames, _held(words) if words else None)
        return self._left()

    def play(self, frames: int, held: FrameInput | None = None) -> None:
        """Play `frames` frames: the movie's, or with these buttons `held`, which ends the movie.

        Where the movie ends nothing is held.
        """
        if held is not None:
            self._rest = None
        for _ in range(frames if self._rest is not None else 0):
            assert self._rest is not None
            if next(self._rest, None) is None:
                self._rest = None
                break
            self._movie_frame += 1
            self.frame += 1
            frames -= 1
        self.emulator.advance(held or IDLE, frames=frames)
        self.frame += frames if self._rest is None else 0

    def _at(self, words: list[str]) -> str:
        if len(words) != 1 or not words[0].isdecimal():
            raise InputError("at FRAME: play to this frame")
        frame = int(words[0])
        if frame < self.frame:
            raise InputError(
                f"at {frame}: frame {self.frame} is reached already; save a savestate on the way "
                "and load it"
            )
        if self.movie is not None and self.plays_movie:
            end = self.frame + self.movie.frames - self._movie_frame
            if frame > end:
                raise MovieError(f"at {frame}: the movie ends at frame {end}")
        self.play(check_frames(frame - self.frame))
        return self._left()

    def _save_state(self, words: list[str]) -> str:
        name = _name(words, "save-state [NAME]")
        place = self._movie_frame if self.plays_movie else None
        self._moments[name] = _Moment(self.emulator.save_state(), self.frame, place)
        return f"saved the savestate {name} at frame {self.frame}"

    def _load_state(self, words: list[str]) -> str:
        name = _name(words, "load-state [NAME]")
        moment = self._moments.get(name)
        if moment is None:
            known = ", ".join(self._moments) or "none: save-state makes one"
            raise InputError(f"load-state {name}: the savestates are {known}")
        self._rest = None
        if moment.movie_frame is None:
            self.emulator.load_state(moment.savestate)
        else:
            assert self.movie is not None
            self._rest = self._rest_of(self.movie, moment.movie_frame, moment.savestate)
            self._movie_frame = moment.movie_frame
        self.frame = moment.frame
        return self._left()

    def _rest_of(
        self, movie: Movie, played: int, savestate: Savestate
    ) -> Iterator[tuple[int, bool]]:
        """The frames of `movie` after the first `played`; the emulator stands there."""
        if played == 0:
            rest = play_frames(movie, self.emulator)
        else:
            tail = replace(
                movie, inputs=movie.inputs[played:], commands=movie.commands[played:],
                savestate=savestate.to_bytes(), hashes={}, subtitles=(), source=None,
            )  # fmt: skip
            rest = play_frames(tail, self.emulator)
        # A generator goes to its anchor with its first frame; the values are wanted before.
        self.emulator.load_state(savestate)
        return rest

    # Names

    def _named(self, words: list[str]) -> str:
        if not words:
            raise InputError("name NAME [ADDRESS] [ABOUT...]: which name?")
        name, *rest = words
        address = None
        if rest and (len(self.search) != 1 or _is_address(rest[0], self.search)):
            address = _address(rest.pop(0))
        self.found[name] = self.search.variable(name, address, " ".join(rest))
        variable = self.found[name]
        return f"{name} is the {variable.type} at {variable.address:#06x}"

    def _values(self, words: list[str]) -> str:
        _none(words, "values")
        return str(RamWatch(self.search.ram, variables=self.found)) if self.found else "no names"

    def _read(self, words: list[str]) -> str:
        read = read_watches(_path(words, "read FILE"))
        self.found |= read.variables
        return "\n".join([f"{len(read.variables)} names read", *read.left_out])

    def _write(self, words: list[str]) -> str:
        if not self.found:
            raise InputError("write: nothing has a name; name NAME [ADDRESS] gives one")
        if self.search.ram is not self.emulator.ram:
            raise InputError(
                f"write: these files name the work RAM, and {self.search.ram.name} was searched"
            )
        path = _path(words[:1], "write FILE [fceux|bizhawk]")
        system = self.emulator.system
        if path.suffix.lower() == ".toml":
            _none(words[1:], "write FILE.toml")
            save_ram_toml(path, self.found, self.emulator.rom)
        elif path.suffix.lower() == ".wch":
            made_for = words[1] if words[1:] else "fceux" if system is NES else "bizhawk"
            write_watches(path, self.found, cast(Format, made_for), system)
        else:
            raise GameError(f"write {path}: a name that ends in .toml or .wch is needed")
        return f"wrote {path}: {', '.join(self.found)}"

    def _help(self, words: list[str]) -> str:
        return self.help()


@dataclass(frozen=True, slots=True)
class _Command:
    run: Callable[[Dialogue, list[str]], str]
    usage: str
    about: str


# The methods are private to users; this table is a part of the class.
_COMMANDS: dict[str, _Command] = {
    "advance": _Command(
        Dialogue._advance, "advance [FRAMES] [BUTTONS]",
        "play on; buttons as right+a, of port 2 as 2:start",
    ),
    "at": _Command(Dialogue._at, "at FRAME", "play to this frame"),
    "save-state": _Command(Dialogue._save_state, "save-state [NAME]", "keep this moment"),
    "load-state": _Command(
        Dialogue._load_state, "load-state [NAME]", "back to it; the search stays as it is"
    ),
    "look": _Command(Dialogue._look, "look", "the values now become the previous ones"),
    "list": _Command(Dialogue._list, "list [HOW MANY]", "what is left"),
    "eliminate": _Command(
        Dialogue._eliminate, "eliminate ADDRESS...", "drop these; addresses are hexadecimal"
    ),
    "poke": _Command(
        Dialogue._poke, "poke ADDRESS VALUE", "write it there: what moves on the screen?"
    ),
    "undo": _Command(Dialogue._undo, "undo", "take the last step back"),
    "redo": _Command(Dialogue._redo, "redo", "and do it again"),
    "reset": _Command(Dialogue._reset, "reset", "begin anew with every address"),
    "type": _Command(
        Dialogue._type, "type TYPE [LENGTH] [ORDER]",
        f"{' '.join(VARIABLE_TYPES)}; little or big end first",
    ),
    "name": _Command(
        Dialogue._named, "name NAME [ADDRESS] [ABOUT]", "name an address that is left"
    ),
    "values": _Command(Dialogue._values, "values", "what the named ones are now"),
    "read": _Command(Dialogue._read, "read FILE", "take the names of a ram.toml or .wch"),
    "write": _Command(
        Dialogue._write, "write FILE [fceux|bizhawk]",
        "the names: add them to a ram.toml, or make a .wch",
    ),
    "help": _Command(Dialogue._help, "help", "this"),
}  # fmt: skip
_HELP = [
    ("equal, = [VALUE] [original]", "keep what is VALUE; without one, what is as before"),
    ("not-equal, !=  greater, >  less, <", "the same with the others;"),
    ("at-least, >=  at-most, <=", "with original: compared with the start"),
    ("changed, unchanged [original]", "keep what is not as before, or is"),
    ("greater-by, less-by, different-by N", "keep what differs by exactly N"),
    *((command.usage, command.about) for command in _COMMANDS.values()),
    ("quit", "end"),
]


def script_lines(words: Sequence[str]) -> list[str]:
    """The lines that ``--at 600 equal 3 --at 900 list`` means. Raises InputError."""
    lines: list[str] = []
    parts = " ".join(words).split()
    if parts and parts[0] != "--at":
        raise InputError(f"--at FRAME COMMAND is needed, found {parts[0]!r}")
    for step in " ".join(parts).split("--at ")[1:]:
        frame, *command = step.split()
        lines += [f"at {frame}", " ".join(command)]
    if parts and parts[-1] == "--at":
        raise InputError("--at FRAME COMMAND: which frame?")
    return lines


def _held(words: list[str]) -> FrameInput:
    """``right+a`` of port 1, ``2:start`` of port 2, ``idle``."""
    joypads: dict[int, Joypad] = {}
    for word in words:
        port, colon, names = word.rpartition(":")
        if colon and not port.isdecimal():
            raise InputError(f"{word!r}: a port is a number, as in 2:start")
        number = int(port) if colon else 1
        if not 1 <= number <= 8:
            raise InputError(f"{word!r}: ports count from 1")
        pressed = Joypad() if names == "idle" else Joypad.of(*names.lower().split("+"))
        joypads[number] = joypads.get(number, Joypad()) | pressed
    return FrameInput(tuple(joypads.get(n, Joypad()) for n in range(1, max(joypads) + 1)))


def _number(word: str) -> int:
    try:
        return int(word[1:], 16) if word.startswith("$") else int(word, 0)
    except ValueError:
        raise InputError(f"{word!r} is no number, such as 10, 0x0a or $0a") from None


def _address(word: str) -> int:
    try:
        return int(word.removeprefix("$"), 16)
    except ValueError:
        raise InputError(f"{word!r} is no address; they are hexadecimal, such as 0a") from None


def _is_address(word: str, search: RamSearch) -> bool:
    """Whether this is one of the addresses left, and not the first word about it."""
    try:
        return _address(word) in search
    except InputError:
        return False


def _count(words: list[str], otherwise: int, usage: str) -> int:
    if not words:
        return otherwise
    if len(words) > 1 or not words[0].isdecimal():
        raise InputError(f"{usage}: found {' '.join(words)!r}")
    return int(words[0])


def _name(words: list[str], usage: str) -> str:
    if len(words) > 1:
        raise InputError(f"{usage}: a name is one word, found {' '.join(words)!r}")
    return words[0] if words else "1"


def _path(words: list[str], usage: str) -> Path:
    if len(words) != 1:
        raise InputError(f"{usage}: one file is needed, found {' '.join(words) or 'none'!r}")
    return Path(words[0])


def _none(words: list[str], usage: str) -> None:
    if words:
        raise InputError(f"{usage}: nothing follows it, found {' '.join(words)!r}")
