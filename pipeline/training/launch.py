"""A training in several processes, one a GPU."""

import os
import subprocess
import sys


def launch(processes: int, module: str) -> None:
    """Run `python -m module` in so many processes by `accelerate launch`. Raises SystemExit if it fails."""
    command = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", f"--num_processes={processes}"]
    command += ["--num_machines=1", "--mixed_precision=no", "--dynamo_backend=no", "--main_process_port=0"]
    done = subprocess.run([*command, "-m", module])
    if done.returncode:
        raise SystemExit(done.returncode)


def launched() -> bool:
    """Whether this process is one of those that `launch` started."""
    return "LOCAL_RANK" in os.environ


def first_process() -> bool:
    """Whether this process is the one that writes: the only one, or the first of several."""
    return not int(os.environ.get("RANK", 0))
