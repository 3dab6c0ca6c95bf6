"""The `papertrial` command: its subcommands and its exit codes.

0: success. 2: the user's input is wrong. 70: an error in papertrial. 130: interrupted; 143 by
SIGTERM. 141: the reader of standard output has gone. `verify`, `judge` and `combine`: 0 if all
claims are reproduced, 1 if one is not, 3 if one is undecided. `accept`: 0 if the candidate is
accepted, 1 if it is rejected, 3 if undecided. `audit`: 1 if something differs.
"""

from __future__ import annotations

import functools
import os
import shlex
import sys
from collections.abc import Callable
from typing import Annotated, ParamSpec

import typer

from papertrial.cli import (
    accept,
    audit,
    badge,
    check,
    combine,
    data,
    evaluate,
    judge,
    list_recipes,
    new,
    plan,
    predict,
    register,
    report,
    runs,
    schema,
    show,
    train,
    verify,
)
from papertrial.errors import PapertrialError, TrainingStopped
from papertrial.version import __version__

P = ParamSpec("P")
USAGE, INTERNAL, INTERRUPTED, PIPE_CLOSED = 2, 70, 130, 141


def guarded(command: Callable[P, None]) -> Callable[P, None]:
    """Wrap a command so that an exception becomes one message and an exit code."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
            sys.stdout.flush()
        except PapertrialError as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(USAGE) from None
        except TrainingStopped as stopped:
            typer.echo(
                f"stopped after {stopped.step:,} steps; to continue:\n"
                f"papertrial train --resume {shlex.quote(stopped.run)}",
                err=True,
            )
            raise typer.Exit(128 + stopped.signal) from None
        except KeyboardInterrupt:
            typer.echo("interrupted", err=True)
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:  # as in `papertrial list | head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(PIPE_CLOSED) from None
        except (typer.Exit, typer.BadParameter):
            raise
        except Exception:
            import traceback

            traceback.print_exc()
            typer.echo(
                "this is an error in papertrial, not in your input; please report it, with the "
                "lines above",
                err=True,
            )
            raise typer.Exit(INTERNAL) from None

    return run


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"papertrial {__version__}")
        raise typer.Exit


def _main_command(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Check the numbers that a paper reports: train a recipe, verify its claims, predict."""


def make_app() -> typer.Typer:
    """Return the command `papertrial` with all its subcommands."""
    app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
    app.callback()(_main_command)
    app.command("new")(guarded(new.new_command))
    app.command("check")(guarded(check.check_command))
    app.command("train")(guarded(train.train_command))
    app.command("evaluate")(guarded(evaluate.evaluate_command))
    app.command("predict")(guarded(predict.predict_command))
    app.command("plan")(guarded(plan.plan_command))
    app.command("register")(guarded(register.register_command))
    app.command("verify")(guarded(verify.verify_command))
    app.command("judge")(guarded(judge.judge_command))
    app.command("combine")(guarded(combine.combine_command))
    app.command("accept")(guarded(accept.accept_command))
    app.command("audit")(guarded(audit.audit_command))
    app.command("badge")(guarded(badge.badge_command))
    app.command("report")(guarded(report.report_command))
    app.add_typer(runs.make_runs_app(guarded), name="runs")
    app.command("list")(guarded(list_recipes.list_command))
    app.command("show")(guarded(show.show_command))
    app.command("schema")(guarded(schema.schema_command))
    app.add_typer(data.make_data_app(guarded), name="data")
    return app


def main() -> None:
    """Run the command `papertrial` and exit with its exit code."""
    make_app()()
