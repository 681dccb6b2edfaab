"""What the Dockerfile asks for and what goes into it: read, not run."""

from __future__ import annotations

import pytest
from bare import ROOT, tree_files
from dockerfile import Step, kept, patterns_of, read

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
IGNORED = patterns_of((ROOT / ".dockerignore").read_text(encoding="utf-8"))


def of(word: str) -> list[str]:
    """What follows a word in the Dockerfile, for each of its steps with it."""
    return [step.rest for step in read(DOCKERFILE) if step.word == word]


def test_it_ends_as_a_user_without_rights() -> None:
    last_stage = DOCKERFILE[DOCKERFILE.rindex("FROM") :]
    assert [step.word for step in read(last_stage)][-4:] == ["USER", "WORKDIR", "ENTRYPOINT", "CMD"]
    (user,) = of("USER")
    assert int(user) > 0, "a number, so that an orchestrator sees that it is not root"
    assert f"--uid {user}" in last_stage


def test_both_stages_are_the_same_debian() -> None:
    first, last = of("FROM")
    assert first.removesuffix(" AS build") == last, "the environment holds one Python's packages"


def test_it_leaves_nothing_of_apt_and_pip() -> None:
    for line in of("RUN"):
        assert ("apt-get update" in line) == ("rm -rf /var/lib/apt/lists/*" in line)
        if "apt-get install" in line:
            assert "apt-get install -y --no-install-recommends" in line
    assert "PIP_NO_CACHE_DIR=1" in DOCKERFILE


@pytest.mark.parametrize("ours", ["://", "index-url", "find-links", "trusted-host", "PIP_CERT"])
def test_it_names_no_mirror(ours: str) -> None:
    assert ours not in DOCKERFILE


def test_what_it_copies_is_there_and_goes_to_the_engine() -> None:
    names = {file.as_posix() for file in tree_files()}
    copied = 0
    for rest in of("COPY"):
        if rest.startswith("--from="):
            continue
        for source in rest.split()[:-1]:
            under = [name for name in names if name == source or name.startswith(f"{source}/")]
            assert under, f"COPY {source}: there is no such file"
            assert all(kept(name, IGNORED) for name in under if name.endswith((".py", ".cpp")))
            assert any(kept(name, IGNORED) for name in under)
            copied += len(under)
    assert copied > 100


@pytest.mark.parametrize(
    "name",
    [
        ".git/config", ".venv/bin/python", "build/setup.log", "run.fm2", "tests/conftest.py",
        "src/copain/__pycache__/rom.cpython-311.pyc", "src/copain/_native.abi3.so",
        "src/copain/games/alouette/__pycache__/game.cpython-311.pyc", "tools/recipes.sh",
    ],
)  # fmt: skip
def test_what_lies_about_stays_here(name: str) -> None:
    assert not kept(name, IGNORED)


def test_reading_joins_lines_and_leaves_comments_out() -> None:
    steps = read("# one\nRUN a \\\n# two\n    && b\n\nUSER 1000\n")
    assert steps == [Step(2, "RUN", "a && b"), Step(6, "USER", "1000")]


@pytest.mark.parametrize("line", ["ADD x y", "HEALTHCHECK NONE", "RUN <<END", "run ls"])
def test_what_reading_does_not_know_is_refused_with_its_line(line: str) -> None:
    with pytest.raises(ValueError, match="line 2: "):
        read(f"FROM debian:bookworm-slim\n{line}\n")


def test_ignoring_goes_by_the_last_pattern_that_fits() -> None:
    patterns = patterns_of("# why\n*\n!a\n!b/c\n**/*.so\n")
    names = ["a/x.py", "a/deep/x.py", "b/c", "b/d", "e", "a/x.so", "x.so", "ab"]
    assert [name for name in names if kept(name, patterns)] == ["a/x.py", "a/deep/x.py", "b/c"]
