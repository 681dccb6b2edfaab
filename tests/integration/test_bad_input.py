"""Bad input on real cores: each a CopainError that says what was found and what is allowed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import copain
from conftest import core
from copain import (
    CopainError,
    EmulatorCrashed,
    EmulatorMissing,
    InputError,
    Joypad,
    Rom,
    RomError,
    Savestate,
    SavestateError,
)


def test_roms_that_are_none(tmp_path: Path, nes_core: str) -> None:
    empty, text, archive = tmp_path / "empty.nes", tmp_path / "text.nes", tmp_path / "a.zip"
    empty.touch()
    text.write_text("this is not a game")
    archive.write_bytes(b"PK\x03\x04" + bytes(60))
    for path, message in (
        (tmp_path / "missing.nes", r"missing\.nes.*there is no such file"),
        (empty, "the file is empty"),
        (text, "not an NES ROM: it begins with b'this'"),
        (archive, "neither the content nor the ending tells which system.*known endings are"),
        (tmp_path, "this is a directory"),
    ):
        with pytest.raises(RomError, match=message):
            copain.open(path, emulator="libretro", core=nes_core)


def test_a_truncated_rom(efp: Rom, nes_core: str, tmp_path: Path) -> None:
    path = tmp_path / "cut.nes"
    for length in (1, 4, 10, 16, 100, len(efp.data) // 2, len(efp.data) - 1):
        path.write_bytes(efp.data[:length])
        with pytest.raises(RomError, match=r"cut\.nes"):
            copain.open(path, emulator="libretro", core=nes_core)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_corrupt_rom_plays_or_is_refused(data: st.DataObject, efp: Rom, nes_core: str) -> None:
    """Bits flipped anywhere in the header, bytes anywhere in the program: no crash."""
    corrupt = bytearray(efp.data)
    for place in data.draw(st.lists(st.integers(0, 15), max_size=4)):
        corrupt[place] ^= 1 << data.draw(st.integers(0, 7))
    for place in data.draw(st.lists(st.integers(16, len(corrupt) - 1), max_size=30)):
        corrupt[place] = data.draw(st.integers(0, 255))
    try:
        rom = Rom.from_bytes(bytes(corrupt))
        emulator = copain.open(rom, emulator="libretro", core=nes_core)
    except CopainError:
        return
    with emulator:
        emulator.advance(Joypad(start=True), frames=60)
        emulator.load_state(emulator.save_state())
        assert emulator.frame == 60


def test_a_rom_of_another_system(alouette: Rom) -> None:
    with pytest.raises(RomError, match=r"the core plays Game Boy.*not Nintendo Entertainment"):
        copain.open(alouette, emulator="libretro", core=core("gambatte"))
    with pytest.raises(RomError, match="grid: this is a nes ROM"):
        copain.open(alouette, emulator="grid")


def test_libraries_that_are_no_cores(alouette: Rom, tmp_path: Path) -> None:
    text, empty, cut = (tmp_path / f"{name}_libretro.so" for name in ("text", "empty", "cut"))
    text.write_text("I am a text")
    empty.touch()
    found = next(one for one in _cores() if one.stem.startswith("fceumm"))
    cut.write_bytes(found.read_bytes()[:20000])
    (libm,) = list(Path("/lib").glob("*/libm.so.6"))[:1]
    for path in (text, empty, cut, libm):
        with pytest.raises(EmulatorCrashed) as refusal:
            copain.open(alouette, emulator="libretro", core=path)
        assert path.name.split("_")[0].split(".")[0] in str(refusal.value)
    with pytest.raises(EmulatorMissing, match="there is no such file"):
        copain.open(alouette, emulator="libretro", core=tmp_path / "none.so")
    with pytest.raises(EmulatorMissing, match=r"no core called 'nintendulator'.*found are.*fceumm"):
        copain.open(alouette, emulator="libretro", core="nintendulator")


def test_no_core_says_where_it_looked_and_how_to_get_one(
    alouette: Rom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("copain.backends.cores.core_folders", lambda: [("Here", Path("/none"))])
    with pytest.raises(EmulatorMissing, match=r"no core for Nintendo.*looked for fceumm.*Here: "
                       r"/none.*pip install 'copain\[cores\]'"):  # fmt: skip
        copain.open(alouette, emulator="libretro")
    strange = bytearray(alouette.data)
    strange[6:8] = 0xF0, 0xF0
    with pytest.raises(EmulatorMissing, match=r"no core for Nintendo.*Copain's own.*mapper 255"):
        copain.open(Rom.from_bytes(bytes(strange)))


def test_options_and_emulators_that_do_not_exist(alouette: Rom, fceumm: str) -> None:
    with pytest.raises(EmulatorMissing, match="no emulator is called 'bizhawk'; the emulators"):
        copain.open(alouette, emulator="bizhawk")
    with pytest.raises(InputError, match="libretro has no option 'speed'; its options are core"):
        copain.open(alouette, emulator="libretro", speed=3)  # type: ignore[call-overload]
    with pytest.raises(InputError, match="the core has no option 'fceumm_speed'"):
        copain.open(alouette, emulator="libretro", core=fceumm, options={"fceumm_speed": "1"})
    with pytest.raises(InputError, match="fceumm_region = 'moon'; allowed are"):
        copain.open(alouette, emulator="libretro", core=fceumm, options={"fceumm_region": "moon"})
    with pytest.raises(InputError, match="there is no port 9"):
        copain.open(alouette, emulator="libretro", core=fceumm, devices={9: 1})
    with pytest.raises(InputError, match="no 'Piano' on port 0"):
        copain.open(alouette, emulator="libretro", core=fceumm, devices={0: "Piano"})


def test_savestates_of_another_game_or_core(alouette: Rom, efp: Rom, fceumm: str,
                                            nestopia: str) -> None:  # fmt: skip
    with (
        copain.open(alouette, emulator="libretro", core=fceumm) as ours,
        copain.open(efp, emulator="libretro", core=fceumm) as game,
        copain.open(alouette, emulator="libretro", core=nestopia) as other,
    ):
        ours.advance(frames=50)
        ram = ours.ram[:]
        for foreign, message in (
            (game.save_state(), f"another ROM.*{efp.sha1}.*{alouette.sha1}"),
            (other.save_state(), "another emulator: libretro:nestopia, and libretro:fceumm"),
        ):
            with pytest.raises(SavestateError, match=message):
                ours.load_state(foreign)
            with pytest.raises(SavestateError, match=message):
                copain.rollout(ours, foreign, [0, 0])
            with ours.open_fleet(1) as fleet, pytest.raises(SavestateError, match=message):
                fleet.new_pool(2).put(foreign)
        assert ours.frame == 50
        assert (ours.ram[:] == ram).all()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_savestates_never_reach_the_core(
    data: st.DataObject, alouette: Rom, nes_core: str
) -> None:
    with copain.open(alouette, emulator="libretro", core=nes_core) as emulator:
        whole = emulator.save_state().to_bytes()
        damaged = bytearray(whole)
        for bit in data.draw(st.sets(st.integers(0, 8 * len(whole) - 1), min_size=1, max_size=3)):
            damaged[bit // 8] ^= 1 << bit % 8
        cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
        for wrong in (bytes(damaged), cut):
            with pytest.raises(SavestateError, match=r"Savestate\.from_bytes"):
                emulator.load_state(Savestate.from_bytes(wrong))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shape=st.lists(st.integers(0, 4), max_size=4).map(tuple),
    kind=st.sampled_from(["u1", "i2", "u2", "i8", "f4", "?", "U1", "O"]),
    parents=st.lists(st.integers(-2, 6), max_size=4),
    watch=st.lists(st.integers(-1, 2100), max_size=3),
)
def test_any_batch_plays_or_is_refused(
    shape: tuple[int, ...], kind: str, parents: list[int], watch: list[int],
    alouette: Rom, fceumm: str,
) -> None:  # fmt: skip
    with (
        copain.open(alouette, emulator="libretro", core=fceumm) as emulator,
        emulator.open_fleet(2) as fleet,
    ):
        pool = fleet.new_pool(5)
        slots = [pool.put(fleet.root()) for _ in range(2)]
        inputs = np.zeros(shape, kind)
        try:
            batch = fleet.rollout(pool, parents, inputs, watch=watch)
        except CopainError:
            assert pool.used == 2
            return
        assert batch.ram.shape == (len(parents), 2048)
        assert set(parents) <= set(slots)
        assert pool.used == 2 + len(parents)


def test_a_pool_has_as_many_slots_as_can_be_numbered(alouette: Rom, fceumm: str) -> None:
    with (
        copain.open(alouette, emulator="libretro", core=fceumm) as emulator,
        emulator.open_fleet(1) as fleet,
    ):
        for capacity in (0, 2**31, 10**12):
            with pytest.raises(InputError, match=rf"new_pool\(capacity={capacity}\)"):
                fleet.new_pool(capacity)


def test_the_command_line_does_not_break_a_path_into_lines() -> None:
    path = "/none/" + "a long way to nothing/" * 5 + "game.nes"
    done = subprocess.run(
        [sys.executable, "-c", "from copain.cli import main; main()", "info", path],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert path in done.stderr


def test_the_command_line_says_it_in_one_message() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from copain.cli import main; main()", "info", "/none.nes"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "there is no such file" in done.stderr
    assert "Traceback" not in done.stderr


def _cores() -> list[Path]:
    from copain.backends.cores import find_cores

    core("fceumm")
    return [found.path for found in find_cores()]
