"""Worker processes of a script: they end with it, and import it only under its main guard."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPT = """
import os, sys, time
from papertrial.workers.pool import Workers, Failed

class Mine(Exception):
    pass

def work(task, argument):
    yield os.getpid()
    if task == "fail":
        raise Mine("of the script")
    time.sleep(60)

def main(task):
    workers = Workers(work, [0])
    workers.submit(task)
    print(workers.wait().value, flush=True)
    if task != "leave":
        event = workers.wait()
        print(type(event.error).__name__, event.error)
"""


def start(folder: Path, code: str) -> subprocess.Popen[str]:
    script = folder / "script.py"
    script.write_text(SCRIPT + code)
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, script], stdout=pipe, stderr=pipe, text=True)


GUARDED = "if __name__ == '__main__':\n    main({!r})\n"


def test_workers_end_when_their_parent_is_killed(
    tmp_path: Path, gone: Callable[[int], bool]
) -> None:
    with start(tmp_path, GUARDED.format("sleep")) as script:
        assert script.stdout is not None
        pid = int(script.stdout.readline())
        script.kill()
        assert gone(pid)


def test_a_script_that_closes_nothing_ends_and_so_do_its_workers(
    tmp_path: Path, gone: Callable[[int], bool]
) -> None:
    with start(tmp_path, GUARDED.format("leave")) as script:
        out, err = script.communicate(timeout=20)
    assert (script.returncode, err) == (0, "")
    assert gone(int(out))


ONCE = """
import os, sys, time, imported
from papertrial.workers.pool import Workers, Yielded

if __name__ == "__main__":
    with Workers(imported.work, [0, 0]) as workers:
        for _ in range(2):
            workers.submit(None)
        events = [workers.wait() for _ in range(4)]
    pids = {event.value for event in events if isinstance(event, Yielded)}
    print(len(pids), len(open("pids").read().split()))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux only")
def test_workers_import_the_module_of_the_job_once(tmp_path: Path) -> None:
    (tmp_path / "imported.py").write_text(
        "import os\nopen('pids', 'a').write(f'{os.getpid()} ')\n"
        "def work(task, argument):\n    yield os.getpid()\n"
    )
    (tmp_path / "once.py").write_text(ONCE)
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "once.py"], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    assert (done.stderr, done.stdout.split()) == ("", ["2", "2"])  # by the script and the server


def test_an_exception_class_of_the_script_is_reported(tmp_path: Path) -> None:
    with start(tmp_path, GUARDED.format("fail")) as script:
        out, err = script.communicate(timeout=20)
    # To the worker the script is `__mp_main__`, by which name its class comes back.
    assert (out.splitlines()[1], err) == ("Mine of the script", "")


@pytest.mark.parametrize(
    ("code", "start_of_message"),
    [
        ("main('sleep')\n", "worker processes import the script that starts them"),
        (
            "if __name__ != '__main__':\n    raise KeyError('imported')\nmain('sleep')\n",
            "a worker process ended with exit code 1 before its first task",
        ),
    ],
)
def test_a_script_that_cannot_be_imported_gets_advice(
    tmp_path: Path, code: str, start_of_message: str
) -> None:
    with start(tmp_path, code) as script:
        _, err = script.communicate(timeout=20)
    assert script.returncode == 1
    message = err.splitlines()[-1].removeprefix("papertrial.errors.PapertrialError: ")
    assert message.startswith(start_of_message)
    assert message.endswith("put the call under `if __name__ == '__main__':`")
    assert err.count("Traceback") == 1 + ("imported'" in code)
