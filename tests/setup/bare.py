"""A bare machine: a copy of the tree, and a PATH that holds only what a test puts there."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

# What every Debian has (its essential packages), as far as the recipes use it.
ESSENTIAL = [
    "awk", "cat", "chmod", "cksum", "cp", "cut", "date", "dirname", "env",
    "find", "flock", "grep", "head", "id", "ln", "ls", "mkdir",
    "mv", "rm", "sed", "sh", "sleep", "sort", "tail", "tee", "touch",
    "tr", "true", "uname", "wc", "xargs",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command said: its exit status, standard output and error together, and lines."""

    status: int
    text: str

    @property
    def lines(self) -> list[str]:
        """The lines it said."""
        return self.text.splitlines()


class BareMachine:
    """A folder with a copy of what set-up needs, in a path with a space, and a PATH of its own."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "my games" / "copain"
        self.programs = folder / "programs"
        self.root.mkdir(parents=True)
        self.programs.mkdir()
        for name in ("demo", "test", "tools", "native", "pyproject.toml", "CMakeLists.txt"):
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, self.root / name)
            else:
                shutil.copy(source, self.root / name)
        for name in ESSENTIAL:
            self.install(name, shutil.which(name))

    def install(self, name: str, program: str | None) -> None:
        """Put `program` on the PATH as `name`."""
        assert program is not None, f"this machine has no {name}"
        (self.programs / name).symlink_to(program)

    def install_script(self, name: str, text: str) -> Path:
        """Put a shell script on the PATH as `name`."""
        script = self.programs / name
        script.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        script.chmod(0o755)
        return script

    def environment(self, **changes: str) -> dict[str, str]:
        """The environment of a command: this machine's PATH and nothing of ours."""
        return {"PATH": str(self.programs), "HOME": str(self.root.parent), **changes}

    def start(self, script: str, **changes: str) -> subprocess.Popen[str]:
        """Start a shell script in the tree's root."""
        return subprocess.Popen(
            ["/bin/sh", "-c", script],
            cwd=self.root,
            env=self.environment(**changes),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, script: str, **changes: str) -> Answer:
        """Run a shell script in the tree's root and hear what it says."""
        process = self.start(script, **changes)
        text, _ = process.communicate(timeout=100)
        return Answer(process.returncode, text)


def tree_files() -> list[Path]:
    """The files of the tree, without what was built, found or made there."""
    left_out = {".git", ".venv", "build", "dist", "__pycache__"}
    files: list[Path] = []
    for folder, names, found in os.walk(ROOT):
        names[:] = [name for name in names if name not in left_out and not name.endswith("_cache")]
        files += [Path(folder, name).relative_to(ROOT) for name in found]
    return [file for file in files if not (file.suffix == ".so" or file.name.startswith("run."))]
