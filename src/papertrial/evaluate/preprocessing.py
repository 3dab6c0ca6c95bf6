"""What a run stores to read, prepare and interpret samples as in its training."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from papertrial.data.pipeline import PipelineState
from papertrial.data.texts.word_splits import WordSplit
from papertrial.evaluate.input_states import InputsState
from papertrial.evaluate.inputs import Inputs, inputs_from
from papertrial.record import Record
from papertrial.tasks.make_task import TASKS
from papertrial.tasks.task import Meaning, Task


class Preprocessing(Record):
    """preprocess.json: what outputs mean, how inputs are read, and the fitted pipeline.

    `task` is the name that recipes use.
    """

    task: str
    meaning: Meaning
    inputs: InputsState
    pipeline: PipelineState

    @classmethod
    def of(cls, name: str, task: Task, inputs: Inputs, pipeline: PipelineState) -> Self:
        """Return the document of the task `name`."""
        return cls(task=name, meaning=task.meaning(), inputs=inputs.state(), pipeline=pipeline)

    @model_validator(mode="after")
    def _check_parts(self) -> Self:
        if self.task not in TASKS:
            raise ValueError(f"there is no task {self.task!r}")
        task = TASKS[self.task]
        if self.meaning.family != task.family:
            raise ValueError(f"the task {self.task} is not {self.meaning.family}")
        for key, kind in (("inputs", self.inputs.kind), ("pipeline", self.pipeline.kind)):
            if kind not in task.kinds:
                takes = " or ".join(f"{one}s" for one in task.kinds)
                raise ValueError(f"the task {self.task} is for {takes}, but {key} for {kind}s")
        return self

    def make_task(self) -> Task:
        """Return the task that the run was trained for."""
        return TASKS[self.task].from_meaning(self.meaning)

    def make_inputs(self, split: WordSplit | None = None) -> Inputs:
        """Return what reads inputs as in the training.

        `split` splits texts into words, where they are not split in the usual way.

        Raises:
            DataError: that is not what split the texts in the training.
        """
        return inputs_from(self.inputs, split)
