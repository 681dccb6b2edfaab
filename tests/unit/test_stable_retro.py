"""Integrations of stable-retro as games: what each notation means, and what is refused."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from copain import GameError, Rom, RomError
from copain.games import StableRetroGame, from_stable_retro
from copain.memory import Bytes

BODY = bytes(16384 + 8192)
NES_ROM = b"NES\x1a\x01\x01" + bytes(10) + BODY
SCORE = {"variables": {"score": {"reward": 1.0}}}


def integration(
    folder: Path,
    name: str = "Game-Nes-v0",
    info: dict[str, Any] | None = None,
    done: dict[str, Any] | None = None,
    reward: dict[str, Any] | None = None,
    **scenario: Any,
) -> Path:
    """A folder with an integration of two variables, unless said otherwise."""
    game = folder / name
    game.mkdir()
    info = info or {
        "score": {"address": 0x10, "type": ">u2"},
        "lives": {"address": 0x20, "type": "|i1"},
    }
    texts = {
        "data.json": {"info": info},
        "scenario.json": {"done": done or {}, "reward": reward or {}, **scenario},
        "metadata.json": {"default_state": "Level2"},
    }
    for file, content in texts.items():
        (game / file).write_text(json.dumps(content), encoding="utf-8")
    (game / "rom.sha").write_text(hashlib.sha1(BODY).hexdigest() + "\n", encoding="ascii")
    return game


def ram(size: int = 0x800, **bytes_: int) -> Bytes:
    """RAM with single bytes set, by address: ``ram(x20=3)``."""
    data = np.zeros(size, np.uint8)
    for address, value in bytes_.items():
        data[int(address[1:], 16)] = value
    return data


def judge(game: StableRetroGame, prev: Bytes, now: Bytes) -> tuple[bool, bool, float]:
    """(dead, won, reward), the same for a batch as for one."""
    batch = game.reward(np.stack([prev, prev]), np.stack([now, now]))
    assert batch.tolist() == [float(game.reward(prev, now))] * 2
    return bool(game.dead(prev, now)), bool(game.won(prev, now)), float(batch[0])


@pytest.mark.parametrize(
    ("written", "data", "value"),
    [
        ("|u1", [200], 200), ("|i1", [200], -56), (">u2", [1, 2], 258), ("<u2", [1, 2], 513),
        (">i2", [255, 254], -2), (">u3", [1, 2, 3], 66051), ("<u4", [1, 0, 0, 128], 0x80000001),
        (">d3", [0x12, 0x34, 0x56], 123456), ("<d2", [0x34, 0x12], 1234),
        (">n4", [1, 2, 3, 4], 1234), ("<n2", [0x32, 0x31], 12), ("|n1", [9], 9),
    ],
)  # fmt: skip
def test_types(tmp_path: Path, written: str, data: list[int], value: int) -> None:
    info = {"v": {"address": 3, "type": written}}
    game = from_stable_retro(integration(tmp_path, info=info))
    memory = ram()
    memory[3 : 3 + len(data)] = data
    assert int(game.value(memory, "v")) == value


@pytest.mark.parametrize("address", [0xFF1000, 0xFF1001])
def test_a_mega_drive_keeps_pairs_of_bytes_swapped(tmp_path: Path, address: int) -> None:
    info = {"score": {"address": address, "type": ">u4"}}
    game = from_stable_retro(integration(tmp_path, "Game-Genesis-v0", info=info))
    memory = ram(0x10000)
    for place, byte in enumerate([1, 2, 3, 4], address - 0xFF0000):
        memory[place ^ 1] = byte
    assert int(game.value(memory, "score")) == 0x01020304


def test_a_mask(tmp_path: Path) -> None:
    info = {"lives": {"address": 0xC0, "type": "|u1", "mask": 15}}
    game = from_stable_retro(integration(tmp_path, "Game-Atari2600-v0", info=info))
    assert int(game.value(ram(128, x40=0x53), "lives")) == 3


@pytest.mark.parametrize(
    ("op", "reference", "holds"),
    [
        ("equal", 3, {3}), ("negative-equal", 1, {-1}), ("not-equal", 3, {-1, 0, 1}),
        ("less-than", 1, {-1, 0}), ("greater-than", 0, {1, 3}), ("less-or-equal", 1, {-1, 0, 1}),
        ("greater-or-equal", 1, {1, 3}), ("nonzero", 9, {-1, 1, 3}), ("zero", 9, {0}),
        ("positive", 9, {1, 3}), ("negative", 9, {-1}), ("sign", 9, {1, 3}), ("", 9, {1, 3}),
    ],
)  # fmt: skip
def test_operations(tmp_path: Path, op: str, reference: int, holds: set[int]) -> None:
    done = {"variables": {"lives": {"op": op, "reference": reference}}}
    game = from_stable_retro(integration(tmp_path, done=done))
    for lives in (-1, 0, 1, 3):
        assert judge(game, ram(), ram(x20=lives & 255))[0] == (lives in holds)


def test_an_end_of_parts(tmp_path: Path) -> None:
    lost = {"lives": {"op": "zero"}}
    points = {"score": {"op": "greater-than", "reference": 5}}
    anyone = from_stable_retro(integration(tmp_path, "A-Nes-v0", done={"variables": lost | points}))
    everyone = from_stable_retro(
        integration(tmp_path, "B-Nes-v0", done={"variables": lost | points, "condition": "all"})
    )
    nodes = {"both": {"variables": lost | points, "condition": "all"}}
    nested = from_stable_retro(integration(tmp_path, "C-Nes-v0", done={"nodes": nodes}))
    never = from_stable_retro(integration(tmp_path, "D-Nes-v0"))
    games = (anyone, everyone, nested, never)
    for lives, score, ends in (
        (1, 5, [False, False, False, False]),
        (0, 5, [True, False, False, False]),
        (1, 6, [True, False, False, False]),
        (0, 6, [True, True, True, False]),
    ):
        now = ram(x20=lives, x11=score)
        assert [judge(game, ram(), now)[0] for game in games] == ends


def test_an_end_by_a_change(tmp_path: Path) -> None:
    done = {"variables": {"lives": {"op": "negative", "measurement": "delta"}}}
    game = from_stable_retro(integration(tmp_path, done=done))
    assert judge(game, ram(x20=3), ram(x20=2))[0]
    assert not judge(game, ram(x20=2), ram(x20=2))[0]


def test_reward(tmp_path: Path) -> None:
    reward = {"variables": {"score": {"reward": 0.5}, "lives": {"penalty": 10.0, "reward": 10.0}}}
    game = from_stable_retro(integration(tmp_path, reward=reward))
    assert judge(game, ram(x11=4), ram(x11=7))[2] == 1.5
    assert judge(game, ram(x11=7), ram(x11=4))[2] == 0.0  # less of what has no penalty
    assert judge(game, ram(x20=3), ram(x20=2))[2] == -10.0
    assert int(game.score(ram(x11=7, x20=2))) == 24  # 3.5 and 20, rounded to the even one
    assert int(game.progress(ram(x11=8))) == 4


def test_a_reward_for_what_is_and_for_time(tmp_path: Path) -> None:
    here = {"measurement": "absolute", "op": "equal", "reference": 2, "reward": 7.0}
    reward = {"variables": {"lives": here}, "time": {"penalty": 1.0, "reward": 0.25}}
    game = from_stable_retro(integration(tmp_path, reward=reward))
    assert judge(game, ram(x20=2), ram(x20=2))[2] == 7.25
    assert judge(game, ram(x20=2), ram(x20=1))[2] == 0.25
    assert int(game.score(ram(x20=2))) == 0


def test_what_is_rewarded_can_be_won(tmp_path: Path) -> None:
    done = {"variables": {"score": {"op": "equal", "reference": 6}, "lives": {"op": "zero"}}}
    game = from_stable_retro(integration(tmp_path, done=done, reward=SCORE))
    assert judge(game, ram(x20=1), ram(x11=6, x20=1))[:2] == (False, True)
    assert judge(game, ram(x20=1), ram(x11=5))[:2] == (True, False)
    unrewarded = from_stable_retro(integration(tmp_path, "B-Nes-v0", done=done))
    assert judge(unrewarded, ram(x20=1), ram(x11=6, x20=1))[:2] == (True, False)


def test_actions(tmp_path: Path) -> None:
    game = from_stable_retro(integration(tmp_path))
    names = [action.name for action in game.actions]
    assert len(names) == len(set(names)) == 36
    assert names[0] == "idle"
    assert {"a", "a+b", "up", "down+right+b"} <= set(names)
    assert not any("up+down" in name or "start" in name for name in names)
    groups = [[[], ["UP"]], [[], ["A", "START"]]]
    own = from_stable_retro(integration(tmp_path, "B-Nes-v0", actions=groups))
    assert [action.name for action in own.actions] == ["idle", "a+start", "up", "up+a+start"]


def test_crop(tmp_path: Path) -> None:
    assert from_stable_retro(integration(tmp_path, crop=[0, 0, 0, 0])).crop is None
    cropped = from_stable_retro(integration(tmp_path, "B-Nes-v0", crop=[0, 16, 256, 200]))
    assert cropped.crop == (0, 16, 256, 200)


def test_savestates_are_starts(tmp_path: Path) -> None:
    folder = integration(tmp_path)
    for name in ("Level1", "Level2"):
        (folder / f"{name}.state").write_bytes(b"")
    game = from_stable_retro(folder)
    assert game.splits == ("train", "validation", "test", "Level2", "Level1")
    sets = {split: {start.name for start in game.starts(split)} for split in game.splits}
    assert [len(sets[split]) for split in game.splits] == [8, 4, 4, 1, 1]
    assert len(set[str]().union(*sets.values())) == 18
    with pytest.raises(GameError, match=r"no input log from power-on leads there; use reach"):
        game.starts("Level1")[0].log(2)


def test_the_rom_is_yours_or_lies_there(tmp_path: Path) -> None:
    folder = integration(tmp_path)
    game = from_stable_retro(folder)
    with pytest.raises(GameError, match=r"Game-Nes-v0: no ROM lies in .*put it there as rom.nes"):
        _ = game.rom
    (tmp_path / "mine.nes").write_bytes(NES_ROM)
    assert from_stable_retro(folder, rom=tmp_path / "mine.nes").rom.name == "mine"
    (folder / "rom.nes").write_bytes(NES_ROM)
    assert game.rom.name == "rom"
    assert game.ram_map.is_of(game.rom)
    other = Rom.from_bytes(NES_ROM[:-1] + b"x")
    with pytest.raises(RomError, match=r"is not the ROM of Game-Nes-v0: its SHA-1 is .* needed is"):
        from_stable_retro(folder, rom=other)


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("Game-Sms-v0", {}, "a game of 'Sms'; copain reads those of Nes, Snes"),
    ("Game-Nes-v0", {"scripts": ["script.lua"]}, "its scenario is a Lua script"),
    ("Game-Nes-v0", {"done": {"script": "lua:done"}}, "its scenario is a Lua script"),
    ("Game-Nes-v0", {"reward": {"script": "lua:reward"}}, "its scenario is a Lua script"),
    ("Game-Nes-v0", {"rewards": [{}, {}]}, "rewards several players"),
    ("Game-Nes-v0", {"done": {"variables": {"time": {}}}}, "'time', which data.json does not"),
    (
        "Game-Nes-v0", {"done": {"variables": {"lives": {"op": "odd"}}}},
        "does not know the operation 'odd', only equal",
    ),
    ("Game-Nes-v0", {"info": {"v": {"address": 0, "type": "><d4"}}}, "type '><d4'"),
    ("Game-Nes-v0", {"info": {"v": {"address": 0, "type": "<u5"}}}, "type '<u5'"),
    ("Game-Nes-v0", {"info": {"v": {"address": 0x7FF, "type": "<u2"}}}, "lies at 0x7ff, out"),
    ("Game-Nes-v0", {"info": {"v": {"type": "|u1"}}}, "an address and a type are needed"),
    ("Game-Nes-v0", {"info": {"v": 3}}, "data.json: v: a JSON object is needed, found 3"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "changes", "message"), REFUSED)
def test_what_is_refused(tmp_path: Path, name: str, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(GameError, match=message) as caught:
        from_stable_retro(integration(tmp_path, name, **changes))
    assert f"from_stable_retro({name!r}): " in str(caught.value)


@pytest.mark.parametrize("file", ["data.json", "scenario.json", "metadata.json", "rom.sha"])
def test_a_file_that_is_missing_or_broken(tmp_path: Path, file: str) -> None:
    folder = integration(tmp_path)
    (folder / file).write_bytes(b"\xff{")
    with pytest.raises(GameError, match=f"{file} cannot be read"):
        from_stable_retro(folder)
    (folder / file).unlink()
    with pytest.raises(GameError, match=f"{file} cannot be read"):
        from_stable_retro(folder)
