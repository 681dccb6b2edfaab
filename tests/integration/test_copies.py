"""Copies that play on in one native call: the same as a plain loop, and as one another."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import copain
from conftest import absent
from copain import _native
from copain.backends.cores import find_cores
from copain.backends.native_seen import native_sight
from copain.copies import Copies, HasCopies, Seen, Stack
from copain.errors import InputError, SavestateError
from copain.games import from_stable_retro, game_of
from copain.memory import Variable
from copain.rl.emulator_copies import EmulatorCopies
from copain.rl.ram_features import sight_of
from copain.sight import Feature, RamSight, area_weights, shrunk
from copain.system import ATARI2600

COUNT, FRAMES = 3, 4


@dataclass
class Arrays:
    """Arrays for all that is to be seen."""

    copies: Copies
    sight: RamSight
    size: tuple[int, int]

    def __post_init__(self) -> None:
        count, depth = self.copies.count, 3
        self.ram = np.zeros((FRAMES + 1, count, self.copies.ram_size), np.uint8)
        self.numbers = np.zeros((count, self.sight.kept), np.int64)
        self.features = np.zeros((count, depth, self.sight.size), np.float32)
        self.grey = np.zeros((count, depth, 84, 84), np.uint8)
        self.features_given, self.grey_given = self.features.copy(), self.grey.copy()
        self.screen = np.zeros((count, *self.size, 3), np.uint8)

    def seen(self, frames: int, *, fresh: bool) -> Seen:
        """Of a call that plays this many frames."""
        return Seen(
            self.ram[: frames + 1],
            self.sight,
            self.numbers,
            Stack(self.features, self.features_given),
            Stack(self.grey, self.grey_given),
            self.screen,
            fresh,
        )

    def all(self) -> dict[str, npt.NDArray[Any]]:
        """What is in them."""
        return {
            "ram": self.ram, "numbers": self.numbers, "features": self.features,
            "features given": self.features_given, "grey": self.grey,
            "grey given": self.grey_given, "screen": self.screen,
        }  # fmt: skip


Opener = Callable[[], copain.Emulator]


@pytest.fixture(params=["colibri", "fceumm", "quicknes", "airstriker", "stella"])
def opener(request: pytest.FixtureRequest, alouette: copain.Rom) -> Opener:
    """Opens a game in an emulator that has copies."""
    cores = {found.name for found in find_cores()}
    match request.param:
        case "colibri":
            return lambda: copain.open(alouette, "colibri")
        case "airstriker":
            game = from_stable_retro("Airstriker-Genesis-v0")
            options = game.platform.options
            return lambda: copain.open(game.rom, core="genesis_plus_gx", options=options)
        case "stella":
            from ale_py import roms

            rom = copain.Rom.read(str(roms.get_rom_path("breakout")), system=ATARI2600)
            return lambda: copain.open(rom, core="stella")
        case core:
            if core not in cores:
                if core == "quicknes":  # no package has it: for those whose RetroArch does
                    pytest.skip("the core quicknes is not on this machine")
                absent(f"the core {core}", "pip install stable-retro")
            return lambda: copain.open(alouette, core=core)


@pytest.fixture
def pair(opener: Opener) -> Generator[tuple[Copies, Copies, RamSight]]:
    """Native copies, and plain loops over as many emulators."""
    with opener() as emulator:
        assert isinstance(emulator, HasCopies)
        game = game_of(emulator.rom)
        sight = sight_of(game) if game else RamSight([Variable("first", 0)], [Feature("f", 0)], 1)
        with (
            emulator.open_copies(COUNT, 2) as native,
            EmulatorCopies(opener, COUNT, COUNT) as loop,
        ):
            yield native, loop, sight


def test_they_play_and_see_as_a_plain_loop_does(pair: tuple[Copies, Copies, RamSight]) -> None:
    native, loop, sight = pair
    chance = np.random.default_rng(3)
    buttons = [int(b) for b in native.system.buttons]
    root = loop.save(np.array([1], np.int32))
    sizes = {copies.picture_size(root[0]) for copies in pair[:2]}
    assert len(sizes) == 1
    arrays = [Arrays(copies, sight, next(iter(sizes))) for copies in pair[:2]]
    everyone = np.arange(COUNT, dtype=np.int32)
    ports = native.system.ports
    for copies, seen in zip(pair[:2], arrays, strict=True):
        copies.load(everyone, root * COUNT)
        copies.play(everyone, np.zeros((COUNT, 0, ports), np.uint16), seen.seen(0, fresh=True))
    compare(arrays)
    for step in range(40):
        rows = everyone if step % 5 else np.array([2, 0], np.int32)
        inputs = np.zeros((len(rows), FRAMES, ports), np.uint16)
        inputs[..., 0] = chance.choice(buttons, (len(rows), 1))
        for copies, seen in zip(pair[:2], arrays, strict=True):
            copies.play(rows, inputs, seen.seen(FRAMES, fresh=False))
        compare(arrays)
    assert arrays[0].grey.std() > 0
    assert arrays[0].screen.std() > 0
    there = [copies.save(everyone) for copies in pair[:2]]
    assert [state.frame for state in there[0]] == [state.frame for state in there[1]]


def compare(arrays: list[Arrays]) -> None:
    ours, theirs = (one.all() for one in arrays)
    for name, array in ours.items():
        np.testing.assert_array_equal(array, theirs[name], err_msg=name)


def test_bad_arguments_change_nothing(alouette: copain.Rom) -> None:
    with copain.open(alouette, "colibri") as nes:
        assert isinstance(nes, HasCopies)
        with nes.open_copies(2, 2) as copies:
            rows = np.arange(2, dtype=np.int32)
            seen = Seen(np.zeros((2, 2, 2048), np.uint8))
            held = np.zeros((2, 1, 2), np.uint16)
            before = [state.to_bytes() for state in copies.save(rows)]
            with pytest.raises(InputError, match="each is one of the copies 0 to 1, once"):
                copies.play(np.array([0, 0], np.int32), held, seen)
            with pytest.raises(InputError, match=r"ram has the shape \(2, 2, 2048\)"):
                copies.play(rows, np.zeros((2, 3, 2), np.uint16), seen)
            with pytest.raises(InputError, match="no button x"):
                copies.play(rows, held + copain.Button.X, seen)
            good = copies.save(np.zeros(1, np.int32))[0]
            bad = replace_payload(good, good.payload[:-1])
            with pytest.raises(SavestateError, match="its size"):
                copies.load(rows, [good, bad])
            assert [state.to_bytes() for state in copies.save(rows)] == before
        with pytest.raises(copain.EmulatorClosed):
            copies.save(rows)


def replace_payload(state: copain.Savestate, payload: bytes) -> copain.Savestate:
    return copain.Savestate(replace(state.header), payload)


@pytest.mark.parametrize(
    ("height", "width"), [(240, 256), (224, 320), (210, 160), (144, 160), (84, 84), (60, 40)]
)
def test_pictures_shrink_natively_as_in_numpy(height: int, width: int) -> None:
    grey = np.random.default_rng(height).integers(0, 256, (height, width)).astype(np.uint8)
    np.testing.assert_array_equal(_native.shrunk(grey, 84, 84), shrunk(grey, 84, 84))
    white = np.full((height, width), 255, np.uint8)
    assert (_native.shrunk(white, 84, 84) == 255).all()
    assert (area_weights(height, 84).sum(axis=1) == 128).all()


def test_every_type_of_number_is_seen_as_its_variable_decodes_it() -> None:
    ram = np.random.default_rng(1).integers(0, 256, (50, 64)).astype(np.uint8)
    variables = [
        Variable("a", 1), Variable("b", 2, "i8"), Variable("c", 3, "u16", 2),
        Variable("d", 5, "i16", 2, "big"), Variable("e", 8, "u24", 3), Variable("f", 12, "u32", 4),
        Variable("g", 16, "i32", 4, "big"), Variable("h", 20, "bcd", 3, "big"),
        Variable("i", 24, "digits", 6), Variable("j", 31, "u16", 2, "big", swapped=True),
        Variable("k", 40, "u8", mask=0x1F),
    ]  # fmt: skip
    features = [Feature("x", 2, 100, 60000), Feature("y", 1, -128, 127), Feature("z", 10, equals=3)]
    sight = RamSight(variables, features, len(variables))
    seen = [native_sight(sight).look(one) for one in ram]
    expected = np.stack([variable.decode(ram) for variable in variables], axis=-1)
    np.testing.assert_array_equal([numbers for numbers, _ in seen], expected)
    np.testing.assert_array_equal([given for _, given in seen], sight.features_of(expected))
