"""The rows that show a training in the live display."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from papertrial.cli.live import Line, Row, Shown, describe_step
from papertrial.evaluate.metrics import scalars
from papertrial.numbers import number, plural
from papertrial.progress import Step
from papertrial.training.events import Evaluated, Event, Started, Trained

_MOST_METRICS = 4  # of an evaluation, in a row


class TrainingRows:
    """Describes the events of one training, one after another."""

    def __init__(self) -> None:
        self._epochs = 0
        self._fold = ""  # "fold 2/10 " of a run with folds
        self._row = Row("")
        self._headline = ""
        self._evaluations: dict[str, str] = {}  # the last one of each split

    def rows(self, event: Event) -> Iterator[Shown]:
        """Yield the rows that an event of a training changes in the live display."""
        match event:
            case Step():
                yield from describe_step(event)
            case Started():
                yield from self._start(event)
            case Trained():
                yield self._train(event)
            case Evaluated():
                yield from self._evaluate(event)

    def _start(self, event: Started) -> Iterator[Shown]:
        samples = ", ".join(f"{count:,} {split}" for split, count in event.rows.items())
        epochs, steps = plural(event.epochs, "epoch"), plural(event.steps, "step")
        parameters = plural(event.parameters, "parameter")
        self._fold = f"fold {event.fold + 1}/{event.folds} " if event.folds else ""
        if event.fold == 0:
            yield Line(f"{parameters} on {event.device}; samples: {samples}; {epochs}, {steps}")
            yield Line(f"run folder: {event.run.parent if event.folds else event.run}")
            for note in event.notes:
                yield Line(note)
        self._epochs, self._evaluations = event.epochs, {}
        self._row = Row(f"{self._fold}epoch 1/{event.epochs}", 0, event.steps, "steps")
        yield self._row

    def _train(self, event: Trained) -> Row:
        at = event.progress
        self._headline = event.headline
        self._row = replace(
            self._row,
            label=f"{self._fold}epoch {at.epoch}/{self._epochs}",
            done=at.step,
            text="  ".join(
                [
                    f"loss {number(at.loss)}",
                    *_batch_score(event),
                    *self._evaluations.values(),
                    f"{at.samples_per_second:,.0f} samples/s",
                ]
            ),
            always=at.step == self._row.total,
        )
        return self._row

    def _evaluate(self, event: Evaluated) -> Iterator[Shown]:
        if event.final:
            label = f"{self._fold}evaluated {event.split}"
            yield replace(self._row, label=label, always=False)
            return
        numbers = scalars(event.metrics)
        if event.split != "train" and self._headline in numbers:
            names = [self._headline]
            if names == ["loss"]:  # of tensors it is the only known metric, and others say more
                names += [name for name in numbers if name != "loss"][: _MOST_METRICS - 1]
            shown = (f"{name} {number(numbers[name])}" for name in names)
            text = f"{event.split} {', '.join(shown)}"
            self._evaluations[event.split] = text
            # Who asks for a test curve wants to keep it; other splits have their place in the row.
            yield Line(f"step {event.step}  {text}", plain=event.split != "test")


def _batch_score(event: Trained) -> list[str]:
    """Return the headline metric of the last batch, unless it is the loss, which is shown too."""
    return [] if event.score is None else [f"batch {event.headline} {number(event.score)}"]
