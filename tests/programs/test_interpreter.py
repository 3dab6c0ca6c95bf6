"""What runs a program."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
import sys
from pathlib import Path

import pytest

from papertrial.errors import PapertrialError
from papertrial.programs.interpreter import describe_interpreter, image_digest, resolve_command


def script(path: Path, text: str, mode: int = 0o755) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def test_commands_are_found_in_path_and_in_the_folder(tmp_path: Path) -> None:
    found = script(tmp_path / "bin" / "tool", "#!/bin/sh\n")
    local = script(tmp_path / "code" / "run.sh", "#!/bin/sh\n")
    environment = {"PATH": str(tmp_path / "bin")}
    assert resolve_command("tool", tmp_path, environment) == found
    assert resolve_command("./run.sh", tmp_path / "code", environment) == local
    assert resolve_command(sys.executable, tmp_path, environment) == Path(sys.executable)


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("toll", 'did you mean "tool"?'),
        ("run.sh", '"./run.sh"'),
        ("./plain.sh", "chmod +x"),
        ("./nothing.sh", "is not a file"),
        ("python", 'write "python3"'),
        ("python2", '"{python}"'),
        ("zzzzzzzz", "PATH"),
    ],
)
def test_commands_that_are_not_found(tmp_path: Path, name: str, fix: str) -> None:
    script(tmp_path / "bin" / "tool", "")
    script(tmp_path / "bin" / "python3", "")
    script(tmp_path / "run.sh", "#!/bin/sh\n")
    script(tmp_path / "plain.sh", "", mode=0o644)
    with pytest.raises(PapertrialError) as caught:
        resolve_command(name, tmp_path, {"PATH": str(tmp_path / "bin")})
    assert fix in str(caught.value)


def test_a_python_is_described_by_its_packages(tmp_path: Path) -> None:
    script(tmp_path / "json.py", "raise SystemExit(1)")  # must not hide the standard library's
    found = describe_interpreter(sys.executable, tmp_path, os.environ)
    assert (found.kind, found.version) == ("python", platform.python_version())
    assert found.packages["pytest"] == importlib.metadata.version("pytest")
    assert found.sha256 is None


def test_packages_that_are_imported_from_their_folder_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "site" / "My_Tool-1.2.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: My_Tool\nVersion: 1.2\n")
    (folder / "direct_url.json").write_text(
        '{"url": "file:///code/tool", "dir_info": {"editable": true}}'
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    found = describe_interpreter(sys.executable, tmp_path, environment)
    assert found.packages["my-tool"] == "1.2"
    assert found.editable["my-tool"] == "file:///code/tool"


def test_a_script_with_a_python_in_its_first_line(tmp_path: Path) -> None:
    for line in (f"#!{sys.executable} -u", "#!/usr/bin/env -S python3 -u"):
        script(tmp_path / "train", f"{line}\n")
        environment = {**os.environ, "PATH": str(Path(sys.executable).parent)}
        found = describe_interpreter("./train", tmp_path, environment)
        assert found.kind == "python"
        assert found.packages["pytest"] == importlib.metadata.version("pytest")


def test_any_other_executable_is_described_by_its_hash(tmp_path: Path) -> None:
    text = "#!/bin/sh\necho\n"
    script(tmp_path / "run.sh", text)
    found = describe_interpreter("./run.sh", tmp_path, os.environ)
    assert found.kind == "other"
    assert found.sha256 == hashlib.sha256(text.encode()).hexdigest()


def test_a_python_that_fails(tmp_path: Path) -> None:
    script(tmp_path / "python3.9", "#!/bin/sh\necho broken >&2\nexit 1\n")
    with pytest.raises(PapertrialError, match="broken"):
        describe_interpreter("./python3.9", tmp_path, os.environ)


def test_container_images(tmp_path: Path) -> None:
    runner = script(
        tmp_path / "docker", '#!/bin/sh\n[ "$5" = mine ] && echo "sha256:12" || exit 1\n'
    )
    assert image_digest(str(runner), "mine") == "sha256:12"
    with pytest.raises(PapertrialError, match="pull other"):
        image_digest(str(runner), "other")
    with pytest.raises(PapertrialError, match="cannot be inspected"):
        image_digest(str(tmp_path / "podman"), "mine")
    image = tmp_path / "image.sif"
    image.write_bytes(b"content")
    assert image_digest("apptainer", str(image)) == (
        "sha256:" + hashlib.sha256(b"content").hexdigest()
    )
    with pytest.raises(PapertrialError, match="is not a file"):
        image_digest("apptainer", str(tmp_path / "other.sif"))
