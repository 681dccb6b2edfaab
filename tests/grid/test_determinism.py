"""The audit of determinism: what it says of an emulator that is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from copain.backends.grid import GridEmulator, open_grid
from copain.cli import app
from copain.games import rom_path
from copain.joypad import IDLE, Held
from copain.testing.determinism import (
    AUDIT_CHECKS,
    FOLLOWED,
    FRAMES,
    FRESH_PROCESS,
    LONG_RUN,
    audit_determinism,
    follow_moment,
    long_run,
    make_moment,
    with_fresh_process,
)
from copain.testing.report import Outcome

UNUSED = 0x30  # a byte of Grid's RAM that the game neither reads nor writes


class Aging(GridEmulator):
    """A Grid that, late in the second instance's life, has another byte for a while."""

    born = 0
    until = 10_000

    def __init__(self) -> None:
        Aging.born += 1
        self._second = Aging.born % 2 == 0
        super().__init__(open_grid().rom)

    def advance(self, held: Held = IDLE, *, frames: int = 1) -> None:
        super().advance(held, frames=frames)
        self.ram[UNUSED] = int(self._second and 1000 <= self.frame < self.until)


def test_grid_is_exact_in_every_check() -> None:
    found, moment = audit_determinism(open_grid, "grid", 500)
    found = with_fresh_process(found, follow_moment(open_grid, moment))
    assert tuple(found.findings) == AUDIT_CHECKS
    outcomes = {name: one.outcome for name, one in found.findings.items()}
    assert set(outcomes.values()) <= {Outcome.EXACT, Outcome.ABSENT}, outcomes
    assert found.outcome is Outcome.EXACT
    assert found.findings[LONG_RUN].frames == 500
    assert found.findings[FRESH_PROCESS].frames == FOLLOWED


@pytest.mark.parametrize(("until", "outcome"), [(1100, Outcome.HEALS), (10_000, Outcome.DIVERGES)])
def test_a_long_run_finds_what_a_short_one_does_not(until: int, outcome: Outcome) -> None:
    Aging.born, Aging.until = 0, until
    assert long_run(Aging, 900, 1).outcome is Outcome.EXACT
    found = long_run(Aging, 1200, 1)
    assert (found.outcome, found.first_frame) == (outcome, 999)  # counted from the inputs' start


def test_a_savestate_that_leads_elsewhere_diverges() -> None:
    moment = make_moment(open_grid, 1)
    assert follow_moment(open_grid, moment).outcome is Outcome.EXACT

    class Other(GridEmulator):
        def advance(self, held: Held = IDLE, *, frames: int = 1) -> None:
            super().advance(held, frames=frames)
            if self.frame >= FRAMES - 20:
                self.ram[UNUSED] = 9

    found = follow_moment(lambda: Other(open_grid().rom), moment)
    assert (found.outcome, found.addresses) == (Outcome.DIVERGES, (UNUSED,))
    assert found.first_frame == FOLLOWED - 21


@pytest.mark.timeout(600)  # processes of their own, on a machine that may be busy
def test_the_command_writes_the_page(tmp_path: Path) -> None:
    page = tmp_path / "determinism.md"
    options = ["audit", str(rom_path("grid")), "--frames", "200", "--markdown", str(page)]
    done = CliRunner().invoke(app, [*options, "--json"])
    assert done.exit_code == 0, done.output
    (row,) = json.loads(done.stdout)
    assert (row["emulator"], row["game"]) == ("grid", "grid")
    assert row["findings"][FRESH_PROCESS]["outcome"] == "exact"
    assert f"| grid | grid | 1 |{' exact |' * 8}\n" in page.read_text()
    done = CliRunner().invoke(app, [*options, "--on", "colibri"])
    assert done.exit_code == 1
    assert "colibri, grid: " in done.stdout
    assert CliRunner().invoke(app, ["audit", "--against", "fceumm"]).exit_code != 0
