"""Reports as files: report.json, and the pages report.md and report.html rendered from it."""

from __future__ import annotations

from pathlib import Path

from papertrial.errors import RunError
from papertrial.store.report_record import Report
from papertrial.store.run_folder import RunFolder
from papertrial.store.verification_folder import (
    PREREGISTRATION,
    REPORT_HTML,
    REPORT_JSON,
    REPORT_MD,
    VerificationFolder,
)


def write_report(folder: Path, report: Report) -> Path:
    """Write a report into a folder as report.json, report.md and report.html, each atomically.

    Returns:
        the path of report.html.

    Raises:
        RunError: the folder cannot be written to.
    """
    # The pages are rendered from the report as it will be read, so that they are equal later.
    report = Report.from_json(report.to_json(), folder / REPORT_JSON)
    pages = _pages(report)
    kept = RunFolder(folder)
    kept.write_record(REPORT_JSON, report)
    for name, text in pages.items():
        kept.write(name, text)
    return folder / REPORT_HTML


def read_report(folder: Path) -> Report:
    """Read the report file of a run or verification, report.json in its folder.

    Raises:
        RunError: it is absent, because the verification is not finished or the file was removed;
            or it is damaged, or has another format version.
    """
    if (folder / PREREGISTRATION).is_file() and not (folder / REPORT_JSON).is_file():
        kept = VerificationFolder(folder).state
        state = "not started" if kept is None else kept.state
        if state != "finished":
            raise RunError(
                f"the verification {folder} is not finished (its state is {state!r}), so it has no "
                "report yet; the same `papertrial verify` command resumes it"
            )
    return RunFolder(folder).read_record(REPORT_JSON, Report)


def render_again(folder: Path) -> dict[str, str]:
    """Return the report files that the report.json of a folder renders to: pages by file name.

    Nothing is written.

    Raises:
        RunError: report.json is absent, damaged, or has another format version.
    """
    report = read_report(folder)
    try:
        return _pages(report)
    # Parts that do not fit each other, such as a curve with fewer values than epochs.
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        path = folder / REPORT_JSON
        raise RunError(f"{path} is damaged: {type(error).__name__}: {error}") from error


def _pages(report: Report) -> dict[str, str]:
    from papertrial.report.render.html import render_html  # noqa: PLC0415  (matplotlib is slow to import)
    from papertrial.report.render.markdown import render_markdown  # noqa: PLC0415

    return {REPORT_HTML: render_html(report), REPORT_MD: render_markdown(report)}
