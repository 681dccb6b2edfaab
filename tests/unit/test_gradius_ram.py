"""Gradius without its ROM: the checks of ROMs, and the judgements on made RAM."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import copain
from copain import RomError
from copain.games import GAME_NAMES, game_by_name, game_of, ram_map_of, rom_path
from copain.games.gradius.game import Gradius
from copain.memory import Bytes
from copain.rom import ines_header


@pytest.fixture
def gradius() -> Gradius:
    game = game_by_name("gradius")
    assert isinstance(game, Gradius)
    return game


def flying(gradius: Gradius, **values: int) -> Bytes:
    """RAM in play with these variables, a batch of one."""
    ram = np.zeros((1, 2048), np.uint8)
    start = {"mode": 5, "step": 0x80, "lives": 3, "ship": 1, "ship_x": 80, "ship_y": 96}
    for name, value in (start | values).items():
        variable = gradius.variables[name]
        ram[0, variable.address : variable.address + variable.length] = np.frombuffer(
            variable.encode(value), np.uint8
        )
    return ram


def test_the_addresses_that_everybody_knows(gradius: Gradius) -> None:
    known = {"ship": 0x100, "ship_x": 0x360, "ship_y": 0x320, "lives": 0x20, "score": 0x7E4}
    assert {name: gradius.variables[name].address for name in known} == known
    ram = np.zeros(2048, np.uint8)
    ram[0x7E4:0x7E7] = (0x56, 0x34, 0x12)
    assert gradius.value(ram, "score") == 123456
    assert gradius.score(ram) == 1234560  # the last digit on the screen is always 0
    assert all(each.about for each in gradius.variables.values())


def test_a_ship_is_lost_once(gradius: Gradius) -> None:
    alive, dying = flying(gradius), flying(gradius, ship=2)
    assert gradius.dead(alive, dying)
    assert not gradius.dead(dying, dying)
    assert not gradius.dead(dying, alive)


def test_the_game_is_won_when_it_goes_round_again(gradius: Gradius) -> None:
    last, again = flying(gradius, stage=6), flying(gradius, loop=1)
    assert gradius.won(last, again)
    assert not gradius.won(again, again)
    assert gradius.progress(again) > gradius.progress(last)
    assert (gradius.stage(last), gradius.stage(again)) == (6, 7)


@pytest.mark.parametrize(
    "values", [{"mode": 0}, {"mode": 1}, {"demo": 1}, {"lives": -1}],
    ids=["back at the title", "title", "demo", "no lives"],
)  # fmt: skip
def test_the_end_of_the_game_ends_a_line_once(gradius: Gradius, values: dict[str, int]) -> None:
    playing, ended = flying(gradius), flying(gradius, **values)
    assert gradius.dead(playing, ended)
    assert not gradius.dead(ended, ended)
    assert not gradius.won(playing, ended)
    # The next stage, or the next round, begins with no ship in flight: nothing has ended.
    assert not gradius.dead(playing, flying(gradius, mode=3, ship=0, stage=1))
    assert not gradius.dead(flying(gradius, stage=6), flying(gradius, loop=1, ship=0))


@pytest.mark.parametrize(
    "values", [{"mode": 1}, {"demo": 1}, {"lives": -1}], ids=["title", "demo", "no lives"]
)
def test_nobody_plays(gradius: Gradius, values: dict[str, int]) -> None:
    assert not gradius.over(flying(gradius))
    assert gradius.over(flying(gradius, **values))
    assert gradius.allowed(flying(gradius, **values))[0].tolist() == [True] + [False] * 10


@pytest.mark.parametrize(
    ("values", "takes"),
    [
        ({"power": 0}, False),
        ({"power": 1, "speed": 1}, True),
        ({"power": 1, "speed": 2}, False),
        ({"power": 2}, True),
        ({"power": 2, "missile": 1}, False),
        ({"power": 3, "weapon": 1}, True),
        ({"power": 3, "weapon": 2}, False),
        ({"power": 4, "weapon": 1}, False),
        ({"power": 5, "options": 1}, True),
        ({"power": 5, "options": 2}, False),
        ({"power": 6}, True),
        ({"power": 6, "shield": 3}, False),
    ],
)
def test_b_is_pressed_only_where_it_takes_something(
    gradius: Gradius, values: dict[str, int], takes: bool
) -> None:
    allowed = gradius.allowed(flying(gradius, **values))[0]
    assert gradius.actions[-1].held.bits(1)[0] & copain.Button.B
    assert allowed[:-1].all()
    assert allowed[-1] == takes


def test_places_are_preferred_that_a_player_likes(gradius: Gradius) -> None:
    def liking(kind: int = 0, dx: int = 0, dy: int = 0, table: str = "enemies", **v: int) -> float:
        ram = flying(gradius, **v)
        if kind:
            fields = gradius.ram_map.tables[table].fields
            ram[0, fields["kind"][0].address] = kind
            ram[0, fields["x"][0].address] = 80 + dx
            ram[0, fields["y"][0].address] = 96 + dy
        return float(gradius.preference(ram)[0])

    plain = liking()
    assert liking(kind=0x85, dx=10) < plain  # an enemy, already moving, is near
    assert liking(kind=5, dx=100) > plain  # one far ahead is in the line of fire
    assert liking(kind=1, dx=20) > liking(kind=1, dx=60) > plain  # a capsule
    assert liking(kind=5, dx=5, table="bullets") < plain
    assert liking(ship_y=190) < plain
    assert liking(ship_x=240) < plain
    assert liking(options=1) > liking(power=5) > liking(power=1) > plain
    assert liking(score=500) > plain


def test_judgements_take_batches(gradius: Gradius) -> None:
    ram = np.repeat(flying(gradius)[None], 3, axis=0)  # (3, 1, ram_size)
    judged: list[Any] = [gradius.dead(ram, ram), gradius.won(ram, ram), gradius.score(ram)]
    judged += [gradius.progress(ram), gradius.preference(ram), gradius.cell(ram)]
    assert all(each.shape == (3, 1) for each in judged)
    assert gradius.allowed(ram).shape == (3, 1, len(gradius.actions))


# ROMs


def test_its_rom_is_told_by_what_follows_the_header() -> None:
    """Headers of the same game differ; Alouette stands for Gradius, whose ROM is not here."""
    alouette = copain.Rom.read(rom_path("alouette"))
    header = ines_header(alouette.data)
    assert header is not None
    data = bytearray(alouette.data)
    data[15] = 0x42  # a signature in an unused byte of the header
    other = copain.Rom.from_bytes(bytes(data))
    assert game_of(other) is None  # Alouette is told by the whole file
    ram_map = ram_map_of("gradius")
    changed = type(ram_map)(
        title="Gradius", version="USA", system=ram_map.system, sha1="0" * 40,
        variables=ram_map.variables, sha1_without_header=header.sha1,
    )  # fmt: skip
    assert changed.is_of(alouette)
    assert changed.is_of(other)
    changed.check(other)
    assert not ram_map.is_of(other)


def test_another_rom_is_refused_with_all_checksums() -> None:
    alouette = copain.Rom.read(rom_path("alouette"))
    header = ines_header(alouette.data)
    assert header is not None
    with pytest.raises(RomError, match=r"is not Gradius \(USA\)") as caught:
        ram_map_of("gradius").check(alouette)
    text = str(caught.value)
    for checksum in (alouette.sha1, alouette.md5, header.sha1, header.md5):
        assert checksum in text
    # No-Intro's, as in libretro-database.
    for checksum in (
        "92645fe142861c3d3fda209bb906ad2b0e353988", "7daa3b0ae39f19ebabcc129072c1ca72",
        "9282e87c643557682aee674174821bf3a0fe3876", "49c0ffbd6fca692e7c567b4d72ae0847",
    ):  # fmt: skip
        assert checksum in text


def test_no_rom_is_shipped_and_yours_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "gradius" in GAME_NAMES
    monkeypatch.delenv("COPAIN_GRADIUS_ROM", raising=False)
    with pytest.raises(copain.GameError, match="set COPAIN_GRADIUS_ROM"):
        rom_path("gradius")
    monkeypatch.setenv("COPAIN_GRADIUS_ROM", str(tmp_path / "mine.nes"))
    assert rom_path("gradius") == tmp_path / "mine.nes"
