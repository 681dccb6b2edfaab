"""Report: what a search did, as a page to look at: score and frontier by depth, where the game has
been, speed over time, the best movies in pictures, settings, digest and hashes.

All is drawn from the run folder; lines are played again to see where they went.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from copain.emulator import Emulator, HasScreen
from copain.errors import RunError
from copain.games import Game
from copain.joypad import InputLog
from copain.movie.playback import boot_offset
from copain.movie.render import render
from copain.search.line_search import action_bits
from copain.search.proof import inputs_of
from copain.search.report import page
from copain.search.report.facts import Facts, Kept, kept_movies, read_facts
from copain.search.report.figures import by_depth, heat_map, over_time
from copain.search.report.replay import png, strip, where_lines_went

__all__ = ["write_report"]

_PICTURES = 8
_MOST_GIF_PICTURES = 600
_OUTCOMES = {
    "won": "the goal was reached", "exhausted": "nothing was left to try",
    "interrupted": "interrupted",
}  # fmt: skip


def write_report(
    folder: str | os.PathLike[str],
    factory: Callable[[], Emulator],
    game: Game,
    out: str | os.PathLike[str] | None = None,
    *,
    lines: int = 200,
) -> Path:
    """Write the report of the search in this run folder, a page that needs nothing else, and its
    pictures beside it, into `out` (``report`` in the run folder by default); the page's path.

    `factory` opens the emulator and the ROM that were searched, `game` says what they mean. At
    most so many `lines` are played again for the map. The search may still run. Raises RunError
    for a folder of another game or ROM, without an archive, or damaged, and MissingExtra without
    matplotlib.
    """
    folder = Path(folder)
    facts = read_facts(folder)
    call = f"search report {str(folder)!r}"
    with factory() as emulator:
        if facts.run.get("rom_sha1") != emulator.rom.sha1:
            raise RunError(
                f"{call}: the run is of another ROM: SHA-1 {facts.run.get('rom_sha1')} there and "
                f"{emulator.rom.sha1} here"
            )
        kept = kept_movies(folder, emulator.rom)
        if not kept:
            raise RunError(f"{call}: no movie was kept yet; let the search go on for a while")
        out = Path(out) if out is not None else folder / "report"
        try:
            out.mkdir(parents=True, exist_ok=True)
            pictures = _figures(facts, factory, game, kept, emulator, lines)
            body = [
                page.heading(*_title(facts, game)),
                page.key_facts(_key_facts(facts, kept[0], emulator, game)),
                *_shown(pictures, out),
                page.section("Best movies"),
                *_movies(facts, kept, emulator, game, out),
                page.section("Settings"),
                page.table(facts.run | facts.config),
                page.section("Digest and hashes"),
                page.table(_hashes(facts, kept)),
            ]
            index = out / "index.html"
            index.write_text(page.page(_title(facts, game)[0], body), encoding="utf-8")
        except OSError as error:
            raise RunError(f"{call}: {out}: {error.strerror or error}") from error
    return index


def _title(facts: Facts, game: Game) -> tuple[str, str]:
    run, config = facts.run, facts.config
    return (
        f"{game.ram_map.title}: {run['algorithm']}",
        f"Objective {config.get('objective', '?')}, goal {config.get('goal', '?')}; on "
        f"{run['emulator']} {run['emulator_version']}, copain {run['copain']}.",
    )


def _key_facts(facts: Facts, best: Kept, emulator: Emulator, game: Game) -> dict[str, str]:
    """What is seen first."""
    ended = next((event for event in reversed(facts.events) if event["event"] == "end"), None)
    columns = facts.over_time()
    outcome = "not ended yet"
    if ended is not None:
        outcome = _OUTCOMES.get(ended["outcome"], f"the {ended['outcome']} were used up")
    told = {"how it ended": outcome, "frames in the best movie": f"{best.movie.frames:,}"}
    known = [event for event in facts.events if "score" in event]
    if known:
        told["points of the best line"] = f"{int(known[-1]['score']):,}"
    if len(columns["seconds"]):
        last = {name: float(column[-1]) for name, column in columns.items()}
        told["frames emulated"] = f"{last['frames']:,.0f}"
        told["states played"] = f"{last['jobs']:,.0f}"
        told["seconds"] = f"{last['seconds']:,.1f}"
        told["states a second"] = f"{last['jobs'] / max(last['seconds'], 1e-9):,.0f}"
        if last["new"]:
            again = 1 - (last["new"] + last["deaths"]) / max(last["jobs"], 1)
            told["seen before, or cut"] = f"{max(0.0, again):.1%}"
    told["lines kept"] = f"{facts.digest.lines:,}"
    return told


Shown = list[tuple[str, str, bytes | None, str]]
"""Figures: name of the file, title, the picture or None, and what it shows or why there is none."""


def _figures(
    facts: Facts,
    factory: Callable[[], Emulator],
    game: Game,
    kept: list[Kept],
    emulator: Emulator,
    lines: int,
) -> Shown:
    ports = emulator.system.ports
    actions, starts = action_bits(game, ports), _starts(facts, kept, emulator)
    known = facts.known
    leaves = np.setdiff1d(np.flatnonzero(known.parent >= 0), known.parent)
    leaves = leaves[np.isin(known.root[leaves], list(starts))]
    chosen = leaves[np.unique(np.linspace(0, max(0, len(leaves) - 1), lines).astype(np.int64))] \
        if len(leaves) else leaves  # fmt: skip
    went = where_lines_went(factory, game, known, chosen, starts, actions)
    best = known.best[:1][np.isin(known.root[known.best[:1]], list(starts))]
    way = where_lines_went(factory, game, known, best, starts, actions)
    many = (
        f"{len(chosen):,} of {len(leaves):,}" if len(chosen) < len(leaves) else f"{len(leaves):,}"
    )
    return [
        ("score.png", "Score and frontier", by_depth(facts),
         "Of all lines that were kept: their scores at each depth, and how many they are. "
         "The black line is the best one."),
        ("time.png", "Over time", over_time(facts),
         "What the search noted while it ran."),
        ("map.png", "Where the game has been", None if went is None else heat_map(went, way),
         f"Frames spent at each place by {many} lines that nothing went on from, played again "
         "from power-on; the green line is the best one."),
    ]  # fmt: skip


_NO_FIGURE = {
    "score.png": "No line was noted yet.",
    "time.png": "The search noted nothing of its course: it was over at once, or made by an "
    "earlier copain.",
    "map.png": "The game names no two variables as positions (Game.place gives others), or its "
    "lines cannot be played by its actions alone.",
}


def _shown(pictures: Shown, out: Path) -> list[str]:
    """The figures on the page; each is written beside it."""
    body: list[str] = []
    for name, title, picture, about in pictures:
        body.append(page.section(title))
        if picture is None:
            (out / name).unlink(missing_ok=True)
            body.append(page.text(_NO_FIGURE[name]))
            continue
        (out / name).write_bytes(picture)
        body.append(page.figure(picture, about))
    return body


def _starts(facts: Facts, kept: list[Kept], emulator: Emulator) -> dict[int, InputLog]:
    """The inputs from power-on of the lines that the search began with: the kept movies, which
    went on from there, say them.
    """
    known = facts.known
    starts: dict[int, InputLog] = {}
    roots = known.root[known.best].tolist()
    for root, each in zip(roots, kept, strict=False):
        inputs = inputs_of(each.movie, emulator)
        starts.setdefault(root, inputs[: int(known.frames[root])])
    return starts


def _movies(facts: Facts, kept: list[Kept], emulator: Emulator, game: Game, out: Path) -> list[str]:
    """The kept movies in pictures; the best one as an animation, too."""
    body: list[str] = []
    known = facts.known
    for number, each in enumerate(kept):
        root = known.root[known.best[min(number, len(known.best) - 1)]]
        begin = int(known.frames[root]) - boot_offset(emulator)
        name = each.name.replace("/", "-").partition(".")[0]
        pictures = strip(each.movie, emulator, begin, _PICTURES)
        ram = emulator.ram.read_all() if pictures else None
        points = "" if ram is None else f", {int(game.score(ram)):,} points"
        body.append(f"<h3>{each.name}: {each.movie.frames:,} frames{points}</h3>")
        if not pictures:
            body.append(page.text(f"{emulator.name} shows no picture."))
            continue
        if number == 0:
            body.append(page.film(_animated(each, emulator, begin, out / f"{name}.gif"), each.name))
        files = [(frame, png(picture)) for frame, picture in pictures]
        for frame, data in files:
            (out / f"{name}-{frame}.png").write_bytes(data)
        body.append(page.strip((f"frame {frame:,}", data) for frame, data in files))
    return body


def _animated(best: Kept, emulator: Emulator, begin: int, path: Path) -> bytes:
    """The best movie from where the search began, as a GIF of a size that a page can hold."""
    assert isinstance(emulator, HasScreen)
    first = min(begin + 1, best.movie.frames)
    skip = max(3, -(-(best.movie.frames - first + 1) // _MOST_GIF_PICTURES))
    render(best.movie, emulator, path, first=first, scale=1, frame_skip=skip)
    return path.read_bytes()


def _hashes(facts: Facts, kept: list[Kept]) -> dict[str, object]:
    """What tells this result from others."""
    return {
        "digest of the search": facts.digest.sha256,
        "lines; places held": f"{facts.digest.lines:,}; {facts.digest.held:,}",
        "SHA-1 of the ROM": facts.run["rom_sha1"],
        **{f"SHA-256 of {each.name}": each.sha256 for each in kept},
    }
