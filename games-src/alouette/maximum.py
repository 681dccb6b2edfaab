"""Compute the largest score that the tables of Alouette allow, stage by stage.

    python maximum.py           print the figures
    python maximum.py --write   put them into src/copain/games/alouette/MAXIMUM.md
    python maximum.py --check   say whether that file has the figures of the tables

It reads the same tables that the ROM is built from. What the bound rests on is in MAXIMUM.md.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from stages import Game, Stage, load_game

PAGE = Path(__file__).parents[2] / "src" / "copain" / "games" / "alouette" / "MAXIMUM.md"
BEGIN, END = "<!-- figures of maximum.py -->\n", "<!-- end of figures -->\n"


@dataclass(frozen=True, slots=True)
class StageMaximum:
    """What each source of points gives at most in one stage."""

    stage: int
    enemies: int
    hatched: int
    waves: int
    capsules: int
    boss: int
    counts: dict[str, int]

    @property
    def total(self) -> int:
        return self.enemies + self.hatched + self.waves + self.capsules + self.boss


def stage_maximum(game: Game, stage: Stage) -> StageMaximum:
    """Every row destroyed once, every wave whole, every capsule caught, the boss's best bonus."""
    enemies, hatched, carriers = 0, 0, 0
    counts: Counter[str] = Counter()
    for row in stage.rows:
        if row.kind is None:
            continue
        counts[row.kind.name] += 1
        enemies += row.kind.points
        carriers += row.red
        if row.kind.hatches is not None:
            young = game.kind(row.kind.hatches)
            counts[young.name] += row.variant
            hatched += row.variant * young.points
    # A red member of a wave whose last one leaves a capsule too could be that last one: then
    # there is one capsule for both. The tables have none, and the bound would only be looser.
    carriers += sum(wave.capsule for wave in stage.waves)
    return StageMaximum(
        stage.number,
        enemies,
        hatched,
        sum(wave.points for wave in stage.waves),
        carriers * game.capsule_points,
        max(stage.boss.points),
        dict(counts),
    )


def maxima(game: Game) -> list[StageMaximum]:
    """The largest score of each stage."""
    return [stage_maximum(game, stage) for stage in game.stages]


def figures() -> str:
    """The figures as Markdown."""
    game = load_game()
    found = maxima(game)
    lines = [
        f"Version {game.version} of the game:",
        "",
        "| stage | enemies | hatched | whole waves | capsules | boss | at most |",
        "|---|---|---|---|---|---|---|",
    ]
    for m in found:
        cells = (m.enemies, m.hatched, m.waves, m.capsules, m.boss)
        row = " | ".join(f"{cell:,}" for cell in cells)
        lines.append(f"| {m.stage} | {row} | **{m.total:,}** |")
    lines.append(f"| all | | | | | | **{sum(m.total for m in found):,}** |")
    lines.append("")
    for m in found:
        listed = ", ".join(f"{count} {name}" for name, count in sorted(m.counts.items()))
        lines.append(f"Stage {m.stage} has {listed}.")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", action="store_true", help="update MAXIMUM.md")
    parser.add_argument("--check", action="store_true", help="compare with MAXIMUM.md")
    options = parser.parse_args()
    text = figures()
    print(text, end="")
    page = PAGE.read_text()
    before, rest = page.split(BEGIN)
    old, after = rest.split(END)
    if options.write:
        PAGE.write_text(before + BEGIN + text + END + after)
    elif options.check and old != text:
        print("MAXIMUM.md has other figures: python maximum.py --write", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
