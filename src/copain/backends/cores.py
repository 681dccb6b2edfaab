"""Where libretro cores are found, and what is known of them.

What a core is called, which extensions it plays and its version come from the library itself;
what it does not say (its licence, which RetroPad button is which, what we set) is in the table
here. Sources: each core's page on https://docs.libretro.com and its ``.info`` file
(https://github.com/libretro/libretro-core-info).
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from copain.errors import EmulatorMissing
from copain.system import SYSTEMS, System

LIBRARY_SUFFIX = "_libretro.so"


@dataclass(frozen=True, slots=True)
class KnownCore:
    """What a core does not say of itself.

    `options` are set unless the user sets them: they ask for the whole picture, so that all
    cores of a system draw the same. `boot_offset` is how many frames longer than FCEUX's its
    boot is (negative: shorter), measured; None where it was not, or is not constant.
    `first_frame_undrawn`: it leaves the picture alone in the first frame after power-on.
    `ram_sizes`: bytes of work RAM of the systems for which it claims more than there is.
    """

    systems: tuple[str, ...]
    licence: str
    options: Mapping[str, str] = field(default_factory=dict[str, str])
    boot_offset: int | None = None
    first_frame_undrawn: bool = False
    ram_sizes: Mapping[str, int] = field(default_factory=dict[str, int])


# In order of preference where several play a system. picodrive is before genesis_plus_gx, whose
# savestates hold pointers and lead astray when they are loaded often.
KNOWN_CORES: dict[str, KnownCore] = {
    "fceumm": KnownCore(
        ("nes",), "GPL-2.0",
        {"fceumm_overscan": "disabled",
         "fceumm_overscan_h_left": "0", "fceumm_overscan_h_right": "0",
         "fceumm_overscan_v_top": "0", "fceumm_overscan_v_bottom": "0"},
        boot_offset=0,
    ),
    "nestopia": KnownCore(
        ("nes",), "GPL-2.0",
        {"nestopia_overscan_v": "disabled", "nestopia_overscan_h": "disabled",
         "nestopia_overscan_h_left": "0", "nestopia_overscan_h_right": "0",
         "nestopia_overscan_v_top": "0", "nestopia_overscan_v_bottom": "0"},
        boot_offset=-1,
        first_frame_undrawn=True,
    ),
    "quicknes": KnownCore(("nes",), "LGPL-2.1"),
    "mesen": KnownCore(("nes",), "GPL-3.0"),
    "gambatte": KnownCore(("gb", "gbc"), "GPL-2.0"),
    "sameboy": KnownCore(("gb", "gbc"), "MIT"),
    # It says 256 KB, the GBA's, for all; what lies behind a Game Boy's RAM is other memory, and
    # writing there crashed it.
    "mgba": KnownCore(("gba", "gb", "gbc"), "MPL-2.0", ram_sizes={"gb": 0x2000, "gbc": 0x8000}),
    "snes9x": KnownCore(("snes",), "non-commercial"),
    "bsnes_mercury_accuracy": KnownCore(("snes",), "GPL-3.0"),
    "bsnes_mercury_balanced": KnownCore(("snes",), "GPL-3.0"),
    "bsnes_mercury_performance": KnownCore(("snes",), "GPL-3.0"),
    "picodrive": KnownCore(("genesis",), "non-commercial"),
    "genesis_plus_gx": KnownCore(("genesis",), "non-commercial"),
    "stella": KnownCore(("a2600",), "GPL-2.0"),
    "mednafen_pce_fast": KnownCore(("pce",), "GPL-2.0"),
    "fbneo": KnownCore((), "non-commercial"),
    "mednafen_saturn": KnownCore((), "GPL-2.0"),
    "melonds": KnownCore((), "GPL-3.0"),
    "parallel_n64": KnownCore((), "GPL-2.0"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class CoreFile:
    """A core's library on this machine: its short name, where it is, and who put it there."""

    name: str
    path: Path
    source: str

    @property
    def known(self) -> KnownCore | None:
        """What the table says of it."""
        return KNOWN_CORES.get(self.name)


def core_folders() -> list[tuple[str, Path]]:
    """The folders that cores are looked for in, in order: who put them there, and where."""
    home = Path.home()
    folders = [
        ("COPAIN_CORES", Path(part).expanduser())
        for part in os.environ.get("COPAIN_CORES", "").split(os.pathsep)
        if part
    ]
    folders += [
        ("RetroArch", home / ".config/retroarch/cores"),
        ("RetroArch", home / ".var/app/org.libretro.RetroArch/config/retroarch/cores"),
        ("RetroArch", home / "snap/retroarch/current/.config/retroarch/cores"),
    ]
    folders += [("Debian", path) for path in sorted(Path("/usr/lib").glob("*/libretro"))]
    folders += [("Debian", Path("/usr/lib/libretro"))]
    # Where a virtual environment has cores of its own, as ./demo and ./test lay them there.
    folders += [("environment", path) for path in sorted(Path(sys.prefix).glob("lib/*/libretro"))]
    retro = _stable_retro_folder()
    if retro is not None:
        folders.append(("stable-retro", retro / "cores"))
    return folders


def find_cores() -> list[CoreFile]:
    """All cores found, in the order in which they are preferred; doubles are kept."""
    return list(_walk())


def find_core(core: str | os.PathLike[str] | None, system: System) -> CoreFile:
    """The core to use: the one at a path, the one of that name, or the best for `system`.

    Raises EmulatorMissing that says what was looked for, where, and how to get one.
    """
    if core is not None:
        text = os.fspath(core)
        path = Path(text).expanduser()
        if os.sep in text or path.suffix == ".so":
            if not path.is_file():
                raise EmulatorMissing(f"copain.open(core={text!r}): there is no such file")
            return CoreFile(path.name.removesuffix(LIBRARY_SUFFIX), path.resolve(), "path")
        for found in _walk():
            if found.name == text:
                return found
        raise EmulatorMissing(
            f"copain.open: no core called {text!r} was found; found are "
            f"{', '.join(sorted({c.name for c in _walk()})) or 'none'}. {_where_and_how(text)}"
        )
    wanted = [name for name, known in KNOWN_CORES.items() if system.name in known.systems]
    found_cores = find_cores()
    for name in wanted:
        for found in found_cores:
            if found.name == name:
                return found
    raise EmulatorMissing(
        f"copain.open: no core for {system.title} was found; looked for {', '.join(wanted)}. "
        f"{_where_and_how(wanted[0] if wanted else None)}"
    )


def systems_of(core: CoreFile, extensions: list[str]) -> list[System]:
    """The systems a core plays: from the table, else from the extensions it declares."""
    if core.known is not None:
        return [system for system in SYSTEMS if system.name in core.known.systems]
    return [system for system in SYSTEMS if set(system.extensions) & set(extensions)]


def _walk() -> Iterator[CoreFile]:
    for source, folder in core_folders():
        if folder.is_dir():
            for path in sorted(folder.glob(f"*{LIBRARY_SUFFIX}")):
                yield CoreFile(path.name.removesuffix(LIBRARY_SUFFIX), path, source)


@cache
def _stable_retro_folder() -> Path | None:
    """Where stable-retro is installed, without importing it."""
    for package in ("stable_retro", "retro"):
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin is not None:
            folder = Path(spec.origin).parent
            if (folder / "cores").is_dir():
                return folder
    return None


def _where_and_how(name: str | None) -> str:
    places: dict[str, list[str]] = {}
    for source, folder in core_folders():
        places.setdefault(source, []).append(str(folder))
    if _stable_retro_folder() is None:
        places["stable-retro"] = ["not installed"]
    if "COPAIN_CORES" not in places:
        places["COPAIN_CORES"] = ["not set"]
    looked = "; ".join(f"{source}: {', '.join(folders)}" for source, folders in places.items())
    return f"Looked in {looked}. {how_to_get_cores(name)}"


def how_to_get_cores(name: str | None = None) -> str:
    """How to get cores, or the one called `name`, in one sentence."""
    how = "pip install 'copain[cores]' brings one for most systems"
    if name in ("nestopia", "gambatte", "mgba"):
        how += f", apt install libretro-{name} this one"
    return f"To get one: {how}; or set COPAIN_CORES to a folder of yours."
