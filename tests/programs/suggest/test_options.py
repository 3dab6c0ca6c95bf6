"""The options of a script, from its help text and from its source."""

from __future__ import annotations

import argparse

import pytest

from papertrial.programs.suggest.any_language import seed_position, variables_in_text
from papertrial.programs.suggest.options import (
    ScriptOption,
    merged,
    options_in_help,
    options_in_source,
    positional_in_source,
    variables_in_source,
)

CLICK = """Usage: train.py [OPTIONS]

Options:
  --seed INTEGER       Random seed.  [default: 0]
  --out PATH           Where results go.  [required]
  --fast / --no-fast   Skip things.
  --help               Show this message and exit.
"""
TYPER = """
 Usage: train.py [OPTIONS]

╭─ Options ──────────────────────────────────────────────╮
│ *  --data-dir        PATH     [default: None] [required] │
│    --seed        -s  INTEGER  [default: 3]               │
│    --help                     Show this message and exit.│
╰──────────────────────────────────────────────────────────╯
"""
SOURCE = """
import argparse, os
parser = argparse.ArgumentParser()
parser.add_argument("data")
parser.add_argument("extra", nargs="?")
parser.add_argument("-s", "--seed", type=int, default=1)
parser.add_argument("--config", required=True)
parser.add_argument("--fast", action="store_true")
seed = int(os.environ.get("MY_SEED", "0"))
"""


def by_flag(options: tuple[ScriptOption, ...]) -> dict[str, ScriptOption]:
    return {option.flag: option for option in options}


def test_the_help_of_argparse() -> None:
    parser = argparse.ArgumentParser(
        formatter_class=argparse.ArgumentDefaultsHelpFormatter, prog="train.py"
    )
    parser.add_argument("-s", "--seed", type=int, default=1, metavar="S", help="random seed")
    parser.add_argument("--num-epochs", type=int, default=14, help="a long text " * 20)
    parser.add_argument("--kind", choices=["a", "b"])
    parser.add_argument("--fast", action="store_true", help="quick")
    found = by_flag(options_in_help(parser.format_help()))
    assert found["--seed"] == ScriptOption("--seed", takes_value=True, default="1")
    assert found["--num-epochs"].default == "14"
    assert found["--num-epochs"].key == "num_epochs"
    assert found["--kind"].takes_value
    assert not found["--fast"].takes_value


def test_the_help_of_click_and_typer() -> None:
    found = by_flag(options_in_help(CLICK))
    assert found["--seed"] == ScriptOption("--seed", takes_value=True, default="0")
    assert found["--out"] == ScriptOption("--out", takes_value=True, required=True)
    assert not found["--fast"].takes_value
    found = by_flag(options_in_help(TYPER))
    assert found["--seed"].default == "3"
    assert found["--data-dir"] == ScriptOption("--data-dir", takes_value=True, required=True)


def test_the_source_of_argparse() -> None:
    found = by_flag(options_in_source(SOURCE))
    assert found["--seed"] == ScriptOption("--seed", takes_value=True, default="1")
    assert found["--config"].required
    assert not found["--fast"].takes_value
    assert positional_in_source(SOURCE) == ("data",)
    assert variables_in_source(SOURCE) == ("MY_SEED",)
    assert options_in_source("parser.add_argument(") == ()


@pytest.mark.parametrize(
    ("source", "option"),
    [
        (
            '@click.option("--seed", "-s", default=7)\ndef main(seed): ...',
            ScriptOption("--seed", takes_value=True, default="7"),
        ),
        (
            '@click.option("--fast/--slow", default=False)\ndef main(fast): ...',
            ScriptOption("--fast", takes_value=False),
        ),
        (
            'flags.DEFINE_integer("seed", 42, "the seed")',
            ScriptOption("--seed", takes_value=True, default="42"),
        ),
    ],
)
def test_the_source_of_others(source: str, option: ScriptOption) -> None:
    assert options_in_source(source) == (option,)


def test_what_help_does_not_say_the_source_does() -> None:
    helped = [ScriptOption("--seed", takes_value=True)]
    source = [ScriptOption("--seed", takes_value=True, default="1", required=True)]
    assert merged(helped, source) == (source[0],)


def test_a_shell_script_reads_variables() -> None:
    assert variables_in_text("python x.py --seed $SEED --out ${OUT}") == ("SEED", "OUT")
    assert variables_in_text("SEED=3\nOUT=${OUT:-x}\nrun $SEED $OUT $(GPU)") == ("OUT", "GPU")


@pytest.mark.parametrize(
    ("source", "position"),
    [
        ("SEED=${1:-0}", 1),
        ('local seed="$2"', 2),
        ("my $seed = shift // 0;", 1),
        ("my $seed = $ARGV[1];", 2),
        ("seed <- as.integer(args[1])", 1),
        ("seed = parse(Int, ARGS[2])", 2),
        ("    random_seed = int(sys.argv[1])", 1),
        ("# seed = int(sys.argv[1])", None),
        ("seed = 1  # of 2", None),
        ("torch.manual_seed(args.seed)", None),
    ],
)
def test_the_argument_that_is_the_seed(source: str, position: int | None) -> None:
    assert seed_position(f"first line\n{source}\n") == position
