"""Watch files: ram.toml, FCEUX's and BizHawk's, written and read."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from copain import GameError, Rom
from copain.games import read_ram_map, rom_path
from copain.memory import VARIABLE_KINDS, VARIABLE_TYPES, Variable
from copain.ram import read_watches, save_ram_toml, write_watches
from copain.system import GENESIS, SNES

LIVES = Variable("lives", 0x0A, range=(0, 3), kind="counter", about="Lives left.")
SPEED = Variable("speed", 0x300, "i16", 2)
SCORE = Variable("score", 0x22, "digits", 3, "big")
FAR = Variable("far", 0x7F0, "u32", 4, "big")


def named(*variables: Variable) -> dict[str, Variable]:
    return {variable.name: variable for variable in variables}


@pytest.fixture
def rom() -> Rom:
    return Rom.read(rom_path("grid"))


# FCEUX


def test_fceux_reads_what_we_write(tmp_path: Path) -> None:
    """Byte for byte as its Windows window writes it (ramwatch.cpp, Save_Watches)."""
    path = tmp_path / "x.wch"
    write_watches(path, named(LIVES, SPEED))
    assert path.read_bytes() == b"\n2\n00000\t000A\tb\tu\t0\tlives\n00001\t0300\tw\ts\t0\tspeed\n"


def test_lines_are_numbered_as_both_windows_of_fceux_read_it(tmp_path: Path) -> None:
    """In decimal: the Qt window takes a hexadecimal digit for the address."""
    path = tmp_path / "x.wch"
    write_watches(path, named(*(Variable(f"v{n}", n) for n in range(11))))
    assert path.read_text().splitlines()[-1] == "00010\t000A\tb\tu\t0\tv10"


def test_fceux_files_of_both_windows_are_read(tmp_path: Path) -> None:
    windows = "\n4\n00000\t000A\tb\tu\t0\tlives\n00001\t0300\tw\ts\t0\tspeed x\n"
    windows += "00002\t0000\tS\tS\t0\t---\n0000A\t0400\td\th\t0\t\n"
    qt = "\n3\n00000 000A  b  u  0  lives\n00001 0300  w  s  0  speed x\n"
    qt += '00002 FFFFFFFF  S  S  0  ---\n00003 0400  d  h  0  \n00004 0011  b  b  0  a \\"b\\"\n'
    for text, more in ((windows, set[str]()), (qt, {'a "b"'})):
        path = tmp_path / "x.wch"
        path.write_text(text)
        read = read_watches(path)
        assert read.left_out == ()
        assert set(read.variables) == {"lives", "speed x", "ram_0400"} | more
        speed = read.variables["speed x"]
        assert (speed.address, speed.type, speed.order) == (0x300, "i16", "little")
        assert read.variables["ram_0400"].type == "u32"


def test_what_fceux_cannot_hold_is_written_byte_by_byte(tmp_path: Path) -> None:
    path = tmp_path / "x.wch"
    write_watches(path, named(SCORE, FAR))
    addresses = {name: v.address for name, v in read_watches(path).variables.items()}
    assert addresses == {
        "score.0": 0x22, "score.1": 0x23, "score.2": 0x24,
        "far.0": 0x7F0, "far.1": 0x7F1, "far.2": 0x7F2, "far.3": 0x7F3,
    }  # fmt: skip


def test_names_stay_on_their_line(tmp_path: Path) -> None:
    path = tmp_path / "x.wch"
    write_watches(path, named(Variable("a\tb\nc # d", 1), LIVES))
    assert list(read_watches(path).variables) == ["a b c no. d", "lives"]


def test_fceux_is_for_the_nes(tmp_path: Path) -> None:
    with pytest.raises(GameError, match="write it for BizHawk instead"):
        write_watches(tmp_path / "x.wch", named(LIVES), "fceux", SNES)


# BizHawk


def test_bizhawk_reads_what_we_write(tmp_path: Path) -> None:
    """As Watch.ToString and WatchList.Save write it; big endian it can."""
    path = tmp_path / "x.wch"
    write_watches(path, named(LIVES, SPEED, FAR), "bizhawk")
    assert path.read_bytes() == (
        b"SystemID NES\n00A\tb\tu\t0\tRAM\tlives\n300\tw\ts\t0\tRAM\tspeed\n"
        b"7F0\td\tu\t1\tRAM\tfar\n"
    )
    assert read_watches(path).variables == named(Variable("lives", 0x0A), SPEED, FAR)


def test_a_bizhawk_file_is_read_and_what_is_not_taken_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.wch"
    path.write_bytes(
        b"SystemID NES\r\n00A\tb\tu\t0\tRAM\tlives\r\n0\tS\t_\t1\t\t--- ship\r\n"
        b"0014\tb\th\t1\tSystem Bus\tx\r\n6000\tb\tu\t0\tSystem Bus\tbattery\r\n"
        b"010\tb\tu\t0\tWRAM\tcart\r\n020\td\t3\t0\tRAM\tfixed\r\n00B\tb\tu\t0\tRAM\tlives\r\n\r\n"
    )
    read = read_watches(path)
    assert {name: v.address for name, v in read.variables.items()} == {
        "lives": 0x0A, "x": 0x14, "lives 2": 0x0B,
    }  # fmt: skip
    assert read.left_out == (
        "line 5: battery: in System Bus, not in the work RAM",
        "line 6: cart: in WRAM, not in the work RAM",
        "line 7: fixed: fractions are not known",
    )


def test_each_system_has_its_domain(tmp_path: Path) -> None:
    path = tmp_path / "x.wch"
    write_watches(path, named(FAR), "bizhawk", GENESIS)
    assert path.read_text() == "SystemID GEN\n7F0\td\tu\t1\t68K RAM\tfar\n"
    assert read_watches(path).variables == named(FAR)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "this file is empty"),
        ("hello\n", "this is no watch file: it begins with 'hello'"),
        ("\n1\n00000\tXYZ\tb\tu\t0\tlives\n", "line 3 is not a watch of FCEUX"),
        ("SystemID NES\n00A\tb\tu\n", "line 2 is not a watch of BizHawk"),
        ("SystemID NES\nXYZ\tb\tu\t0\tRAM\tx\n", "line 2 is not a watch of BizHawk"),
    ],
)
def test_what_is_no_watch_file_is_refused_with_the_line(
    text: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "x.wch"
    path.write_text(text)
    with pytest.raises(GameError, match=message) as raised:
        read_watches(path)
    assert str(path) in str(raised.value)


@given(text=st.text())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_read_or_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.wch"
    for head in ("", "\n2\n", "SystemID NES\n"):
        path.write_text(head + text, encoding="utf-8", errors="replace")
        try:
            read_watches(path)
        except GameError as error:
            assert str(path) in str(error)  # noqa: PT017 - either outcome is right


# ram.toml


def test_a_new_ram_toml_can_be_read_as_a_games(tmp_path: Path, rom: Rom) -> None:
    path = tmp_path / "ram.toml"
    save_ram_toml(path, named(LIVES, SPEED, SCORE, FAR), rom)
    ram_map = read_ram_map(path)
    assert ram_map.variables == named(LIVES, SPEED, SCORE, FAR)
    assert (ram_map.sha1, ram_map.system) == (rom.sha1, rom.system)
    assert read_watches(path).variables == ram_map.variables


def test_names_are_added_to_a_games_and_the_rest_stays_as_it_was(tmp_path: Path, rom: Rom) -> None:
    path = tmp_path / "ram.toml"
    before = rom_path("grid").with_name("ram.toml").read_text() + "# mine"
    path.write_text(before)
    known = read_ram_map(path).variables
    save_ram_toml(path, named(*known.values(), FAR), rom)
    after = path.read_text()
    assert after.startswith(before)
    assert read_ram_map(path).variables == {**known, "far": FAR}
    save_ram_toml(path, named(FAR), rom)
    assert path.read_text() == after


def test_a_name_that_means_something_else_there_is_refused(tmp_path: Path, rom: Rom) -> None:
    path = tmp_path / "ram.toml"
    save_ram_toml(path, named(LIVES), rom)
    before = path.read_text()
    with pytest.raises(GameError, match=r"lives is there already, a u8 at 0x000a, and not a u8 at"):
        save_ram_toml(path, named(FAR, Variable("lives", 0x0B)), rom)
    assert path.read_text() == before
    assert [file.name for file in tmp_path.iterdir()] == ["ram.toml"]


def test_another_games_ram_toml_is_refused(tmp_path: Path, rom: Rom) -> None:
    path = tmp_path / "ram.toml"
    path.write_text(rom_path("alouette").with_name("ram.toml").read_text())
    with pytest.raises(GameError, match=r"it names the RAM of Alouette .* give another file"):
        save_ram_toml(path, named(LIVES), rom)


TEXTS = st.text(st.characters(blacklist_categories=["Cs"]), min_size=1)


def variables() -> st.SearchStrategy[Variable]:
    def one(kind: str) -> st.SearchStrategy[Variable]:
        lengths = st.integers(1, 8) if kind in ("bcd", "digits") else st.just(VARIABLE_TYPES[kind])
        return st.builds(
            Variable, TEXTS, st.integers(0, 2**32), st.just(kind), lengths,
            st.sampled_from(["little", "big"]), st.none() | st.just((-3, 12)),
            st.sampled_from(VARIABLE_KINDS), TEXTS,
        )  # fmt: skip

    return st.sampled_from(sorted(VARIABLE_TYPES)).flatmap(one)


@given(some=st.lists(variables(), unique_by=lambda variable: variable.name, max_size=4))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_variable_survives_a_ram_toml(some: list[Variable], tmp_path: Path, rom: Rom) -> None:
    path = tmp_path / "ram.toml"
    path.unlink(missing_ok=True)
    save_ram_toml(path, named(*some), rom)
    assert read_ram_map(path).variables == named(*some)


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(GameError, match="cannot be written"):
        write_watches(tmp_path / "no" / "x.wch", named(LIVES))
