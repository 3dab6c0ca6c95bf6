"""Processes that run one task each; a process that dies loses only its task."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from papertrial.errors import PapertrialError
from papertrial.workers.pool import Died, Done, Event, Failed, Job, Workers, Yielded

# The jobs are a module of their own: the worker processes import nothing else.
JOBS = """
import os, sys, threading, time
from pathlib import Path
from papertrial.errors import PapertrialError, Problem, InvalidRecipeError


def add(task, argument):
    for step in range(task):
        yield step
    return task + argument


def where(task, argument):
    yield os.getpid()
    return str(Path.cwd())


def variables(task, argument):
    yield os.environ.get("ADDED")
    return os.environ.get("REMOVED")


def until_the_file_is_there(task, argument):
    yield os.getpid()
    while not Path(task).exists():
        time.sleep(0.01)
    return os.getpid()


def forever(task, argument):
    yield os.getpid()
    time.sleep(60)


def leave(task, argument):
    yield "leaving"
    os._exit(task)


class Stubborn(Exception):
    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")
        self.lock = threading.Lock()


class Asking(Exception):
    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


def fail(task, argument):
    yield "failing"
    if task == "plain":
        raise KeyError("gone")
    if task == "ours":
        raise PapertrialError("rate must be positive, got -1")
    if task == "problems":
        raise InvalidRecipeError("r.yaml", [Problem("a", "is odd", 3)])
    if task == "result":
        return threading.Lock()
    raise {"lock": Stubborn, "asking": Asking}[task](1, 2)


def large(task, argument):
    yield b"x" * task
    return os.getpid()


def write(task, argument):
    print("said", task)
    os.system(f"echo its child said {task} >&2")
    yield None
"""


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Job]]:
    """The jobs by name. Worker processes get this process's path to modules."""
    (tmp_path / "jobs_of_a_test.py").write_text(JOBS)
    monkeypatch.syspath_prepend(tmp_path)
    import jobs_of_a_test

    yield lambda name: getattr(jobs_of_a_test, name)
    del sys.modules["jobs_of_a_test"]


def events(workers: Workers, count: int) -> list[Event]:
    return [workers.wait() for _ in range(count)]


def test_each_task_yields_its_values_in_order_and_ends(job: Callable[[str], Job]) -> None:
    with Workers(job("add"), [100, 200]) as workers:
        assert workers.idle == 2
        assert [workers.submit(3), workers.submit(2)] == [0, 1]
        assert workers.idle == 0
        yielded = events(workers, 7)
        assert [e for e in yielded if e.worker == 0] == [
            *(Yielded(0, 3, step) for step in range(3)),
            Done(0, 3, 103),
        ]
        assert [e for e in yielded if e.worker == 1] == [
            Yielded(1, 2, 0),
            Yielded(1, 2, 1),
            Done(1, 2, 202),
        ]
        assert workers.idle == 2
        workers.submit(0)
        assert workers.wait() == Done(0, 0, 100)


def test_many_yielded_values_all_arrive(job: Callable[[str], Job]) -> None:
    with Workers(job("add"), [0]) as workers:
        workers.submit(20_000)
        yielded = events(workers, 20_001)
    assert [e.value for e in yielded if isinstance(e, Yielded)] == list(range(20_000))


def test_a_process_is_reused_and_works_in_the_current_folder(
    job: Callable[[str], Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    pids = set()
    with Workers(job("where"), [0]) as workers:
        for _ in range(2):
            workers.submit(None)
            yielded, done = events(workers, 2)
            assert isinstance(yielded, Yielded)
            pids.add(yielded.value)
            assert done == Done(0, None, str(tmp_path))
    assert len(pids) == 1


def test_a_worker_has_the_variables_of_the_time_when_it_starts(
    job: Callable[[str], Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REMOVED", "early")
    for added, removed in ((None, "early"), ("late", None)):
        with Workers(job("variables"), [0]) as workers:
            workers.submit(None)
            assert events(workers, 2) == [Yielded(0, None, added), Done(0, None, removed)]
        monkeypatch.setenv("ADDED", "late")
        monkeypatch.delenv("REMOVED", raising=False)


@pytest.mark.parametrize("platform", [sys.platform, "darwin"])  # which spawns its workers
def test_a_killed_worker_loses_only_its_task(
    job: Callable[[str], Job], tmp_path: Path, platform: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    signs = [str(tmp_path / "first"), str(tmp_path / "second")]
    with Workers(job("until_the_file_is_there"), [0, 0]) as workers:
        for sign in signs:
            workers.submit(sign)
        pids = {e.worker: e.value for e in events(workers, 2) if isinstance(e, Yielded)}
        os.kill(pids[0], signal.SIGKILL)
        assert workers.wait() == Died(0, signs[0], "killed by signal 9 (SIGKILL): out of memory?")
        Path(signs[1]).touch()
        assert workers.wait() == Done(1, signs[1], pids[1])
        assert workers.idle == 2
        assert workers.submit(signs[1]) == 0
        yielded, done = events(workers, 2)
        assert isinstance(yielded, Yielded)
        assert yielded.value not in pids.values()
        assert done == Done(0, signs[1], yielded.value)
        (idle,) = (each for each in multiprocessing.active_children() if each.pid == yielded.value)
        os.kill(yielded.value, signal.SIGKILL)
        idle.join()
        workers.submit(signs[1])
        assert isinstance(events(workers, 2)[1], Done)


def test_a_worker_that_exits_is_reported_with_its_exit_code(job: Callable[[str], Job]) -> None:
    with Workers(job("leave"), [0]) as workers:
        for code in (3, 0):
            workers.submit(code)
            assert workers.wait() == Yielded(0, code, "leaving")
            assert workers.wait() == Died(0, code, f"ended with exit code {code}")


def test_a_worker_outlives_an_exception_of_its_job(
    job: Callable[[str], Job],
) -> None:
    expected = {
        "plain": (KeyError, "'gone'"),
        "ours": (PapertrialError, "rate must be positive, got -1"),
        # These cannot be sent: one holds a lock, the others are not made of their message alone.
        "lock": (RuntimeError, "Stubborn: 1 and 2"),
        "asking": (RuntimeError, "Asking: 1 and 2"),
        "problems": (
            PapertrialError,
            "r.yaml: 1 problem in this recipe\n  - line 3, a: is odd",
        ),
        "result": (TypeError, "cannot pickle '_thread.lock' object"),
    }
    with Workers(job("fail"), [0]) as workers:
        for task, (kind, message) in expected.items():
            workers.submit(task)
            assert workers.wait() == Yielded(0, task, "failing")
            failed = workers.wait()
            assert isinstance(failed, Failed)
            assert (failed.task, type(failed.error), str(failed.error)) == (task, kind, message)
            note = failed.error.__notes__[-1]
            assert note.startswith("In the worker process:\n")
            assert ("jobs_of_a_test.py" in note) == (task != "result")


def test_closing_ends_busy_workers(job: Callable[[str], Job]) -> None:
    with Workers(job("forever"), [0, 0]) as workers:
        workers.submit(None)
        workers.submit(None)
        pids = [e.value for e in events(workers, 2) if isinstance(e, Yielded)]
        started = time.monotonic()
    assert time.monotonic() - started < 1.5
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    workers.close()
    assert workers.idle == 2


def test_an_interrupted_wait_changes_nothing(job: Callable[[str], Job], tmp_path: Path) -> None:
    sign = tmp_path / "go"
    with Workers(job("until_the_file_is_there"), [0]) as workers:
        workers.submit(str(sign))
        yielded = workers.wait()
        assert isinstance(yielded, Yielded)
        os.kill(yielded.value, signal.SIGINT)  # the worker leaves the decision to this process
        signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(KeyboardInterrupt):
            workers.wait()
        assert workers.idle == 0
        sign.touch()
        assert workers.wait() == Done(0, str(sign), yielded.value)


def test_ctrl_c_during_a_message_leaves_the_message_whole(
    job: Callable[[str], Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    from papertrial.workers import pool as module

    bytes_of_all = 1 << 20
    with Workers(job("large"), [0]) as workers:
        workers.submit(bytes_of_all)
        read = workers._read

        def interrupted(slot: module._Slot) -> None:
            signal.raise_signal(signal.SIGINT)
            read(slot)

        monkeypatch.setattr(workers, "_read", interrupted)
        with pytest.raises(KeyboardInterrupt):
            workers.wait()  # that the worker is ready
        with pytest.raises(KeyboardInterrupt):
            workers.wait()
        monkeypatch.undo()
        yielded, done = events(workers, 2)
        assert isinstance(yielded, Yielded)
        assert len(yielded.value) == bytes_of_all
        assert isinstance(done, Done)


def test_the_workers_output_goes_to_the_log(
    job: Callable[[str], Job], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "workers.log"
    log.write_text("before\n")
    with Workers(job("write"), [0], log=log) as workers:
        workers.submit("hello")
        assert events(workers, 2) == [Yielded(0, "hello", None), Done(0, "hello", None)]
    assert log.read_text() == "before\nsaid hello\nits child said hello\n"
    assert capfd.readouterr() == ("", "")
