"""``copain train``: let an agent learn a game."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, Self, TypeAlias

import typer
from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from copain.backends import EMULATOR_NAMES, open_emulator
from copain.cli.search_options import game_and_rom, new_folder
from copain.errors import InputError, MissingExtra
from copain.games import GAME_NAMES, Game
from copain.games.objective import Goal, stage_cleared, won
from copain.rom import Rom
from copain.runs import Plan, RunFolder, Value

train = typer.Typer(
    name="train",
    help="Let an agent learn a game. The same command goes on after a kill.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

GameName: TypeAlias = Annotated[
    str, typer.Argument(help=f"A game ({', '.join(GAME_NAMES)}), or the ROM of one.")
]
YourRom: TypeAlias = Annotated[
    Path | None, typer.Option(help="Your ROM of the game, where copain ships none.")
]
Seen: TypeAlias = Annotated[str, typer.Option(help="What the agent sees: ram, or screen84.")]
GoalName: TypeAlias = Annotated[
    str, typer.Option(help="Where an episode is won: won, or stage:N when stage N, from 0, is.")
]
Steps: TypeAlias = Annotated[int, typer.Option(min=1, help="Environment steps in all.")]
Seed: TypeAlias = Annotated[int, typer.Option(min=0, help="Of the random numbers.")]
Device: TypeAlias = Annotated[str, typer.Option(help="auto (CUDA where it is there), cpu, cuda.")]
StartFrom: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option("--from", help="A run folder or movie whose way is practised from the first."),
]
ValidateEvery: TypeAlias = Annotated[
    int, typer.Option(min=1, help="Steps between two validations.")
]
Workers: TypeAlias = Annotated[int | None, typer.Option(min=1, help="Threads that emulate.")]
Practice: TypeAlias = Annotated[
    float,
    typer.Option(min=0, max=1, help="Share of episodes that begin where earlier ones came to."),
]
Episodes: TypeAlias = Annotated[
    int, typer.Option(min=1, help="Episodes of the evaluation from the test starts, in the end.")
]
Sticky: TypeAlias = Annotated[
    float, typer.Option(help="How likely a frame holds on to what was held before.")
]
Out: TypeAlias = Annotated[
    Path | None,
    typer.Option(help="The run folder; runs/GAME-DATE by default. Give one to go on after a kill."),
]
Video: TypeAlias = Annotated[
    bool, typer.Option("--video/--no-video", help="Render the best test episode.")
]


@train.command("ppo")
def ppo(
    game: GameName = "alouette",
    rom: YourRom = None,
    seen: Seen = "ram",
    goal: GoalName = "won",
    steps: Steps = 1_500_000,
    seed: Seed = 0,
    copies: Annotated[int, typer.Option(min=1, help="Environments at once.")] = 64,
    practice: Practice = 0.6,
    sticky: Sticky = 0.25,
    validate_every: ValidateEvery = 100_000,
    episodes: Episodes = 100,
    device: Device = "auto",
    workers: Workers = None,
    start_from: StartFrom = None,
    out: Out = None,
    video: Video = True,
) -> None:
    """Proximal policy optimization, by Stable-Baselines3."""
    _train_sb3(
        "ppo", game, rom, seen, goal, steps, seed, copies, practice, sticky, validate_every,
        episodes, device, workers, start_from, out, video,
    )  # fmt: skip


@train.command("dqn")
def dqn(
    game: GameName = "alouette",
    rom: YourRom = None,
    seen: Seen = "ram",
    goal: GoalName = "won",
    steps: Steps = 1_500_000,
    seed: Seed = 0,
    runners: Annotated[
        int | None,
        typer.Option(
            min=1, help="Learn beside so many runners of a CopainRun, with copain's own agent."
        ),
    ] = None,
    emulator: Annotated[
        str | None, typer.Option(help=f"Of the runners: {', '.join(EMULATOR_NAMES)}.")
    ] = None,
    visible: Annotated[int, typer.Option(min=0, help="Runners that show a window.")] = 0,
    copies: Annotated[int, typer.Option(min=1, help="Environments at once, without runners.")] = 32,
    practice: Practice = 0.6,
    sticky: Sticky = 0.25,
    validate_every: ValidateEvery = 100_000,
    episodes: Episodes = 100,
    device: Device = "auto",
    workers: Workers = None,
    start_from: StartFrom = None,
    out: Out = None,
    video: Video = True,
) -> None:
    """Deep Q-learning: by Stable-Baselines3, or beside the runners of a CopainRun."""
    if runners is None:
        if emulator is not None or visible:
            raise InputError("copain train dqn: --emulator and --visible are of --runners N")
        _train_sb3(
            "dqn", game, rom, seen, goal, steps, seed, copies, practice, sticky, validate_every,
            episodes, device, workers, start_from, out, video,
        )  # fmt: skip
        return
    if seen != "ram":
        raise InputError(f"copain train dqn --runners: --seen {seen}; runners tell of their ram")
    need_learning()
    from copain.rl.dqn_settings import DqnSettings
    from copain.rl.dqn_training import RunnersTraining
    from copain.rl.learning_envs import Lesson

    played, loaded = game_and_rom(game, rom)
    lesson = Lesson(played, sticky=sticky, goal=goal_of(played, goal), rom=loaded)
    config: dict[str, Value] = {
        "seen": seen, "goal": goal, "seed": seed, "runners": runners, "practice": practice,
        "sticky": sticky, "steps": steps, "emulator": emulator or "",
    }  # fmt: skip
    path = out or new_folder(played)
    with RunFolder(path, plan_of(played, loaded, "dqn beside runners", config)) as folder:
        title = f"copain learns {played.ram_map.title} (dqn, {runners} runners)"
        with _Told(title) as told:
            training = RunnersTraining(
                lesson, loaded, folder, steps=steps, runners=runners, emulator=emulator,
                visible=visible, practice=practice, validate_every=validate_every,
                settings=DqnSettings(seed=seed, device="cpu" if device == "auto" else device),
                demonstrations=start_from or (), on_progress=told,
            )  # fmt: skip
            training.run()
        training.finish(episodes, video=video)
    _summary(path)


def _train_sb3(
    algorithm: Any, game: str, rom: Path | None, seen: str, goal: str, steps: int, seed: int,
    copies: int, practice: float, sticky: float, validate_every: int, episodes: int, device: str,
    workers: int | None, start_from: list[Path] | None, out: Path | None, video: bool,
) -> None:  # fmt: skip
    need_learning()
    from copain.rl.learning_envs import Lesson
    from copain.rl.sb3_training import Sb3Training, Schedule, finish

    played, loaded = game_and_rom(game, rom)
    stack = 2 if seen == "ram" else 4
    lesson = Lesson(
        played, seen, stack=stack, sticky=sticky, goal=goal_of(played, goal), rom=loaded
    )
    schedule = Schedule(
        steps=steps, copies=copies, practice=practice, validate_every=validate_every, seed=seed,
        device=device,
    )  # fmt: skip
    config: dict[str, Value] = {
        "seen": seen, "goal": goal, "seed": seed, "copies": copies, "practice": practice,
        "sticky": sticky, "steps": steps,
    }  # fmt: skip
    path = out or new_folder(played)
    with RunFolder(path, plan_of(played, loaded, algorithm, config)) as folder:
        title = f"copain learns {played.ram_map.title} ({algorithm}, {seen})"
        with _Told(title) as told:
            training = Sb3Training(
                algorithm, lesson, schedule, folder, workers=workers, on_progress=told,
                demonstrations=start_from or (),
            )  # fmt: skip
            training.run()
        finish(training, episodes, video=video)
    _summary(path)


def plan_of(game: Game, rom: Rom, algorithm: str, config: dict[str, Value]) -> Plan:
    """The plan of a training with these settings."""
    with open_emulator(rom) as nes:
        return Plan(
            game=game.name, rom=rom.name, rom_sha1=rom.sha1, emulator=nes.name,
            emulator_version=nes.version, copain=version("copain"), algorithm=algorithm,
            config=config,
        )  # fmt: skip


def goal_of(game: Game, text: str) -> Goal:
    """The goal that ``--goal`` names."""
    kind, _, number = text.partition(":")
    if text == "won":
        return won(game)
    if kind == "stage" and number.isdecimal():
        return stage_cleared(game, int(number))
    raise InputError(f"--goal {text!r}: won, or stage:N (such as stage:0), is needed")


def need_learning() -> None:
    """Raise MissingExtra where what learns is not installed."""
    for package in ("torch", "stable_baselines3"):
        try:
            __import__(package)
        except ImportError:
            raise MissingExtra.needed("copain train", package, "learn") from None


def _summary(path: Path) -> None:
    """Tell how the best policy plays, from ``test.json``."""
    test = json.loads((path / "test.json").read_text(encoding="utf-8"))
    console = Console()
    console.print(
        f"[bold]won {test['won']} of {test['episodes']}[/] episodes from test starts; return "
        f"{test['reward_iqm']:.2f} (interquartile mean)",
        highlight=False,
    )
    console.print(f"  {escape(str(path))}", highlight=False, soft_wrap=True)


@dataclass(slots=True)
class _Point:
    steps: int
    seconds: float


class _Told:
    """The progress display: a panel on a terminal, or a line now and then."""

    def __init__(self, title: str) -> None:
        self._title, self._console = title, Console(stderr=True)
        self._began, self._drawn = time.monotonic(), float("-inf")
        self._first: _Point | None = None
        self._curve: list[float] = []
        terminal = self._console.is_terminal and not self._console.is_dumb_terminal
        self._live = Live(console=self._console, auto_refresh=False) if terminal else None

    def __call__(self, at: Any) -> None:
        """Show where training is: a `copain.rl.sb3_training.At`."""
        now = time.monotonic()
        if self._first is None:
            self._first = _Point(at.steps, now)
        self._curve.append(at.reward)
        if now - self._drawn < (0.5 if self._live else 10.0):
            return
        self._drawn = now
        speed = (at.steps - self._first.steps) / max(now - self._first.seconds, 1e-9)
        left = (at.most - at.steps) / speed if speed > 0 else float("inf")
        if self._live is None:
            self._console.print(
                f"{now - self._began:6.0f} s: {at.steps:,} of {at.most:,} steps, {speed:,.0f}/s; "
                f"{at.episodes:,} episodes, the last return {at.reward:.2f}, score "
                f"{at.score:,.0f}, won {at.won:.0%}",
                highlight=False, soft_wrap=True,
            )  # fmt: skip
        else:
            self._live.update(self._panel(at, speed, left), refresh=True)

    def _panel(self, at: Any, speed: float, left: float) -> Panel:
        facts = Table.grid(padding=(0, 2))
        facts.add_column(style="dim")
        facts.add_column(justify="right", min_width=12)
        for name, value in (
            ("steps", f"{at.steps:,}"), ("steps/s", f"{speed:,.0f}"),
            ("time left", "" if left == float("inf") else f"{left / 60:,.0f} min"),
            ("", ""), ("episodes", f"{at.episodes:,}"), ("return", f"{at.reward:.2f}"),
            ("score", f"{at.score:,.0f}"), ("steps an episode", f"{at.length:,.0f}"),
            ("won", f"{at.won:.0%}"),
        ):  # fmt: skip
            facts.add_row(name, Text(value))
        body = Table.grid(padding=(0, 0))
        body.add_row(facts)
        body.add_row(Text(_sparks(self._curve, 44), style="bright_cyan"))
        body.add_row(ProgressBar(total=at.most, completed=at.steps, width=44))
        return Panel(
            body, title=f"[bold]{self._title}[/]", subtitle="[dim]Ctrl-C keeps what is learned[/]",
            expand=False, border_style="bright_blue",
        )  # fmt: skip

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()


def _sparks(curve: list[float], width: int) -> str:
    """A curve in a line of characters, from its first point to its last."""
    step = max(1, -(-len(curve) // width))
    means = [sum(curve[at : at + step]) / len(curve[at : at + step])
             for at in range(0, len(curve), step)]  # fmt: skip
    low, high = min(means), max(means)
    return "".join("▁▂▃▄▅▆▇█"[int(7 * (mean - low) / ((high - low) or 1))] for mean in means)
