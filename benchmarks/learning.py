"""Do agents learn? Alouette's first stage, from starts that training never sees.

- ``ppo ram``: PPO by Stable-Baselines3 from the game's RAM, 1.5 million steps, three seeds.
- ``dqn runners``: copain's `DqnAgent` beside the runners of a CopainRun, the same.
- ``ppo screen84``: PPO from the picture, one seed, as a report.
- the baselines: random, each action held (fire among them), and holding fire up and down.

Each run is ``copain train`` in a folder of its own, and goes on where it was when this is called
again. Starts to train from, to choose the checkpoint by and to report from are three sets that
share none; actions are sticky (0.25) in all of them; settings were tuned on seed 100, and what is
reported are seeds 0 to 2. Steps are those of the environment, practice included.

    python benchmarks/learning.py [--folder runs/learning] [--only NAME ...] [--seeds N]
                                  [--steps N] [--report] [--save]

``--report`` tells of what is there and runs nothing; ``--save`` writes the figures and the plot to
benchmarks/results/. On two processors with nothing else to do a run of ``ppo ram`` is meant to
take some ten minutes, one of ``dqn runners`` some twenty.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from measuring import circumstances, save

from copain.games import game_by_name
from copain.games.objective import stage_cleared
from copain.rl.baselines import baselines
from copain.rl.evaluation import evaluate
from copain.rl.learning_envs import Lesson
from copain.rl.statistics import bootstrap_interval, interquartile_mean

TEST_EPISODES = 100
RUNNERS = 16
MOST_OF_A_BASELINE = 0.05
"""The share of episodes that a baseline may win, or the game is too easy."""
NEEDED = 80
"""Test episodes of 100 in which PPO clears the stage, with each seed."""


@dataclass(frozen=True)
class Subject:
    """What is trained: its name, the words after ``copain train``, and how many seeds."""

    name: str
    command: tuple[str, ...]
    seeds: int = 3

    def folder(self, root: Path, seed: int) -> Path:
        """Where the run of this seed lies."""
        return root / f"{self.name.replace(' ', '-')}-{seed}"


SUBJECTS = (
    Subject("ppo ram", ("ppo", "alouette", "--seen", "ram")),
    Subject("dqn runners", ("dqn", "alouette", "--runners", str(RUNNERS))),
    Subject("ppo screen84", ("ppo", "alouette", "--seen", "screen84", "--copies", "16"), 1),
)


def train(subject: Subject, seed: int, root: Path, steps: int) -> None:
    """Train, or go on, unless it is done."""
    folder = subject.folder(root, seed)
    if (folder / "test.json").exists():
        return
    command = [
        str(Path(sys.executable).parent / "copain"), "train", *subject.command,
        "--goal", "stage:0", "--seed", str(seed),
        "--steps", str(steps), "--episodes", str(TEST_EPISODES), "--out", str(folder),
    ]  # fmt: skip
    print(f"{subject.name}, seed {seed}", flush=True)
    subprocess.run(command, check=True)


def measure_baselines(root: Path) -> dict[str, Any]:
    """How the baselines play from the test starts; kept in the folder."""
    path = root / "baselines.json"
    if path.exists():
        return json.loads(path.read_text(encoding="utf-8"))
    game = game_by_name("alouette")
    lesson = Lesson(game, goal=stage_cleared(game, 0))
    found: dict[str, Any] = {}
    for name, policy in baselines(game).items():
        played = evaluate(policy, lesson, game.starts("test"), TEST_EPISODES, seed=2)
        found[name] = {
            "won": sum(each.won for each in played),
            "reward": [round(each.reward, 4) for each in played],
        }
        print(f"{name}: won {found[name]['won']} of {TEST_EPISODES}", flush=True)
    root.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found), encoding="utf-8")
    return found


def tell(root: Path, subjects: tuple[Subject, ...], steps: int) -> dict[str, Any]:
    """The figures of all runs that are there."""
    simple = measure_baselines(root)
    best = max(simple, key=lambda name: interquartile_mean(simple[name]["reward"]))
    best_rewards = np.array(simple[best]["reward"])
    told: dict[str, Any] = {
        "steps": steps,
        "baselines": {
            name: {"won": each["won"], "reward_iqm": interquartile_mean(each["reward"])}
            for name, each in simple.items()
        },
        "best_baseline": best,
        "baselines_too_easy": [
            name for name, each in simple.items()
            if each["won"] >= MOST_OF_A_BASELINE * TEST_EPISODES
        ],
    }  # fmt: skip
    for subject in subjects:
        runs: list[dict[str, Any]] = []
        for seed in range(subject.seeds):
            folder = subject.folder(root, seed)
            if not (folder / "events.jsonl").exists():
                continue
            lines = (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()
            events = [json.loads(line) for line in lines]
            run: dict[str, Any] = {
                "seed": seed,
                "curve": [
                    (each["steps"], each["reward"], each["won"], each["score"])
                    for each in events
                    if each["event"] == "evaluation"
                ],
            }
            if (folder / "test.json").exists():
                test = json.loads((folder / "test.json").read_text(encoding="utf-8"))
                run |= {"won": test["won"], "reward": test["reward"]}
            runs.append(run)
        done = [np.array(run["reward"]) for run in runs if "reward" in run]
        figures: dict[str, Any] = {"command": "copain train " + " ".join(subject.command)}
        if done:
            low, high = bootstrap_interval(done)
            better = _better_than(done, best_rewards)
            figures |= {
                "won": [run["won"] for run in runs if "won" in run],
                "reward_iqm": interquartile_mean(np.concatenate(done)),
                "reward_interval": [low, high],
                "better_than_baseline_interval": better,
            }
        told[subject.name] = {**figures, "runs": runs}
    return told


def _better_than(runs: list[Any], baseline: Any) -> list[float]:
    """Where the difference of the interquartile means lies, in 95 of 100."""
    luck = np.random.default_rng(1)
    differences = [
        interquartile_mean(np.concatenate([luck.choice(run, len(run)) for run in runs]))
        - interquartile_mean(luck.choice(baseline, len(baseline)))
        for _ in range(2000)
    ]
    return np.quantile(differences, [0.025, 0.975]).tolist()


COLORS = ("#1b6ca8", "#d1495b", "#66a182")


def plot(told: dict[str, Any], subjects: tuple[Subject, ...]) -> str:
    """Returns from the validation starts over environment steps, a line each run, as SVG."""
    left, top, width, height = 60, 30, 640, 320
    points = [
        (steps, reward)
        for subject in subjects
        for run in told[subject.name]["runs"]
        for steps, reward, *_ in run["curve"]
    ]
    base = told["baselines"][told["best_baseline"]]["reward_iqm"]
    most_steps = max([told["steps"], *(steps for steps, _ in points)])
    low = min([0.0, *(reward for _, reward in points)])
    high = 1.05 * max([base, 1.0, *(reward for _, reward in points)])

    def at(steps: float, reward: float) -> str:
        x = left + width * steps / most_steps
        return f"{x:.1f},{top + height * (high - reward) / (high - low):.1f}"

    def text(x: float, y: float, words: str, anchor: str = "start", color: str = "#333") -> str:
        return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{color}">{words}</text>'

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 20}" '
        f'height="{top + height + 60}" font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<rect x="{left}" y="{top}" width="{width}" height="{height}" fill="none" stroke="#bbb"/>',
        text(left, 18, "Alouette, stage 1: return from the validation starts (IQM)"),
        text(left + width, top + height + 34, "environment steps", "end"),
        f'<polyline points="{at(0, base)} {at(most_steps, base)}" stroke="#888" '
        'stroke-dasharray="5 4" fill="none"/>',
        text(left + 6, float(at(0, base).split(",")[1]) - 5, f"{told['best_baseline']} (baseline)"),
    ]
    for part in range(6):
        steps, reward = most_steps * part / 5, low + (high - low) * part / 5
        x, y = left + width * part / 5, float(at(0, reward).split(",")[1])
        parts.append(text(x, top + height + 17, f"{steps / 1e6:.1f} M", "middle"))
        parts.append(text(left - 6, y + 4, f"{reward:.0f}", "end"))
    for number, subject in enumerate(subjects):
        color = COLORS[number % len(COLORS)]
        for run in told[subject.name]["runs"]:
            line = " ".join(at(steps, reward) for steps, reward, *_ in run["curve"])
            parts.append(f'<polyline points="{line}" stroke="{color}" fill="none"/>')
        parts.append(text(left + 14 + 130 * number, top + 20, subject.name, color=color))
    return "\n".join([*parts, "</svg>"]) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description="Do agents learn Alouette's first stage?")
    parser.add_argument("--folder", type=Path, default=Path("runs/learning"))
    parser.add_argument("--only", nargs="*", choices=[subject.name for subject in SUBJECTS])
    parser.add_argument("--seeds", type=int, default=3, help="the first so many")
    parser.add_argument("--steps", type=int, default=1_500_000)
    parser.add_argument("--report", action="store_true", help="run nothing")
    parser.add_argument("--save", action="store_true", help="write to benchmarks/results")
    options = parser.parse_args()
    chosen = tuple(s for s in SUBJECTS if not options.only or s.name in options.only)
    if not options.report:
        for subject in chosen:
            for seed in range(min(subject.seeds, options.seeds)):
                train(subject, seed, options.folder, options.steps)
    told = tell(options.folder, chosen, options.steps)
    for subject in chosen:
        runs = told[subject.name]
        if "won" in runs:
            low, high = runs["better_than_baseline_interval"]
            print(
                f"{subject.name}: won {runs['won']} of {TEST_EPISODES}, return "
                f"{runs['reward_iqm']:.2f}, better than {told['best_baseline']} by "
                f"{low:.2f} to {high:.2f}"
            )
        else:
            print(f"{subject.name}: no run is done")
    drawing = plot(told, chosen)
    options.folder.mkdir(parents=True, exist_ok=True)
    (options.folder / "learning.svg").write_text(drawing, encoding="utf-8")
    if options.save:
        report = {**circumstances(), **told}
        save("learning", report)
        results = Path(__file__).parent / "results"
        (results / f"learning-{report['date'][:10]}.svg").write_text(drawing, encoding="utf-8")
    required = told.get("ppo ram", {}).get("won", [])
    return 0 if all(won >= NEEDED for won in required) else 1


if __name__ == "__main__":
    sys.exit(main())
