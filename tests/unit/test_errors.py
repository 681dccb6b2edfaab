"""The tree of errors, and that its drawing in the docstring is true."""

from __future__ import annotations

import re

import pytest

import copain
from copain import errors


def tree() -> dict[str, type[errors.CopainError]]:
    found: dict[str, type[errors.CopainError]] = {}
    waiting: list[type[errors.CopainError]] = [errors.CopainError]
    while waiting:
        error = waiting.pop()
        found[error.__name__] = error
        waiting += error.__subclasses__()
    return {name: error for name, error in found.items() if error.__module__ == errors.__name__}


def test_the_drawing_shows_every_error_under_its_parent() -> None:
    drawn: dict[str, str] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"^    ([│├└─ ]*)([A-Z]\w+)", line)
        if match:
            depth = len(match[1]) // 4
            path[depth:] = [match[2]]
            drawn[match[2]] = path[depth - 1] if depth else "Exception"
    parents = {name: error.__bases__[0].__name__ for name, error in tree().items()}
    assert drawn == parents
    assert len(drawn) >= 13


@pytest.mark.parametrize("name", sorted(tree()))
def test_every_error_is_public_and_explained(name: str) -> None:
    assert name in copain.__all__
    assert (tree()[name].__doc__ or "").endswith(".")


def test_errors_are_the_builtin_ones_that_people_expect() -> None:
    assert issubclass(errors.InputError, ValueError)
    assert issubclass(errors.MemoryRangeError, IndexError)
    assert issubclass(errors.MissingExtra, ImportError)


def test_a_missing_extra_says_how_to_get_it() -> None:
    error = errors.MissingExtra.needed("copain render", "av", "render")
    assert str(error) == (
        "copain render needs the package av, which is not installed: pip install 'copain[render]'"
    )
