"""Files fetched from a real server on this machine: whole, resumed, cut, wrong, refused."""

from __future__ import annotations

import errno
import hashlib
import io
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from papertrial.data.files import fetch as module
from papertrial.data.files.catalog import Artifact
from papertrial.data.files.fetch import checksum_of, fetch
from papertrial.data.files.locks import wait_for
from papertrial.errors import DataError
from papertrial.progress import Step, finish

CONTENT = bytes(range(256)) * 2000  # 512,000 bytes
MD5 = f"md5:{hashlib.md5(CONTENT).hexdigest()}"


class Server(ThreadingHTTPServer):
    """Serves CONTENT; the path says how. `asked` is each path with its Range header."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, str | None]] = []

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{path}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_: Any) -> None: ...

    def do_GET(self) -> None:
        way, wanted = self.path.strip("/"), self.headers["Range"]
        self.server.asked.append((way, wanted))
        if way in ("404", "403", "503"):
            self.send_error(int(way))
        elif way == "hang-up":
            self.connection.shutdown(socket.SHUT_RDWR)
        elif way == "silent":
            threading.Event().wait(2)
        elif way == "moved":
            self.send_response(302)
            self.send_header("Location", "/whole")
            self.end_headers()
        else:
            self._send(way, int(wanted[6:-1]) if wanted and way != "no-range" else 0)

    def _send(self, way: str, start: int) -> None:
        content = b"<html>pay here</html>" * 9 if way == "wrong" else CONTENT
        if start >= len(content):
            self.send_error(416)
            return
        shifted = 7 if way == "shifted" and start else 0
        self.send_response(206 if start else 200)
        if start:
            place = f"bytes {start + shifted}-{len(content) - 1}/{len(content)}"
            self.send_header("Content-Range", place)
        body = content[start:]
        if way == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
            return
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        cut = {"cut": 100_000, "cut-no-range": 100_000, "cut-at-once": 0}.get(way, len(body))
        self.wfile.write(body[:cut])


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "*")
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def artifact(*urls: str, checksum: str | None = MD5) -> Artifact:
    return Artifact("set/file.bin", urls, checksum, len(CONTENT))


def get(wanted: Artifact, folder: Path, timeout: float = 5) -> Path:
    return finish(fetch(wanted, folder, timeout=timeout, pause=0))


def error(wanted: Artifact, folder: Path, timeout: float = 5) -> str:
    with pytest.raises(DataError) as caught:
        get(wanted, folder, timeout)
    return str(caught.value)


def begun(folder: Path, content: bytes) -> Path:
    """Write the part that an earlier fetch left."""
    part = folder / "set" / "file.bin.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(content)
    return part


@pytest.mark.parametrize("way", ["whole", "chunked", "no-range", "moved"])
def test_a_file_comes_whole_into_its_place(server: Server, tmp_path: Path, way: str) -> None:
    path = get(artifact(server.url(way)), tmp_path)
    assert path == tmp_path / "set" / "file.bin"
    assert path.read_bytes() == CONTENT
    assert server.asked[0] == (way, None)
    assert [p.name for p in path.parent.iterdir() if not p.name.startswith(".")] == ["file.bin"]


def test_the_steps_count_the_bytes(server: Server, tmp_path: Path) -> None:
    steps = list(fetch(artifact(server.url("whole")), tmp_path))
    coming = [step for step in steps if step.what == "fetching file.bin"]
    assert coming[0] == Step("fetching file.bin", 0, len(CONTENT), "bytes")
    assert coming[-1] == Step("fetching file.bin", len(CONTENT), len(CONTENT), "bytes")
    assert steps[-1] == Step("checking file.bin.part", len(CONTENT), len(CONTENT), "bytes")
    assert [step.done for step in coming] == sorted(step.done for step in coming)


def test_a_file_that_is_there_is_checked_and_not_asked_for(server: Server, tmp_path: Path) -> None:
    path = get(artifact(server.url("whole")), tmp_path)
    before = path.stat().st_mtime_ns
    server.asked.clear()
    assert get(artifact(server.url("whole")), tmp_path) == path
    assert (server.asked, path.stat().st_mtime_ns) == ([], before)


def test_a_file_that_is_there_and_wrong_is_told_and_left(server: Server, tmp_path: Path) -> None:
    path = begun(tmp_path, b"").with_suffix("")
    path.write_bytes(b"mine")
    message = error(artifact(server.url("whole")), tmp_path)
    assert "wrong checksum: file.bin" in message
    assert hashlib.md5(b"mine").hexdigest() in message
    assert f"delete {path}" in message
    assert (path.read_bytes(), server.asked) == (b"mine", [])


def test_only_the_rest_of_a_part_is_asked_for(server: Server, tmp_path: Path) -> None:
    begun(tmp_path, CONTENT[:300_000])
    assert get(artifact(server.url("whole")), tmp_path).read_bytes() == CONTENT
    assert server.asked == [("whole", "bytes=300000-")]


def test_a_server_without_ranges_sends_all_of_it_again(server: Server, tmp_path: Path) -> None:
    begun(tmp_path, b"x" * 300_000)
    assert get(artifact(server.url("no-range")), tmp_path).read_bytes() == CONTENT
    assert server.asked == [("no-range", "bytes=300000-")]


def test_a_server_that_sends_another_range_is_asked_for_all(server: Server, tmp_path: Path) -> None:
    begun(tmp_path, CONTENT[:300_000])
    assert get(artifact(server.url("shifted")), tmp_path).read_bytes() == CONTENT
    assert server.asked == [("shifted", "bytes=300000-"), ("shifted", None)]


def test_a_part_that_is_complete_is_put_in_place(server: Server, tmp_path: Path) -> None:
    begun(tmp_path, CONTENT)  # the process ended before the file was renamed
    assert get(artifact(server.url("whole")), tmp_path).read_bytes() == CONTENT
    assert server.asked == [("whole", f"bytes={len(CONTENT)}-")]


@pytest.mark.parametrize("old", [b"x" * 300_000, b"x" * 600_000], ids=["shorter", "longer"])
def test_a_part_of_another_file_is_thrown_away_once(
    server: Server, tmp_path: Path, old: bytes
) -> None:
    begun(tmp_path, old)
    assert get(artifact(server.url("whole")), tmp_path).read_bytes() == CONTENT
    assert server.asked == [("whole", f"bytes={len(old)}-"), ("whole", None)]


def test_a_connection_that_is_cut_is_resumed(server: Server, tmp_path: Path) -> None:
    assert get(artifact(server.url("cut")), tmp_path).read_bytes() == CONTENT
    assert [asked for _, asked in server.asked] == [None] + [
        f"bytes={100_000 * n}-" for n in range(1, 6)
    ]


@pytest.mark.parametrize(
    ("way", "reason"),
    [
        ("404", "HTTP 404 Not Found"),
        ("403", "HTTP 403 Forbidden"),
        ("503", "HTTP 503 Service Unavailable"),
        ("hang-up", "Remote end closed connection without response"),
        ("cut-at-once", "the connection ended after 0 of 512,000 bytes"),
        ("wrong", "it has another file: 189 bytes with md5:"),
    ],
)
def test_the_next_address_is_asked_and_each_reason_told(
    server: Server, tmp_path: Path, way: str, reason: str
) -> None:
    first = server.url(way)
    message = error(artifact(first, server.url("404")), tmp_path)
    assert f"file.bin is not in {tmp_path / 'set'} and could not be downloaded" in message
    assert f"- {first}: {reason}" in message
    assert f"- {server.url('404')}: HTTP 404 Not Found" in message
    assert "--data DIR or $PAPERTRIAL_DATA" in message
    assert not (tmp_path / "set" / "file.bin").exists()
    assert get(artifact(first, server.url("whole")), tmp_path).read_bytes() == CONTENT


def test_a_server_that_says_nothing_is_given_up(server: Server, tmp_path: Path) -> None:
    message = error(artifact(server.url("silent")), tmp_path, timeout=0.05)
    assert "no response in time" in message
    assert len(server.asked) == 3


def test_without_a_network_the_reason_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "*")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/file"
        assert f"- {url}: Connection refused" in error(artifact(url), tmp_path)


def test_what_has_come_is_kept_and_told(server: Server, tmp_path: Path) -> None:
    steps = fetch(artifact(server.url("whole")), tmp_path)
    for step in steps:
        if step.done > 200_000:
            break
    steps.close()  # as an interrupt does
    part = tmp_path / "set" / "file.bin.part"
    kept = part.stat().st_size
    assert 0 < kept < len(CONTENT)
    assert CONTENT.startswith(part.read_bytes())
    assert f"{kept:,} bytes of it are kept in {part}" in error(
        artifact(server.url("404")), tmp_path
    )
    server.asked.clear()
    assert get(artifact(server.url("whole")), tmp_path).read_bytes() == CONTENT
    assert server.asked == [("whole", f"bytes={kept}-")]


def test_without_a_checksum_nothing_is_resumed(server: Server, tmp_path: Path) -> None:
    begun(tmp_path, b"x" * 300_000)
    path = get(artifact(server.url("whole"), checksum=None), tmp_path)
    assert (path.read_bytes(), server.asked) == (CONTENT, [("whole", None)])


def test_a_full_disk_is_told(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(io.FileIO):
        def write(self, _: Any) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    real = Path.open

    def full(path: Path, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        return Full(path, "wb") if path.suffix == ".part" else real(path, mode, *args, **kwargs)

    monkeypatch.setattr(Path, "open", full)
    assert "the disk is full: cannot write file.bin" in error(
        artifact(server.url("whole")), tmp_path
    )


def test_a_file_larger_than_the_free_space_is_not_begun(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = module.shutil._ntuple_diskusage(10**6, 10**6, 500_000)  # type: ignore[attr-defined]
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: usage)
    message = error(artifact(server.url("whole")), tmp_path)
    assert re.search("512,000 bytes are needed, 500,000 are free", message)
    assert not (tmp_path / "set" / "file.bin.part").exists()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "set").touch()
    message = error(artifact("http://127.0.0.1:9/file"), tmp_path)
    assert f"cannot write file.bin to {tmp_path / 'set'}: File exists" in message


def test_two_processes_fetch_once(server: Server, tmp_path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from papertrial.data.files.catalog import Artifact\n"
        "from papertrial.data.files.fetch import fetch\nfrom papertrial.progress import finish\n"
        f"wanted = Artifact('set/file.bin', ({server.url('cut')!r},), {MD5!r}, None)\n"
        "finish(fetch(wanted, Path(sys.argv[1]), pause=0.05))\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    both = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait(60) for process in both] == [0, 0]
    assert len(server.asked) == 6  # what one fetch takes
    assert (tmp_path / "set" / "file.bin").read_bytes() == CONTENT


def test_waiting_for_another_process_is_told(tmp_path: Path) -> None:
    held, wanted = (FileLock(tmp_path / "lock", thread_local=False) for _ in range(2))
    held.acquire()
    steps = wait_for(wanted, "fetching file.bin")
    assert next(steps).what == "waiting: another process is fetching file.bin"
    held.release()
    finish(steps)
    assert wanted.is_locked
    wanted.release()


def test_checksums_of_both_kinds(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    sha = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert finish(checksum_of(tmp_path / "file", "sha256:?")) == sha
    md5 = "md5:900150983cd24fb0d6963f7d28e17f72"
    assert finish(checksum_of(tmp_path / "file", "md5:?")) == md5
    assert finish(checksum_of(tmp_path / "file", None)) is None
