"""Share all that was run, through DVC's remote: `python -m tools.share push`, elsewhere `python -m tools.share pull`.

Plain `dvc push --run-cache` sends what the current commit has in DVC's cache, and of other runs only that they were. It
leaves out what they made, and every file that git keeps, without which DVC brings no stage back from the run cache.
This sends and fetches those too, so that `dvc repro` elsewhere restores every run of every machine.
"""

import argparse
from collections.abc import Iterable
from pathlib import Path

from dvc.repo import Repo


def runs_of(repo: Repo) -> Iterable[tuple[str, str]]:
    """The runs in the run cache: the hash of what went in, and of what came out."""
    return [(path.parent.name, path.name) for path in Path(repo.stage_cache.cache_dir).glob("*/*/*") if path.is_file()]


def share(way: str) -> None:
    """Send (`push`) or fetch (`pull`) the current outputs, the run cache, and every file that a run in it made."""
    with Repo() as repo:
        getattr(repo, way)(run_cache=True)
        transfer = getattr(repo.cloud, way)
        for odb, objects in repo.stage_cache.get_used_objs(runs_of(repo)).items():
            failed = transfer(objects, odb=odb).failed
            if failed:
                raise SystemExit(f"error: {len(failed)} files could not be {way}ed. Is the remote complete? Try again.")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.share", description=__doc__.split("\n\n")[0])
    parser.add_argument("way", choices=("push", "pull"))
    share(parser.parse_args().way)


if __name__ == "__main__":
    main()
