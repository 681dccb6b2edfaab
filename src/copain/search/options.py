"""Options: what all configurations of searches share; each is a frozen dataclass of numbers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from copain.errors import InputError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

BUDGETS = ("frames", "tries", "seconds")
"""What ends a search at the latest and decides nothing else; None for no limit."""
WHEN_FULL = ("spill", "forget")
"""What becomes of what does not fit into memory."""


def check_options(
    config: DataclassInstance,
    *,
    from_zero: Collection[str],
    odds: Collection[str] = (),
    words: Mapping[str, Collection[str]] | None = None,
) -> None:
    """Raise InputError, by name, for a value that an option cannot have.

    Options whose default is an int are integers of at least 1, or 0 for those of `from_zero`;
    `odds` are from 0 to 1, other numbers at least 1 too; those whose default is a bool are True
    or False; `words` are what options of words can be.
    """
    words = words or {}
    for option in fields(config):
        value: Any = getattr(config, option.name)
        call = f"{type(config).__name__}({option.name}={value!r})"
        if option.name in words:
            if value not in words[option.name]:
                raise InputError(f"{call}: one of {', '.join(words[option.name])} is needed")
            continue
        if isinstance(option.default, bool):
            if not isinstance(value, bool):
                raise InputError(f"{call}: True or False is needed")
            continue
        budget = option.name in BUDGETS
        if (budget or option.name == "memory") and value is None:
            continue
        whole = option.name != "seconds" if budget else type(option.default) is not float
        if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
            raise InputError(f"{call}: {'an integer' if whole else 'a number'} is needed")
        least = 0 if budget or option.name in (*from_zero, *odds) else 1
        if not value >= least:
            raise InputError(f"{call}: at least {least} is needed")
        if option.name in odds and value > 1:
            raise InputError(f"{call}: at most 1 is needed")


def plan_of(config: DataclassInstance) -> dict[str, Any]:
    """The options that decide what is found."""
    return {name: value for name, value in asdict(config).items() if name not in BUDGETS}
