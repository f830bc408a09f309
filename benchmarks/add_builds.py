"""How long a single `add` takes in two builds of this project, alternating in one run, as a ratio.

    python -m benchmarks.add_builds [--against 15f21e1] [--model models/gguf/model-q8_0.gguf] [--adds 60]

The other build is a git worktree of that commit in a temporary folder; both run in this environment, each in a process
of its own with a store of its own, and wait for each other. The order within a pair changes from item to item, so that
neither always comes second. Writes benchmarks/add_builds.json.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import record
from mem0_slm import hardware, io

WORKER = """
import json, sys, tempfile, time
from mem0_slm import memory_config
from mem0 import Memory
with tempfile.TemporaryDirectory() as folder:
    memory = Memory(memory_config(sys.argv[1], path=folder))
    print("ready", flush=True)
    for line in sys.stdin:
        started = time.perf_counter()
        stored = memory.add(json.loads(line), user_id="bench")["results"]
        print(json.dumps([time.perf_counter() - started, len(stored)]), flush=True)
"""


class Build:
    """A build in a process of its own, answering one add at a time."""

    def __init__(self, folder: Path, model: Path):
        environment = os.environ | {"PYTHONPATH": str(folder)}
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(model)],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        if self._line() != "ready":
            raise RuntimeError(f"{folder}: the build did not start")
        self.seconds: list[float] = []
        self.stored = 0

    def add(self, messages: list[dict]) -> None:
        self.process.stdin.write(json.dumps(messages) + "\n")
        self.process.stdin.flush()
        seconds, stored = json.loads(self._line())
        self.seconds.append(seconds)
        self.stored += stored

    def _line(self) -> str:
        while line := self.process.stdout.readline():
            if line.startswith(("ready", "[")):  # a library's own prints aside
                return line.strip()
        raise RuntimeError("a build ended before its answer")

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", default="15f21e1", help="commit of the other build")
    parser.add_argument("--model", default="models/gguf/model-q8_0.gguf")
    parser.add_argument("--adds", type=int, default=60, help="adds of each build, after 3 that are not counted")
    arguments = parser.parse_args()
    model = Path(arguments.model).resolve()
    items = [i for i in io.read_jsonl("data/natural.jsonl") if i["query"]][: arguments.adds]
    with tempfile.TemporaryDirectory() as folder:
        other = Path(folder) / "build"
        subprocess.run(["git", "worktree", "add", "--detach", "-q", str(other), arguments.against], check=True)
        try:
            builds = {"this": Build(Path.cwd(), model), "other": Build(other, model)}
            for i, item in enumerate(items[:3] + items):
                for name in ("this", "other") if i % 2 else ("other", "this"):
                    builds[name].add(item["messages"])
            for build in builds.values():
                build.close()
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(other)], check=True)
    seconds = {name: build.seconds[3:] for name, build in builds.items()}
    ratios = [a / b for a, b in zip(seconds["this"], seconds["other"])]
    record(
        "add_builds",
        {
            "against": arguments.against,
            "adds": len(items),
            "median_seconds": {name: round(statistics.median(values), 4) for name, values in seconds.items()},
            "ratio_of_medians": round(statistics.median(seconds["this"]) / statistics.median(seconds["other"]), 3),
            "median_of_ratios": round(statistics.median(ratios), 3),
            "memories": {name: build.stored for name, build in builds.items()},
            "model_sha256": io.sha256(model),
            "threads": hardware.threads(),
        },
    )


if __name__ == "__main__":
    main()
