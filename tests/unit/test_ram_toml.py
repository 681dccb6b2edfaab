"""ram.toml: what is read from it, and where a wrong one is wrong."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from copain import GameError
from copain.games import parse_ram_map, read_ram_map

HEAD = '[game]\ntitle = "T"\nversion = "1"\nsystem = "nes"\nsha1 = "00"\n'
TEXT = (
    HEAD
    + """
[variables.lives]
address = 0x41
range = [0, 3]
kind = "counter"
about = "Lives left."

[variables.score]
address = 0x50
type = "digits"
length = 6

[variables.x]
address = 0x60
type = "i16"

[tables.enemies]
count = 3
[tables.enemies.fields.x]
address = 0x80
stride = 4
type = "u16"
order = "big"
[tables.enemies.fields.kind]
address = 0x82
stride = 4
"""
)


def test_all_of_it_is_read() -> None:
    ram_map = parse_ram_map(TEXT)
    assert (ram_map.title, ram_map.version, ram_map.system.name) == ("T", "1", "nes")
    lives, score, x = (ram_map.variables[name] for name in ("lives", "score", "x"))
    assert (lives.address, lives.type, lives.length, lives.range) == (0x41, "u8", 1, (0, 3))
    assert (lives.kind, lives.about, lives.name) == ("counter", "Lives left.", "lives")
    assert (score.length, score.order) == (6, "big")
    assert (x.length, x.order) == (2, "little")


def test_tables_are_decoded_row_by_row() -> None:
    enemies = parse_ram_map(TEXT).tables["enemies"]
    ram = np.zeros((2, 256), np.uint8)
    for row in range(3):
        ram[1, 0x80 + 4 * row : 0x83 + 4 * row] = [1, row, 7 + row]
    assert enemies.decode(ram, "x").tolist() == [[0, 0, 0], [256, 257, 258]]  # big: high first
    assert enemies.decode(ram, "kind").tolist() == [[0, 0, 0], [7, 8, 9]]


VARIABLE = HEAD + "[variables.v]\naddress = 1\n"
FIELD = HEAD + "[tables.t]\ncount = 2\n[tables.t.fields.f]\naddress = 1\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[game", "Expected"),
        ("", r"\[game\]: a table is needed, found None"),
        ("game = 3", r"\[game\]: a table is needed, found 3"),
        (HEAD.replace('"T"', "7"), r"\[game\] title = 7; a text is needed"),
        (HEAD.replace("sha1", "sha2"), "unknown key 'sha2'; known are .*'sha1'"),
        (HEAD.replace("nes", "n64"), "no system is called 'n64'"),
        (HEAD + "variables = 3\n", "unknown key 'variables'"),
        (HEAD + "[variables.v]\n", r"\[variables.v\] address = None; an integer is needed"),
        (HEAD + "[variables.v]\naddress = true\n", "address = True; an integer"),
        (HEAD + "[variables.v]\naddress = -1\n", "variable v: the address -1 is negative"),
        (VARIABLE + "adress = 1\n", "unknown key 'adress'"),
        (VARIABLE + 'type = "u64"\n', r"type = 'u64'; the types are u8"),
        (VARIABLE + "type = [1]\n", r"type = \[1\]; the types are"),
        (VARIABLE + 'kind = "noise"\n', "kind = 'noise'; the kinds are position"),
        (VARIABLE + "range = [1]\n", r"range = \[1\]; \[lowest, highest\] is needed"),
        (VARIABLE + "range = [3, 1]\n", r"range = \[3, 1\]"),
        (VARIABLE + 'order = "middle"\n', "order = 'middle'; little or big"),
        (VARIABLE + "length = 2\n", "a u8 of 2 bytes; 1 is allowed"),
        (VARIABLE + 'type = "digits"\nlength = 0\n', "a digits of 0 bytes; 1 to 8"),
        (FIELD.replace("count = 2", "count = 0"), "count = 0; 1 to 65536 is allowed"),
        (FIELD.replace("count = 2", "count = 99999999999"), "count = 99999999999"),
        (FIELD + "stride = 0\n", "stride = 0; 1 or more is needed"),
        (FIELD + "pace = 1\n", r"\[tables.t.fields.f\]: unknown key 'pace'"),
        (HEAD + "[variables]\nx = " + "9" * 5000, "ram.toml: "),
        (HEAD + "[variables]\nx = " + "[" * 5000, "ram.toml: "),
    ],
)
def test_what_is_wrong_is_named(text: str, message: str) -> None:
    with pytest.raises(GameError, match=message) as refusal:
        parse_ram_map(text)
    assert str(refusal.value).startswith("ram.toml: ")


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "ram.toml"
    path.write_text(TEXT, encoding="utf-8")
    assert set(read_ram_map(path).variables) == {"lives", "score", "x"}
    path.write_bytes(b"\xff\xfe")
    for wrong in (path, tmp_path, tmp_path / "none.toml"):
        with pytest.raises(GameError, match="cannot be read"):
            read_ram_map(wrong)


@given(st.text(max_size=200))
@example(HEAD)
def test_any_text_is_a_map_or_a_game_error(text: str) -> None:
    try:
        parse_ram_map(text)
    except GameError:
        return
    assert tomllib.loads(text)["game"]


def inline(value: object) -> str:
    """A value as TOML writes it on one line."""
    if isinstance(value, dict):
        pairs = cast(dict[str, object], value).items()
        return "{" + ", ".join(f"{name} = {inline(entry)}" for name, entry in pairs) + "}"
    return json.dumps(value)  # the same in TOML


toml_values = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(-1e9, 1e9)
    | st.sampled_from(["u8", "digits", "counter", "big", "nes", "x"]),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)  # fmt: skip
names = st.sampled_from(
    ["address", "type", "length", "order", "range", "kind", "about", "stride", "count", "more"]
)
variable_tables = st.dictionaries(names, toml_values, max_size=5)


@given(
    st.dictionaries(st.sampled_from(["a", "b"]), toml_values | variable_tables),
    st.dictionaries(
        st.sampled_from(["t"]),
        st.fixed_dictionaries(
            {}, optional={"count": toml_values, "fields": st.dictionaries(names, variable_tables)}
        ),
    ),
)
def test_any_document_is_a_map_or_a_game_error(
    variables: dict[str, object], tables: dict[str, object]
) -> None:
    text = f"variables = {inline(variables)}\ntables = {inline(tables)}\n" + HEAD
    try:
        ram_map = parse_ram_map(text)
    except GameError:
        return
    ram = np.zeros((3, 64), np.uint8)
    for variable in ram_map.variables.values():
        if variable.address + variable.length <= 64:
            assert variable.decode(ram).shape == (3,)
