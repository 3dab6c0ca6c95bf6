"""Which scores of a training are reported: of an epoch, or means over the last evaluations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from papertrial.recipe.section import Section

ReportRule = Literal["last", "best-on-validation", "best-on-test", "mean-of-last"]
# The two forms of `report`, as pydantic names them in the key path of an error.
REPORT_FORMS = ("reported epoch", "reported mean")

MEAN_OF_LAST = "mean of the last "  # how a registration begins to name it, before the number


class MeanOfLast(Section):
    """Report means over the last evaluations of each part; the weights kept are the last ones."""

    count: int = Field(
        alias="mean-of-last",
        ge=2,
        description="Number of evaluations. `evaluate.test` must be `every-epoch` or "
        "`every-interval`. What is not one number, such as a confusion matrix, is that of the last "
        "evaluation; so are the predictions.",
    )


def _form_of_report(value: object) -> str:
    return REPORT_FORMS[isinstance(value, Mapping | MeanOfLast)]


Report = Annotated[
    Annotated[Literal["last", "best-on-validation", "best-on-test"], Tag(REPORT_FORMS[0])]
    | Annotated[MeanOfLast, Tag(REPORT_FORMS[1])],
    Discriminator(_form_of_report),
]
