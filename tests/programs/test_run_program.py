"""A fake program plays each way to fail, and to misbehave; nothing of it survives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from papertrial.errors import DivergedError, PapertrialError, ProgramFailedError, RunError
from papertrial.programs.code_files import copy_code, file_hashes
from papertrial.programs.kept_files import differing_files
from papertrial.programs.program_run import ProgramRun
from papertrial.programs.run_program import read_program_run, reread, run_program
from papertrial.programs.spec import (
    CsvScore,
    JsonScore,
    PatternScore,
    ProgramSpec,
    ScoreSource,
    Which,
)
from papertrial.programs.supervise import TOKEN
from papertrial.progress import Returning, finish

ACCURACY = PatternScore(r"acc: ([^ %\n]+)")
GRACE = 0.5
PRINTS = "print('acc: 0.5')\n"


def marked(token: str) -> list[str]:
    """The commands of the processes that have the token in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"{TOKEN}={token}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                found.append((folder / "cmdline").read_bytes().decode())
        except OSError:
            continue
    return found


class Bench:
    """A folder with a program, and runs of it."""

    def __init__(self, folder: Path) -> None:
        self.source, self.home = folder / "source", folder / "home"
        self.source.mkdir()
        self.token = f"test-{os.getpid()}-{folder.name}"

    def write(self, code: str, name: str = "train.py") -> None:
        path = self.source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code)

    def spec(self, **changes: Any) -> ProgramSpec:
        scores: dict[str, ScoreSource] = {"accuracy": ACCURACY}
        given: dict[str, Any] = {
            "command": ("{python}", "train.py", "{seed}", "{out}"),
            "scores": scores, "parameters": {}, "environment": {}, **changes,
        }  # fmt: skip
        return ProgramSpec(**given)

    def run(self, home: str = "home", **changes: Any) -> ProgramRun:
        return finish(self.start(home, **changes))

    def start(self, home: str = "home", **changes: Any) -> Any:
        hashes = changes.pop("hashes", None) or file_hashes(self.source)
        values = {"seed": "3", "device": "cpu", "python": sys.executable}
        return run_program(
            self.spec(**changes), values, home=self.home.parent / home, source=self.source,
            hashes=hashes, token=self.token, grace=GRACE,
        )  # fmt: skip

    def failed(self, **changes: Any) -> tuple[str, ProgramRun]:
        """The message of a run that fails, and its record."""
        with pytest.raises(ProgramFailedError) as caught:
            self.run(**changes)
        run = read_program_run(self.home)
        assert run.error == str(caught.value)
        assert run.scores == {}
        return str(caught.value), run


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    assert marked(bench.token) == []


def test_a_run_gives_its_scores_and_their_places(bench: Bench) -> None:
    bench.write(
        "import json, os, sys\n"
        "print('start')\n"
        "for epoch in (1, 2): print(f'epoch {epoch} acc: 93.{epoch} %')\n"
        "json.dump({'final': {'loss': 0.125}}, open(sys.argv[2] + '/result.json', 'w'))\n"
        "open('log.csv', 'w').write('step,f1\\n1,.5\\n2,.75\\n')\n"
        "open(sys.argv[2] + '/model.pt', 'w').write('12345')\n"
        "os.mkdir('checkpoints'); open('checkpoints/a.pt', 'w').write('1')\n"
        "print('variable', os.environ['LIMIT'], os.getcwd() == os.environ['PWD'])\n"
    )
    run = bench.run(
        scores={
            "accuracy": PatternScore(
                r"epoch (?P<step>\d+) acc: (?P<value>[0-9.]+)", unit="percent", which=Which("last")
            ),
            "loss": JsonScore("{out}/result.json", "final.loss"),
            "f1": CsvScore("log.csv", "f1", "step", which=Which("best", "higher")),
        },
        parameters={"limit": "7"},
        environment={"LIMIT": "{limit}-{seed}"},
        keep=("checkpoints", "*.py"),
    )
    assert {name: score.value for name, score in run.scores.items()} == {
        "accuracy": 0.932, "loss": 0.125, "f1": 0.75,
    }  # fmt: skip
    assert run.scores["accuracy"].curve == ((1, 0.931), (2, 0.932))
    assert run.scores["accuracy"].place.line == 3
    assert run.scores["f1"].place.file == "kept/log.csv"
    assert run.command == (sys.executable, "train.py", "3", str(bench.home / "out"))
    assert run.environment == {"LIMIT": "7-3"}
    assert (run.seed, run.exit_code, run.signal, run.failure) == (3, 0, None, None)
    assert run.peak_memory > 2**20
    assert 0 < run.cpu_seconds < 10
    assert "variable 7-3 True" in (bench.home / "stdout.txt").read_text()
    assert {(f.path, f.kept) for f in run.produced} == {
        ("out/result.json", "out/result.json"),
        ("work/log.csv", "kept/log.csv"),
        ("work/checkpoints/a.pt", "kept/checkpoints/a.pt"),
        ("out/model.pt", None),
    }
    assert run.produced_count == 4
    files = {path.relative_to(bench.home).as_posix() for path in bench.home.rglob("*")}
    assert files == {
        "out", "out/result.json", "kept", "kept/log.csv", "kept/checkpoints",
        "kept/checkpoints/a.pt", "stdout.txt", "stderr.txt", "program.json",
    }  # fmt: skip
    assert read_program_run(bench.home) == run


def test_scores_are_read_again_from_what_was_kept(bench: Bench) -> None:
    bench.write(PRINTS + "open('log.csv', 'w').write('f1\\n.25\\n')\n")
    scores = {"accuracy": ACCURACY, "f1": CsvScore("log.csv", "f1")}
    run = bench.run(scores=scores)
    assert reread(bench.spec(scores=scores), bench.home) == run.scores
    assert differing_files(run, bench.home) == ()
    (bench.home / "kept" / "log.csv").write_text("f1\n.75\n")
    (bench.home / "stderr.txt").unlink()
    assert differing_files(run, bench.home) == ("kept/log.csv", "stderr.txt")
    assert reread(bench.spec(scores=scores), bench.home)["f1"].value == 0.75


def test_progress_has_the_last_line(bench: Bench) -> None:
    bench.write("import time\nprint('working', flush=True)\ntime.sleep(.7)\n" + PRINTS)
    with Returning(bench.start()) as events:
        seen = list(events)
    assert "working" in [one.last_line for one in seen]
    assert len(seen) <= 4 * events.value.seconds + 2


def test_timeout(bench: Bench) -> None:
    bench.write(PRINTS + "import time\ntime.sleep(60)\n")
    message, run = bench.failed(timeout=0.5)
    assert (run.failure, run.timed_out) == ("timeout", True)
    assert "0.5 s" in message
    assert "acc: 0.5" in message  # the last lines of its output
    assert run.seconds < 3


def test_killed(bench: Bench) -> None:
    bench.write(PRINTS + "import os\nos.kill(os.getpid(), 9)\n")
    message, run = bench.failed()
    assert (run.failure, run.signal, run.exit_code) == ("signal", 9, None)
    assert "9 (SIGKILL): out of memory?" in message


@pytest.mark.parametrize(
    ("code", "failure", "text"),
    [
        ("import sys\nsys.exit(3)", "exit-code", "exit code 3"),
        ("raise MemoryError", "memory", "out of memory"),
        ("raise ValueError('no such layer')", "exit-code", "ValueError: no such layer"),
        ("import os, sys\nsys.stderr.write('CUDA out of memory')\nos.abort()", "memory", "SIGABRT"),
    ],
)
def test_exit_codes(bench: Bench, code: str, failure: str, text: str) -> None:
    bench.write(PRINTS + code)
    message, run = bench.failed()
    assert run.failure == failure
    assert text in message


def test_no_score(bench: Bench) -> None:
    bench.write("print('accuracy = 0.5')")
    message, run = bench.failed()
    assert run.failure == "score"
    assert r"accuracy: no line of the output matches the pattern" in message
    assert "accuracy = 0.5" in message


def test_all_problems_of_scores_are_in_one_message(bench: Bench) -> None:
    bench.write("import sys\nopen(sys.argv[2] + '/results.json', 'w').write('{}')")
    message, _ = bench.failed(
        scores={"accuracy": ACCURACY, "loss": JsonScore("{out}/result.json", "loss")}
    )
    assert "accuracy: " in message
    assert (
        'loss: the program wrote no file out/result.json; did you mean "results.json"?' in message
    )


def test_a_score_file_of_the_source_is_not_a_result(bench: Bench) -> None:
    bench.write("print('trained')")
    bench.write('{"loss": 0.1}', "results/result.json")
    scores = {"loss": JsonScore("results/result.json", "loss")}
    message, run = bench.failed(scores=scores)
    assert run.removed_before == ("results/result.json",)
    assert not run.source_changes
    assert "wrote no file work/results/result.json" in message
    assert (bench.source / "results" / "result.json").exists()
    with pytest.raises(RunError, match="there before the program started"):
        bench.run(home="second", scores=scores, in_place=True)
    assert not (bench.home.with_name("second") / "out").exists()


@pytest.mark.parametrize("path", ["../result.json", "/tmp/result.json", "elsewhere/result.json"])
def test_a_score_file_that_other_seeds_could_write_is_refused(bench: Bench, path: str) -> None:
    bench.write(PRINTS)
    outside = bench.source.with_name("outside")
    outside.mkdir()
    (outside / "result.json").write_text('{"loss": 1}')
    (bench.source / "elsewhere").symlink_to(outside)
    with pytest.raises(RunError, match="outside the output folder"):
        bench.run(scores={"loss": JsonScore(path, "loss")})
    assert (outside / "result.json").exists()


@pytest.mark.parametrize(
    ("printed", "unit", "fix"),
    [
        ("93.2", "fraction", "unit: percent"),
        ("0.93 %", "fraction", "unit: percent"),
        ("0.93", "percent", "unit: fraction"),
        ("932", "percent", "unit: none"),
    ],
)
def test_a_score_in_another_unit(bench: Bench, printed: str, unit: Any, fix: str) -> None:
    bench.write(f"print('acc: {printed}')")
    message, run = bench.failed(scores={"accuracy": PatternScore(ACCURACY.pattern, unit=unit)})
    assert run.failure == "score"
    assert fix in message
    assert "line 1" in message


@pytest.mark.parametrize("printed", ["nan", "inf", "-Infinity", "NaN"])
def test_a_score_that_is_not_finite(bench: Bench, printed: str) -> None:
    bench.write(f"print('acc: {printed}')")
    with pytest.raises(DivergedError, match="line 1"):
        bench.run()
    assert read_program_run(bench.home).failure == "diverged"


def test_two_scores(bench: Bench) -> None:
    bench.write("print('acc: 0.5')\nprint('acc: 0.6')")
    message, _ = bench.failed()
    assert "line 1" in message
    assert "line 2" in message
    assert bench.run("b", scores={"a": PatternScore(ACCURACY.pattern, which=Which("last"))})


@pytest.mark.parametrize("daemon", [False, True])
def test_a_child_that_outlives_it(bench: Bench, daemon: bool) -> None:
    leave = "if os.fork(): os._exit(0)\nos.setsid()\nif os.fork(): os._exit(0)\n" if daemon else ""
    bench.write(
        "import os, sys, subprocess\nsys.stdout.flush()\n"
        "if os.fork():\n    print('acc: 0.5')\n    sys.exit(0)\n"
        + leave
        + "import time\nwhile True: time.sleep(1)\n"
    )
    run = bench.run()
    assert run.scores["accuracy"].value == 0.5
    assert len(run.leftovers) == 1
    assert "train.py" in run.leftovers[0]
    assert not run.needed_sigkill
    assert "train.py" in run.notes[0]
    assert marked(bench.token) == []


def test_a_daemon_without_the_mark_does_not_survive(bench: Bench) -> None:
    pid_file = bench.source.with_name("pid")
    bench.write(
        "import os, sys, time\nsys.stdout.flush()\n"
        "if os.fork():\n    print('acc: 0.5', flush=True)\n    time.sleep(.3)\n    os._exit(0)\n"
        "os.setsid()\n"
        "if os.fork(): os._exit(0)\n"
        f"open({str(pid_file)!r}, 'w').write(str(os.getpid()))\n"
        "os.execve('/bin/sleep', ['sleep', '61'], {})\n"
    )
    run = bench.run()
    assert run.leftovers == ("sleep 61",)
    assert not Path(f"/proc/{pid_file.read_text()}").exists()


def test_a_program_that_ignores_sigterm(bench: Bench) -> None:
    bench.write(
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('ready', flush=True)\ntime.sleep(60)\n"
    )
    message, run = bench.failed(timeout=0.5)
    assert (run.failure, run.needed_sigkill, run.signal) == ("timeout", True, 9)
    assert "ready" in message


def test_a_program_that_writes_to_its_source(bench: Bench) -> None:
    bench.write(
        PRINTS + "open('train.py', 'a').write('# more')\nimport os\nos.remove('other.py')\n"
    )
    bench.write("", "other.py")
    run = bench.run()
    assert run.source_changes.changed == ("train.py",)
    assert run.source_changes.deleted == ("other.py",)
    assert "train.py" in run.notes[0]
    assert (bench.source / "train.py").read_text().startswith(PRINTS)
    assert (bench.source / "other.py").exists()


@pytest.mark.parametrize("what", ["", "stdout.txt", "out", "work"])
def test_a_program_that_deletes_its_own_folder(bench: Bench, what: str) -> None:
    bench.write(
        PRINTS + "import os, shutil, sys\nhome = os.path.dirname(sys.argv[2])\n"
        f"path = os.path.join(home, {what!r})\n"
        "(os.remove if os.path.isfile(path) else shutil.rmtree)(path)\n"
    )
    if what in ("out", "work"):  # which are deleted anyway
        assert bench.run().scores["accuracy"].value == 0.5
        return
    message, run = bench.failed()
    assert run.failure == "output"
    assert "deleted what it had printed" in message
    assert read_program_run(bench.home) == run


def test_folders_below_the_output_folder_are_deleted_unless_something_in_them_is_kept(
    bench: Bench,
) -> None:
    bench.write(
        PRINTS
        + """import os, sys
for folder in ("run/checkpoints/last", "run/logs", "empty"):
    os.makedirs(f"{sys.argv[2]}/{folder}")
for file in ("run/checkpoints/last/model.pt", "run/logs/one.log", "run/notes.txt"):
    open(f"{sys.argv[2]}/{file}", "w").write("x")
os.symlink("logs", f"{sys.argv[2]}/run/link")
"""
    )
    run = bench.run(keep=("run/logs/*.log",))
    out = bench.home / "out"
    assert sorted(path.relative_to(out).as_posix() for path in out.rglob("*")) == [
        "run", "run/logs", "run/logs/one.log",
    ]  # fmt: skip
    assert [file.path for file in run.kept] == ["out/run/logs/one.log"]
    assert {file.path for file in run.produced} == {
        "out/run/checkpoints/last/model.pt", "out/run/logs/one.log", "out/run/notes.txt",
        "out/run/link",
    }  # fmt: skip
    assert run.produced_count == 4


def test_file_names_that_are_not_unicode(bench: Bench) -> None:
    bench.write(PRINTS + "import sys, os\nopen(os.fsencode(sys.argv[2]) + b'/\\xfe', 'w')\n")
    name = os.fsdecode(b"\xff.py")
    (bench.source / name).write_text("")
    run = bench.run(keep=("*",))
    assert [file.path for file in run.produced] == ["out/?"]
    assert (bench.home / "out" / os.fsdecode(b"\xfe")).exists()


def test_a_link_that_leaves_the_folder_is_no_change(bench: Bench) -> None:
    bench.write(PRINTS + "print(open('data.txt').read())\n")
    bench.source.with_name("data.txt").write_text("linked")
    (bench.source / "data.txt").symlink_to("../data.txt")
    assert not bench.run().source_changes
    assert "linked" in (bench.home / "stdout.txt").read_text()


def test_in_place_a_program_runs_in_its_folder(bench: Bench) -> None:
    bench.write(
        "open('train.py', 'a').write('# more')\nopen('new.txt', 'w').write('x')\n"
        "open('result.json', 'w').write('{\"loss\": 1}')\n"
    )
    hashes = file_hashes(bench.source)
    scores = {"loss": JsonScore("result.json", "loss")}
    run = bench.run(scores=scores, in_place=True, hashes=hashes)
    assert run.scores["loss"].place.file == "kept/result.json"
    assert run.source_changes.changed == ("train.py",)
    assert run.source_changes.new == ("new.txt",)
    assert "later seeds" in run.notes[0]
    assert not (bench.source / "result.json").exists()  # so that the next seed is not refused
    with pytest.raises(RunError, match=r"train\.py has changed"):
        bench.run(home="second", scores=scores, in_place=True, hashes=hashes)


def test_what_a_run_in_place_leaves_behind_is_named_also_if_git_ignores_it(bench: Bench) -> None:
    bench.write(PRINTS + "import pathlib\npathlib.Path('data').mkdir(exist_ok=True)\n"
                "pathlib.Path('data/last.pt').write_text('x')\n"
                "pathlib.Path('runs/r/v/outcomes.jsonl').write_text('')\n")  # fmt: skip
    bench.write("data/\nruns/\n", ".gitignore")
    bench.write("{}", "runs/r/v/preregistration.json")
    bench.write("", "data/given.csv")
    subprocess.run(["git", "init", "-q", str(bench.source)], check=True)
    run = bench.run(home="source/runs/r/v/seeds/s1", in_place=True)
    assert run.source_changes.files == run.source_changes.ignored == ("data/last.pt",)
    assert "later seeds run: data/last.pt" in run.notes[0]


def test_code_that_changed_since_it_was_registered_does_not_run(bench: Bench) -> None:
    bench.write(PRINTS)
    bench.write("", "gone.py")
    hashes = file_hashes(bench.source)
    bench.write("raise SystemExit(1)")
    bench.write("", "added.py")
    (bench.source / "gone.py").unlink()
    with pytest.raises(RunError) as caught:
        bench.run(hashes=hashes)
    for text in ("train.py has changed", "gone.py has been deleted", "added.py has been added"):
        assert text in str(caught.value)
    assert list(bench.home.iterdir()) == []


def test_modules_come_from_the_copy(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.write("import library.part\nprint('acc:', library.part.VALUE, library.part.__file__)")
    bench.write("VALUE = 0.5", "lib/library/part.py")
    other = bench.source.with_name("other")
    entries = [str(bench.source / "lib"), str(other)]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(entries))
    bench.run()
    assert str(bench.home / "work" / "lib") in (bench.home / "stdout.txt").read_text()
    # Registered programs are copies: what PYTHONPATH names is the original.
    copy_code(bench.source, bench.source.with_name("copy"))
    bench.source = bench.source.with_name("copy")
    bench.write(
        "import os, library.part\nprint('acc: 0.5', library.part.__file__)\n"
        "print(os.environ['PYTHONPATH'])"
    )
    bench.run(home="second")
    second = bench.home.with_name("second")
    lib = str(second / "work" / "lib")
    found = (second / "stdout.txt").read_text().split()
    assert found[2] == f"{lib}/library/part.py"
    assert found[3] == os.pathsep.join([lib, str(other)])


def test_what_cannot_start(bench: Bench) -> None:
    bench.write("no shebang", "run.bin")
    (bench.source / "run.bin").chmod(0o755)
    with pytest.raises(PapertrialError, match='command not found: "pythn"'):
        bench.run(command=("pythn", "train.py"))
    with pytest.raises(PapertrialError, match="unknown placeholder"):
        bench.run(command=("{python}", "{sed}"))
    message, run = bench.failed(command=("./run.bin",))
    assert run.failure == "start"
    assert "Exec format error" in message


def test_a_finished_run_is_not_overwritten_and_an_interrupted_one_is(bench: Bench) -> None:
    bench.write(PRINTS + "import time, sys\nif sys.argv[1] == '3': time.sleep(60)\n")
    events = bench.start()
    next(events)
    assert len(marked(bench.token)) == 2
    events.close()
    assert marked(bench.token) == []
    assert not (bench.home / "program.json").exists()
    bench.run(command=("{python}", "train.py", "4"))
    with pytest.raises(RunError, match="finished run"):
        bench.run()


# Three processes that are hard to end: a daemon, a group that ignores SIGTERM, and itself.
STUBBORN = """
import os, signal, subprocess, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(600)
    os._exit(0)
subprocess.Popen(["sh", "-c", "trap '' TERM INT; sleep 600; sleep 600"], start_new_session=True)
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
print("acc: 0.5", flush=True)
time.sleep(600)
"""


def require_started(bench: Bench) -> None:
    """Wait until the three processes and the sleep of one of them run, below their supervisor."""
    until = time.monotonic() + 20
    while len(marked(bench.token)) < 5:
        assert time.monotonic() < until, marked(bench.token)
        time.sleep(0.02)


def test_a_killed_worker_takes_its_program_along(bench: Bench) -> None:
    bench.write(STUBBORN)
    worker = bench.source.with_name("worker.py")
    worker.write_text(
        "import sys\nfrom pathlib import Path\n"
        "from papertrial.programs.run_program import run_program\n"
        "from papertrial.programs.spec import ProgramSpec\n"
        "from papertrial.programs.code_files import file_hashes\n"
        f"source = Path({str(bench.source)!r})\n"
        "spec = ProgramSpec((sys.executable, 'train.py'), {}, {}, {})\n"
        f"for event in run_program(spec, {{'seed': '1'}}, home=Path({str(bench.home)!r}),\n"
        f"        source=source, hashes=file_hashes(source), token={bench.token!r}, grace=0.5):\n"
        "    pass\n"
    )
    with subprocess.Popen([sys.executable, str(worker)]) as process:
        require_started(bench)
        process.send_signal(signal.SIGKILL)
    until = time.monotonic() + 5
    while marked(bench.token) and time.monotonic() < until:
        time.sleep(0.05)
    assert marked(bench.token) == []


def test_a_stop_ends_all_processes_of_a_program(bench: Bench) -> None:
    bench.write(STUBBORN)
    running = bench.start()
    next(running)
    require_started(bench)
    running.close()  # as Ctrl-C does
    assert marked(bench.token) == []
    assert not (bench.home / "program.json").exists()


def test_if_the_supervisor_is_killed_the_program_ends_all_the_same(bench: Bench) -> None:
    bench.write("import os, signal, time\nos.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(60)\n")
    message, run = bench.failed()
    assert run.failure == "signal"
    assert "supervises" in message
