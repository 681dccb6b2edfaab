"""Movie files on disk: read within bounds, written whole or not at all."""

from __future__ import annotations

from pathlib import Path

from copain.errors import MovieError


def read_movie_file(path: Path, most: int, what: str) -> bytes:
    """The bytes of the file at `path`, at most `most`. Raises MovieError; `what` is the format."""
    try:
        size = path.stat().st_size
        if size > most:
            raise MovieError(f"{path}: {size} bytes; {what} file has at most {most}")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise MovieError(f"{path}: there is no such movie") from error
    except (OSError, ValueError) as error:
        raise MovieError(f"{path}: the movie cannot be read: {error}") from error


def write_movie_file(path: Path, data: bytes) -> None:
    """Write `data` to the file at `path`, whole or not at all. Raises MovieError."""
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_bytes(data)
        partial.replace(path)
    except OSError as error:
        raise MovieError(f"{path}: the movie cannot be written: {error}") from error
