"""What a conformance check found, and the report of all checks of one emulator and game."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How a check ended; the worst comes last."""

    ABSENT = "absent"
    """The emulator has not this capability."""
    EXACT = "exact"
    """Equal in every byte and picture that was compared."""
    HEALS = "heals"
    """Differs for some frames, then is equal to the end over a long tail."""
    DIVERGES = "diverges"
    """Differs, and had not come back to equal for long when the check ended."""
    WRONG = "wrong"
    """Breaks a rule of the interface, or too little was compared to say anything."""

    @property
    def rank(self) -> int:
        """From 0 (absent) to 4 (wrong)."""
        return list(Outcome).index(self)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    `frames` and `size` say how much was compared: frames (or calls, where a check is of calls)
    and bytes. `first_frame` is the first that differs, counted from the inputs' start,
    `addresses` are those in RAM that differ there, at most eight. `seed` is the inputs'.
    """

    outcome: Outcome
    frames: int = 0
    size: int = 0
    first_frame: int | None = None
    addresses: tuple[int, ...] = ()
    detail: str = ""
    seed: int | None = None

    def __str__(self) -> str:
        text = f"{self.outcome}"
        if self.first_frame is not None:
            text += f" at frame {self.first_frame}"
        if self.addresses:
            text += f" in ram {' '.join(f'{address:#06x}' for address in self.addresses)}"
        if self.detail:
            text += f": {self.detail}"
        return text


def worst(findings: Sequence[Finding]) -> Finding:
    """The worst of several findings, with all that was compared added up.

    Absent only if all are: `findings` must not be empty.
    """
    bad = max(findings, key=lambda finding: finding.outcome.rank)
    return Finding(
        outcome=bad.outcome,
        frames=sum(finding.frames for finding in findings),
        size=sum(finding.size for finding in findings),
        first_frame=bad.first_frame,
        addresses=bad.addresses,
        detail=bad.detail,
        seed=bad.seed,
    )


@dataclass(frozen=True, slots=True)
class Report:
    """All checks of one emulator with one game; prints as a table."""

    emulator: str
    version: str
    game: str
    rom_sha1: str
    frames: int
    seeds: tuple[int, ...]
    findings: Mapping[str, Finding]

    @property
    def exact(self) -> bool:
        """Whether every check is exact, or absent."""
        return all(f.outcome in (Outcome.EXACT, Outcome.ABSENT) for f in self.findings.values())

    def to_dict(self) -> dict[str, object]:
        """The report as plain values, for JSON."""
        return {
            "emulator": self.emulator,
            "version": self.version,
            "game": self.game,
            "rom_sha1": self.rom_sha1,
            "frames": self.frames,
            "seeds": list(self.seeds),
            "checks": {
                name: {
                    "outcome": str(finding.outcome),
                    "frames": finding.frames,
                    "bytes": finding.size,
                    "first_frame": finding.first_frame,
                    "addresses": list(finding.addresses),
                    "detail": finding.detail,
                    "seed": finding.seed,
                }
                for name, finding in self.findings.items()
            },
        }

    def __str__(self) -> str:
        seeds = ", ".join(map(str, self.seeds))
        lines = [
            f"{self.emulator} {self.version}, {self.game}: {self.frames} frames, seeds {seeds}"
        ]
        for name, finding in self.findings.items():
            lines.append(f"  {name:<14} {finding.frames:>7} {finding.size:>13,} bytes  {finding}")
        return "\n".join(lines)
