"""What is on this machine: ``copain cores``, ``copain info`` and ``copain doctor``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

import copain
from copain.backends.cores import find_cores
from copain.cli import main


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """The exit status of the command line with these arguments."""
    monkeypatch.setattr(sys, "argv", ["copain", *map(str, arguments)])
    with pytest.raises(SystemExit) as exit_status:
        main()
    return int(exit_status.value.code or 0)


def test_the_version_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"copain {copain.__version__}\n"


def test_cores_says_what_each_is(
    fceumm: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "cores", "--json") == 0
    rows = {row["core"]: row for row in json.loads(capsys.readouterr().out)}
    row = rows[fceumm]
    assert row["systems"] == ["nes"]
    assert row["version"]
    assert row["licence"] == "GPL-2.0"
    assert Path(row["path"]).is_file()
    assert row["error"] is None
    assert run(monkeypatch, "cores") == 0
    assert fceumm in capsys.readouterr().out


def test_a_library_that_is_no_core_is_listed_with_the_reason(
    fceumm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken_libretro.so").write_text("not a library")
    monkeypatch.setenv("COPAIN_CORES", str(tmp_path))
    assert run(monkeypatch, "cores", "--json") == 0
    first = json.loads(capsys.readouterr().out)[0]
    assert (first["core"], first["source"]) == ("broken", "COPAIN_CORES")
    assert "it is not a shared library" in first["error"]
    assert fceumm in {core.name for core in find_cores()}


def test_info_tells_a_rom(
    alouette: copain.Rom, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "info", alouette.path, "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["sha1"] == alouette.sha1
    assert (facts["system"], facts["mapper"], facts["game"]) == ("nes", 3, "alouette")
    assert (facts["program_bytes"], facts["picture_bytes"]) == (32768, 32768)
    assert "ship_x" in facts["variables"]
    assert run(monkeypatch, "info", alouette.path) == 0
    assert alouette.sha1 in capsys.readouterr().out


def test_what_is_wrong_is_one_message_and_exit_status_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "info", tmp_path / "none.nes") == 2
    captured = capsys.readouterr()
    assert "there is no such file" in captured.err
    assert "Traceback" not in captured.err
    assert captured.out == ""


def test_doctor_finds_what_is_here_and_says_how_to_get_the_rest(
    fceumm: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "doctor", "--json") == 0
    findings = {finding["what"]: finding for finding in json.loads(capsys.readouterr().out)}
    assert "Colibri" in findings["NES"]["detail"]
    assert findings["core for nes"]["found"]
    assert fceumm in findings["core for nes"]["detail"]
    assert findings["game alouette"]["found"]
    monkeypatch.setenv("COPAIN_FCEUX", "/nowhere/fceux")
    assert run(monkeypatch, "doctor", "--json") == 0
    findings = {finding["what"]: finding for finding in json.loads(capsys.readouterr().out)}
    assert not findings["FCEUX"]["found"]
    assert "apt install fceux" in findings["FCEUX"]["how"]
    assert run(monkeypatch, "doctor") == 0
    assert "core for nes" in capsys.readouterr().out
