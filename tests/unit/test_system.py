"""Systems: names, exact frame rates, and buttons."""

from __future__ import annotations

from fractions import Fraction

import pytest

from copain import Button, RomError
from copain.system import NES, SYSTEMS, system_by_name


def test_names_are_short_and_different() -> None:
    names = [system.name for system in SYSTEMS]
    assert len(set(names)) == len(names)
    for name in names:
        assert system_by_name(name).name == name
        assert name == name.lower()


def test_an_unknown_name_lists_those_there_are() -> None:
    with pytest.raises(RomError, match=r"no system is called 'n64'; the systems are nes, snes"):
        system_by_name("n64")


@pytest.mark.parametrize(
    ("name", "rate"),
    [
        # As nesdev, pan docs, GBATEK, the Stella guide and the consoles' clocks give them.
        ("nes", 60.0988), ("snes", 60.0988), ("gb", 59.7275), ("gbc", 59.7275), ("gba", 59.7275),
        ("genesis", 59.9228), ("a2600", 59.9228), ("pce", 59.8261),
    ],
)  # fmt: skip
def test_frame_rates_are_exact_fractions(name: str, rate: float) -> None:
    exact = system_by_name(name).frame_rate
    assert isinstance(exact, Fraction)
    assert float(exact) == pytest.approx(rate, abs=0.00006)


def test_button_bits_are_a_plain_integer() -> None:
    bits = NES.button_bits
    assert bits == 0xFF
    assert type(bits) is int  # a Button's ~ would know no bits beyond its own
    for system in SYSTEMS:
        assert system.button_bits == sum(system.buttons)
        assert set(system.buttons) <= set(Button)


def test_no_ending_belongs_to_two_systems() -> None:
    endings = [ending for system in SYSTEMS for ending in system.extensions]
    assert len(set(endings)) == len(endings)
    assert all(ending == ending.lower() and "." not in ending for ending in endings)
