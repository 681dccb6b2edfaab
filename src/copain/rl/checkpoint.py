"""Checkpoints of a `DqnAgent`: one file, written whole or not at all."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from copain.errors import CheckpointError

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What one holds: the learner's numbers, the replay, the state of luck, the agent's counts."""

    network: dict[str, Any]
    arrays: Mapping[str, npt.NDArray[Any]]
    luck: dict[str, Any]
    counts: dict[str, float]


def write_checkpoint(
    path: Path,
    game: str,
    network: Mapping[str, Any],
    arrays: Mapping[str, npt.NDArray[Any]],
    luck: Mapping[str, Any],
    counts: Mapping[str, float],
) -> None:
    """Write one. Raises CheckpointError when it cannot: what was there before then still is."""
    about = {"format": _FORMAT, "game": game, "luck": luck, "counts": counts}
    learned = io.BytesIO()
    torch.save(network, learned)
    partial = path.with_suffix(".partial")
    try:
        with partial.open("wb") as file:
            np.savez(
                file,
                about=np.frombuffer(json.dumps(about).encode(), np.uint8),
                network=np.frombuffer(learned.getvalue(), np.uint8),
                **{f"replay/{name}": array for name, array in arrays.items()},  # pyright: ignore[reportArgumentType]
            )
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)  # a full disk has no room for half a checkpoint either
        raise CheckpointError(
            f"checkpoint {str(path)!r}: it cannot be written: {error.strerror or error}; the last "
            "one, if there was one, is as it was"
        ) from error


def read_checkpoint(path: Path, game: str | None = None) -> Checkpoint:
    """Read one. Raises CheckpointError for a damaged one, or one of another game than `game`."""
    call = f"checkpoint {str(path)!r}"
    try:
        with np.load(path, allow_pickle=False) as stored:
            about = json.loads(stored["about"].tobytes())
            if game is not None and about["game"] != game:
                raise CheckpointError(
                    f"{call}: it is of {about['game']}, not of {game}; choose another folder"
                )
            learned = io.BytesIO(stored["network"].tobytes())
            network = torch.load(learned, weights_only=True)
            arrays = {
                name.removeprefix("replay/"): stored[name]
                for name in stored.files
                if name.startswith("replay/")
            }
            return Checkpoint(network, arrays, about["luck"], about["counts"])
    except CheckpointError:
        raise
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, RuntimeError) as error:
        raise CheckpointError(
            f"{call}: it cannot be read: {error!r}; remove it to begin again"
        ) from error


def write_weights(
    path: Path,
    game: str,
    weights: Mapping[str, npt.NDArray[np.float32]],
    counts: Mapping[str, float],
) -> None:
    """Write a network alone. Raises as `write_checkpoint` does."""
    write_checkpoint(path, game, {}, {f"weights/{k}": v for k, v in weights.items()}, {}, counts)


def read_weights(path: Path, game: str | None = None) -> dict[str, npt.NDArray[np.float32]]:
    """The network that `write_weights` wrote. Raises as `read_checkpoint` does."""
    arrays = read_checkpoint(path, game).arrays
    return {name.removeprefix("weights/"): array for name, array in arrays.items()}


def read_counts(path: Path, game: str | None = None) -> dict[str, float]:
    """What was written beside. Raises as `read_checkpoint` does."""
    return read_checkpoint(path, game).counts
