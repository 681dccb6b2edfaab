"""The audit of one emulator beside another."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from typer.testing import CliRunner

import copain
from conftest import absent
from copain.cli import app
from copain.games import rom_path
from copain.testing.audit import Agreement, audit, audit_pictures, mapper_of

FRAMES = 600
COUNTS_CYCLES = Path(__file__).parents[2] / "games-src/tests/roms/joypad_latch.nes"


@pytest.fixture
def pair(fceumm: str, alouette: copain.Rom) -> Generator[tuple[copain.Emulator, copain.Emulator]]:
    with (
        copain.open(alouette, emulator="colibri") as one,
        copain.open(alouette, core=fceumm) as two,
    ):
        yield one, two


def test_colibri_is_exact_beside_fceumm_in_alouette(
    pair: tuple[copain.Emulator, copain.Emulator], alouette: copain.Rom, seed: int
) -> None:
    result = audit(*pair, FRAMES, (seed % 2**31, 1), "alouette")
    assert result.agreement in (Agreement.EXACT, Agreement.OUTSIDE_STACK), result
    assert (result.name, result.frames, result.seeds) == ("alouette", FRAMES, 2)
    assert result.mapper == mapper_of(alouette.data)


def test_pictures_are_equal_up_to_the_palette(
    pair: tuple[copain.Emulator, copain.Emulator],
) -> None:
    result = audit_pictures(*pair, FRAMES, 1, every=10)
    assert result.equal, result
    assert result.compared == 55 * 240 * 256  # frames 60 to 600


def spoiled(emulator: copain.Emulator, poke: Callable[[copain.Emulator], None]) -> copain.Emulator:
    """The emulator with `poke` done after every frame."""
    advance = emulator.advance

    def spoil(*arguments: object, **options: object) -> None:
        advance(*arguments, **options)  # type: ignore[arg-type]
        poke(emulator)

    emulator.advance = spoil  # type: ignore[method-assign]
    return emulator


@pytest.mark.parametrize(
    ("address", "last", "agreement", "first"),
    [
        (0x7F0, -50, Agreement.HEALS, 200),
        (0x7F0, FRAMES, Agreement.DIVERGES, 200),
        (0x7F0, 300, Agreement.HEALS, 200),
        (0x100, FRAMES, Agreement.OUTSIDE_STACK, 200),
    ],
)
def test_a_difference_is_found_in_its_frame(
    pair: tuple[copain.Emulator, copain.Emulator],
    address: int, last: int, agreement: Agreement, first: int,
) -> None:  # fmt: skip
    """A byte that the game does not use is changed from frame 200 on; `last` is the first frame
    without the change, or, negative, after how many frames it goes and comes again.
    """
    one, other = pair
    before = int(other.ram[address])

    def poke(nes: copain.Emulator) -> None:
        if nes.frame >= 200:
            spoil = nes.frame // -last % 2 == 0 if last < 0 else nes.frame < last
            nes.ram[address] = before ^ (0x55 if spoil else 0)

    result = audit(spoiled(one, poke), other, FRAMES, (1,))
    assert (result.agreement, result.first, result.addresses) == (agreement, first, (address,))


def test_the_command_writes_a_table_and_names_what_cannot_be_opened(
    tmp_path: Path, fceumm: str
) -> None:
    assert fceumm
    (tmp_path / "alouette.nes").write_bytes(rom_path("alouette").read_bytes())
    (tmp_path / "broken.nes").write_bytes(b"NES\x1a\x02\x01" + bytes(30))
    options = ["audit", str(tmp_path), "--against", "fceumm", "--frames", "120"]
    table = tmp_path / "table.md"
    done = CliRunner().invoke(app, [*options, "--markdown", str(table), "--json"])
    assert done.exit_code == 1
    rows = json.loads(done.stdout)
    assert [(row["name"], row["agreement"]) for row in rows] == [
        ("alouette.nes", "exact"), ("broken.nes", "refused"),
    ]  # fmt: skip
    assert rows[1]["error"]
    mapper = mapper_of(rom_path("alouette").read_bytes())
    assert f"| alouette.nes | {mapper} | exact |" in table.read_text()

    reasons = tmp_path / "reasons.toml"
    reasons.write_text('[reason]\n"broken.nes" = "it is cut short"\n')
    done = CliRunner().invoke(app, [*options, "--reasons", str(reasons)])
    assert done.exit_code == 0, done.stdout
    assert "it is cut short" in " ".join(done.stdout.split())


def test_fceux_plays_the_region_that_the_header_names(tmp_path: Path) -> None:
    """By itself FCEUX plays an iNES ROM at 60 Hz, whatever byte 9 says."""
    try:
        copain.open(COUNTS_CYCLES, "fceux").close()
    except copain.EmulatorMissing as error:
        absent("FCEUX", str(error))
    rom = bytearray(COUNTS_CYCLES.read_bytes())
    rom[7] &= 0xF0  # not NES 2.0
    rom[8:16] = bytes(8)
    rom[9] = 1  # PAL
    path = tmp_path / "pal.nes"
    path.write_bytes(rom)
    with copain.open(path) as nes:
        assert nes.frame_rate < 51
    done = CliRunner().invoke(
        app, ["audit", str(path), "--against", "fceux", "--frames", "300", "--json"]
    )
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)[0]["agreement"] == "exact"
