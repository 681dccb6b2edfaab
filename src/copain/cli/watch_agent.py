"""``copain watch``: an agent that was trained plays, in a window or into a file."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from rich.console import Console
from rich.markup import escape

import copain
from copain.cli.search_options import game_and_rom
from copain.cli.train import goal_of, need_learning
from copain.errors import InputError, RunError
from copain.movie.render import render


def watch(
    run: Annotated[Path, typer.Argument(help="The run folder of copain train.")],
    rom: Annotated[
        Path | None, typer.Option(help="Your ROM of the game, where copain ships none.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="A file to write: .mp4, .gif or .fm2; else a window."),
    ] = None,
    split: Annotated[str, typer.Option(help="The set of starts, such as test.")] = "test",
    start: Annotated[int, typer.Option(min=0, help="Which of them, from 0.")] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Of the sticky actions.")] = 0,
) -> None:
    """Play an episode with the best policy of a training, and show it.

    Exit status 0: the episode was won; 1: it was not.
    """
    need_learning()
    from copain.rl.evaluation import evaluate, movie_of
    from copain.rl.learning_envs import Lesson
    from copain.rl.trained import policy_in

    if output is not None and output.suffix.lower() not in (".mp4", ".gif", ".fm2"):
        raise InputError(f"copain watch -o {output}: .mp4, .gif or .fm2 is needed")
    plan = _plan_in(run)
    game, loaded = game_and_rom(str(plan["run"]["game"]), rom)
    config = plan["config"]
    seen = str(config["seen"])
    lesson = Lesson(
        game, seen, stack=2 if seen == "ram" else 4, goal=goal_of(game, str(config["goal"])),
        rom=loaded,
    )  # fmt: skip
    starts = game.starts(split)
    chosen = starts[start % len(starts)]
    policy = policy_in(run, str(plan["run"]["algorithm"]), lesson)
    played = evaluate(policy, lesson, [chosen], 1, seed=seed)[0]
    console = Console()
    console.print(
        f"{'[bold green]won[/]' if played.won else '[bold yellow]not won[/]'}: score "
        f"{played.score:,} in {len(played.inputs):,} frames from {escape(chosen.name)!r}",
        highlight=False,
    )
    with copain.open(loaded) as nes:
        movie = movie_of(played, lesson, nes)
        if output is None:
            from copain.play import play

            nes.power_on()
            play(nes, movie=movie)
        elif output.suffix.lower() == ".fm2":
            movie.write(output)
        else:
            render(movie, nes, output, first=len(chosen.log(nes.system.ports)) + 1)
    if not played.won:
        raise typer.Exit(1)


def _plan_in(run: Path) -> dict[str, dict[str, Any]]:
    """The plan of a training. Raises RunError where there is none."""
    try:
        plan = tomllib.loads((run / "run.toml").read_text(encoding="utf-8"))
        found = cast(dict[str, dict[str, Any]], plan)
        _ = found["run"]["algorithm"], found["config"]["seen"], found["config"]["goal"]
    except (OSError, KeyError, tomllib.TOMLDecodeError) as error:
        raise RunError(
            f"{str(run)!r}: no run folder of copain train is there: {error!r}"
        ) from error
    return found
