"""What keys mean: bindings, their file, and the input that held keys make."""

from __future__ import annotations

from pathlib import Path

import pytest

from copain import Joypad
from copain.errors import InputError
from copain.play.keys import (
    Bindings,
    PlayCommand,
    SlotCommand,
    bindings_path,
    parse_bindings,
    read_bindings,
)
from copain.system import GAME_BOY, NES, SNES, SYSTEMS


def test_default_keys_press_the_buttons_of_the_system() -> None:
    held = Bindings().held_input(NES, ["right", "x"])
    assert held.joypads == (Joypad(right=True, a=True), Joypad())


def test_keys_of_buttons_that_a_system_lacks_press_nothing() -> None:
    assert Bindings().held_input(NES, ["s"]).joypads[0] == Joypad()
    assert Bindings().held_input(SNES, ["s"]).joypads[0] == Joypad(x=True)


def test_every_button_of_every_system_has_a_key_and_a_gamepad_button() -> None:
    bindings = Bindings()
    for system in SYSTEMS:
        for button in system.buttons:
            name = str(button.name).lower()
            assert bindings.ports[0][name], f"no key for {name} of {system}"
            assert bindings.gamepad[name], f"no gamepad button for {name} of {system}"


@pytest.mark.parametrize(
    ("order", "wins"), [(["left", "right"], "right"), (["right", "left"], "left")]
)
def test_of_two_opposite_directions_the_last_pressed_counts(order: list[str], wins: str) -> None:
    assert Bindings().held_input(NES, order).joypads[0] == Joypad.of(wins)


def test_gamepads_play_on_their_ports_beside_the_keys() -> None:
    held = Bindings().held_input(NES, ["up"], [{"b"}, {"start", "left"}])
    assert held.joypads == (Joypad(up=True, a=True), Joypad(start=True, left=True))


def test_a_second_gamepad_plays_nowhere_where_there_is_one_port() -> None:
    assert len(Bindings().held_input(GAME_BOY, [], [{"b"}, {"a"}]).joypads) == 1


def test_chords_tell_save_from_load() -> None:
    bindings = Bindings()
    assert bindings.order("3", ["3"]) == SlotCommand(3, load=True)
    assert bindings.order("3", ["lshift", "3"]) == SlotCommand(3, load=False)
    assert bindings.order("3", ["lctrl", "3"]) is None


def test_a_held_button_does_not_hinder_a_command() -> None:
    assert Bindings().order("space", ["right", "x", "space"]) is PlayCommand.PAUSE


def test_select_on_right_shift_orders_nothing_by_itself() -> None:
    assert Bindings().order("rshift", ["rshift"]) is None


def test_held_commands_are_seen_while_their_key_is_down() -> None:
    assert Bindings().is_held(PlayCommand.REWIND, ["left", "r"])
    assert not Bindings().is_held(PlayCommand.REWIND, ["left"])


def test_the_printed_file_reads_back_as_the_same_bindings() -> None:
    assert parse_bindings(Bindings().to_toml()) == Bindings()
    two = parse_bindings('[port2]\nup = "i"\nb = ["k", "kp_1"]\n[commands]\npause = "p"')
    assert parse_bindings(two.to_toml()) == two
    assert two.held_input(NES, ["i", "k"]).joypads[1] == Joypad(up=True, b=True)
    assert two.order("p", ["p"]) is PlayCommand.PAUSE
    assert two.order("space", ["space"]) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[commands]\npause = [", "TOML"),
        ("[comands]\npause = 'p'", "no table is called 'comands'"),
        ("[commands]\npaus = 'p'", "no command is called 'paus'"),
        ("[port1]\nfire = 'p'", "no button is called 'fire'"),
        ("[gamepad]\na = 'p'", "no gamepad button"),
        ("[commands]\npause = 1", "names of keys are needed"),
        ("port1 = 3", "a table is needed"),
        ("[commands]\npause = 'hyper+p'", "ctrl+, alt+, shift+"),
        ("[commands]\npause = 'x'", "the key x does two things"),
        ("[commands]\npause = 'tab'", "the key tab does two things"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says.replace("+", r"\+")):
        parse_bindings(text)


def test_the_users_file_is_read_and_may_be_absent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert read_bindings() == Bindings()
    bindings_path().parent.mkdir()
    bindings_path().write_text('[port1]\na = "k"\n')
    assert read_bindings().held_input(NES, ["k"]).joypads[0] == Joypad(a=True)
    bindings_path().write_text('[port1]\nfire = "k"\n')
    with pytest.raises(InputError, match=r"keys\.toml.*fire"):
        read_bindings()
    with pytest.raises(InputError, match="there is no such file"):
        read_bindings(tmp_path / "nope.toml")


def test_the_help_names_every_command_and_button() -> None:
    buttons, commands = Bindings().help(NES)
    assert ("X", "A button") in buttons
    assert len(buttons) == len(NES.buttons)
    assert {what for _, what in commands} >= {command.value for command in PlayCommand}
    assert ("Shift+1 .. Shift+9", "save to a slot") in commands
