"""Recipes of programs: placeholders, sources of scores, claims on them; each fault by its key."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from papertrial.errors import InvalidRecipeError, RecipeError
from papertrial.programs.spec import JsonScore, PatternScore, Which
from papertrial.recipe.digest import recipe_hash, training_hash
from papertrial.recipe.judged_claim import to_judged_claim
from papertrial.recipe.load import load_recipe, require_model, to_yaml
from papertrial.recipe.override import apply_override
from papertrial.recipe.portable import portable
from papertrial.recipe.program import ProgramRecipe
from papertrial.recipe.program_spec import to_program_spec

TREE: dict[str, Any] = {
    "name": "toy",
    "program": {
        "command": ["python", "train.py", "--seed", "{seed}", "--epochs", "{epochs}", "{out}"],
        "folder": ".",
        "parameters": {"epochs": 9.9},
        "scores": {
            "accuracy": {"pattern": "test acc: ([0-9.]+) ?%", "which": "last", "unit": "percent"},
            "val_loss": {"json": "{out}/result.json", "key": "final.loss", "better": "lower"},
        },
        "timeout": "2 h",
    },
    "claims": [
        {"metric": "accuracy", "value": "93 %", "tolerance": "1 point", "kind": "expected"},
        {"metric": "val_loss", "value": 3.28, "kind": "at-most"},
    ],
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "train.py").write_text("print('test acc: 93 %')")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def changed(*overrides: str, **set_: Any) -> dict[str, Any]:
    tree = copy.deepcopy(TREE)
    for text in overrides:
        _, problem = apply_override(tree, text)
        assert problem is None
    for path, value in set_.items():
        *parents, last = path.split("__")
        node: Any = tree
        for key in parents:
            node = node[int(key) if key.isdigit() else key]
        if value is None:
            del node[last]
        else:
            node[last] = value
    return tree


def loaded(tree: dict[str, Any] = TREE, *overrides: str) -> ProgramRecipe:
    recipe = load_recipe(tree, overrides)
    assert isinstance(recipe, ProgramRecipe)
    return recipe


def problems(tree: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(InvalidRecipeError) as caught:
        load_recipe(tree)
    return {problem.where: problem.message for problem in caught.value.problems}


def test_a_program_has_plain_arguments(folder: Path) -> None:
    spec = to_program_spec(loaded().program)
    assert spec.parameters == {"epochs": "9.9"}
    assert spec.timeout == 7200
    assert spec.scores["accuracy"] == PatternScore(
        pattern="test acc: ([0-9.]+) ?%", unit="percent", which=Which("last")
    )
    assert spec.scores["val_loss"] == JsonScore(path="{out}/result.json", key="final.loss")


@pytest.mark.parametrize(
    ("given", "seconds"), [("90 s", 90), ("1.5 min", 90), ("2h", 7200), ("1 d", 86400), (30, 30)]
)
def test_durations(folder: Path, given: object, seconds: float) -> None:
    assert loaded(changed(program__timeout=given)).program.timeout == seconds


def test_claims_take_unit_and_direction_from_the_scores(folder: Path) -> None:
    recipe = loaded()
    accuracy, loss = (to_judged_claim(claim, recipe) for claim in recipe.claims)
    assert accuracy.band == pytest.approx((0.92, 0.94))
    assert accuracy.score_name == "accuracy"
    assert accuracy.facts.is_fraction
    assert (loss.side, loss.facts.direction) == ("at-most", "lower")
    assert not loss.facts.is_fraction


def test_a_score_of_an_unknown_name_may_be_a_fraction(folder: Path) -> None:
    score = {"pattern": "dice ([0-9.]+)", "unit": "fraction", "better": "higher"}
    claim = {"metric": "dice", "value": "81 %", "tolerance": "2 points", "kind": "expected"}
    recipe = loaded(changed(program__scores__dice=score, claims=[claim]))
    assert to_judged_claim(recipe.claims[0], recipe).band == pytest.approx((0.79, 0.83))


def test_the_size_of_the_test_set_gives_the_step_of_a_score(folder: Path) -> None:
    recipe = loaded(changed(claims__0__samples=10_000))
    assert recipe.claims[0].samples == 10_000


def test_a_parameter_is_overridden_like_any_key(folder: Path) -> None:
    recipe = loaded(TREE, "program.parameters.epochs=3")
    assert recipe.program.parameters == {"epochs": "3"}
    # The numbers were reported for another setting.
    assert all(claim.not_judged for claim in recipe.claims)
    for other in ("seed=4", "program.timeout=3 h", "program.keep=['*.pt']"):
        assert not any(claim.not_judged for claim in loaded(TREE, other).claims)


def test_it_is_written_as_yaml_that_loads_to_the_same(folder: Path) -> None:
    (folder / "again.yaml").write_text(to_yaml(loaded()))
    assert load_recipe("again.yaml") == loaded()


def test_hashes_follow_files_command_and_parameters_not_the_place(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    first, whole = training_hash(loaded()), recipe_hash(loaded())
    other = tmp_path_factory.mktemp("elsewhere")
    (other / "train.py").write_bytes((folder / "train.py").read_bytes())
    assert training_hash(loaded(changed(program__folder=str(other)))) == first
    assert training_hash(loaded(changed(name="other", claims=[]))) == first
    assert training_hash(loaded(changed(program__parameters={"epochs": 3}))) != first
    assert recipe_hash(loaded(changed(claims__1__value=3.3))) != whole
    (folder / "train.py").write_text("print('test acc: 94 %')")
    assert training_hash(loaded()) != first


def test_a_portable_recipe_lists_the_files_beside_it(folder: Path) -> None:
    copies = portable(loaded())
    assert "folder: ./code" in copies.text
    assert [one.name for one in copies.dependencies] == ["code/train.py"]
    in_place = portable(loaded(changed(program__in_place=True)))
    assert str(folder) in in_place.text


def test_an_interpreter_that_is_not_copied_is_named_by_its_path(folder: Path) -> None:
    for name in (".venv/bin/python", "tools/run"):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text("")
    words = TREE["program"]["command"][1:]
    first = [
        loaded(changed(program__command=[name, *words])).program.command[0]
        for name in (".venv/bin/python", "tools/run", "python")
    ]
    assert first == [f"{folder}/.venv/bin/python", "tools/run", "python"]


def test_a_number_beside_program_may_be_a_parameter_of_it(folder: Path) -> None:
    with pytest.raises(InvalidRecipeError) as caught:
        loaded(changed(epochs=3))
    (problem,) = caught.value.problems
    assert problem.where == "epochs"
    assert "program.parameters.epochs" in problem.message
    with pytest.raises(InvalidRecipeError) as caught:
        loaded(changed(model={"use": "x.Y"}))
    assert "parameters" not in caught.value.problems[0].message


def test_what_needs_a_model_refuses_a_program(folder: Path) -> None:
    with pytest.raises(RecipeError, match="runs a program"):
        require_model(loaded())


SCORE = "program__scores__accuracy"


@pytest.mark.parametrize(
    ("change", "where", "words"),
    [
        (
            {"program__command": ["python", "{sead}", "{epochs}"]},
            "program.command.1",
            "did you mean",
        ),
        ({"program__command": ["python", "{seed", "{epochs}"]}, "program.command.1", "lone"),
        ({"program__command": ["python", "{epochs}"]}, "program.command", "{seed}"),
        ({"program__command": ["python", "{{seed}}", "{epochs}"]}, "program.command", "{seed}"),
        ({"program__seeded": False}, "program.seeded", "{seed}"),
        ({"program__command": ["python", "{seed}"]}, "program.parameters.epochs", "no effect"),
        ({"program__parameters": {"epochs": 1, "seed": 2}}, "program.parameters.seed", "name"),
        ({"program__folder": "nowhere"}, "program.folder", "nowhere"),
        ({"program__folder": "train.py"}, "program.folder", "is a file"),
        ({"program__folder": None}, "program.folder", "git"),
        ({"program__git": {"url": "x", "commit": "main"}}, "program.git.commit", "rev-parse"),
        ({"program__git": {"url": "x", "commit": 1234567}}, "program.git.commit", "string"),
        ({"program__parameters": {"9x": 1}}, "program.parameters.9x", ""),
        ({"program__environment": {"A B": 1}}, "program.environment.A B", "letters"),
        (
            {"program__git": {"url": "x", "commit": "abcdef0"}, "program__in_place": True},
            "program.git",
            "not both",
        ),
        ({"program__timeout": "2 weeks"}, "program.timeout", "2 h"),
        ({"program__keep": ["*.pt", "/etc/*"]}, "program.keep.1", "inside {out}"),
        ({"program__keep": ["a/../../x"]}, "program.keep.0", "inside {out}"),
        ({"program__keep": [""]}, "program.keep.0", "inside {out}"),
        ({"program__keep": ["{out}/*.pt"]}, "program.keep.0", "no placeholders"),
        ({"program__scores": {}}, "program.scores", "at least 1"),
        ({"program__command": []}, "program.command", "at least 1"),
        ({"program__command": "python t.py {seed}"}, "program.command", '["python", "t.py"'),
        ({f"{SCORE}__pattern": "acc: [0-9]+"}, f"{SCORE}.pattern", "no group"),
        ({f"{SCORE}__pattern": "(a)(b)"}, f"{SCORE}.pattern", "2 groups"),
        ({f"{SCORE}__pattern": "(acc"}, f"{SCORE}.pattern", "regular expression"),
        ({f"{SCORE}__json": "r.json"}, SCORE, "pattern and json"),
        ({SCORE: {"json": "r.json"}}, f"{SCORE}.key", "missing"),
        ({SCORE: {"csv": "r.csv", "key": "x"}}, f"{SCORE}.column", "missing"),
        ({SCORE: {"csv": "{oot}/r.csv", "column": "a"}}, f"{SCORE}.csv", "did you mean"),
        ({f"{SCORE}__step": "epoch"}, f"{SCORE}.step", "group"),
        ({f"{SCORE}__which": "median"}, f"{SCORE}.which", ""),
        (
            {"program__scores__bleu": {"pattern": "(.)", "which": "best"}},
            "program.scores.bleu.better",
            "better",
        ),
        ({f"{SCORE}__curve": {"every": 1, "last": 3}}, f"{SCORE}.curve", "step"),
        ({"claims__0__metric": "acuracy"}, "claims.0.metric", "accuracy"),
        ({"claims__0__split": "test"}, "claims.0.split", "remove"),
        ({"claims__1__better": "higher"}, "claims.1.better", "contradicts"),
        ({"claims__0__unit": "none"}, "claims.0.unit", "contradicts"),
        ({"claims__1__samples": 100}, "claims.1.samples", "fraction"),
        ({"claims__0__about": "new-samples"}, "claims.0.about", "prediction"),
        ({"claims__0__best_epoch_on_test": True}, "claims.0.best_epoch_on_test", "which: best"),
        ({"claims__0__kind": "exact", "claims__0__tolerance": None}, "claims.0.kind", "expected"),
        (
            {
                "claims": [
                    {"metric": "accuracy", "kind": "reaches", "value": 0.9, "by": {"step": 3}}
                ]
            },
            "claims.0.by",
            "curve",
        ),
        ({"model": {"use": "torch.nn.Linear"}}, "model", "program"),
        ({"epochs": 3}, "epochs", "program"),
    ],
)
def test_a_fault_is_reported_by_its_key(
    folder: Path, change: dict[str, Any], where: str, words: str
) -> None:
    found = problems(changed(**change))
    place = where.replace("__", ".")
    assert place in found
    assert words in found[place]


def test_all_faults_are_reported_together(folder: Path) -> None:
    found = problems(
        changed(
            program__command=["python", "{sead}"],
            program__folder="nowhere",
            program__scores__accuracy__pattern="acc",
            claims__1__metric="loss",
        )
    )
    assert {
        "program.command.1",
        "program.command",
        "program.folder",
        "program.scores.accuracy.pattern",
        "claims.1.metric",
    } <= found.keys()


def test_keys_of_programs_are_refused_in_a_recipe_with_a_model() -> None:
    with pytest.raises(InvalidRecipeError) as caught:
        load_recipe("digits-mlp", ["claims.0.unit=none", "claims.0.split=none"])
    assert {p.where for p in caught.value.problems} == {"claims.0.unit", "claims.0.split"}
