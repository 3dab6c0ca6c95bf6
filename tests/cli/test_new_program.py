"""`papertrial new --program`: what it finds in repositories, and what it asks to fill in."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter
from typer.testing import Result

import papertrial as pt
from papertrial.errors import InvalidRecipeError
from papertrial.recipe.load import load_recipe
from papertrial.recipe.program import Program, ProgramRecipe

Invoke = Callable[..., Result]

ARGPARSE = """
import argparse, json, os, random

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=1, metavar="S", help="random seed (default: 1)")
parser.add_argument("--epochs", type=int, default=3, metavar="N", help="passes (default: 3)")
parser.add_argument("--output-dir", default="results", help="where it writes (default: results)")
parser.add_argument("--fast", action="store_true")
args = parser.parse_args()
random.seed(args.seed)
for epoch in range(args.epochs):
    print(f"epoch {epoch}: train loss {random.random():.4f}")
print(f"Test accuracy: {90 + random.random():.2f}%")
os.makedirs(args.output_dir, exist_ok=True)
with open(os.path.join(args.output_dir, "metrics.json"), "w") as file:
    json.dump({"val": {"loss": random.random()}}, file)
"""
LOG = "epoch 0: train loss 0.1344\nepoch 1: train loss 0.8474\nTest accuracy: 90.76%\n"
README = """# Ours

    python train.py --epochs 5

| model | test accuracy |
| --- | --- |
| ours | 90.5% |
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    return folder


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def write_events(folder: Path, *scalars: tuple[str, int, float]) -> None:
    writer = EventFileWriter(str(folder))
    for tag, step, value in scalars:
        summary = Summary(value=[Summary.Value(tag=tag, simple_value=value)])
        writer.add_event(Event(summary=summary, step=step, wall_time=1.0))
    writer.close()


def program_of(path: Path) -> Program:
    recipe = load_recipe(path)
    assert isinstance(recipe, ProgramRecipe)
    return recipe.program


def line_of(text: str, key: str) -> int:
    return next(
        number for number, line in enumerate(text.splitlines(), 1) if line.strip().startswith(key)
    )


def test_an_argparse_script_with_its_output(invoke: Invoke, repository: Path) -> None:
    (repository / "train.py").write_text(ARGPARSE)
    (repository / "README.md").write_text(README)
    (repository.parent / "log.txt").write_text(LOG)
    made = repository.parent / "ours"
    done = invoke("new", made, "--program", repository, "--output", repository.parent / "log.txt")
    assert done.exit_code == 0, done.stderr
    program = program_of(made / "recipe.yaml")
    assert program.command == (
        "{python}", "train.py", "--epochs", "{epochs}", "--seed", "{seed}", "--output-dir", "{out}",
    )  # fmt: skip
    assert program.parameters == {"epochs": "5"}
    assert Path(program.folder or "") == repository
    scores = program.scores
    assert list(scores) == ["test_accuracy", "train_loss"]
    assert scores["test_accuracy"].unit == "percent"
    assert scores["test_accuracy"].which == "only"
    assert scores["train_loss"].which == "last"
    assert (scores["train_loss"].better, scores["test_accuracy"].better) == ("lower", "higher")
    text = (made / "recipe.yaml").read_text()
    assert "asked for its help" in text
    claim = '{metric: test_accuracy, value: "90.5 %", tolerance: ..., kind: mean, n: unknown}'
    assert f"#   - {claim}" in text
    assert "README.md line 7" in text
    assert f"papertrial check {made}/recipe.yaml" in done.stdout
    assert sorted(path.name for path in repository.iterdir()) == ["README.md", "train.py"]


def test_what_it_writes_passes_a_check(
    invoke: Invoke, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository.parent)  # other tests write into the folder that they share
    (repository / "train.py").write_text(ARGPARSE)
    made = repository.parent / "ours"
    assert invoke("new", made, "--program", repository, "--no-run").exit_code == 0
    assert "asked for its help" not in (made / "recipe.yaml").read_text()
    result = pt.check(made / "recipe.yaml")
    assert result.problems == []
    program = result.facts.program
    assert program is not None
    assert program.scores is not None
    assert program.scores["test_accuracy"].line == 4
    assert program.seed is not None
    assert program.seed.differ


def test_result_files_of_an_earlier_run_are_scores(invoke: Invoke, repository: Path) -> None:
    (repository / "train.py").write_text(ARGPARSE)
    (repository / "results").mkdir()
    (repository / "results" / "metrics.json").write_text('{"val": {"loss": 0.5}, "time": 3}')
    (repository / "package.json").write_text('{"error": 3}')
    (repository / ".gitignore").write_text("results/\n")
    made = repository.parent / "ours"
    invoke("new", made, "--program", repository, "--no-run")
    scores = program_of(made / "recipe.yaml").scores
    assert {name: (score.json_, score.key) for name, score in scores.items()} == {
        "val_loss": ("{out}/metrics.json", "val.loss")
    }
    assert pt.check(made / "recipe.yaml").ok


@pytest.mark.parametrize("run", [True, False])
def test_a_script_without_a_parser_is_never_run(
    invoke: Invoke, repository: Path, tmp_path: Path, run: bool
) -> None:
    mark = tmp_path / "it-ran"
    (repository / "main.py").write_text(
        f"import torch_like\nopen({str(mark)!r}, 'w')\ntorch.manual_seed(1337)\n"
        "print(f'val loss {x}')\n"
    )
    made = tmp_path / "ours"
    done = invoke("new", made, "--program", repository, *([] if run else ["--no-run"]))
    assert done.exit_code == 0
    assert not mark.exists()
    text = (made / "recipe.yaml").read_text()
    assert "main.py line 3: torch.manual_seed(1337)" in text
    with pytest.raises(InvalidRecipeError) as caught:
        load_recipe(made / "recipe.yaml")
    assert [(one.where, one.line) for one in caught.value.problems] == [
        ("program.command", line_of(text, "command:"))
    ]
    told = line_of(text, "# FILL IN: no option for the seed")
    assert f"line {told}: no option for the seed was found" in done.stdout


def test_without_a_score_check_names_the_line(invoke: Invoke, repository: Path) -> None:
    (repository / "train.py").write_text("import sys\nseed = sys.argv  # --seed\n")
    made = repository.parent / "ours"
    done = invoke("new", made, "--program", repository)
    text = (made / "recipe.yaml").read_text()
    assert f"line {line_of(text, '# FILL IN: no score')}: no score was found" in done.stdout
    with pytest.raises(InvalidRecipeError) as caught:
        load_recipe(made / "recipe.yaml")
    assert ("program.scores", line_of(text, "scores:")) in [
        (one.where, one.line) for one in caught.value.problems
    ]


def test_arguments_that_the_script_needs_are_placeholders_to_fill_in(
    invoke: Invoke, repository: Path
) -> None:
    (repository / "train.py").write_text(
        "import argparse\nparser = argparse.ArgumentParser()\n"
        "parser.add_argument('corpus')\nparser.add_argument('--config', required=True)\n"
        "parser.add_argument('--seed', type=int)\nparser.parse_args()\nprint(f'acc {a}')\n"
    )
    made = repository.parent / "ours"
    invoke("new", made, "--program", repository)
    text = (made / "recipe.yaml").read_text()
    assert '--config, "{config}", "{corpus}"]' in text
    with pytest.raises(InvalidRecipeError) as caught:
        load_recipe(made / "recipe.yaml")
    problems = caught.value.problems
    assert {one.line for one in problems} == {line_of(text, "command:")}
    assert ["{config}" in str(one) or "{corpus}" in str(one) for one in problems] == [True, True]


def test_a_shell_script_with_a_variable_for_the_seed(invoke: Invoke, repository: Path) -> None:
    (repository / "run.sh").write_text('SEED=${SEED:-0}\necho "accuracy: 0.9$SEED"\n')
    (repository.parent / "log").write_text("accuracy: 0.90\n")
    made = repository.parent / "ours"
    invoke("new", made, "--program", repository, "--output", repository.parent / "log")
    program = program_of(made / "recipe.yaml")
    assert program.command == ("bash", "run.sh")
    assert program.environment == {"SEED": "{seed}"}
    assert pt.check(made / "recipe.yaml").problems == []


def test_a_python_script_with_a_variable_for_the_seed(invoke: Invoke, repository: Path) -> None:
    (repository / "main.py").write_text(
        "import os\nseed = int(os.environ['RUN_SEED'])\nprint(f'acc {seed / 100}')\n"
    )
    made = repository.parent / "ours"
    invoke("new", made, "--program", repository / "main.py")
    assert program_of(made / "recipe.yaml").environment == {"RUN_SEED": "{seed}"}


def test_options_in_another_module_are_found(invoke: Invoke, repository: Path) -> None:
    (repository / "options.py").write_text(ARGPARSE.split("random.seed", maxsplit=1)[0])
    (repository / "train.py").write_text("from options import args\nprint(f'acc {args.seed}')\n")
    made = repository.parent / "ours"
    invoke("new", made, "--program", repository, "--no-run")
    assert "--seed" in program_of(made / "recipe.yaml").command


def test_a_help_that_hangs_is_stopped(repository: Path, tmp_path: Path) -> None:
    from papertrial.programs.suggest.ask_help import ask_help

    (repository / "train.py").write_text("import time, argparse\ntime.sleep(60)\n")
    assert ask_help(repository, ["{python}", "train.py"], seconds=1) is None
    (repository / "train.py").write_text("print('--seed S')\n")
    assert ask_help(repository, ["{python}", "train.py"], seconds=30) == "--seed S\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--program", "nowhere"], "--program nowhere does not exist"),
        (["--program", "empty"], "has no script that could train"),
        (["--output", "log"], "--output and --no-run are for --program"),
        (["--program", "some", "--output", "nolog"], "cannot read --output nolog"),
    ],
)
def test_bad_input(invoke: Invoke, tmp_path: Path, words: list[str], message: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "train.py").write_text("")
    done = invoke("new", "ours", *words, cwd=tmp_path)
    assert done.exit_code == 2
    assert message in done.stderr
    assert not (tmp_path / "ours").exists()


def test_names_that_yaml_could_take_for_something_else(invoke: Invoke, repository: Path) -> None:
    (repository / "train.py").write_text(ARGPARSE)
    for name in ("123", "null", "1e3"):
        made = repository.parent / name
        assert invoke("new", made, "--program", repository, "--no-run").exit_code == 0
        assert load_recipe(made / "recipe.yaml").name == name


def test_it_imports_no_torch(papertrial: Callable[..., object], repository: Path) -> None:
    import subprocess
    import sys

    (repository / "train.py").write_text(ARGPARSE)
    code = (
        "import sys\nfrom papertrial.cli.main import make_app\n"
        "make_app()(sys.argv[1:], standalone_mode=False)\n"
        "assert not {'torch', 'numpy', 'scipy'} & set(sys.modules)"
    )
    words = ["new", str(repository.parent / "ours"), "--program", str(repository), "--no-run"]
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_no_pattern_is_left_without_a_group(invoke: Invoke, repository: Path) -> None:
    (repository / "train.py").write_text(ARGPARSE)
    made = repository.parent / "ours"
    invoke("new", made, "--program", repository, "--no-run")
    patterns = [score.pattern for score in program_of(made / "recipe.yaml").scores.values()]
    assert patterns
    assert all(pattern and re.compile(pattern).groups == 1 for pattern in patterns)


@pytest.mark.parametrize(
    ("files", "command", "environment", "patterns"),
    [
        (  # a command in Hydra's form, here within a sentence of the README
            {"train.py": "print(f'loss {x}')", "README.md": "Run `python train.py m.seed=3 lr=1`."},
            ("{python}", "train.py", "m.seed={seed}", "lr=1"),
            {},
            {"loss": r"^\s*loss ([0-9.]+)"},
        ),
        (  # a key of Hydra's configuration
            {
                "train.py": "import hydra\n@hydra.main('conf')\ndef main(c): print(f'loss {c}')",
                "conf/main.yaml": "lr: 1\nseed: 3\n",
            },
            ("{python}", "train.py", "seed={seed}", "hydra.run.dir={out}"),
            {},
            {"loss": r"^\s*loss ([0-9.]+)"},
        ),
        (  # a log, with a time before each line, and colours
            {
                "train.py": "import sys, logging\nseed = int(sys.argv[1])\n"
                r"logging.info('\x1b[1mval acc\x1b[0m: %.2f %%, loss: %.3f', a, b)"
            },
            ("{python}", "train.py", "{seed}"),
            {},
            {"val_acc": r"\bval acc: ([0-9.]+) ?%", "loss": r"\bloss: ([0-9.]+)"},
        ),
        (
            {
                "run.sh": 'SEED=${1:-0}\nprintf "ppl %.2f\\n" $x\n',
                "README.md": "    ./run.sh 42\n",
            },
            ("./run.sh", "{seed}"),
            {},
            {"ppl": r"^\s*ppl ([0-9.]+)"},
        ),
        (
            {"fit.R": "seed <- as.integer(args[1])\ncat(sprintf('RMSE: %.4f\\n', x))"},
            ("Rscript", "fit.R", "{seed}"),
            {},
            {"rmse": r"^\s*RMSE: ([0-9.]+)"},
        ),
        (
            {"exp.pl": 'GetOptions("seed=i" => \\$seed);\nprint("accuracy = $acc\\n");'},
            ("perl", "exp.pl", "--seed", "{seed}"),
            {},
            {"accuracy": r"^\s*accuracy = ([0-9.]+)"},
        ),
        (
            {
                "Makefile": "SEED ?= 0\ntrain:\n\tperl exp.pl $(SEED)\n",
                "exp.pl": 'printf("Accuracy: %.2f%%\\n", 90 + rand());',
                "README.md": "```\nmake train\n```\n",
            },
            ("make", "train", "SEED={seed}"),
            {},
            {"accuracy": r"^\s*Accuracy: ([0-9.]+) ?%"},
        ),
        (  # what a shell script sets itself is no variable of the environment
            {"run.sh": 'N_SEED=3\necho "accuracy: $N_SEED of $RUN_SEED"\n'},
            ("bash", "run.sh"),
            {"RUN_SEED": "{seed}"},
            {"accuracy": r"^\s*accuracy: ([0-9.]+)"},
        ),
    ],
)
def test_repositories_of_other_kinds(
    invoke: Invoke,
    repository: Path,
    files: dict[str, str],
    command: tuple[str, ...],
    environment: dict[str, str],
    patterns: dict[str, str],
) -> None:
    for name, text in files.items():
        (repository / name).parent.mkdir(exist_ok=True)
        (repository / name).write_text(text)
    made = repository.parent / "ours"
    done = invoke("new", made, "--program", repository, "--no-run")
    assert done.exit_code == 0, done.stderr
    tree = yaml.safe_load((made / "recipe.yaml").read_text())["program"]
    assert tuple(tree["command"]) == command
    assert tree.get("environment", {}) == environment
    assert {name: score["pattern"] for name, score in tree["scores"].items()} == patterns


def test_tags_of_tensorboard_of_the_last_run_are_scores(invoke: Invoke, repository: Path) -> None:
    (repository / "train.py").write_text("writer = SummaryWriter()\nseed = sys.argv[1]\n")
    old, last = repository / "runs" / "May01", repository / "runs" / "May02"
    write_events(old, ("test/accuracy", 1, 0.5))
    write_events(
        last, ("train/loss", 1, 2), ("test/acc", 1, 93.1), ("test/acc", 2, 93.2), ("lr", 1, 1)
    )
    for folder, at in ((old, 1000), (last, 2000)):
        for path in folder.iterdir():
            os.utime(path, (at, at))
    made = repository.parent / "ours"
    invoke("new", made, "--program", repository, "--no-run")
    scores = program_of(made / "recipe.yaml").scores
    assert [(name, score.tensorboard, score.tag) for name, score in scores.items()] == [
        ("test_acc", "runs", "test/acc"),  # of a folder whose name does not have the time
        ("train_loss", "runs", "train/loss"),
    ]
    assert (scores["test_acc"].unit, scores["test_acc"].which) == ("percent", "last")


def test_a_number_of_the_readme_is_about_the_score_of_its_name(
    invoke: Invoke, repository: Path
) -> None:
    (repository / "train.py").write_text("print(f'Test loss: {a}, Test acc: {b}%')\n")
    (repository / "README.md").write_text("| | Test Accuracy (%) |\n|--|--|\n| a | 84.5 ± 0.3 |\n")
    made = repository.parent / "ours"
    invoke("new", made, "--program", repository, "--no-run")
    assert '{metric: test_acc, value: "84.5 %"' in (made / "recipe.yaml").read_text()


def test_what_click_needs_is_filled_in(invoke: Invoke, repository: Path) -> None:
    (repository / "train.py").write_text(
        "import click\n@click.option('--seed')\n@click.argument('corpus')\n"
        "@click.argument('extra', required=False)\n@click.argument('more', nargs=-1)\n"
        "def main(**given): print(f'acc {given}')\n"
    )
    made = repository.parent / "ours"
    invoke("new", made, "--program", repository, "--no-run")
    assert '--seed, "{seed}", "{corpus}"]' in (made / "recipe.yaml").read_text()
