"""Reading and writing files so that a reader never sees half of one.

Every file is written whole under a temporary name in the same folder, flushed to disk and renamed. JSON is sorted and
finite (NaN is an error, not a value), so that `git diff` and `dvc metrics diff` show what changed and nothing else.
"""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any


class DataError(ValueError):
    """A file does not hold what it should. The message names file, line or key, what was found and the remedy."""


class MissingFile(DataError):
    """A file to be read is not there."""


@contextlib.contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it is synced and renamed to `path`, else removed.

    The body may create a file or a folder under the temporary path. An existing target is replaced.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    holder = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    temporary = holder / path.name
    try:
        yield temporary
        if temporary.is_dir():
            if path.is_dir() and not path.is_symlink():
                os.replace(path, holder / f"{path.name}.old")  # in one step: a kill never leaves half of the old folder
        else:
            with open(temporary, "rb+") as f:
                os.fsync(f.fileno())
        os.replace(temporary, path)
    finally:
        shutil.rmtree(holder, ignore_errors=True)


def free_disk_bytes(path: Path | str) -> int:
    """Bytes free on the disk on which `path` will lie."""
    place = next(folder for folder in (Path(path), *Path(path).resolve().parents) if folder.exists())
    return shutil.disk_usage(place).free


def require_disk(path: Path | str, needed: int) -> None:
    """Raise DataError unless the disk on which `path` will lie has `needed` bytes free."""
    free = free_disk_bytes(path)
    if free < needed:
        raise DataError(
            f"{path}: needs about {needed / 1e6:,.1f} MB of disk, {free / 1e6:,.1f} MB are free. "
            "Free space, or move the folder to another disk."
        )


def write_text(path: Path | str, text: str) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path | str, value: Any) -> None:
    """Write `value` as sorted, indented JSON, in ASCII: DVC takes a metrics file with much other text for a binary one.

    Raises ValueError for NaN and infinities.
    """
    write_text(path, json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n")


def write_jsonl(path: Path | str, rows: Iterable[dict]) -> None:
    write_text(
        path, "".join(json.dumps(row, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n" for row in rows)
    )


def read_json(path: Path | str) -> Any:
    path = Path(path)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MissingFile(f"{path}: no such file.") from None
    except ValueError as error:
        raise DataError(f"{path}: not JSON ({error}). Delete it and make it again.") from None


def read_jsonl(path: Path | str, required: dict[str, type] | None = None) -> list[dict]:
    """Read a list of objects, one JSON object a line; `required` maps keys that every object has to their types.

    Raises DataError naming file, line and key for anything else.
    """
    path = Path(path)
    try:
        # not splitlines(): U+2028 and its like are legal inside a JSON string
        lines = path.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        raise MissingFile(f"{path}: no such file.") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text ({error}).") from None
    rows = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise DataError(f"{path}:{number}: not JSON ({error}): {line[:80]!r}") from None
        if not isinstance(row, dict):
            raise DataError(f"{path}:{number}: expected an object, found {line[:80]!r}")
        for key, kind in (required or {}).items():
            if not isinstance(row.get(key), kind):
                raise DataError(f"{path}:{number}: key {key!r} must be a {kind.__name__}, found {row.get(key)!r}")
        rows.append(row)
    return rows


def sha256(path: Path | str) -> str:
    """Hex digest of a file, or of a folder: its files' relative names and contents in sorted order."""
    path = Path(path)
    digest = hashlib.sha256()
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    for file in files:
        if path.is_dir():
            digest.update(str(file.relative_to(path)).encode() + b"\0")
        with open(file, "rb") as f:
            while block := f.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
