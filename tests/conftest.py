"""Fixtures that several test files share, and one thread for every process of the tests.

The tests run beside each other (`pytest -n`), and the threads of two processes that wait for the
same cores slow each other down many times. Torch and numpy read the number when they are
imported, so nothing here imports them before it is set; processes that tests start inherit it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from multiprocessing import forkserver
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner, Result

if TYPE_CHECKING:
    from papertrial.data.column import Dataset

os.environ.setdefault("OMP_NUM_THREADS", "1")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell starts what goes on behind it
    signal.signal(signal.SIGINT, signal.default_int_handler)

RunCli = Callable[..., "subprocess.CompletedProcess[str]"]
MakeTree = Callable[..., dict[str, Any]]

# Small, with a claim of each kind that a verification keeps something else of.
VERIFIED: dict[str, Any] = {
    "name": "audited",
    "task": "regression",
    "data": {
        "source": "diabetes", "splits": {"test": 60, "draw": "random"}, "batch_size": 64,
        "transform": ["papertrial.transforms.Standardize"],
    },
    "model": {"use": "torch.nn.Linear", "in_features": 10, "out_features": 1},
    "loss": "torch.nn.MSELoss",
    "optimizer": {"use": "torch.optim.SGD", "lr": 0.01},
    "epochs": 2,
    "evaluate": {"test": "every-epoch"},
    "metrics": ["loss", "mse", "r2"],
    "claims": [
        {"metric": "mse", "split": "test", "value": 6000, "tolerance": 500, "kind": "expected"},
        {
            "metric": "mse", "split": "test", "value": 6001, "tolerance": 500, "kind": "expected",
            "best_epoch_on_test": True,
        },
        {
            "metric": "r2", "split": "test", "value": 0.1, "tolerance": 0.4, "kind": "difference",
            "versus": {"set": {"epochs": 1}}, "n": "unknown",
        },
        {"metric": "parameters", "split": "test", "value": 11, "kind": "exact"},
    ],
}  # fmt: skip
Invoke = Callable[..., Result]
VerifyHere = Callable[[Path, Path], Path]  # a recipe and the folder of runs to the verification

# Trains in tenths of a second.
DIGITS = """
name: digits-small
task: image-classification
data: {source: digits, splits: {test: 0.5}, batch_size: 32, limit: 300}
model: {use: papertrial.models.MLP, args: [64, [16], 10]}
loss: torch.nn.CrossEntropyLoss
optimizer: {use: torch.optim.Adam, lr: 0.01}
epochs: 4
metrics: [accuracy]
claims:
  - {metric: accuracy, value: 0.6, kind: at-least}
  - {metric: parameters, value: 1210, kind: exact}
"""

# Where workers share the files, these go first: all would wait for one that began last.
LONGEST = (
    "test_shipped_recipes.py", "test_pages.py", "test_cifar10.py", "test_verifying_programs.py",
    "test_action.py", "test_audit.py", "test_programs_on_trial.py", "test_combine.py",
    "test_verifying_files.py",
)  # fmt: skip


# What a worker of a verification imports, in 8 s of CPU time.
IMPORTED_BY_WORKERS = (
    "papertrial.verification.seed", "papertrial.verification.program_seed",
    "torch._dynamo", "torchmetrics.functional", "sklearn.datasets", "sklearn.metrics",
)  # fmt: skip


# The functions of papertrial.report.render.plots that draw with matplotlib.
PLOTS = ("evidence_plot", "target_plot", "spread", "narrowing", "learning", "confusion")


def pytest_configure(config: pytest.Config) -> None:
    """Start the process that forks the workers of all verifications, with what they import.

    In a run of a few files, the first verification starts it.
    """
    if hasattr(config, "workerinput") and sys.platform == "linux":
        forkserver.set_forkserver_preload(list(IMPORTED_BY_WORKERS))
        forkserver.ensure_running()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: (*LONGEST, item.path.name).index(item.path.name))


@pytest.fixture(scope="session")
def _drawn() -> dict[str, Any]:
    """The last plots, by the function that drew them and what it was given."""
    return {}


@pytest.fixture(scope="module", autouse=True)
def _equal_plots_are_drawn_once(
    request: pytest.FixtureRequest, _drawn: dict[str, Any]
) -> Iterator[None]:
    """Draw a plot of equal numbers once: those of a report take a second, and an audit draws again.

    That equal numbers give the same drawing is for tests/report, where nothing is kept.
    """
    if "report" in request.path.relative_to(Path(__file__).parent).parts:
        yield
        return
    from papertrial.report.render import plots

    def once(name: str, draw: Callable[..., Any]) -> Callable[..., Any]:
        def drawn(*given: object) -> Any:
            key = f"{name}{given!r}"
            if key not in _drawn:
                while len(_drawn) >= 500:
                    _drawn.pop(next(iter(_drawn)))
                _drawn[key] = draw(*given)
            return _drawn[key]

        return drawn

    with pytest.MonkeyPatch.context() as patch:
        for name in PLOTS:
            patch.setattr(plots, name, once(name, getattr(plots, name)))
        yield


@pytest.fixture(scope="module")
def without_plots() -> Iterator[None]:
    """Write and audit reports without drawings, where the tests of a module are not about them."""
    from papertrial.report.render import html

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(html, "plots", lambda report: {})
        yield


@pytest.fixture(scope="session")
def fashion_mnist() -> Dataset:
    """The real Fashion-MNIST; a test that needs it skips without it, or fails where CI has it."""
    from papertrial.data.files.data_folder import data_folder
    from papertrial.data.sources.named_sets import loading
    from papertrial.errors import DataError
    from papertrial.progress import finish

    try:
        return finish(loading("fashion-mnist", data_folder()))
    except DataError as error:
        if os.environ.get("PAPERTRIAL_REQUIRE_DATA") == "1":
            pytest.fail(f"PAPERTRIAL_REQUIRE_DATA=1, but: {error}")
        pytest.skip(f"needs Fashion-MNIST: {error}")


@pytest.fixture(scope="session")
def papertrial() -> RunCli:
    """Run `papertrial WORDS...` in a process of its own, as a user does."""

    def run(*words: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-W", "error", "-m", "papertrial", *map(str, words)]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=cwd, timeout=300
        )

    return run


@pytest.fixture(scope="session")
def invoke() -> Invoke:
    """Run `papertrial WORDS...` in this process, which is quicker than one of its own.

    What it ends with has exit_code, stdout and stderr.
    """
    from papertrial.cli.main import make_app

    app = make_app()

    def run(*words: str | Path, cwd: Path | None = None) -> Result:
        with contextlib.chdir(cwd or Path.cwd()):
            return CliRunner().invoke(app, list(map(str, words)))

    return run


@pytest.fixture(scope="session")
def verified(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a verification that finished: ten short trainings, for reading only."""
    from papertrial.recipe.load import load_recipe
    from papertrial.verification.verify import verify

    runs = tmp_path_factory.mktemp("runs")
    return verify(load_recipe(VERIFIED), runs=runs, workers=1, device="cpu").path


@pytest.fixture(scope="session")
def verify_here() -> VerifyHere:
    """Verify a recipe in this process, which saves the start of worker processes.

    All registered seeds are trained, or run if the recipe has a program, and recorded as a worker's
    would be. `verify` then resumes, decides and writes the report.
    """
    from papertrial.progress import finish
    from papertrial.recipe.load import load_recipe
    from papertrial.recipe.program import ProgramRecipe
    from papertrial.store.verification_folder import OUTCOMES, VerificationFolder
    from papertrial.store.verification_records import SeedRecord
    from papertrial.verification.preregister import preregister
    from papertrial.verification.program_seed import run_program_seed
    from papertrial.verification.registration import fixed_of, wanted_of
    from papertrial.verification.seed import train_seed
    from papertrial.verification.seed_task import SeedTask, TrainingPlace
    from papertrial.verification.verify import verify

    def verified(path: Path, runs: Path) -> Path:
        recipe = load_recipe(path)
        folder = VerificationFolder(preregister(recipe, runs=runs, device="cpu").path)
        registered = folder.registered
        run = run_program_seed if isinstance(recipe, ProgramRecipe) else train_seed
        for seed in registered.seeds:
            task = SeedTask(folder.path, seed, wanted_of(registered), fixed_of(registered))
            trained = asdict(finish(run(task, TrainingPlace("cpu", 1, None))))
            folder.append_record(OUTCOMES, SeedRecord(seed=seed, state="finished", **trained))
        return verify(recipe, runs=runs, workers=1, device="cpu").path

    return verified


@pytest.fixture(scope="session")
def trained_labs(
    tmp_path_factory: pytest.TempPathFactory, verify_here: VerifyHere, invoke: Invoke
) -> Path:
    """A folder with two laboratories that trained, in lab1 and lab2, and with their registration.

    It is for reading only; commands that run in it write to runs.
    """
    folder = tmp_path_factory.mktemp("labs")
    (folder / "digits.yaml").write_text(DIGITS)
    words = ("register", "digits.yaml", "--labs", "2", "--max-seeds", "10", "--json")
    done = invoke(*words, cwd=folder)
    assert done.exit_code == 0, done.stderr
    (folder / "registered.json").write_text(done.stdout.splitlines()[-1])
    for number, lab in enumerate(json.loads(done.stdout.splitlines()[-1])["laboratories"], 1):
        verify_here(folder / lab["recipe"], folder / f"lab{number}")
    return folder


def _folder(name: str, there: str) -> Path:
    from papertrial.data.files.data_folder import data_folder

    folder = data_folder()
    if not (folder / there).is_dir():
        if os.environ.get("PAPERTRIAL_REQUIRE_DATA") == "1":
            pytest.fail(f"PAPERTRIAL_REQUIRE_DATA=1, but {folder / there} is not there")
        pytest.skip(f"needs {name} in {folder / there}")
    return folder


SmallSet = Callable[[str, Path, pytest.MonkeyPatch], Path]


@pytest.fixture(scope="session")
def small_set() -> SmallSet:
    """Write small files in the format of a named set, and let the catalog expect them.

    Returns the first of the files. The places of ETTh1 are those of the real one.
    """
    import dataclasses
    import hashlib
    import pickle

    import numpy as np
    from scipy.sparse import csr_matrix

    from papertrial.data.files.catalog import CATALOG

    def text(name: str, count: int) -> bytes:
        return "".join(f"{name} film number {i % 7} caf\xe9 \n" for i in range(count)).encode(
            "latin-1"
        )

    def hours() -> bytes:
        rows = [
            f"2016-07-01 {t},{t % 24},{t % 7},{t % 13 / 2},{t % 5},{-(t % 2)},{t % 3},{t % 11}"
            for t in range(14_400)
        ]
        return "\n".join(["date,HUFL,HULL,MUFL,MULL,LUFL,LULL,OT", *rows]).encode()

    def graph() -> dict[str, bytes]:
        """550 nodes and 50 for testing, which stand in another order; 21 with labels."""
        draw = np.random.default_rng(0)
        labels = np.eye(7, dtype=np.int32)[np.arange(600) % 7]
        words = csr_matrix((draw.random((600, 20)) < 0.2).astype(np.float32))
        order = [int(place) for place in draw.permutation(np.arange(550, 600))]
        ring = {node: [(node + 7) % 600, (node + 14) % 600, node] for node in range(600)}
        held = {
            "x": words[:21], "y": labels[:21], "allx": words[:550], "ally": labels[:550],
            "tx": words[order], "ty": labels[order], "graph": ring,
        }  # fmt: skip
        lines = "".join(f"{place}\n" for place in order).encode()
        return {name: pickle.dumps(one) for name, one in held.items()} | {"test.index": lines}

    def contents(name: str) -> dict[str, bytes]:
        if name == "rt-polarity":
            return {f"rt-polarity/rt-polarity.{one}": text(one, 60) for one in ("neg", "pos")}
        if name == "tiny-shakespeare":
            return {"tiny-shakespeare/input.txt": b"the cat sat on the mat, to be or not.\n" * 160}
        if name == "etth1":
            return {"ETT-small/ETTh1.csv": hours()}
        assert name == "cora"
        return {f"cora/ind.cora.{part}": content for part, content in graph().items()}

    def write(name: str, folder: Path, patch: pytest.MonkeyPatch) -> Path:
        files = contents(name)
        for path, content in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        sums = {path: f"sha256:{hashlib.sha256(one).hexdigest()}" for path, one in files.items()}
        entry = dataclasses.replace(CATALOG[name], checksums=sums)
        patch.setitem(CATALOG, name, entry)  # type: ignore[arg-type]
        return folder / next(iter(files))

    return write


@pytest.fixture(scope="session")
def cifar10_folder() -> Path:
    """The data folder, with the real CIFAR-10 in it as an image folder."""
    return _folder("CIFAR-10", "cifar10/train")


@pytest.fixture(scope="session")
def imdb_folder() -> Path:
    """The data folder, with the real IMDB reviews in it."""
    return _folder("the IMDB reviews", "aclImdb/train")


@pytest.fixture(scope="session")
def with_claims() -> MakeTree:
    """A linear classifier of the digits with these claims, and with `verify` or other keys."""

    def made(*claims: dict[str, Any], **others: Any) -> dict[str, Any]:
        return {
            "name": "digits-linear",
            "task": "image-classification",
            "data": {"source": "digits", "splits": {"test": 0.2}, "batch_size": 64},
            "model": {"use": "torch.nn.Linear", "in_features": 64, "out_features": 10},
            "loss": "torch.nn.CrossEntropyLoss",
            "optimizer": {"use": "torch.optim.Adam", "lr": 0.01},
            "epochs": 1,
            "claims": list(claims),
            **others,
        }

    return made


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a BERT of one layer, without a classifier, and its tokenizer of 60 tokens."""
    import torch
    import transformers
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    tokenizer: Any = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=60, special_tokens=special, show_progress=False)
    texts = ["a good film", "a bad film", "dull acting and a bad plot", "wonderful acting"]
    tokenizer.train_from_iterator(texts * 5, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        "[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token"), special, strict=True))
    folder = tmp_path_factory.mktemp("bert")
    wrapped = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=16, **names
    )
    wrapped.save_pretrained(folder)
    config = transformers.AutoConfig.for_model(
        "bert", vocab_size=tokenizer.get_vocab_size(), hidden_size=16, num_hidden_layers=1,
        num_attention_heads=2, intermediate_size=16, max_position_embeddings=16,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        transformers.AutoModel.from_config(config).save_pretrained(folder)
    return folder
