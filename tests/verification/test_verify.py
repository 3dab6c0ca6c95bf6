"""Seed after seed until the claims are decided: verdicts, stops, what is kept, what is refused.

The seeds train in this process, one after another; tests/cli/test_verify.py has the real workers.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import numpy as np
import pytest
import torch

import papertrial as pt
from papertrial.auditing.audit import audit
from papertrial.claims.events import Looked, Registered, SeedEnded, SeedRetried, SeedStarted
from papertrial.errors import RunError
from papertrial.store.report_record import Report
from papertrial.store.verification_folder import VerificationFolder
from papertrial.store.verification_records import SeedRecord, Terms
from papertrial.verification import run_seeds as run_seeds_module
from papertrial.verification import verify as verify_module
from papertrial.verification.verify import Verification, load_verification, verifying
from papertrial.workers.pool import Died, Done, Failed, Yielded

TINY: dict[str, Any] = {
    "name": "tiny",
    "task": "image-classification",
    "data": {"source": "digits", "splits": {"test": 0.5}, "batch_size": 64, "limit": 300},
    "model": {"use": "papertrial.models.MLP", "args": [64, [16], 10]},
    "loss": "torch.nn.CrossEntropyLoss",
    "optimizer": {"use": "torch.optim.Adam", "lr": 0.01},
    "epochs": 10,
    "metrics": ["loss", "accuracy"],
}  # fmt: skip
EXACT = [
    {"metric": "parameters", "value": 64 * 16 + 16 + 160 + 10, "kind": "exact"},
    {"metric": "samples", "split": "train", "value": 300, "kind": "exact"},
]


class InProcess:
    """Workers as `verifying` asks of them; of several seeds, the one started last ends first."""

    trained: list[int] = []  # noqa: RUF012  (seeds, in the order in which they were begun)
    dying: dict[int, int] = {}  # noqa: RUF012  (how many times a seed's process dies)

    def __init__(self, job: Any, arguments: list[Any], log: Path | None = None) -> None:
        self._job, self._arguments = job, arguments
        self._waiting: list[tuple[int, Any]] = []
        self._now: tuple[int, Any, Generator[Any, None, Any]] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._now is not None:
            self._now[2].close()

    @property
    def _free(self) -> list[int]:
        busy = {worker for worker, _ in self._waiting} | ({self._now[0]} if self._now else set())
        return [worker for worker in range(len(self._arguments)) if worker not in busy]

    @property
    def idle(self) -> int:
        return len(self._free)

    def submit(self, task: Any) -> int:
        self._waiting.append((self._free[0], task))
        return self._waiting[-1][0]

    def wait(self) -> Any:
        if self._now is None:
            worker, task = self._waiting.pop()
            self.trained.append(task.seed)
            if self.dying.get(task.seed):
                self.dying[task.seed] -= 1
                return Died(worker, task, "killed by signal 9 (SIGKILL)")
            self._now = worker, task, self._job(task, self._arguments[worker])
        worker, task, steps = self._now
        try:
            return Yielded(worker, task, next(steps))
        except StopIteration as end:
            self._now = None
            return Done(worker, task, end.value)
        except Exception as error:
            self._now = None
            return Failed(worker, task, error)


def only_json(folder: Path, report: Report) -> None:
    """Write the report as JSON alone, which is quicker than to draw it."""
    (folder / "report.json").write_text(report.to_json())


@pytest.fixture(scope="module", autouse=True)
def in_process() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_seeds_module, "Workers", InProcess)
        patch.setattr(verify_module, "write_report", only_json)
        yield


@pytest.fixture(autouse=True)
def fresh() -> None:
    InProcess.trained.clear()
    InProcess.dying.clear()


def claim(value: float, tolerance: float | None, **more: Any) -> dict[str, Any]:
    about = {"metric": "accuracy", "value": value, "tolerance": tolerance, "kind": "expected"}
    return {**about, **more}


def tiny(*claims: dict[str, Any], max_seeds: int = 15, **changes: Any) -> dict[str, Any]:
    return {**TINY, "claims": list(claims), "verify": {"max_seeds": max_seeds}, **changes}


def told(tree: dict[str, Any], runs: Path, **options: Any) -> tuple[Verification, list[Any]]:
    """Verify, and return the verification with all that it told, seeds' progress left out."""
    events = verifying(pt.load_recipe(tree), runs=runs, **{"workers": 1, **options})
    kept: list[Any] = []
    while True:
        try:
            event = next(events)
        except StopIteration as end:
            return end.value, kept
        if isinstance(event, Registered | SeedStarted | SeedEnded | SeedRetried | Looked):
            kept.append(event)


def terms(done: Verification) -> Terms:
    return VerificationFolder(done.path).registered.terms


def report_of(done: Verification) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((done.path / "report.json").read_text())
    return report


def outcomes(done: Verification) -> dict[int, SeedRecord]:
    return {record.seed: record for record in VerificationFolder(done.path).outcomes()}


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """Mean and standard deviation of the test scores, from seeds that no verification takes."""
    runs = tmp_path_factory.mktemp("others")
    others = [pt.load_recipe(tiny(seed=seed)) for seed in range(100, 112)]
    scores = [pt.train(recipe, runs=runs, threads=1).metrics["test"] for recipe in others]
    accuracy, loss = ([score[name] for score in scores] for name in ("accuracy", "loss"))
    mean, sd = float(np.mean(accuracy)), float(np.std(accuracy, ddof=1))
    loss_sd = float(np.std(loss, ddof=1))
    return SimpleNamespace(mean=mean, sd=sd, loss=float(np.mean(loss)), loss_sd=loss_sd)


@pytest.fixture(scope="module")
def once(known: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """The known mean within two standard deviations, by three workers that end out of order."""
    runs = tmp_path_factory.mktemp("once")
    tree = tiny(claim(known.mean, 2 * known.sd), *EXACT)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)  # the seeds have one all the same
    done, events = told(tree, runs, workers=3)
    torch.set_num_threads(threads)
    return SimpleNamespace(tree=tree, runs=runs, done=done, events=events)


def test_a_number_known_from_other_seeds_is_reproduced(once: SimpleNamespace) -> None:
    done = once.done
    assert done.verdict == "REPRODUCED"
    (accuracy, parameters, samples) = done.claims
    assert 5 <= accuracy.n == accuracy.decided_at <= 15
    value, tolerance = accuracy.value, accuracy.tolerance
    assert value - tolerance <= accuracy.low < accuracy.mean
    assert accuracy.mean < accuracy.high <= value + tolerance
    assert accuracy.holds_within <= accuracy.tolerance
    assert "inside the band" in accuracy.why
    assert (parameters.mean, parameters.n, parameters.verdict) == (1210, 0, "REPRODUCED")
    assert (samples.split, samples.mean, samples.verdict) == ("train", 300, "REPRODUCED")
    assert done.headline.startswith("REPRODUCED: all 3 claims of tiny")


def test_seeds_that_end_out_of_order_are_looked_at_in_order(once: SimpleNamespace) -> None:
    ended = [event.seed for event in once.events if isinstance(event, SeedEnded)]
    assert ended[:3] == [2, 3, 4]  # the first two wait for what is started after them
    n = once.done.claims[0].n
    assert once.done.seeds == tuple(range(n))
    looks = [event.n for event in once.events if isinstance(event, Looked)]
    assert looks == list(range(1, n + 1))
    kept = {record.seed: record.scores[0][0] for record in outcomes(once.done).values()}
    scores = [kept[seed] for seed in range(n)]
    assert once.done.claims[0].mean == pytest.approx(np.mean(scores), rel=1e-12)
    assert once.done.claims[0].sd == pytest.approx(np.std(scores, ddof=1), rel=1e-12)
    report = report_of(once.done)
    assert report["claims"][0]["scores"] == [list(p) for p in enumerate(scores)]
    for exact in report["exact"]:
        assert "Our count equals it: REPRODUCED." in dict(exact["decision"]).values()


def test_one_worker_gives_the_same_scores_and_verdicts_to_the_bit(
    once: SimpleNamespace, tmp_path: Path
) -> None:
    done, events = told(once.tree, tmp_path)
    assert done.claims == once.done.claims
    assert (done.seeds, terms(done)) == (once.done.seeds, terms(once.done))
    mine, theirs = outcomes(done), outcomes(once.done)
    for seed in done.seeds:
        assert mine[seed].scores == theirs[seed].scores
        assert mine[seed].weights == theirs[seed].weights
    assert [event.seed for event in events if isinstance(event, SeedEnded)] == list(done.seeds)


def test_the_rule_is_written_before_the_first_seed(once: SimpleNamespace, tmp_path: Path) -> None:
    events = verifying(pt.load_recipe(once.tree), runs=tmp_path, workers=1)
    with closing(events):
        first = next(event for event in events if isinstance(event, Registered))
        written = (first.path / "preregistration.json").read_bytes()
        assert not (first.path / "seeds").exists()
        assert not (first.path / "outcomes.jsonl").exists()
    assert first.sha256 == hashlib.sha256(written).hexdigest()
    assert VerificationFolder(first.path).registered.terms == terms(once.done)
    kept = json.loads(written)
    assert kept["claims"][0]["tolerance"] == once.tree["claims"][0]["tolerance"]
    assert (kept["seeds"], kept["first_look"], kept["threads"]) == ([*range(15)], 5, 1)
    assert VerificationFolder(first.path).state.state == "interrupted"
    assert InProcess.trained == []
    assert first.path.name.endswith(f"-{first.sha256[:8]}-verify")


def test_every_seed_is_an_ordinary_run(once: SimpleNamespace) -> None:
    for seed, record in outcomes(once.done).items():
        assert record.runs == (f"seeds/s{seed}",)
        run = pt.load_run(once.done.path / record.runs[0])
        assert (run.recipe.seed, run.metrics["test"]["accuracy"]) == (seed, record.scores[0][0])
        weights = (run.path / "model.safetensors").read_bytes()
        assert record.weights == hashlib.sha256(weights).hexdigest()
        assert (record.state, record.attempts, record.error) == ("finished", 1, "")
        assert record.seconds > 0


def test_the_same_again_returns_what_is_finished(once: SimpleNamespace) -> None:
    done, events = told(once.tree, once.runs, workers=2)
    assert done == once.done == load_verification(done.path)
    assert (events, InProcess.trained) == ([], [])


@pytest.mark.parametrize("metric", ["accuracy", "loss"])
def test_a_shifted_number_is_not_reproduced(
    known: SimpleNamespace, tmp_path: Path, metric: str
) -> None:
    shifted = {
        "accuracy": claim(known.mean - 6 * known.sd, 2 * known.sd),
        "loss": claim(known.loss + 6 * known.loss_sd, 2 * known.loss_sd, metric="loss"),
    }
    done, _ = told(tiny(shifted[metric]), tmp_path)
    (judged,) = done.claims
    assert (done.verdict, judged.verdict) == ("NOT REPRODUCED", "NOT REPRODUCED")
    assert (judged.metric, judged.mean > judged.value) == (metric, metric == "accuracy")
    assert 5 <= judged.n <= 15
    assert "outside the band" in judged.why


def test_too_narrow_a_tolerance_is_undecided_and_says_how_many_seeds_it_would_take(
    known: SimpleNamespace, tmp_path: Path
) -> None:
    done, _ = told(tiny(claim(known.mean, 0.1 * known.sd), max_seeds=6), tmp_path)
    (accuracy,) = done.claims
    assert (done.verdict, accuracy.n, accuracy.decided_at) == ("UNDECIDED", 6, None)
    seeds = accuracy.why.partition("a decision takes about ")[2].partition(" seeds")[0]
    assert 50 < int(seeds.replace(",", "")) < 20_000


def stopped(tree: dict[str, Any], runs: Path, after: int) -> VerificationFolder:
    """Verify until so many seeds have ended, then stop as Ctrl-C does."""
    events = verifying(pt.load_recipe(tree), runs=runs, workers=1)
    path, ended = Path(), 0
    while ended < after:
        event = next(events)
        path = event.path if isinstance(event, Registered) else path
        ended += isinstance(event, SeedEnded)
    with pytest.raises(KeyboardInterrupt):
        events.throw(KeyboardInterrupt())
    return VerificationFolder.load(path)


def test_one_that_was_stopped_is_gone_on_with(once: SimpleNamespace, tmp_path: Path) -> None:
    folder = stopped(once.tree, tmp_path, after=2)
    assert folder.state.state == "interrupted"
    assert [record.seed for record in folder.outcomes()] == [0, 1]
    with pytest.raises(RunError, match="its state is 'interrupted'; run the same command"):
        load_verification(folder.path)
    # The third seed is begun and stopped as well, and a record is left half written.
    events = verifying(pt.load_recipe(once.tree), runs=tmp_path, workers=1)
    while not (folder.path / "seeds/s2/metrics.jsonl").exists():
        next(events)
    events.close()
    assert InProcess.trained == [0, 1, 2]
    with (folder.path / "outcomes.jsonl").open("a") as file:
        file.write('{"seed": 2, "state": "fin')
    before = {path: path.stat().st_mtime_ns for path in (folder.path / "seeds").glob("s[01]/*")}

    InProcess.trained.clear()
    done, _ = told(once.tree, tmp_path, workers=1)
    assert done.path == folder.path
    assert InProcess.trained == list(once.done.seeds[2:])  # none that had finished
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert len(before) > 10
    assert outcomes(done)[2].runs == ("seeds/s2-2",)  # what was half done is left as it was
    # The verdict is that of a verification which nobody stopped.
    assert done.claims == once.done.claims
    assert (done.seeds, terms(done)) == (once.done.seeds, terms(once.done))
    assert len(folder.state.commands) == 3
    assert len(report_of(done)["attempts"]) == 1


def test_another_tolerance_is_another_verification_and_both_are_listed(
    once: SimpleNamespace, known: SimpleNamespace, tmp_path: Path
) -> None:
    first = tmp_path / once.done.path.relative_to(once.runs)
    shutil.copytree(once.runs, tmp_path, dirs_exist_ok=True)
    narrower, events = told(tiny(claim(known.mean, known.sd / 9), *EXACT, max_seeds=5), tmp_path)
    assert narrower.verdict == "UNDECIDED"
    assert narrower.path != first
    assert narrower.preregistration != once.done.preregistration
    assert InProcess.trained == [*range(5)]  # none is taken over from the other
    assert narrower.headline.startswith("UNDECIDED: ")
    assert "second look at these seeds" in narrower.headline
    assert "look at these seeds" not in once.done.headline
    (registered,) = [event for event in events if isinstance(event, Registered)]
    assert any(f"tiny/{first.name}" in line and "tolerance" in line for line in registered.lines)
    (earlier,) = report_of(narrower)["earlier"]
    assert (earlier["verification"], earlier["seeds"]) == (f"tiny/{first.name}", [0, 1, 2, 3, 4])
    attempts = report_of(narrower)["attempts"]
    assert [(one["shared"], one["differs"]) for one in attempts] == [
        ([0, 1, 2, 3, 4], ["tolerance", "seeds"]),
        ([], []),
    ]
    assert [(one["path"], one["verdict"], one["n"], one["this"]) for one in attempts] == [
        (str(first), "REPRODUCED", len(outcomes(once.done)), False),
        (str(narrower.path), "UNDECIDED", 5, True),
    ]
    assert {one["state"] for one in attempts} == {"finished"}


def test_an_audit_takes_earlier_looks_from_the_folder_and_misses_hidden_ones(
    once: SimpleNamespace, known: SimpleNamespace, tmp_path: Path
) -> None:
    first = tmp_path / once.done.path.relative_to(once.runs)
    shutil.copytree(once.runs, tmp_path, dirs_exist_ok=True)
    second, _ = told(tiny(claim(known.mean, 3 * known.sd), *EXACT), tmp_path)

    def found() -> list[str]:
        report = audit(second.path, retrain=False).differences
        return [str(one) for one in report if "report.html" not in str(one)]

    assert found() == []
    state = second.path / "verification.json"
    text = state.read_text()
    plain = json.loads(text)
    state.write_text(json.dumps({**plain, "earlier": []}))
    hidden = " ".join(found())
    assert f"does not name tiny/{first.name}" in hidden
    assert "headline" in hidden
    state.write_text(text)
    shutil.rmtree(first)  # the headline does not depend on it
    assert found() == []


def test_two_at_once_on_one_recipe_are_refused(tmp_path: Path) -> None:
    tree = tiny(claim(0.5, 0.1))
    events = verifying(pt.load_recipe(tree), runs=tmp_path, workers=1)
    while not isinstance(next(events), Registered):
        pass
    with pytest.raises(RunError, match=r"another verification of tiny is running in .*--runs"):
        told(tree, tmp_path)
    # The lock is free again as soon as the other one has ended, whoever still holds its traceback.
    with pytest.raises(KeyboardInterrupt) as held:
        events.throw(KeyboardInterrupt())
    other = verifying(pt.load_recipe(tree), runs=tmp_path, workers=1)
    assert any(isinstance(event, Registered) for event in other)
    other.close()
    assert held.tb is not None


def test_where_every_seed_diverges_nothing_is_decided(tmp_path: Path) -> None:
    tree = tiny(claim(0.5, 0.1), optimizer={"use": "torch.optim.SGD", "lr": 1e38})
    done, events = told(tree, tmp_path)
    # 4 of 15 are more than a fifth, whatever the remaining seeds would give.
    assert [event.state for event in events if isinstance(event, SeedEnded)] == ["diverged"] * 4
    assert (done.verdict, done.seeds) == ("UNDECIDED", (0, 1, 2, 3))
    assert [getattr(done.claims[0], key) for key in ("n", "mean", "low")] == [0, None, None]
    assert done.claims[0].why.startswith("more seeds failed than the 20")
    diverged = report_of(done)["diverged"]
    assert [diverged[key] for key in ("count", "of", "held", "upper")] == [4, 4, False, 1]
    for record in outcomes(done).values():
        assert "loss" in record.error


def test_a_lost_seed_is_tried_once_more(tmp_path: Path) -> None:
    InProcess.dying.update({1: 1, 3: 2})
    tree = tiny(claim(0.5, 0.5))
    tree["verify"] |= {"max_diverged": 0.4}
    done, events = told(tree, tmp_path, workers=2)
    assert [event.seed for event in events if isinstance(event, SeedRetried)] == [1, 3]
    kept = outcomes(done)
    assert [kept[seed].state for seed in range(4)] == ["finished"] * 3 + ["crashed"]
    assert [kept[seed].attempts for seed in range(4)] == [1, 2, 1, 2]
    assert kept[3].error == "killed by signal 9 (SIGKILL)"
    assert [InProcess.trained.count(seed) for seed in range(5)] == [1, 2, 1, 2, 1]
    assert report_of(done)["diverged"]["count"] == 1
    assert done.claims[0].n == len(done.seeds) - 1


def test_a_difference_of_two_variants(tmp_path: Path) -> None:
    wide = {
        "kind": "difference",
        "versus": {"set": {"model.args": [64, [2], 10]}},
        "side": "at-least",
    }
    tree = tiny(claim(0.6, 0.4), claim(0.2, None, **wide), max_seeds=5)
    done, _ = told(tree, tmp_path, workers=2)
    kept = outcomes(done)
    assert kept[0].runs == ("seeds/s0", "seeds/s0-versus1")
    for record in kept.values():
        ours, narrow = (pt.load_run(done.path / run) for run in record.runs)
        assert narrow.recipe.model.args[1] == [2]
        accuracy = [run.metrics["test"]["accuracy"] for run in (ours, narrow)]
        assert record.scores == (tuple(accuracy[:1]), tuple(accuracy))
    gains = [kept[seed].scores[1][0] - kept[seed].scores[1][1] for seed in done.seeds]
    assert done.claims[1].mean == pytest.approx(np.mean(gains))
    assert [one.verdict for one in done.claims] == ["REPRODUCED", "REPRODUCED"]
    (difference,) = report_of(done)["claims"][1:]
    assert (difference["side"], difference["low"] > 0.2) == ("at-least", True)


def stop_after(count: int, tree: dict[str, Any], runs: Path, **options: Any) -> Path:
    """Verify until so many seeds have ended, then stop as Ctrl-C does; return the folder."""
    ended, folder = 0, runs
    with closing(verifying(pt.load_recipe(tree), runs=runs, workers=1, **options)) as events:
        for event in events:
            folder = event.path if isinstance(event, Registered) else folder
            ended += isinstance(event, SeedEnded)
            if ended == count:
                break
    return folder


def table(folder: Path, slope: float) -> dict[str, Any]:
    """Write a table, and return a recipe that learns from it in no time."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=(40, 1))
    rows = "".join(
        f"{a},{slope * a + b}\n" for (a,), b in zip(x, draw.normal(size=40), strict=True)
    )
    (folder / "line.csv").write_text("x,y\n" + rows)
    return {
        "name": "line",
        "task": "regression",
        "data": {
            "source": "table", "path": str(folder / "line.csv"), "batch_size": 8,
            "table": {"target": "y"}, "splits": {"test": 0.5},
        },
        "model": {"use": "torch.nn.Linear", "args": [1, 1]},
        "loss": "torch.nn.MSELoss",
        "optimizer": {"use": "torch.optim.SGD", "lr": 0.1},
        "epochs": 2,
        "metrics": ["mse"],
        "claims": [{"metric": "mse", "value": 1.0, "tolerance": 5.0, "kind": "expected"}],
    }  # fmt: skip


def test_data_that_changed_in_between_are_refused(tmp_path: Path) -> None:
    tree = table(tmp_path, slope=1.0)
    folder = stop_after(2, tree, tmp_path / "runs")
    table(tmp_path, slope=3.0)
    with pytest.raises(
        RunError, match=r"the data: train is \w{12}, registered as \w{12}; .*--again"
    ):
        told(tree, tmp_path / "runs")
    assert len(VerificationFolder(folder).outcomes()) == 2  # the new seed is not mixed in
    done, _ = told(tree, tmp_path / "runs", again=True)
    assert done.path != folder
    assert [attempt["state"] for attempt in report_of(done)["attempts"]] == [
        "interrupted", "finished"
    ]  # fmt: skip
    assert "test mse expected 1 tolerance 5" in report_of(done)["attempts"][0]["rule"]


def test_data_that_change_between_two_seeds_stop_it(tmp_path: Path) -> None:
    def replaced() -> Generator[Any, None, None]:
        for event in verifying(pt.load_recipe(tree), runs=tmp_path / "runs", workers=1):
            if isinstance(event, SeedEnded):
                table(tmp_path, slope=3.0)
            yield event

    tree = table(tmp_path, slope=1.0)
    with pytest.raises(RunError, match=r"and seed 1: the data: test is \w{12}, registered as"):
        list(replaced())
    (folder,) = (tmp_path / "runs" / "line").iterdir()
    assert [record.seed for record in VerificationFolder(folder).outcomes()] == [0]


def test_a_recipe_that_was_edited_is_not_gone_on_with(tmp_path: Path) -> None:
    tree = table(tmp_path, slope=1.0)
    folder = stop_after(1, tree, tmp_path / "runs")
    path = folder / "recipe.yaml"
    path.write_text(path.read_text().replace("epochs: 2", "epochs: 3"))
    with pytest.raises(RunError, match="is not the recipe that was registered: it was edited"):
        told(tree, tmp_path / "runs")


@pytest.mark.parametrize(
    "change", [{"scores": []}, {"scores": [[1.0, 2.0]]}, {"seed": 77}, {"state": "well"}]
)
def test_outcomes_that_cannot_be_are_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    tree = table(tmp_path, slope=1.0)
    folder = stop_after(1, tree, tmp_path / "runs")
    (record,) = VerificationFolder(folder).outcomes()
    changed = {**json.loads(record.to_json()), **change}
    (folder / "outcomes.jsonl").write_text(json.dumps(changed) + "\n")
    with pytest.raises(RunError, match="is damaged"):
        told(tree, tmp_path / "runs")


def test_the_other_side_of_a_difference_lies_in_the_folder(tmp_path: Path) -> None:
    tree = table(tmp_path, slope=1.0)
    other = {**tree, "name": "other", "epochs": 1, "claims": []}
    (tmp_path / "other.yaml").write_text(json.dumps(other))
    tree["claims"] = [
        {"metric": "mse", "value": 0.0, "tolerance": 5.0, "kind": "difference",
         "versus": {"recipe": str(tmp_path / "other.yaml")}, "n": "unknown"}
    ]  # fmt: skip
    folder = stop_after(1, tree, tmp_path / "runs")
    (tmp_path / "other.yaml").unlink()
    kept = pt.load_recipe(folder / "recipe.yaml")
    done, _ = told(kept.model_dump(by_alias=True), tmp_path / "runs")  # the same registration
    assert (done.path, done.verdict) == (folder, "REPRODUCED")
    (claim,) = report_of(done)["claims"]
    assert set(claim["arms"]) == {"ours", "theirs"}
    assert claim["versus"].startswith("ours minus ")


def test_the_other_side_must_compute_the_metric(tmp_path: Path) -> None:
    tree = table(tmp_path, slope=1.0)
    tree["claims"] = [
        {"metric": "mse", "value": 0.0, "tolerance": 5.0, "kind": "difference",
         "versus": {"set": {"metrics": ["mae"], "epochs": 1}}, "n": "unknown"}
    ]  # fmt: skip
    with pytest.raises(pt.PapertrialError, match=r"claims\.0, the other side: line"):
        told(tree, tmp_path / "runs")


def test_claims_that_are_not_judged_are_told_of(tmp_path: Path) -> None:
    tree = table(tmp_path, slope=1.0)
    left = {
        "metric": "mse",
        "value": 2.0,
        "tolerance": 5.0,
        "not_judged": "another setting",
        "kind": "expected",
    }
    tree["claims"].append(left)
    done, events = told(tree, tmp_path / "runs")
    assert "1 of its 2 claims is not judged" in done.headline
    assert [one.verdict for one in done.claims] == ["REPRODUCED", None]
    assert "not judged: another setting" in done.claims[1].why
    (registered,) = [event for event in events if isinstance(event, Registered)]
    assert any(line.startswith("not judged: test mse 2") for line in registered.lines)


def test_another_attempt_that_is_damaged_does_no_harm(tmp_path: Path) -> None:
    tree = table(tmp_path, slope=1.0)
    other = stop_after(1, tree, tmp_path / "runs")
    path = other / "preregistration.json"
    path.write_text(path.read_text().replace('"value": 1.0', '"value": null'))
    done, _ = told(tree, tmp_path / "runs")
    assert done.path != other
    first, second = report_of(done)["attempts"]
    assert first["state"].startswith("damaged")
    assert (second["state"], second["this"]) == ("finished", True)


def test_what_is_resumed_or_left_unfinished_is_reported(tmp_path: Path) -> None:
    tree = table(tmp_path, slope=1.0)
    folder = stop_after(2, tree, tmp_path / "runs")
    other = {
        **tree,
        "claims": [{"metric": "mse", "value": 1.0, "tolerance": 4.0, "kind": "expected"}],
    }
    _, events = told(other, tmp_path / "runs")
    (registered,) = [event for event in events if isinstance(event, Registered)]
    assert str(folder) in registered.lines[0]
    assert "unfinished" in registered.lines[0]
    _, events = told(tree, tmp_path / "runs")
    (registered,) = [event for event in events if isinstance(event, Registered)]
    assert str(folder) in registered.lines[0]
    assert registered.lines[0].endswith("ended: 0, 1")
