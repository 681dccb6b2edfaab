"""What Docker does with a Dockerfile, as far as chroot and namespaces can: read, build, run.

`read` knows the instructions that ours has and refuses any other. `build` runs them on a Debian
from debootstrap. `Image.run` has a container's file system that is thrown away, its processes,
its /dev with 64 MB of shared memory, and no network. What it lacks of Docker: the limits on
system calls and capabilities, layers and their cache. Needs root.

As a program it stands in for ``docker run``: ``dockerfile.py IMAGE.json run --rm copain``.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
"""What Docker, too, hands on to RUN without being told."""
CERTIFICATES = "/dev/proxy.pem"
"""Where RUN finds the certificates of a proxy that signs for itself; it leaves no trace."""

# What debian:*-slim leaves out (https://github.com/debuerreotype/debuerreotype, .slimify-excludes).
SLIM = """
path-exclude /usr/share/doc/*
path-exclude /usr/share/info/*
path-exclude /usr/share/locale/*
path-exclude /usr/share/man/*
"""

# A process's surroundings: $0 is the root, $1 what to bind there ("FROM:TO", one a line), $2 the
# user, $3 the folder, and the rest the command. The mounts are seen by nobody else.
SURROUNDINGS = """
set -e
cd "$0"
mkdir -p dev proc
mount -t proc proc proc
mount -t tmpfs -o mode=755 tmpfs dev
mkdir -p dev/shm dev/pts
mount -t tmpfs -o mode=1777,size=64m tmpfs dev/shm
for device in null zero full random urandom tty; do
    touch "dev/$device"
    mount --bind "/dev/$device" "dev/$device"
done
ln -s /proc/self/fd dev/fd
printf '%s\n' "$1" | while IFS=: read -r from to mode; do
    [ -n "$from" ] || continue
    if [ -d "$from" ]; then mkdir -p ".$to"; else mkdir -p ".${to%/*}" && touch ".$to"; fi
    mount --bind "$from" ".$to"
    [ -z "$mode" ] || mount -o "remount,bind,$mode" ".$to"
done
user=$2 folder=$3
shift 3
exec chroot --userspec="$user" . sh -c 'cd "$0" && exec "$@"' "$folder" "$@"
"""
# A container's root: the image below, and what is written there in memory.
THROWN_AWAY = """
set -e
ip link set lo up
mount -t tmpfs tmpfs "$0"
mkdir "$0/written" "$0/work" "$0/root"
mount -t overlay -o "lowerdir=$1,upperdir=$0/written,workdir=$0/work" overlay "$0/root"
place=$0/root script=$2
shift 2
exec sh -c "$script" "$place" "$@"
"""


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction: its line in the file, its word, and what follows, in one line."""

    line: int
    word: str
    rest: str


@dataclass(slots=True)
class Image:
    """A root folder and how a container starts in it."""

    root: str
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": PATH})
    user: str = "root"
    folder: str = "/"
    entrypoint: list[str] = field(default_factory=list[str])
    command: list[str] = field(default_factory=list[str])

    def run(
        self,
        command: Sequence[str] = (),
        *,
        environment: Mapping[str, str] | None = None,
        volumes: Sequence[str] = (),
        user: str | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command (the image's own if none) in a new container; what it printed, and its end.

        `volumes` are "FROM:TO" or "FROM:TO:ro", absolute.
        """
        place = Path(self.root).with_name(f"container-{os.getpid()}")
        place.mkdir(exist_ok=True)
        try:
            return subprocess.run(
                [
                    *("unshare", "--mount", "--pid", "--ipc", "--uts", "--net", "--fork"),
                    *("sh", "-c", THROWN_AWAY, str(place), self.root),
                    *(SURROUNDINGS, "\n".join(volumes)),
                    *self.as_user(user or self.user, self.folder, environment or {}),
                    *self.entrypoint,
                    *(command or self.command),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        finally:
            place.rmdir()

    def as_user(self, user: str, folder: str, more: Mapping[str, str]) -> list[str]:
        """The user, the folder, and ``env`` with the environment that Docker gives."""
        users = Path(self.root, "etc/passwd").read_text(encoding="utf-8").splitlines()
        fields = [line.split(":") for line in users]
        known = [entry for entry in fields if user.split(":")[0] in (entry[0], entry[2])]
        home, group = (known[0][5], known[0][3]) if known else ("/", "0")
        numbers = user if ":" in user else f"{known[0][2] if known else user}:{group}"
        environment = {"HOME": home, **self.environment, **more}
        given = [f"{name}={value}" for name, value in environment.items()]
        return [numbers, folder, "/usr/bin/env", "-i", *given]


def read(text: str) -> list[Step]:
    """The instructions of a Dockerfile. Raises ValueError for one that `build` does not know."""
    steps: list[Step] = []
    begun, parts = 0, list[str]()
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#") or not line.strip():
            continue
        begun = begun if parts else number
        parts.append(line.rstrip().removesuffix("\\").strip())
        if line.rstrip().endswith("\\"):
            continue
        word, _, rest = " ".join(parts).partition(" ")
        if word not in _STEPS or "<<" in rest:
            raise ValueError(f"line {begun}: {word} ... is not known here")
        steps.append(Step(begun, word, rest.strip()))
        parts = []
    return steps


def kept(name: str, patterns: Sequence[str]) -> bool:
    """Whether a file of the tree goes to the engine, by the lines of a .dockerignore."""
    parts = name.split("/")
    itself_and_above = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
    left_out = False
    for pattern in patterns:  # the last one that fits decides
        expression = re.escape(pattern.removeprefix("!").strip("/"))
        expression = expression.replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]*")
        if any(re.fullmatch(expression, path) for path in itself_and_above):
            left_out = not pattern.startswith("!")
    return not left_out


def patterns_of(ignore: str) -> list[str]:
    """The patterns in the text of a .dockerignore."""
    lines = [line.strip() for line in ignore.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def build(text: str, context: Path, place: Path, arguments: Mapping[str, str]) -> Image:
    """Build the last stage of a Dockerfile into `place`, with the files that lie in `context`.

    Raises RuntimeError with the last words of a step that fails.
    """
    builder = _Builder(context, place, dict(arguments))
    for step in read(text):
        _STEPS[step.word](builder, step.rest)
    return builder.image


class _Builder:
    """The stages built so far, and the image that the next step changes."""

    def __init__(self, context: Path, place: Path, given: dict[str, str]) -> None:
        self.context, self.place, self.given = context, place, given
        self.stages: dict[str, Image] = {}
        self.arguments: dict[str, str] = {}

    @property
    def image(self) -> Image:
        return list(self.stages.values())[-1]

    def from_(self, rest: str) -> None:
        image, _, name = rest.partition(" AS ")
        found = re.fullmatch(r"debian:(\w+)-slim", image)
        if found is None:
            raise ValueError(f"FROM {image}: only debian:RELEASE-slim can be made here")
        base = self.place / f"base-{found[1]}"
        if not base.exists():
            subprocess.run(
                ["debootstrap", "--variant=minbase", found[1], str(base)],
                check=True,
                stdout=subprocess.DEVNULL,
            )
            (base / "etc/dpkg/dpkg.cfg.d/slim").write_text(SLIM, encoding="utf-8")
        root = self.place / f"stage-{len(self.stages)}"
        subprocess.run(["cp", "-a", str(base), str(root)], check=True)
        self.stages[name or str(len(self.stages))] = Image(str(root))
        self.arguments = {}

    def arg(self, rest: str) -> None:
        name, _, value = rest.partition("=")
        self.arguments[name] = self.given.get(name, _unquoted(value))

    def env(self, rest: str) -> None:
        known = dict(self.image.environment)
        for pair in shlex.split(rest):
            name, _, value = pair.partition("=")
            self.image.environment[name] = _expanded(value, known)

    def user(self, rest: str) -> None:
        self.image.user = rest

    def workdir(self, rest: str) -> None:
        self.image.folder = str(Path(self.image.folder, rest))
        self.inside(self.image.folder).mkdir(parents=True, exist_ok=True)

    def entrypoint(self, rest: str) -> None:
        self.image.entrypoint = json.loads(rest)

    def cmd(self, rest: str) -> None:
        self.image.command = json.loads(rest)

    def copy(self, rest: str) -> None:
        *names, last = rest.split()
        origin = self.context
        if names[0].startswith("--from="):
            origin = Path(self.stages[names.pop(0).removeprefix("--from=")].root)
        if any(name.startswith("--") for name in names):
            raise ValueError(f"COPY {rest}: this option is not known here")
        target = self.inside(str(Path(self.image.folder, last)))
        for name in names:
            source = origin / name.lstrip("/")
            if source.is_dir():  # its content
                shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
            else:
                folder = target if last.endswith("/") else target.parent
                folder.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, folder if last.endswith("/") else target)

    def run(self, rest: str) -> None:
        image = self.image
        environment = {**self.arguments, **image.environment}
        environment |= {name: os.environ[name] for name in PROXIES if name in os.environ}
        volumes = ["/etc/resolv.conf:/etc/resolv.conf"]
        if certificates := os.environ.get("PIP_CERT"):
            volumes.append(f"{certificates}:{CERTIFICATES}")
            environment["PIP_CERT"] = CERTIFICATES
        done = subprocess.run(
            [
                *("unshare", "--mount", "--pid", "--ipc", "--uts", "--fork"),
                *("sh", "-c", SURROUNDINGS, image.root, "\n".join(volumes)),
                *image.as_user(image.user, image.folder, environment),
                *("/bin/sh", "-c", rest),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"RUN {rest}: exit status {done.returncode}\n{done.stdout[-4000:]}")

    def inside(self, path: str) -> Path:
        """A path in the image as one here."""
        return Path(self.image.root) / path.lstrip("/")


_STEPS = {
    "FROM": _Builder.from_,
    "ARG": _Builder.arg,
    "ENV": _Builder.env,
    "USER": _Builder.user,
    "WORKDIR": _Builder.workdir,
    "ENTRYPOINT": _Builder.entrypoint,
    "CMD": _Builder.cmd,
    "COPY": _Builder.copy,
    "RUN": _Builder.run,
}


def _unquoted(value: str) -> str:
    return "".join(shlex.split(value))


def _expanded(value: str, environment: Mapping[str, str]) -> str:
    return re.sub(r"\$\{?(\w+)\}?", lambda found: environment.get(found[1], ""), value)


def main(words: Sequence[str]) -> int:
    """``IMAGE.json run [OPTIONS] copain [COMMAND...]``, with the options that the guide uses.

    ``IMAGE.json build -t copain .`` has nothing to do: the image is there.
    """
    if list(words[1:]) == ["build", "-t", "copain", "."]:
        return 0
    parser = argparse.ArgumentParser(prog="docker", allow_abbrev=False)
    parser.add_argument("image", type=Path)
    parser.add_argument("verb", choices=["run"])
    parser.add_argument("--rm", action="store_true")
    parser.add_argument("-e", "--env", action="append", default=[])
    parser.add_argument("-v", "--volume", action="append", default=[])
    parser.add_argument("-u", "--user")
    parser.add_argument("name", choices=["copain"])
    parser.add_argument("command", nargs=argparse.REMAINDER)
    asked = parser.parse_args(words)
    named = [entry.partition("=") for entry in asked.env]
    image = Image(**json.loads(asked.image.read_text(encoding="utf-8")))
    done = image.run(
        asked.command,
        environment={name: value if has else os.environ[name] for name, has, value in named},
        volumes=asked.volume,
        user=asked.user,
    )
    sys.stdout.write(done.stdout)
    return done.returncode


def write(image: Image, path: Path) -> None:
    """Write an image down for `main`."""
    path.write_text(json.dumps(asdict(image)), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
