"""Which of the nightly tests a change asks for."""

import fnmatch
import subprocess
from pathlib import Path

from tests.paths import ROOT


def git(*arguments: str, folder: Path = ROOT) -> list[str] | None:
    """The lines that git prints; None where it refuses."""
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True)
    return done.stdout.splitlines() if done.returncode == 0 else None


def changed_files(since: str | None = None, folder: Path = ROOT) -> list[str] | None:
    """Files that differ from the revision `since`, and new ones; None where there is no such revision.

    By default since this branch left origin/main; on main itself, since the commit before.
    """
    if not since:
        left_main = git("merge-base", "HEAD", "origin/main", folder=folder)
        here = git("rev-parse", "HEAD", folder=folder)
        since = left_main[0] if left_main and left_main != here else "HEAD~1"
    differing = git("diff", "--name-only", since, folder=folder)
    new = git("ls-files", "--others", "--exclude-standard", folder=folder)
    return None if differing is None or new is None else differing + new


def is_due(patterns: list[str], changed: list[str] | None) -> bool:
    """Whether one of the changed files is one of these, `*` standing for any path; always where it is not known."""
    return changed is None or any(fnmatch.fnmatch(file, pattern) for file in changed for pattern in patterns)
