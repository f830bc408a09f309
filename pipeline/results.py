"""The one way in which a figure is written, with the machine and the commit it comes from."""

import csv
import importlib.metadata
import json
import os
import platform
import subprocess
from io import StringIO
from pathlib import Path

from mem0_slm import io
from mem0_slm.hardware import threads


def git_commit() -> str:
    """The commit that the working tree is at, with "+" when tracked code differs from it; "unknown" outside git."""
    try:
        commit = subprocess.run(
            ["git", "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=True
        ).stdout.strip()
        code = ["mem0_slm", "pipeline", "stages", "params.yaml", "dvc.yaml", "data/sources", "data/labels"]
        changed = subprocess.run(["git", "diff", "--quiet", "HEAD", "--", *code], capture_output=True).returncode
        return commit + "+" * bool(changed)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def host(*packages: str) -> dict:
    """Facts that stand beside every measured figure: machine, versions, commit."""
    model = "unknown"
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    except OSError:
        pass
    versions = {}
    for package in packages:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "not installed"
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": model,
        "threads": threads(),
        "memory_gib": round(memory / 2**30, 1),
        "python": platform.python_version(),
        "versions": versions,
        "commit": git_commit(),
    }


def numbers(value):
    """`value` with texts and lists of anything but numbers left out, at any depth: what a table of metrics can show."""
    if isinstance(value, dict):
        kept = {key: numbers(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item not in (None, {})}
    if isinstance(value, list):
        return value if value and all(isinstance(item, (int, float)) for item in value) else None
    return value if isinstance(value, (int, float)) else None


def pick(facts: dict, names: tuple[str, ...]) -> dict:
    """The facts of these names, those that are there: a `headline` for `record`."""
    return {name: facts[name] for name in names if name in facts}


def keep(name: str, facts: dict, *packages: str) -> None:
    """Write reports/runs/<name>.json: everything, with the machine, the commit and the versions of `packages`.

    So each figure can be traced. Facts that another stage measured bring its `host`, and keep it.
    """
    io.write_json(f"reports/runs/{name}.json", facts if "host" in facts else facts | {"host": host(*packages)})


def record(name: str, facts: dict, *packages: str, headline: dict | None = None) -> None:
    """Write what a stage measured, twice: whole by `keep`, and in metrics/<name>.json what DVC's tables show of it.

    That is the numbers of `headline` (by default of all facts): the tables have a column for each.
    """
    keep(name, facts, *packages)
    io.write_json(f"metrics/{name}.json", numbers(facts if headline is None else headline))


def write_csv(path: Path, columns: tuple[str, ...], rows: list) -> None:
    """Write rows of texts and numbers under their columns; None is an empty cell, floats have six digits."""
    text = StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([f"{cell:.6g}" if isinstance(cell, float) else cell for cell in row] for row in rows)
    io.write_text(path, text.getvalue())


def flat(value, prefix: str = "") -> dict[str, float]:
    """Numbers of nested dicts by dotted name."""
    if isinstance(value, dict):
        return {
            name: number
            for key, item in value.items()
            for name, number in flat(item, f"{prefix}.{key}" if prefix else key).items()
        }
    return {prefix: value} if isinstance(value, (int, float)) else {}


def committed(revision: str, path: str) -> dict[str, float] | None:
    """The numbers of a JSON file as a git revision has it, by dotted name; None if it has no such file.

    `path` is relative to the working folder, which need not be the root of its git repository. Raises DataError for an
    unknown revision.
    """
    known = subprocess.run(["git", "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}"], capture_output=True)
    if known.returncode:
        raise io.DataError(f"git revision {revision!r} is unknown. Fetch it, or name another with --against.")
    shown = subprocess.run(["git", "show", f"{revision}:./{path}"], capture_output=True, text=True)
    return flat(json.loads(shown.stdout)) if shown.returncode == 0 else None
