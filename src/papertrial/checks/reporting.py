"""Errors of a check as problems in its result."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from papertrial.checks.check_result import CheckResult
from papertrial.diagnose.diagnosis import Diagnosis
from papertrial.errors import PapertrialError
from papertrial.recipe.program import ProgramRecipe
from papertrial.recipe.schema import Recipe

_KEY = re.compile(r"([a-z_]+(?:\.[a-z_0-9]+)*): ")


@contextmanager
def reporting(result: CheckResult, where: str, fix: str) -> Iterator[None]:
    """Add an error that a user can fix to the check's result; the rest of the block is skipped.

    Args:
        result: where the error is added.
        where: the key path of the error if its message does not begin with one.
        fix: what to do about it.
    """
    try:
        yield
    except PapertrialError as error:
        text = str(error)
        named = _KEY.match(text)
        keys = (*Recipe.model_fields, *ProgramRecipe.model_fields)
        if named and named[1].partition(".")[0] not in keys:
            named = None  # the name of a file or a function, not a key of the recipe
        key, message = (named[1], text[named.end() :]) if named else (where, text)
        result.problems.append(Diagnosis("error", key, message, fix))
