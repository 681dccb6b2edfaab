"""Build the test ROMs from source.

    python build.py            build into roms/
    python build.py --check    build elsewhere, and say whether all agree with roms/

Needs ca65 and ld65 (Debian: cc65) and Python 3.11. The same sources give the same bytes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
ROMS = HERE / "roms"
CONFIGS = {"mmc1": "mmc1.cfg", "mmc3": "mmc3.cfg"}
"""The linker's file, by how a source's name starts; nrom.cfg for the others."""


def build(folder: Path) -> list[Path]:
    """Assemble and link every source into `folder`; the ROMs."""
    folder.mkdir(parents=True, exist_ok=True)
    roms: list[Path] = []
    with tempfile.TemporaryDirectory() as scratch:
        for source in sorted(HERE.glob("*.s")):
            config = CONFIGS.get(source.stem.partition("_")[0], "nrom.cfg")
            compiled = Path(scratch, source.stem + ".o")
            rom = folder / (source.stem + ".nes")
            run("ca65", "-I", HERE, source, "-o", compiled)
            run("ld65", "-C", HERE / config, compiled, "-o", rom)
            roms.append(rom)
    return roms


def run(tool: str, *arguments: str | Path) -> None:
    """Run a tool; end with what it said if it fails."""
    done = subprocess.run([tool, *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode or done.stderr:
        sys.exit(f"{tool} failed:\n{done.stdout}{done.stderr}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    if not parser.parse_args().check:
        print(f"{len(build(ROMS))} ROMs in {ROMS}")
        return
    with tempfile.TemporaryDirectory() as scratch:
        built = build(Path(scratch))
        other = [
            rom.name for rom in built
            if not (ROMS / rom.name).is_file()
            or rom.read_bytes() != (ROMS / rom.name).read_bytes()
        ]  # fmt: skip
        stale = sorted({rom.name for rom in ROMS.glob("*.nes")} - {rom.name for rom in built})
        if other or stale:
            sys.exit(f"these ROMs are not what their sources give: {', '.join(other + stale)}")
        print(f"{len(built)} ROMs agree with their sources")


if __name__ == "__main__":
    main()
