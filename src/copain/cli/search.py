"""``copain search``: find a run of a game."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast

import typer
from rich.console import Console
from rich.markup import escape

from copain.cli.search_options import (
    ActionRepeat,
    AndNames,
    Batch,
    Config,
    CoreName,
    EmulatorName,
    Ends,
    Forked,
    Frames,
    GameName,
    GoalName,
    Linger,
    MaskFile,
    Memory,
    ObjectiveName,
    Out,
    Searched,
    Seconds,
    Seed,
    Starts,
    Sticky,
    ThenName,
    Workers,
    YourRom,
    memory_of,
    searched_in,
)
from copain.cli.verify import open_one
from copain.games import GAME_NAMES
from copain.movie import Movie
from copain.search import (
    Beam,
    BruteForce,
    Fastest,
    GoExplore,
    MaskSearch,
    Points,
    Polish,
    RandomSearch,
    find_mask,
)
from copain.search import beam as search_by_beam
from copain.search import brute_force as search_by_brute_force
from copain.search import digest as digest_of
from copain.search import go_explore as search_by_go_explore
from copain.search import polish as polish_by_search
from copain.search import random_search as search_at_random
from copain.search.report import write_report

search = typer.Typer(
    name="search",
    help="Find a run of a game that nobody played.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_BRUTE_FORCE, _BEAM, _GO_EXPLORE, _RANDOM = BruteForce(), Beam(), GoExplore(), RandomSearch()
_POLISH, _MASK = Polish(), MaskSearch()


@search.command("brute-force")
def brute_force(
    game: GameName,
    objective: ObjectiveName = Fastest.name,
    then: ThenName = None,
    goal: GoalName = "won",
    rom: YourRom = None,
    seed: Seed = 0,
    action_repeat: ActionRepeat = _BRUTE_FORCE.action_repeat,
    lines: Annotated[int, typer.Option(help="Ways followed at once.")] = _BRUTE_FORCE.lines,
    patience: Annotated[
        int, typer.Option(help="Frames after which a line whose score did not rise is cut.")
    ] = _BRUTE_FORCE.patience,
    preferred: Annotated[
        bool, typer.Option(help="Try the places first that the game prefers, or any.")
    ] = _BRUTE_FORCE.preferred,
    batch: Batch = _BRUTE_FORCE.batch,
    linger: Linger = _BRUTE_FORCE.linger,
    ends: Ends = 1,
    starts: Starts = None,
    forked: Forked = None,
    mask: MaskFile = None,
    seconds: Seconds = None,
    frames: Frames = None,
    tries: Annotated[int | None, typer.Option(help="Stop after so many rerecords.")] = None,
    workers: Workers = None,
    emulator: EmulatorName = None,
    core: CoreName = None,
    out: Out = None,
    _config: Config = None,
) -> None:
    """Die and retry over savestates until the goal is reached. Ctrl-C keeps the best so far.

    Exit status 0: the goal is reached; 1: it is not; 2: the search could not be made.
    """
    searched = Searched.of(game, rom, emulator, core, out)
    wish = searched.objective(objective, goal, then)
    settings = BruteForce(
        seed=seed, action_repeat=action_repeat, lines=lines,
        most_lines=max(lines, _BRUTE_FORCE.most_lines), patience=patience, preferred=preferred,
        batch=batch, linger=linger, ends=ends, frames=frames, tries=tries, seconds=seconds,
    )  # fmt: skip
    searched.run(
        lambda watch: search_by_brute_force(
            searched.open, wish, settings,
            starts=searched.starts(starts, forked, lines),
            mask=searched.mask(mask), workers=workers, folder=searched.folder, on_progress=watch,
        )
    )  # fmt: skip


@search.command("beam")
def beam(
    game: GameName,
    objective: ObjectiveName = Fastest.name,
    then: ThenName = None,
    also: AndNames = None,
    goal: GoalName = "won",
    rom: YourRom = None,
    width: Annotated[int, typer.Option(help="Lines that go on together.")] = _BEAM.width,
    action_repeat: ActionRepeat = _BEAM.action_repeat,
    per_cell: Annotated[
        int, typer.Option(help="Lines at most in places that are alike; 0: any number.")
    ] = _BEAM.per_cell,
    batch: Batch = _BEAM.batch,
    linger: Linger = _BEAM.linger,
    generations: Annotated[
        int, typer.Option(help="Stop after so many generations.")
    ] = _BEAM.generations,
    ends: Ends = 1,
    starts: Starts = None,
    forked: Forked = None,
    mask: MaskFile = None,
    memory: Memory = None,
    when_full: Annotated[
        str, typer.Option(help="What does not fit: spill it, or forget what was seen long ago.")
    ] = _BEAM.when_full,
    seconds: Seconds = None,
    frames: Frames = None,
    workers: Workers = None,
    emulator: EmulatorName = None,
    core: CoreName = None,
    out: Out = None,
    _config: Config = None,
) -> None:
    """Play all actions from many lines at once; the best go on. Ctrl-C keeps the best so far.

    Exit status 0: the goal is reached; 1: it is not; 2: the search could not be made.
    """
    searched = Searched.of(game, rom, emulator, core, out)
    wish = searched.objective(objective, goal, then, also)
    settings = Beam(
        width=width, action_repeat=action_repeat, per_cell=per_cell, batch=batch, linger=linger,
        ends=ends, generations=generations, memory=memory_of(memory),
        when_full=cast(Any, when_full), frames=frames, seconds=seconds,
    )  # fmt: skip
    searched.run(
        lambda watch: search_by_beam(
            searched.open, wish, settings,
            starts=searched.starts(starts, forked, width),
            mask=searched.mask(mask), workers=workers, folder=searched.folder, on_progress=watch,
        )
    )  # fmt: skip


@search.command("go-explore")
def go_explore(
    game: GameName,
    objective: ObjectiveName = Points.name,
    then: ThenName = None,
    also: AndNames = None,
    goal: GoalName = "won",
    rom: YourRom = None,
    seed: Seed = 0,
    action_repeat: ActionRepeat = _GO_EXPLORE.action_repeat,
    explore: Annotated[
        int, typer.Option(help="The most actions played from a place that is returned to.")
    ] = _GO_EXPLORE.explore,
    sticky: Sticky = _GO_EXPLORE.sticky,
    promise: Annotated[
        float, typer.Option(help="How much places of a high score are preferred.")
    ] = _GO_EXPLORE.promise,
    cells: Annotated[int, typer.Option(help="The most places kept.")] = _GO_EXPLORE.cells,
    batch: Batch = _GO_EXPLORE.batch,
    linger: Linger = _GO_EXPLORE.linger,
    ends: Ends = 1,
    starts: Starts = None,
    forked: Forked = None,
    memory: Memory = None,
    seconds: Seconds = None,
    frames: Frames = None,
    workers: Workers = None,
    emulator: EmulatorName = None,
    core: CoreName = None,
    out: Out = None,
    _config: Config = None,
) -> None:
    """Keep a place of every kind, return to one, explore from there. Ctrl-C keeps the best so far.

    Exit status 0: the goal is reached; 1: it is not; 2: the search could not be made.
    """
    searched = Searched.of(game, rom, emulator, core, out)
    wish = searched.objective(objective, goal, then, also)
    settings = GoExplore(
        seed=seed, action_repeat=action_repeat, explore=explore, sticky=sticky, promise=promise,
        cells=cells, batch=batch, linger=linger, ends=ends, memory=memory_of(memory),
        frames=frames, seconds=seconds,
    )  # fmt: skip
    searched.run(
        lambda watch: search_by_go_explore(
            searched.open, wish, settings,
            starts=searched.starts(starts, forked),
            workers=workers, folder=searched.folder, on_progress=watch,
        )
    )  # fmt: skip


@search.command("random")
def random(
    game: GameName,
    objective: ObjectiveName = Points.name,
    then: ThenName = None,
    goal: GoalName = "won",
    rom: YourRom = None,
    seed: Seed = 0,
    action_repeat: ActionRepeat = _RANDOM.action_repeat,
    sticky: Sticky = _RANDOM.sticky,
    batch: Batch = _RANDOM.batch,
    linger: Linger = _RANDOM.linger,
    seconds: Seconds = None,
    frames: Frames = None,
    workers: Workers = None,
    emulator: EmulatorName = None,
    core: CoreName = None,
    out: Out = None,
    _config: Config = None,
) -> None:
    """Play at random from the start, again and again: what a search must be better than.

    Exit status 0: the goal is reached; 1: it is not; 2: the search could not be made.
    """
    searched = Searched.of(game, rom, emulator, core, out)
    wish = searched.objective(objective, goal, then)
    settings = RandomSearch(
        seed=seed, action_repeat=action_repeat, sticky=sticky, batch=batch, linger=linger,
        frames=frames, seconds=seconds,
    )  # fmt: skip
    searched.run(
        lambda watch: search_at_random(
            searched.open, wish, settings,
            workers=workers, folder=searched.folder, on_progress=watch,
        )
    )  # fmt: skip


@search.command("polish")
def polish(
    movie: Annotated[Path, typer.Argument(help="The movie, an .fm2 file, from power-on.")],
    game: Annotated[
        str, typer.Option(help=f"The game ({', '.join(GAME_NAMES)}), or the ROM of one.")
    ],
    objective: ObjectiveName = Fastest.name,
    then: ThenName = None,
    goal: GoalName = "won",
    rom: YourRom = None,
    start: Annotated[
        int | None,
        typer.Option(help="Change nothing before this frame; by default the game's start."),
    ] = None,
    drop: Annotated[int, typer.Option(help="The most frames dropped at once.")] = _POLISH.drop,
    horizon: Annotated[
        int, typer.Option(help="Frames that a changed line has to come back to the old one.")
    ] = _POLISH.horizon,
    window: Annotated[
        int, typer.Option(help="Frames that are searched again at once.")
    ] = _POLISH.window,
    width: Annotated[int, typer.Option(help="Lines that go on in a window.")] = _POLISH.width,
    action_repeat: ActionRepeat = _POLISH.action_repeat,
    tries: Annotated[
        int, typer.Option(help="Changed lines that are played to the end at each place.")
    ] = _POLISH.tries,
    batch: Batch = _POLISH.batch,
    mask: MaskFile = None,
    seconds: Seconds = None,
    frames: Frames = None,
    workers: Workers = None,
    emulator: EmulatorName = None,
    core: CoreName = None,
    out: Out = None,
    _config: Config = None,
) -> None:
    """Make a movie better: drop frames, shift and change inputs, search parts of it again.

    Exit status 0: the goal is reached; 1: it is not; 2: the search could not be made.
    """
    searched = Searched.of(game, rom, emulator, core, out)
    wish = searched.objective(objective, goal, then)
    settings = Polish(
        drop=drop, horizon=horizon, window=window, width=width, action_repeat=action_repeat,
        tries=tries, batch=batch, frames=frames, seconds=seconds,
    )  # fmt: skip
    played = Movie.read(movie)
    searched.run(
        lambda watch: polish_by_search(
            searched.open, played, wish, settings,
            start=start, mask=searched.mask(mask), workers=workers, folder=searched.folder,
            on_progress=watch,
        )
    )  # fmt: skip


@search.command("mask")
def mask(
    game: GameName,
    out: Annotated[Path | None, typer.Option(help="The file; GAME-mask.toml by default.")] = None,
    watch: Annotated[
        list[str] | None,
        typer.Option(help="A variable that must not differ; by default all positions."),
    ] = None,
    movie: Annotated[
        list[Path] | None, typer.Option(help="A movie along which states are taken, too.")
    ] = None,
    rom: YourRom = None,
    seed: Seed = _MASK.seed,
    horizon: Annotated[
        int, typer.Option(help="Frames that states are played on for comparison.")
    ] = _MASK.horizon,
    states: Annotated[int, typer.Option(help="Real states that are used.")] = _MASK.states,
    trials: Annotated[int, typer.Option(help="Changes of each byte.")] = _MASK.trials,
    pairs: Annotated[int, typer.Option(help="Pairs that must be alike.")] = _MASK.pairs,
    evidence: Annotated[
        int, typer.Option(help="Pairs that must differ in a byte for it to be ignored.")
    ] = _MASK.evidence,
    rounds: Annotated[int, typer.Option(help="Batches of pairs at most.")] = _MASK.rounds,
    workers: Workers = None,
    emulator: EmulatorName = None,
    core: CoreName = None,
    _config: Config = None,
) -> None:
    """Find what of RAM may be ignored when places are compared, and check it."""
    searched = Searched.of(game, rom, emulator, core, None)
    console = Console()
    found = find_mask(
        searched.open, searched.game,
        MaskSearch(seed=seed, horizon=horizon, states=states, trials=trials, pairs=pairs,
                   evidence=evidence, rounds=rounds),
        watch=watch, movies=[Movie.read(path) for path in movie or ()], workers=workers,
        on_progress=lambda text: console.print(text, highlight=False),
    )  # fmt: skip
    path = out or Path(f"{searched.game.name}-mask.toml")
    found.write(path)
    facts = found.evidence
    console.print(
        f"{len(found.ignored)} of {len(found.matters)} bytes may be ignored: {facts['pairs']} "
        f"pairs were alike, {facts['false_merges']} not (at most {facts['bound']} of all, with "
        f"95 %); {facts['false_merges_before']} were met on the way\n  {escape(str(path))}",
        highlight=False, soft_wrap=True,
    )  # fmt: skip


@search.command("digest")
def digest(
    folder: Annotated[Path, typer.Argument(help="The run folder.", metavar="RUN")],
) -> None:
    """Print one number for all that a search found; equal searches have equal ones."""
    found = digest_of(folder)
    print(found.sha256)
    Console(stderr=True).print(
        f"{found.lines:,} lines, {found.held:,} places held", highlight=False
    )


@search.command("report")
def report(
    folder: Annotated[Path, typer.Argument(help="The run folder.", metavar="RUN")],
    rom: YourRom = None,
    emulator: EmulatorName = None,
    core: CoreName = None,
    lines: Annotated[
        int, typer.Option(min=1, help="Lines that are played again for the map, at most.")
    ] = 200,
    out: Annotated[
        Path | None, typer.Option(help="The folder for page and pictures; RUN/report by default.")
    ] = None,
) -> None:
    """Show what a search did: a page with score and frontier, a map, speed, and the best movies."""
    game, loaded, named = searched_in(folder, rom)
    if emulator is None and core is None:
        emulator, _, name = named.partition(":")
        core = name or None
    path = write_report(
        folder, lambda: open_one(loaded, emulator, core), game, out, lines=lines
    )  # fmt: skip
    print(path)
