"""FCEUX's ``cdlog``: the Code/Data Logger."""

from __future__ import annotations

from copain.backends.lua_namespace import Namespace


class CdLog(Namespace):
    """``nes.lua.cdlog``: the Code/Data Logger of FCEUX for Windows.

    In the Qt build (Linux, macOS) these do nothing and give 0.
    """

    __slots__ = ()
    lua_name = "cdlog"

    def docdlogger(self) -> int:
        """Open the logger's window."""
        return self._int("docdlogger")

    def loadfile(self) -> None:
        """Ask the person for a log to load."""
        self._do("loadfile")

    def loadcdlog(self, path: str) -> int:
        """Load a log; 0 when it could not be."""
        return self._int("loadcdlog", path)

    def savecdlogfile(self) -> None:
        """Save the log where it came from."""
        self._do("savecdlogfile")

    def savecdlogfileas(self, path: str) -> None:
        """Save the log under another name."""
        self._do("savecdlogfileas", path)

    def startcdlogging(self) -> None:
        """Start logging."""
        self._do("startcdlogging")

    def pausecdlogging(self) -> int:
        """Pause logging."""
        return self._int("pausecdlogging")

    def resetcdlog(self) -> None:
        """Empty the log."""
        self._do("resetcdlog")
