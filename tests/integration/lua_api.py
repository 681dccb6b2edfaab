"""What the tests of FCEUX's Lua API share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

F = TypeVar("F", bound=Callable[..., object])


def covers(*names: str) -> Callable[[F], F]:
    """Say which functions of FCEUX's Lua a test calls.

    tools/fceux_lua_table.py reads it from the source for docs/reference/fceux-lua.md.
    """
    assert names

    def mark(test: F) -> F:
        return test

    return mark
