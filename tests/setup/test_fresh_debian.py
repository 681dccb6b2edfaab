"""The set-up in a new Debian: debootstrap, chroot, and the two commands. Minutes, and root."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from bare import ROOT, Answer, tree_files

pytestmark = [
    pytest.mark.fresh,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(
        not (os.environ.get("COPAIN_FRESH") and os.geteuid() == 0 and shutil.which("debootstrap")),
        reason="asked for by ./test fresh, as root, with debootstrap installed",
    ),
]


class Debian:
    """A Debian with nothing but its base, in a folder, with the tree in /home/user/copain."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        subprocess.run(
            ["debootstrap", "--variant=minbase", "bookworm", str(folder)],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        for name in tree_files():
            target = folder / "home/user/copain" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target)
        shutil.copy("/etc/resolv.conf", folder / "etc/resolv.conf")
        self.environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/home/user"}
        certificates = os.environ.get("PIP_CERT")
        if certificates:  # behind a proxy that signs for itself
            shutil.copy(certificates, folder / "proxy.pem")
            self.environment["PIP_CERT"] = "/proxy.pem"
        assert self.run("useradd user && chown -R user: /home/user").status == 0

    def run(self, script: str, *, user: str = "root", network: bool = True) -> Answer:
        """Run a shell script in the tree, in namespaces of its own."""
        inside = (
            f'mount --bind /proc "{self.folder}/proc" && mount --bind /dev "{self.folder}/dev" && '
            f'exec chroot --userspec={user} "{self.folder}" sh -c "$0"'
        )
        done = subprocess.run(
            ["unshare", "--mount", *([] if network else ["--net"]), "sh", "-c", inside,
             f"cd /home/user/copain 2>/dev/null; {script}"],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )  # fmt: skip
        return Answer(done.returncode, done.stdout)


@pytest.fixture(scope="module")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Debian:
    """One new Debian for the tests below, which build on each other in their order."""
    return Debian(tmp_path_factory.mktemp("debian") / "bookworm")


def test_a_user_without_rights_is_told_in_one_line(debian: Debian) -> None:
    answer = debian.run("./demo", user="user")
    assert answer.status == 2
    assert len(answer.lines) == 1
    assert "apt-get install python3 python3-venv python3-dev g++" in answer.text


def test_without_a_network_the_last_line_says_so(debian: Debian) -> None:
    answer = debian.run("./demo", network=False)
    assert answer.status == 2
    assert "Debian's archive cannot be reached: is there a network?" in answer.lines[-1]


def test_root_gets_everything_and_a_second_start_is_quick(debian: Debian) -> None:
    first = debian.run("./demo --help")
    assert first.status == 0, first.text
    assert "MB to download" in first.text
    assert "MB from PyPI" in first.text
    began = time.monotonic()
    second = debian.run("./demo --help")
    assert second.status == 0
    assert "copain demo" in second.lines[1]
    assert "done in" not in second.text
    assert time.monotonic() - began < 3


def test_a_source_that_does_not_compile_is_said_with_the_compilers_words(debian: Debian) -> None:
    source = "native/module.cpp"
    answer = debian.run(f"cp {source} /tmp/; echo 'nonsense;' >>{source}; ./demo --help")
    debian.run(f"cp /tmp/module.cpp {source}")
    assert answer.status == 2
    assert "nonsense" in answer.text
    assert "the native module could not be built" in answer.lines[-1]


def test_the_tests_pass_there(debian: Debian) -> None:
    answer = debian.run("CI=true ./test fast")
    assert answer.status == 0, answer.text[-3000:]
    assert " passed" in answer.lines[-1]
