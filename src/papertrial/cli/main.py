"""The `papertrial` command: its subcommands and its exit codes.

0 done; 2 the user's input is wrong; 70 our own error; 130 interrupted. `verify`: 0 all claims are
reproduced, 1 one is not, 3 one is undecided. `audit`: 1 what is kept does not agree with itself.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import Annotated, ParamSpec

import typer

from papertrial.cli import (
    audit,
    check,
    data,
    evaluate,
    list_recipes,
    new,
    plan,
    predict,
    report,
    runs,
    schema,
    show,
    train,
    verify,
)
from papertrial.errors import PapertrialError
from papertrial.version import __version__

P = ParamSpec("P")
USAGE, INTERNAL, INTERRUPTED, PIPE_CLOSED = 2, 70, 130, 141


def guarded(command: Callable[P, None]) -> Callable[P, None]:
    """Turn what a command raises into one message and an exit code."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
            sys.stdout.flush()
        except PapertrialError as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(USAGE) from None
        except KeyboardInterrupt:
            typer.echo("interrupted", err=True)
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:  # `papertrial list | head`: nobody reads on
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(PIPE_CLOSED) from None
        except (typer.Exit, typer.BadParameter):
            raise
        except Exception:
            import traceback

            traceback.print_exc()
            typer.echo(
                "this is an error in papertrial itself, not in what you gave; please report it "
                "with the lines above",
                err=True,
            )
            raise typer.Exit(INTERNAL) from None

    return run


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"papertrial {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Put a paper's numbers on trial: train a recipe, keep all that made the result, predict."""


def make_app() -> typer.Typer:
    """Assemble the subcommands."""
    app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
    app.callback()(_root)
    app.command("new")(guarded(new.new))
    app.command("check")(guarded(check.check))
    app.command("train")(guarded(train.train))
    app.command("evaluate")(guarded(evaluate.evaluate))
    app.command("predict")(guarded(predict.predict))
    app.command("plan")(guarded(plan.plan))
    app.command("verify")(guarded(verify.verify))
    app.command("audit")(guarded(audit.audit))
    app.command("report")(guarded(report.report))
    app.add_typer(runs.make_runs_app(guarded), name="runs")
    app.command("list")(guarded(list_recipes.list_recipes))
    app.command("show")(guarded(show.show))
    app.command("schema")(guarded(schema.schema))
    app.add_typer(data.make_data_app(guarded), name="data")
    return app


def main() -> None:
    """Run the command line; the process ends with its exit code."""
    make_app()()
