"""The command line as a user meets it: what it prints, and its exit codes.

A process of its own takes seconds to import torch, so only what it could change is tested in one.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageOps
from sklearn.datasets import load_digits
from typer.testing import Result

from papertrial.recipe.load import shipped_recipes

RunCli = Callable[..., "subprocess.CompletedProcess[str]"]
Invoke = Callable[..., Result]


@pytest.fixture(scope="module")
def trained(papertrial: RunCli, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    folder = tmp_path_factory.mktemp("runs")
    done = papertrial("train", "digits-mlp", "epochs=5", "--runs", folder, "--json")
    assert done.returncode == 0, done.stderr
    result: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return result


@pytest.fixture
def digit(tmp_path: Path) -> Path:
    path = tmp_path / "digit.png"
    bunch = load_digits()
    Image.fromarray((bunch.images[900] * (255 / 16)).round().astype("uint8")).save(path)
    return path


def test_train_ends_with_the_contract(trained: dict[str, object]) -> None:
    assert list(trained) == [
        "run", "recipe", "seed", "device", "classes", "metrics", "report", "claims",
        "vocabulary", "epoch_seconds", "seconds", "folds",
    ]  # fmt: skip
    assert Path(str(trained["run"])).is_dir()
    assert trained["recipe"] == "digits-mlp"


def test_train_tells_progress_in_plain_lines_and_ends_with_a_table(
    invoke: Invoke, tmp_path: Path
) -> None:
    done = invoke("train", "digits-mlp", "epochs=2", "--runs", tmp_path)
    assert done.exit_code == 0
    assert "epoch 2/2  58/58 steps  loss" in done.stderr
    assert "samples/s" in done.stderr
    assert "\x1b" not in done.stderr + done.stdout
    assert "accuracy" in done.stdout
    assert done.stdout.splitlines()[-1].startswith(f"run: {tmp_path}/digits-mlp/")


def test_predict_prints_a_table(invoke: Invoke, trained: dict[str, object], digit: Path) -> None:
    done = invoke("predict", str(trained["run"]), digit, "--top", "2")
    assert done.exit_code == 0
    assert "probability" in done.stdout
    assert "converted" not in done.stdout


def test_predict_prints_json(invoke: Invoke, trained: dict[str, object], digit: Path) -> None:
    big = digit.with_name("big.jpg")
    Image.open(digit).resize((40, 30)).convert("RGB").save(big)
    done = invoke("predict", str(trained["run"]), digit, big, "--json")
    assert done.exit_code == 0
    first, second = json.loads(done.stdout)
    assert list(first) == ["input", "prediction", "probabilities"]
    assert first["input"] == str(digit)
    assert set(first["probabilities"]) == set("0123456789")
    assert second["converted"] == "from 40x30 RGB to 8x8 grayscale"


def test_predict_hints_at_an_inverted_image(
    invoke: Invoke, trained: dict[str, object], digit: Path
) -> None:
    inverted = digit.with_name("inverted.png")
    ImageOps.invert(Image.open(digit)).save(inverted)
    done = invoke("predict", str(trained["run"]), digit, inverted)
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("hint: ")]
    assert line.startswith(f"hint: {inverted}: its border is lighter")
    first, second = json.loads(
        invoke("predict", str(trained["run"]), digit, inverted, "--json").stdout
    )
    assert "hint" not in first
    assert "inverted" in second["hint"]
    many = [inverted] * 12
    lines = invoke("predict", str(trained["run"]), *many).stdout.splitlines()
    assert lines[-1] == "hint: and 2 more inputs differ"


def test_list_names_each_recipe_whole(papertrial: RunCli) -> None:
    done = papertrial("list")  # on 80 columns, there being no terminal
    assert all(name in done.stdout for name in shipped_recipes())
    assert "test accuracy at least 0.8355 (83.55 %)" in done.stdout
    assert "  image-classification, fashion-mnist " in done.stdout
    assert "  prediction, digit_scenes.py:scenes " in done.stdout
    rows = json.loads(papertrial("list", "--json").stdout)
    assert [row["name"] for row in rows] == sorted(shipped_recipes())
    claims = {row["name"]: row["claims"] for row in rows}
    assert claims["fashion-mnist-quickstart"][0] == "test accuracy 0.646 (64.6%)"
    assert claims["cifar10-tutorial"] == ["test accuracy 0.55 (55 %)"]
    assert claims["digits-mlp-as-svc"] == ["test accuracy at least 0.96885"]
    assert claims["cifar10-resnet20"][1] == "parameters 270,000 (0.27M)"


def test_a_shown_recipe_runs_as_it_is(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text(invoke("show", "digits-mlp").stdout)
    assert (tmp_path / "my.yaml").read_text() == shipped_recipes()["digits-mlp"]
    changed = invoke("show", "digits-mlp", "epochs=1", "optimizer.lr=0.01").stdout
    (tmp_path / "changed.yaml").write_text(changed)
    for name in ("my.yaml", "changed.yaml"):
        done = invoke("train", name, "epochs=1", "--runs", "runs", cwd=tmp_path)
        assert done.exit_code == 0, done.stderr
    assert len(list(tmp_path.glob("runs/*/*"))) == 2


def test_a_copy_of_a_shown_program_runs_the_shipped_files(invoke: Invoke, tmp_path: Path) -> None:
    import papertrial as package

    (tmp_path / "my.yaml").write_text(invoke("show", "shell-script").stdout)
    copy = package.load_recipe(tmp_path / "my.yaml")
    assert copy == package.load_recipe("shell-script")
    folder = Path(package.__file__).parent / "recipes" / "programs" / "shell-script"
    assert Path(copy.program.folder) == folder


@pytest.mark.parametrize("name", ["digits-distillation", "digits-unet"])
def test_a_copy_of_a_shown_recipe_has_the_code_and_the_weights(
    name: str, invoke: Invoke, tmp_path: Path
) -> None:
    import papertrial as package

    (tmp_path / "my.yaml").write_text(invoke("show", name).stdout)
    assert package.load_recipe(tmp_path / "my.yaml") == package.load_recipe(name)


def test_schema_is_the_shipped_one(invoke: Invoke) -> None:
    import papertrial as package

    shipped_schema = Path(package.__file__).parent / "recipes" / "recipe.schema.json"
    assert invoke("schema").stdout == shipped_schema.read_text()


def test_help_and_version(papertrial: RunCli) -> None:
    assert papertrial("--help").returncode == 0
    assert papertrial("--version").stdout.startswith("papertrial 0.")


BAD_RECIPES = {
    "syntax.yaml": ("name: x\ntask: [1,\nmodel: y\n", "YAML syntax error"),
    "empty.yaml": ("", "must be a mapping of keys to values, got an empty file"),
    "unknown.yaml": ("name: x\nlearning_rate: 1\n", "line 2, learning_rate: unknown key"),
    "binary.yaml": ("\x00\x01", "YAML syntax error"),
}


@pytest.mark.parametrize("name", sorted(BAD_RECIPES))
def test_a_bad_recipe_is_one_message(invoke: Invoke, tmp_path: Path, name: str) -> None:
    text, message = BAD_RECIPES[name]
    (tmp_path / name).write_text(text)
    told(invoke("train", name, cwd=tmp_path), message)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "digits-mpl"], 'did you mean "digits-mlp"?'),
        (["train", "absent.yaml"], "cannot read the recipe absent.yaml"),
        (["train", "digits-mlp", "optimzer.lr=1"], 'did you mean "optimizer"?'),
        (["train", "digits-mlp", "nonsense"], "must have the form dotted.key=value"),
        (["train", "digits-mlp", "epochs=0"], "must be greater than or equal to 1, got 0"),
        (
            ["train", "digits-mlp", "data.batch_size=0"],
            "data.batch_size: must be a number of samples",
        ),
        (["train", "digits-mlp", "model.use=torch.nn.Nope"], "torch.nn has no 'Nope'"),
        (["train", "digits-mlp", "model.use=torch.pi"], "must name a class or function"),
        (["train", "digits-mlp", "model.hiden=[3]"], 'did you mean "hidden"?'),
        (
            ["train", "digits-mlp", "optimizer.lr=fast"],
            "must be a number for torch.optim.Adam, got 'fast'",
        ),
        (["train", "digits-mlp", "model.out_features=8"], "got [32, 8]"),
        (["train", "digits-mlp", "model.in_features=9"], "expects 9 inputs but receives 64"),
        (["train", "digits-mlp", "--device", "cuda:99"], "this machine has no device 'cuda:99'"),
        (["train", "digits-mlp", "--runs", "/dev/null/x"], "cannot write /dev/null/x"),
        (["predict", "/dev/null", "x.png"], "there is no run folder /dev/null"),
        (["predict", ".", "x.png"], "is not a run folder"),
    ],
)
def test_bad_input_is_one_message(
    invoke: Invoke, tmp_path: Path, words: list[str], message: str
) -> None:
    told(invoke(*words, cwd=tmp_path), message)


def test_a_process_of_its_own_ends_in_the_same_message_and_code(
    papertrial: RunCli, tmp_path: Path
) -> None:
    done = papertrial("train", "digits-mlp", "optimzer.lr=1", cwd=tmp_path)
    assert done.returncode == 2
    assert 'did you mean "optimizer"?' in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_bad_prediction_inputs(
    invoke: Invoke, trained: dict[str, object], digit: Path, tmp_path: Path
) -> None:
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "cut.png").write_bytes(digit.read_bytes()[:60])
    (tmp_path / "empty").mkdir()
    run = str(trained["run"])
    told(invoke("predict", run, tmp_path / "text.png"), "text.png is not an image")
    told(invoke("predict", run, tmp_path / "cut.png"), "cut.png cannot be read as an image")
    told(invoke("predict", run, tmp_path / "gone.png"), "there is no file or folder")
    told(invoke("predict", run, tmp_path / "empty"), "has no image files")
    told(invoke("predict", run, tmp_path / "text.png", "--top", "0"), "--top")


def told(done: Result, message: str) -> None:
    assert done.exit_code == 2, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_our_own_error_is_70() -> None:
    code = (
        "import sys; from papertrial.cli import main, list_recipes\n"
        "list_recipes.list_command.__code__ = (lambda as_json=False: 1 / 0).__code__\n"
        "sys.argv = ['papertrial', 'list']; main.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 70
    assert "ZeroDivisionError" in done.stderr


def test_ctrl_c_is_130_and_the_run_says_so(tmp_path: Path) -> None:
    code = (  # the signal may be ignored here, and so in what is started from here
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from papertrial.cli.main import main; main()"
    )
    words = ["train", "digits-mlp", "epochs=100000", "--runs", str(tmp_path)]
    with subprocess.Popen(
        [sys.executable, "-c", code, *words], stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            deadline = time.monotonic() + 300
            while not list(tmp_path.glob("*/*/metrics.jsonl")) and time.monotonic() < deadline:
                time.sleep(0.1)
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=300)
        finally:
            process.kill()
    assert process.returncode == 130
    assert said.splitlines()[-1].startswith("papertrial train --resume ")
    (provenance,) = tmp_path.glob("*/*/provenance.json")
    assert json.loads(provenance.read_text())["state"] == "interrupted"
