"""RAM search and watch: which bytes hold what a person sees on the screen.

::

    from copain.ram import RamSearch

    search = RamSearch(nes.ram)                       # every byte, its value unknown
    nes.advance(copain.Joypad(right=True), frames=8)
    search.greater()                                  # than when last looked
    nes.advance(frames=8)
    search.unchanged()
    print(search)                                     # what is left

`Dialogue` is the same with an emulator in words, as ``copain ram search`` speaks it.
"""

from copain.ram.dialogue import Dialogue
from copain.ram.search import Candidate, RamSearch
from copain.ram.watch import RamWatch
from copain.ram.watch_file import WatchFile, read_watches, save_ram_toml, write_watches

__all__ = [
    "Candidate", "Dialogue", "RamSearch", "RamWatch", "WatchFile", "read_watches",
    "save_ram_toml", "write_watches",
]  # fmt: skip
