"""The Dockerfile's steps in a new Debian, and the commands of its guide. Minutes, and root."""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from bare import ROOT, tree_files
from dockerfile import Image, build, kept, patterns_of, write

from conftest import absent
from copain.games import rom_path

pytestmark = [
    pytest.mark.fresh,
    pytest.mark.timeout(2400),
    pytest.mark.skipif(
        not (os.environ.get("COPAIN_FRESH") and os.geteuid() == 0 and shutil.which("debootstrap")),
        reason="asked for by ./test fresh, as root, with debootstrap installed",
    ),
]

GUIDE = (ROOT / "docs/guides/docker.md").read_text(encoding="utf-8")
USER = 1000
"""Who a person at a desktop mostly is; the image's own user has the same number."""

TRANSPORTS = """
import copain
from copain.games import rom_path
for options in ({"transport": "pipes"}, {"transport": "unix"}, {"transport": "tcp"},
                {"display": "xvfb"}):
    with copain.open(rom_path("alouette"), emulator="fceux", **options) as nes:
        nes.advance(frames=60)
        print(nes.name, nes.frame, int(nes.screen.std()))
"""


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Generator[Image]:
    """The image, built from the tree as it is, with one package more than copain's."""
    place = tmp_path_factory.mktemp("image")
    context = place / "context"
    ignored = patterns_of((ROOT / ".dockerignore").read_text(encoding="utf-8"))
    for name in tree_files():
        if kept(name.as_posix(), ignored):
            target = context / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target)
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    yield build(text, context, place, {"PACKAGES": "six"})
    shutil.rmtree(place)  # some GB; nothing of this machine is mounted there any more


class Desk:
    """A folder with a game, a shell in it, and programs named docker and id."""

    def __init__(self, folder: Path, image: Image) -> None:
        self.folder, self.programs = folder / "games", folder / "programs"
        self.folder.mkdir()
        self.programs.mkdir()
        shutil.copy(rom_path("alouette"), self.folder / "game.nes")
        os.chown(self.folder, USER, USER)
        write(image, folder / "image.json")
        stand_in = Path(__file__).with_name("dockerfile.py")
        self.install("docker", f'exec "{sys.executable}" "{stand_in}" "{folder}/image.json" "$@"')
        self.install("id", f"echo {USER}")
        self.environment = {"PATH": f"{self.programs}:{os.environ['PATH']}"}

    def install(self, name: str, script: str) -> None:
        """Put a shell script on the PATH."""
        program = self.programs / name
        program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        program.chmod(0o755)

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run a shell script in the folder, up to its first command that fails."""
        return subprocess.run(
            ["sh", "-e", "-c", script],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


@pytest.fixture
def desk(tmp_path: Path, image: Image) -> Desk:
    """A desk of its own for a test."""
    return Desk(tmp_path, image)


@pytest.fixture
def desktop(desk: Desk) -> Generator[Desk]:
    """A desk with a display that lets in nobody but who shows its cookie, or whom xhost names."""
    if shutil.which("Xvfb") is None:
        absent("Xvfb", "apt install xvfb")
    if shutil.which("xhost") is None:
        absent("xhost", "apt install x11-xserver-utils")
    cookies = desk.folder.parent / "cookies"
    # One entry, for any address and display: https://www.x.org/releases/current/doc/man/man7/
    # Xsecurity.7.xhtml says what it is for, libXau's Xauth.h (FamilyWild) and AuWrite.c how.
    fields = [b"", b"", b"MIT-MAGIC-COOKIE-1", os.urandom(16)]
    entry = b"".join(struct.pack(">H", len(part)) + part for part in fields)
    cookies.write_bytes(struct.pack(">H", 65535) + entry)
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-auth", str(cookies), "-noreset",
         "-nolisten", "tcp", "-screen", "0", "1024x768x24"],
        pass_fds=[writing],
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(writing)
    with os.fdopen(reading) as numbers:
        number = numbers.readline().strip()
    desk.environment |= {"DISPLAY": f":{number}", "XAUTHORITY": str(cookies)}
    yield desk
    server.terminate()
    server.wait()


def blocks(heading: str) -> list[str]:
    """The shell blocks of the guide under a heading; "" for what stands above the first."""
    for section in re.split(r"^## ", GUIDE, flags=re.MULTILINE):
        if section.startswith(heading or "# "):
            return re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    raise AssertionError(f"the guide has no part {heading!r}")


def test_by_itself_it_says_what_is_in_it(desk: Desk) -> None:
    (block,) = blocks("")
    answer = desk.run(block)
    assert answer.returncode == 0, answer.stdout
    for line in (r"core for nes +fceumm", r"render movies +av", r"play window +pygame-ce"):
        assert re.search(line, answer.stdout), answer.stdout


def test_a_movie_is_recorded_and_verified_in_fceux(desk: Desk) -> None:
    (block,) = blocks("Your folder")
    answer = desk.run(block)
    assert answer.returncode == 0, answer.stdout
    assert "in sync, 662 frames" in answer.stdout
    assert "fceux 2.6.5 and libretro:fceumm" in answer.stdout
    assert (desk.folder / "run.fm2").stat().st_uid == USER


def test_the_window_shows_on_the_display_of_who_lets_it_in(desktop: Desk) -> None:
    (block,) = blocks("A visible window")
    shut_out = desktop.run(block.replace("xhost", "true"))
    assert shut_out.returncode != 0
    assert "Authorization required" in shut_out.stdout
    answer = desktop.run(block)  # it has network, processes and shared memory of its own
    assert answer.returncode == 0, answer.stdout
    assert "seen: 300 frames" in answer.stdout


def test_every_way_to_fceux_is_in_it(image: Image) -> None:
    answer = image.run(["python3", "-c", TRANSPORTS])
    assert answer.returncode == 0, answer.stdout
    lines = answer.stdout.splitlines()
    assert len(lines) == 4
    assert lines[0].startswith("fceux 60 ")
    assert len(set(lines)) == 1, "the same picture, and not an empty one"
    assert int(lines[0].split()[2]) > 5


def test_its_user_has_no_rights_and_the_first_process_is_tini(image: Image) -> None:
    asked = (
        "id -un; pwd; touch mine && echo mine; touch /opt/copain/x || tr '\\0' ' ' </proc/1/cmdline"
    )
    lines = image.run(["sh", "-c", asked]).stdout.splitlines()
    assert lines[:3] == ["player", "/games", "mine"]
    assert "Permission denied" in lines[3]
    assert lines[4].startswith("tini -- ")


def test_a_user_it_has_never_heard_of_can_play(image: Image) -> None:
    answer = image.run(["python3", "-c", TRANSPORTS], user="4321:4321")
    assert answer.returncode == 0, answer.stdout


def test_it_holds_what_was_asked_for_and_nothing_of_this_machine(image: Image) -> None:
    root = Path(image.root)
    assert list(root.glob("opt/copain/lib/python3*/site-packages/six.py")), "PACKAGES"
    assert not (root / "build").exists(), "what compiles stays in the first stage"
    assert not (root / "usr/bin/g++").exists()
    assert not list((root / "var/lib/apt/lists").glob("*Packages*"))
    for place in ("opt/copain", "etc/pip.conf", "etc/apt", "games", "home/player"):
        found = subprocess.run(["grep", "-rlF", str(ROOT), root / place], capture_output=True)
        assert not found.stdout.splitlines(), f"{place} names a folder of this machine"
    files = sum(1 for path in (root / "opt/copain").rglob("copain/**/*.py") if path.is_file())
    assert files > 50
