"""Archives unpacked: nothing leaves the folder, nothing is left half done."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from papertrial.data.files import archive as module
from papertrial.data.files.archive import extract
from papertrial.errors import DataError
from papertrial.progress import Step, finish

GOOD = {"set/a.txt": b"one", "set/deep/b.txt": b"second", "other.txt": b"left out"}
Make = Callable[[Path, dict[str, bytes]], Path]


def tar(folder: Path, files: dict[str, bytes], *special: tarfile.TarInfo) -> Path:
    path = folder / "set.tar.gz"
    with tarfile.open(path, "w:gz") as packed:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            packed.addfile(info, io.BytesIO(content))
        for info in special:
            packed.addfile(info)
    return path


def zipped(folder: Path, files: dict[str, bytes], *special: zipfile.ZipInfo) -> Path:
    path = folder / "set.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
        for info in special:
            packed.writestr(info, "/etc/passwd")
    return path


def refused(path: Path, into: Path) -> str:
    before = sorted(into.parent.iterdir())
    with pytest.raises(DataError) as caught:
        finish(extract(path, into))
    assert sorted(into.parent.iterdir()) == before
    return str(caught.value)


def content(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.fixture(params=[tar, zipped], ids=["tar.gz", "zip"])
def make(request: pytest.FixtureRequest) -> Make:
    made: Make = request.param
    return made


def test_all_of_it_is_unpacked(tmp_path: Path, make: Make) -> None:
    path = make(tmp_path, GOOD)
    finish(extract(path, tmp_path / "new" / "into"))
    assert content(tmp_path / "new" / "into") == GOOD
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["into"]


def test_what_lies_below_a_prefix_is_unpacked(tmp_path: Path, make: Make) -> None:
    steps = list(extract(make(tmp_path, GOOD), tmp_path / "into", prefix="set"))
    assert content(tmp_path / "into") == {"a.txt": b"one", "deep/b.txt": b"second"}
    assert steps[-1] == Step(f"unpacking {make(tmp_path, GOOD).name}", 9, 9, "bytes")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../out.txt", "leaves the folder"),
        ("set/../../out.txt", "leaves the folder"),
        ("set\\..\\..\\out.txt", "leaves the folder"),
        ("/tmp/out.txt", "has an absolute path"),
        ("\\out.txt", "has an absolute path"),
        ("C:/out.txt", "has an absolute path"),
    ],
)
def test_a_member_that_leaves_the_folder_is_named_before_anything_is_written(
    tmp_path: Path, make: Make, name: str, reason: str
) -> None:
    message = refused(make(tmp_path, {**GOOD, name: b"out"}), tmp_path / "into")
    assert f"its member {name!r} {reason}" in message
    assert "nothing was unpacked" in message


@pytest.mark.parametrize(
    ("kind", "target", "reason"),
    [
        (tarfile.SYMTYPE, "../../out", "is a link to '../../out'"),
        (tarfile.SYMTYPE, "a.txt", "is a link to 'a.txt'"),
        (tarfile.LNKTYPE, "/etc/passwd", "is a link to '/etc/passwd'"),
        (tarfile.CHRTYPE, "", "is a device or a pipe"),
        (tarfile.FIFOTYPE, "", "is a device or a pipe"),
    ],
)
def test_links_and_devices_in_a_tar_are_refused(
    tmp_path: Path, kind: bytes, target: str, reason: str
) -> None:
    info = tarfile.TarInfo("set/special")
    info.type, info.linkname = kind, target
    message = refused(tar(tmp_path, GOOD, info), tmp_path / "into")
    assert f"its member 'set/special' {reason}" in message


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("set/special")
    info.external_attr = 0o120777 << 16
    message = refused(zipped(tmp_path, GOOD, info), tmp_path / "into")
    assert "its member 'set/special' is a link" in message


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path, {"a.txt": b"one"})
    bytes_ = bytearray(path.read_bytes())
    bytes_[bytes_.index(b"PK\1\2") + 8] |= 1  # the flag of the member, in the list at the end
    path.write_bytes(bytes_)
    assert "its member 'a.txt' is encrypted" in refused(path, tmp_path / "into")


@pytest.mark.parametrize("part", [0.3, 0.6, 0.95])
def test_a_truncated_archive_is_told_and_leaves_nothing(
    tmp_path: Path, make: Make, part: float
) -> None:
    noise = {f"set/{n}": bytes((n * i * i) % 251 for i in range(3000)) for n in range(9)}
    path = make(tmp_path, noise)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])
    message = refused(path, tmp_path / "into")
    assert f"{path} is damaged or no archive" in message
    assert "delete it" in message


def test_a_changed_member_of_a_zip_is_told(tmp_path: Path) -> None:
    path = zipped(tmp_path, {"a.txt": bytes(range(256)) * 4})
    bytes_ = bytearray(path.read_bytes())
    bytes_[60] ^= 255
    path.write_bytes(bytes_)
    assert "is damaged or no archive" in refused(path, tmp_path / "into")


def test_a_page_that_is_no_archive_is_told(tmp_path: Path) -> None:
    (tmp_path / "set.zip").write_bytes(b"<html>not found</html>")
    assert "is damaged or no archive" in refused(tmp_path / "set.zip", tmp_path / "into")


def test_an_archive_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert "No such file" in refused(tmp_path / "set.zip", tmp_path / "into")


def test_a_folder_that_is_there_is_left(tmp_path: Path, make: Make) -> None:
    (tmp_path / "into").mkdir()
    (tmp_path / "into" / "mine").write_bytes(b"mine")
    assert f"{tmp_path / 'into'} is there already" in refused(
        make(tmp_path, GOOD), tmp_path / "into"
    )
    assert content(tmp_path / "into") == {"mine": b"mine"}


def test_an_archive_without_the_folder_wanted_is_told(tmp_path: Path, make: Make) -> None:
    path = make(tmp_path, GOOD)
    with pytest.raises(DataError, match="holds no files in sets"):
        finish(extract(path, tmp_path / "into", prefix="sets"))


def test_a_bomb_is_told_before_anything_is_written(
    tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make(tmp_path, {"zeros": bytes(3_000_000)})
    assert path.stat().st_size < 10_000
    usage = module.shutil._ntuple_diskusage(10**7, 10**7, 10**6)  # type: ignore[attr-defined]
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: usage)
    message = refused(path, tmp_path / "into")
    assert "3,000,000 bytes unpacked, 1,000,000 are free" in message


def test_an_interruption_leaves_nothing(tmp_path: Path, make: Make) -> None:
    steps = extract(make(tmp_path, GOOD), tmp_path / "into")
    assert next(step for step in steps if step.what.startswith("unpacking")).total == 17
    assert len(list(tmp_path.iterdir())) == 2  # the archive, and the folder beside
    steps.close()
    assert [path.name for path in tmp_path.iterdir()] == [make(tmp_path, GOOD).name]
