"""Turn the tunes and effects written in music/*.txt into music.inc, the data of sound.s.

    python music.py            write music.inc
    python music.py --check    only say whether music.inc agrees with its sources

Needs nothing but Python. music/README.md describes how tunes, sounds and effects are written.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
SOURCES = HERE / "music"
OUTPUT = HERE / "music.inc"
SEAM = HERE / "sound.inc"

CPU_HZ = 1789773  # NTSC; https://www.nesdev.org/wiki/CPU
LOWEST_MIDI = 33  # A1, the lowest note whose pulse period fits 11 bits; note 0 of a stream
NOTES = 72
CHANNELS = {"pulse1": 0, "pulse2": 1, "triangle": 2, "noise": 3}

# The bytes of a stream (sound.s reads them): 0 to 125 a note or drum, then
REST, HOLD = 0x7E, 0x7F
LENGTH, INSTRUMENT, CHORD = 0x80, 0xC0, 0xE0  # + frames - 1, + instrument, + chord
JUMP, CALL, RETURN = 0xF0, 0xF1, 0xF2
LONGEST = 64  # frames of one event

SEMITONES = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}


class MusicError(Exception):
    """A source cannot be understood: file, line, what was found and what is allowed."""


@dataclass(frozen=True)
class Line:
    """One line of a source, without its comment."""

    where: str
    words: list[str]

    def error(self, problem: str) -> MusicError:
        return MusicError(f"{self.where}: {problem}")


@dataclass
class Sounds:
    """The instruments, drums and chords of sounds.txt, each numbered in the order written."""

    envelopes: list[int] = field(default_factory=lambda: [0x30, 0, 0x80, 0, 0x0F, 0])
    instruments: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    drums: dict[str, int] = field(default_factory=dict[str, int])
    chords: dict[str, list[int]] = field(default_factory=lambda: {"none": [0]})


@dataclass
class Pattern:
    """A pattern's bytes, how many frames they last, the lowest and highest note that sound."""

    code: list[int]
    frames: int
    span: tuple[int, int]


def read_lines(path: Path) -> Iterator[Line]:
    """Yield the lines of `path` that hold anything; a comment begins with ';'."""
    for number, text in enumerate(path.read_text().splitlines(), 1):
        words = text.partition(";")[0].split()
        if words:
            yield Line(f"{path.name}:{number}", words)


def midi(name: str, line: Line) -> int:
    """Return the MIDI number of a note such as c4, f#5 or bb3 (c4 is middle C, 60)."""
    match = re.fullmatch(r"([a-g])([#b]?)(\d)", name)
    if match is None:
        raise line.error(f"{name!r} is no note; a note is like c4, f#5 or bb3")
    letter, accidental, octave = match.groups()
    return 12 * (int(octave) + 1) + SEMITONES[letter] + {"#": 1, "b": -1, "": 0}[accidental]


def pulse_period(number: float) -> int:
    """Return the pulse timer value of a MIDI number (A4 = 440 Hz)."""
    return round(CPU_HZ / (16 * 440 * 2 ** ((number - 69) / 12)) - 1)


def read_sounds(path: Path) -> Sounds:
    """Read the instruments, drums and chords."""
    sounds = Sounds()
    for line in read_lines(path):
        what, name, *words = line.words
        start = len(sounds.envelopes)
        if what == "pulse":
            options = dict(word.split("=") for word in words if "=" in word)
            duty = int(options.get("duty", "2"))
            values = [int(word) for word in words if "=" not in word]
            sounds.envelopes += [duty << 6 | 0x30 | value for value in values] + [0]
            sounds.instruments[name] = (start, vibrato_start(options.get("vibrato")))
        elif what == "triangle":
            frames = [int(word) for word in words]
            sounds.envelopes += [0xFF] * frames[0] + [0x80, 0] if frames else [0xFF, 0]
            sounds.instruments[name] = (start, 0)
        elif what == "drum":
            sounds.envelopes += [int(word, 16) for word in words] + [0]
            sounds.drums[name] = start
        elif what == "chord":
            sounds.chords[name] = [int(word) for word in words]
        else:
            raise line.error(f"{what!r} is no sound; allowed are pulse, triangle, drum, chord")
    if len(sounds.envelopes) > 256:
        raise MusicError(f"{path.name}: {len(sounds.envelopes)} bytes of envelopes, 256 allowed")
    return sounds


# A vibrato is a walk through a table: some frames of waiting, then a circle of offsets.
VIBRATO_WAIT = 24
VIBRATO_CIRCLE = [0, 1, 1, 1, 0, -1, -1, -1]  # a step is 14 cents at a5, less below


def vibrato_start(wait: str | None) -> int:
    """Return where in the table a note begins that waits so many frames; None never vibrates."""
    return 0 if wait is None else 1 + VIBRATO_WAIT - int(wait)


def vibrato_tables() -> tuple[list[int], list[int]]:
    """Return offsets and next indices; index 0 stays where it is."""
    offsets = [0] * (1 + VIBRATO_WAIT) + VIBRATO_CIRCLE
    following = [0, *range(2, len(offsets)), 1 + VIBRATO_WAIT]
    return offsets, following


def read_pattern(
    lines: Iterable[Line], sounds: Sounds, step: int, bar: int, channel: str
) -> Pattern:
    """Turn the lines of a pattern into the bytes that `channel` plays."""
    code: list[int] = []
    frames = steps = last_steps = 0
    length: int | None = None
    lowest, highest, reach = NOTES, 0, 0
    where = None
    for line in lines:
        where = line
        for word in line.words:
            if word == "|":
                if steps % bar:
                    raise line.error(f"a bar line after {steps} steps; bars have {bar}")
                continue
            if word[0] == "@":
                if word[1:] not in sounds.instruments:
                    raise line.error(f"no instrument {word[1:]!r} in sounds.txt")
                code.append(INSTRUMENT + list(sounds.instruments).index(word[1:]))
                continue
            if word[0] == "%":
                if word[1:] not in sounds.chords:
                    raise line.error(f"no chord {word[1:]!r} in sounds.txt")
                code.append(CHORD + list(sounds.chords).index(word[1:]))
                reach = max(sounds.chords[word[1:]])
                continue
            name, _, count = word.partition(":")
            last_steps = int(count) if count else last_steps
            if not last_steps:
                raise line.error(f"{word!r} has no length; the first note of a pattern needs one")
            steps += last_steps
            left = last_steps * step
            frames += left
            while left:
                now = min(left, LONGEST)
                if now != length:
                    length = now
                    code.append(LENGTH + now - 1)
                code.append(note_byte(name, sounds, channel, line))
                if channel != "noise" and code[-1] < REST:
                    lowest, highest = min(lowest, code[-1]), max(highest, code[-1] + reach)
                if name != "r":
                    name = "-"
                left -= now
    if where is not None and steps % bar:
        raise where.error(f"the pattern ends after {steps} steps; bars have {bar}")
    return Pattern(code, frames, (lowest, highest))


def note_byte(name: str, sounds: Sounds, channel: str, line: Line) -> int:
    """Return the byte of a note, drum, rest (r) or hold (-)."""
    if name in ("r", "-"):
        return REST if name == "r" else HOLD
    if channel == "noise":
        if name not in sounds.drums:
            raise line.error(f"{name!r} is no drum; allowed are {', '.join(sounds.drums)}, r and -")
        return list(sounds.drums).index(name)
    # The triangle sounds an octave below a pulse of the same period.
    number = midi(name, line) - LOWEST_MIDI + (12 if channel == "triangle" else 0)
    if not 0 <= number < NOTES:
        raise line.error(f"{name!r} leaves the range of {channel}")
    return number


def data(label: str, values: list[int]) -> list[str]:
    """Return the assembler lines of a byte table."""
    rows = [values[at : at + 16] for at in range(0, len(values), 16)]
    text = ["        .byte " + ", ".join(f"${value & 0xFF:02x}" for value in row) for row in rows]
    return [f"{label}:", *text]


@dataclass
class Tune:
    """One tune as written: its patterns, and which ones each channel plays."""

    name: str
    step: int = 6
    bar: int = 16
    patterns: dict[str, list[Line]] = field(default_factory=dict[str, list[Line]])
    channels: dict[str, list[tuple[str, Line]]] = field(
        default_factory=lambda: {channel: [] for channel in CHANNELS}
    )


def read_tune(path: Path) -> Tune:
    """Sort the lines of a tune into patterns and channels."""
    tune = Tune(path.stem)
    body: list[Line] = []
    for line in read_lines(path):
        first, *rest = line.words
        if first == "step":
            tune.step = int(rest[0])
        elif first == "bar":
            tune.bar = int(rest[0])
        elif first.startswith("["):
            body = tune.patterns.setdefault(first.strip("[]"), [])
            body.append(Line(line.where, rest))
        elif first.rstrip(":") in CHANNELS:
            tune.channels[first.rstrip(":")] += [(word, line) for word in rest]
        else:
            body.append(line)
    return tune


def compile_tune(tune: Tune, sounds: Sounds) -> list[str]:
    """Return the assembler lines of one tune: its patterns and the four lists that call them."""
    patterns: dict[str, Pattern] = {}
    text: list[str] = [f"; {tune.name}"]
    lists: list[str] = []
    frames: dict[str, tuple[int, int]] = {}
    for channel, words in tune.channels.items():
        label = f"tune_{tune.name}_{channel}"
        lists.append(f"{label}:")
        target = "no_stream"
        before = after = 0
        for word, line in words:
            if word == "loop":
                target = f"{label}_loop"
                lists.append(f"{target}:")
                continue
            match = re.fullmatch(r"(\w+)([+-]\d+)?", word)
            if match is None or match[1] not in tune.patterns:
                raise line.error(f"{word!r} is no pattern; allowed are {', '.join(tune.patterns)}")
            called = f"tune_{tune.name}_{match[1]}" + ("_low" if channel == "triangle" else "")
            if called not in patterns:
                body = tune.patterns[match[1]]
                patterns[called] = read_pattern(body, sounds, tune.step, tune.bar, channel)
                text += data(called, [*patterns[called].code, RETURN])
            shift = int(match[2] or 0)
            lowest, highest = patterns[called].span
            if lowest + shift < 0 or highest + shift >= NOTES:
                raise line.error(f"{word!r} leaves the range of {channel}")
            lists.append(f"        .byte ${CALL:02x}, <{called}, >{called}, ${shift & 0xFF:02x}")
            if target == "no_stream":
                before += patterns[called].frames
            else:
                after += patterns[called].frames
        lists.append(f"        .byte ${JUMP:02x}, <{target}, >{target}")
        frames[channel] = (before, after)
    if len(set(frames.values())) > 1:
        raise MusicError(
            f"{tune.name}.txt: channels drift; frames before and in the loop: {frames}"
        )
    return text + lists


def ramp(ends: Iterable[float], frames: int, every: int) -> list[float]:
    """Return `frames` values from the first to the second of `ends`, new every `every` frames."""
    first, *rest = ends
    last = rest[0] if rest else first
    steps = max((frames - 1) // every, 1)
    return [first + (last - first) * (at // every) / steps for at in range(frames)]


def effect_period(word: str, line: Line) -> float:
    """Return a timer value from a note name or a number."""
    return float(word) if word.isdigit() else float(pulse_period(midi(word, line)))


def compile_effects(path: Path, names: list[str]) -> list[str]:
    """Return the assembler lines of the effects, in the order of `names`."""
    priorities: dict[str, int] = {}
    parts: dict[str, dict[str, list[tuple[int, int]]]] = {}
    current = ""
    for line in read_lines(path):
        first = line.words[0]
        if first.startswith("["):
            current = first.strip("[]")
            priorities[current] = int(line.words[1].partition("=")[2])
            parts[current] = {}
            continue
        if first not in CHANNELS:
            raise line.error(f"{first!r} is no channel; allowed are {', '.join(CHANNELS)}")
        frames = int(line.words[1])
        options = dict(word.split("=") for word in line.words[2:])
        every = int(options.get("every", "1"))
        volumes = ramp(map(float, options.get("volume", "0").split(">")), frames, every)
        pitches = options.get("pitch", "0").split(">")
        periods = ramp((effect_period(word, line) for word in pitches), frames, every)
        for volume, period in zip(volumes, periods, strict=True):
            register = 0x30 | math.floor(volume + 0.5)
            timer = math.floor(period + 0.5)
            if first == "triangle":
                register = 0xFF if volume else 0x80
            elif first == "noise":
                timer |= 0x80 if options.get("mode") == "short" else 0
            else:
                register |= int(options.get("duty", "2")) << 6
            parts[current].setdefault(first, []).append((register, timer))
    if set(parts) != set(names):
        raise MusicError(f"{path.name} has {sorted(parts)}, sound.inc names {sorted(names)}")
    text = [f"; {path.name}", "effect_none:", "        .byte $00, $ff"]
    for name in names:
        body: list[str] = []
        head = [f"effect_{name}:", f"        .byte ${priorities[name]:02x}"]
        for channel, steps in parts[name].items():
            label = f"effect_{name}_{channel}"
            head.append(f"        .byte ${CHANNELS[channel]:02x}, <{label}, >{label}")
            code: list[int] = []
            for (register, timer), count in run_lengths(steps):
                code += [register, timer & 0xFF, count << 3 | timer >> 8]
            body += data(label, [*code, 0])
        text += [*head, "        .byte $ff", *body]
    all_names = ["none", *names]
    for half, sign in (("lo", "<"), ("hi", ">")):
        text.append(f"effects_{half}:")
        text += [f"        .byte {sign}effect_{name}" for name in all_names]
    return text


def run_lengths(steps: list[tuple[int, int]]) -> Iterator[tuple[tuple[int, int], int]]:
    """Yield each step with the frames it lasts, 31 at most."""
    at = 0
    while at < len(steps):
        count = 1
        while at + count < len(steps) and count < 31 and steps[at + count] == steps[at]:
            count += 1
        yield steps[at], count
        at += count


def seam_names(prefix: str) -> list[str]:
    """Return the names of sound.inc with this prefix, in lower case, ordered from number 1."""
    found = re.findall(rf"^{prefix}_(\w+)\s*=\s*(\d+)", SEAM.read_text(), re.MULTILINE)
    ordered = sorted((int(number), name.lower()) for name, number in found)
    if [number for number, _ in ordered] != list(range(len(ordered))):
        raise MusicError(f"{SEAM.name}: the numbers of {prefix}_ are not 0, 1, 2, ...")
    return [name for number, name in ordered if number]


def compile_all() -> str:
    """Return the text of music.inc."""
    sounds = read_sounds(SOURCES / "sounds.txt")
    text = ["; Made by music.py from music/*.txt: edit those.", '.segment "SOUND"']
    periods = [pulse_period(LOWEST_MIDI + number) for number in range(NOTES)]
    text += data("period_lo", periods) + data("period_hi", [period >> 8 for period in periods])
    text += data("envelopes", sounds.envelopes)
    text += data("rest_envelope", [0, 0, 2, 4])
    text += data("instrument_envelope", [start for start, _ in sounds.instruments.values()])
    text += data("instrument_vibrato", [vibrato for _, vibrato in sounds.instruments.values()])
    text += data("drum_envelope", list(sounds.drums.values()))
    offsets, following = vibrato_tables()
    text += data("vibrato_offset", offsets) + data("vibrato_next", following)
    chord_offset: list[int] = []
    chord_next: list[int] = []
    chord_start: list[int] = []
    for chord in sounds.chords.values():
        start = len(chord_offset)
        chord_start.append(start)
        chord_offset += chord
        chord_next += [*range(start + 1, start + len(chord)), start]
    text += data("chord_offset", chord_offset) + data("chord_next", chord_next)
    text += data("chord_start", chord_start)
    text += data("no_stream", [LENGTH + LONGEST - 1, REST])
    text += [f"        .byte ${JUMP:02x}, <no_stream, >no_stream"]
    tunes = seam_names("TUNE")
    for name in tunes:
        text += compile_tune(read_tune(SOURCES / f"{name}.txt"), sounds)
    text += ["tunes:", "        .word no_stream, no_stream, no_stream, no_stream"]
    for name in tunes:
        text += ["        .word " + ", ".join(f"tune_{name}_{channel}" for channel in CHANNELS)]
    text += compile_effects(SOURCES / "effects.txt", seam_names("SFX"))
    return "\n".join(text) + "\n"


def main(arguments: list[str]) -> int:
    """Write music.inc, or with --check compare it; return the exit status."""
    text = compile_all()
    if arguments == ["--check"]:
        if OUTPUT.read_text() == text:
            return 0
        print("music.inc does not agree with music/*.txt: run music.py", file=sys.stderr)
        return 1
    OUTPUT.write_text(text)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except MusicError as error:
        sys.exit(str(error))
