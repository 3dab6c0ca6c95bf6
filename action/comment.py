"""Step "comment": write the verdict under the pull request, in one comment that is updated."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from github import answer_file

_PAGE, _MOST_PAGES = 100, 30
_BOT = "github-actions[bot]"  # who writes with the token of a workflow
_SECONDS = 30.0


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Follow no redirect: it would take the token to another place."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class Api:
    """The REST API of a repository.

    Args:
        root: of the API, "https://api.github.com".
        token: which may write to pull requests.
    """

    def __init__(self, root: str, token: str) -> None:
        self._root, self._token = root, token
        self._opener = urllib.request.build_opener(_NoRedirects)

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Return the JSON answer to a request; raises urllib.error.HTTPError."""
        request = urllib.request.Request(
            f"{self._root}/{path}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {self._token}",
                "Content-Type": "application/json",
                "User-Agent": "papertrial",
                "X-GitHub-Api-Version": "2022-11-28",
            },
        )
        with self._opener.open(request, timeout=_SECONDS) as answer:
            return json.load(answer)

    def login(self) -> str:
        """Return who the token belongs to; that of a workflow may not ask."""
        try:
            return str(self.ask("GET", "user")["login"])
        except urllib.error.HTTPError as error:
            if error.code not in (401, 403, 404):
                raise
            return _BOT


def mark_of(recipe: str) -> str:
    """Return the first line of the comment on a recipe, which is not shown."""
    return f"<!-- papertrial {hashlib.sha256(recipe.encode()).hexdigest()[:16]} -->"


def find_comment(api: Api, comments: str, mark: str, login: str) -> int | None:
    """Return the number of our comment. One by someone else with our mark is left alone."""
    for page in range(1, _MOST_PAGES + 1):
        found = api.ask("GET", f"{comments}?per_page={_PAGE}&page={page}")
        for one in found:
            author = (one.get("user") or {}).get("login")  # none if the account was deleted
            if author == login and (one.get("body") or "").startswith(mark):
                return int(one["id"])
        if len(found) < _PAGE:
            return None
    return None


def write_comment(api: Api, repository: str, pull: int, mark: str, text: str) -> str:
    """Update our comment under a pull request, or write it; return its address."""
    comments = f"repos/{repository}/issues/{pull}/comments"
    number = find_comment(api, comments, mark, api.login())
    body = {"body": f"{mark}\n{text}"}
    if number is None:
        return str(api.ask("POST", comments, body)["html_url"])
    return str(api.ask("PATCH", f"repos/{repository}/issues/comments/{number}", body)["html_url"])


def main() -> int:
    """Write it. A token that may not, as that of a fork, is a warning: the verdict stands."""
    event = json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_text("utf-8"))
    if "pull_request" not in event:
        print("no comment: this is not the run of a pull request")
        return 0
    api = Api(os.environ["GITHUB_API_URL"], os.environ["TOKEN"])
    text = answer_file().with_name("comment.md").read_text("utf-8")
    mark = mark_of(os.environ["RECIPE"])
    pull = int(event["pull_request"]["number"])
    try:
        print(write_comment(api, os.environ["GITHUB_REPOSITORY"], pull, mark, text))
    except (OSError, http.client.HTTPException, ValueError) as error:  # also no JSON
        why = "the token needs `permissions: pull-requests: write`, which forks do not get"
        print(f"::warning::papertrial could not comment on the pull request: {error}; {why}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
