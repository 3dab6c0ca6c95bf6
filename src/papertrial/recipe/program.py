"""The recipe of a program: any command on trial, in place of data, model, loss and optimizer."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Strict,
    Tag,
    WithJsonSchema,
)

from papertrial.claims.reach import Unit
from papertrial.recipe.plain_values import is_finite_number
from papertrial.recipe.section import Section
from papertrial.recipe.shared_keys import (
    Claims,
    Deviations,
    Paper,
    PaperSection,
    RecipeName,
    Seed,
    VerifySection,
)
from papertrial.recipe.verify import Verify
from papertrial.vocabulary import Better

_SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = r"^\s*(\d+(?:\.\d*)?|\.\d+)\s*(s|min|h|d)\s*$"
COMMIT = r"^[0-9a-fA-F]{7,64}$"
_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"  # of a parameter or an environment variable
WAYS = ("pattern", "json", "csv", "tensorboard")  # to read a score


def to_seconds(text: str) -> float | None:
    """Return the seconds of a time such as "90", "2 min" or "1 h"; None if it is not one."""
    found = re.match(_DURATION, text) or re.match(_DURATION, f"{text} s")
    seconds = 0.0 if found is None else float(found[1]) * _SECONDS[found[2]]
    return seconds if 0 < seconds < math.inf else None


def _check_duration(value: object) -> object:
    if is_finite_number(value) and value > 0:
        return float(value)
    has_unit = isinstance(value, str) and re.match(_DURATION, value)
    seconds = to_seconds(value) if isinstance(value, str) and has_unit else None
    if seconds is None:
        raise ValueError('must be a positive number of seconds, or text such as "2 h" or "30 min"')
    return seconds


def _check_text(value: object) -> object:
    """Convert a number to text, as YAML writes it; `1` and `"1"` are the same in a command."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def _check_name(name: str) -> str:
    if not re.match(_NAME, name):
        raise ValueError("must be a name of letters, digits and '_' that begins with no digit")
    return name


def _check_commit(commit: str) -> str:
    if not re.match(COMMIT, commit):
        raise ValueError(
            "must be the hash of a commit, 7 to 64 hexadecimal digits, because branches and tags "
            "move; `git rev-parse HEAD` prints one"
        )
    return commit


Duration = Annotated[
    float,
    BeforeValidator(_check_duration),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0},
                {"type": "string", "pattern": _DURATION},
            ]
        }
    ),
]
Word = Annotated[
    str, BeforeValidator(_check_text), WithJsonSchema({"type": ["string", "number", "boolean"]})
]
NameOfUser = Annotated[
    str,
    AfterValidator(_check_name),
    WithJsonSchema({"type": "string", "pattern": _NAME}),
]
Commit = Annotated[
    str,
    AfterValidator(_check_commit),
    WithJsonSchema({"type": "string", "pattern": COMMIT}),
]


class MeanOfLast(Section):
    """The mean of the last values of a curve."""

    mean_of_last: int = Field(ge=1, description="How many values.")


WHICH_FORMS = ("which by name", "which by number")  # as pydantic names the two in an error


def _form_of_which(value: object) -> str:
    return WHICH_FORMS[isinstance(value, Mapping | MeanOfLast)]


class CurvePoints(Section):
    """The points at which a program evaluates a score; they are registered."""

    unit: Unit = Field(default="step", description="What the points count.")
    every: int = Field(ge=1, description="Distance between two points.")
    last: int = Field(ge=1, description="The last point, at the end of the run.")

    @property
    def points(self) -> tuple[int, ...]:
        """The points in order; the last one may be nearer to the one before."""
        return (*range(self.every, self.last, self.every), self.last)


class ProgramScore(Section):
    """Where a score is read, once the program has ended: one of four ways."""

    pattern: str | None = Field(
        default=None,
        description="Regular expression for a line of the output. Its group, or the group `value`, "
        "is the number; a group `step` is the step or epoch. Standard output is searched, and if "
        "nothing matches there, standard error.",
    )
    json_: str | None = Field(
        default=None,
        alias="json",
        description="JSON file, or a file of JSON lines, which is a curve. Needs `key`.",
    )
    csv: str | None = Field(
        default=None, description="CSV file with a header; its rows are a curve. Needs `column`."
    )
    tensorboard: str | None = Field(
        default=None,
        description="Folder with event files of TensorBoard. Needs `tag`, and the package "
        "`tensorboard`.",
    )
    key: str | None = Field(
        default=None, description="Path in the JSON document: `final.val_loss`, `history.0`."
    )
    column: str | None = Field(default=None, description="Column of the CSV file.")
    tag: str | None = Field(default=None, description="Tag of a scalar in TensorBoard.")
    step: str | None = Field(
        default=None, description="Key or column with the step or epoch of a value."
    )
    which: Annotated[
        Annotated[Literal["only", "first", "last", "best"], Tag(WHICH_FORMS[0])]
        | Annotated[MeanOfLast, Tag(WHICH_FORMS[1])],
        Discriminator(_form_of_which),
    ] = Field(
        default="only",
        description="Which of several values is the score. `only` allows one value. `best` is the "
        "best of the curve, and `{mean_of_last: 5}` the mean of its end.",
    )
    better: Better | None = Field(
        default=None,
        description="Which values are better. Known for names such as `accuracy` and `loss`.",
    )
    unit: Literal["fraction", "percent", "none"] | None = Field(
        default=None,
        description="How the program prints it: a fraction of 1, percent (which is divided by "
        "100), or a unit of its own. If omitted, `fraction` for names such as `accuracy`, else "
        "`none`.",
    )
    curve: CurvePoints | None = Field(
        default=None,
        description="Points at which the program evaluates, for `kind: reaches`: `{every: 125, "
        "last: 6200}`.",
    )

    @property
    def way(self) -> str:
        """Which of the four ways it is read."""
        given = {"pattern": self.pattern, "json": self.json_, "csv": self.csv}
        return next((way for way, where in given.items() if where is not None), "tensorboard")


class GitSource(Section):
    """A commit of a Git repository."""

    url: str = Field(min_length=1, description="Address of the repository, or a local path.")
    commit: Commit = Field(
        description="Hash of the commit, at least 7 digits; not a branch or a tag."
    )


class Program(Section):
    """The command that trains and evaluates once, and where its scores are read.

    `{seed}`, `{out}` (a new folder for its output), `{data}` (the data folder), `{device}`,
    `{threads}`, `{python}` (the interpreter that runs papertrial) and the names in `parameters` are
    filled into the command, the environment and the paths of scores. `{{` is a brace.
    """

    command: Annotated[tuple[Word, ...], Strict(False)] = Field(
        min_length=1,
        description='The command and its arguments: `[python, train.py, --seed, "{seed}"]`.',
    )
    folder: str | None = Field(
        default=None,
        description="Folder of the program, relative to the recipe. Each seed runs in a copy of "
        "its files, without those that Git ignores.",
    )
    git: GitSource | None = Field(
        default=None, description="A commit of a repository, in place of `folder`."
    )
    parameters: dict[NameOfUser, Word] = Field(
        default={}, description="Values for placeholders: `{epochs: 9.9}` fills `{epochs}`."
    )
    scores: dict[str, ProgramScore] = Field(
        min_length=1, description="The scores that it reports, by name."
    )
    timeout: Duration | None = Field(
        default=None,
        description="Time after which a seed is stopped and has failed: `2 h`, or seconds. Units: "
        "`s`, `min`, `h`, `d`.",
    )
    environment: dict[NameOfUser, Word] = Field(
        default={}, description='Environment variables to set: `{OMP_NUM_THREADS: "1"}`.'
    )
    keep: Annotated[tuple[str, ...], Strict(False)] = Field(
        default=(),
        description="Files to keep of each seed, as glob patterns relative to `{out}` or to the "
        "folder. Files that scores are read from are always kept.",
    )
    seeded: bool = Field(
        default=True,
        description="`false` if the program takes no seed and runs differ by themselves.",
    )
    in_place: bool = Field(
        default=False, description="Run in the folder itself, not in a copy of it for each seed."
    )
    image: str | None = Field(
        default=None,
        description="Container image that the command runs; its digest is registered.",
    )


class ProgramRecipe(Section):
    """A program on trial, and the claims to test."""

    name: RecipeName
    paper: PaperSection = Paper()
    program: Program = Field(
        description="The command to run, in place of data, model, loss and optimizer."
    )
    seed: Seed = Field(default=0, description="The first seed of a verification.")
    claims: Claims = ()
    verify: VerifySection = Verify()
    deviations: Deviations = ()
