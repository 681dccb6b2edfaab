"""Print what pyproject.toml asks for: the dependencies and those of the extras named.

``python tools/requirements.py cores,render`` prints one requirement a line, for ``pip -r``.
Needs nothing but the standard library: it runs before anything is installed.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from typing import Any


def requirements(project: dict[str, Any], extras: list[str]) -> list[str]:
    """The requirements of the project and of `extras`; its own name stands for its extras."""
    wanted: set[str] = set(project["dependencies"])
    for extra in extras:
        for line in project["optional-dependencies"][extra]:
            own = re.fullmatch(rf"{project['name']}\[(.*)\]", line)
            wanted |= set(requirements(project, own[1].split(",")) if own else [line])
    return sorted(wanted)


if __name__ == "__main__":
    document = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
    chosen = [extra for extra in "".join(sys.argv[1:]).split(",") if extra]
    print("\n".join(requirements(document["project"], chosen)))
