"""Fine-tune a LoRA adapter on the training data: transformers' Trainer, with PEFT or, on a GPU, Unsloth (pipeline/training/model.py).

The model's forward pass is replaced by its loss: a batch is one row of examples without padding (pipeline/training/batches.py), and
the language-model head is computed only at the positions that carry a label. With finetune.processes above 1 the stage starts itself again
under `accelerate launch`, one process a GPU; the first of them writes.

Checkpoints go to .scratch/finetune, outside the stage's outputs: DVC removes outputs of a killed stage, these stay, and
the next run resumes from the newest complete one.

Reads  models/base/hf, data/train.jsonl, data/validation.jsonl, data/sources/instructions.jsonl
Writes models/adapter, metrics/finetune.json, metrics/loss.csv
"""

import os
import subprocess
import sys
from pathlib import Path

from mem0_slm import io
from pipeline import params, results
from pipeline.paths import ADAPTER, BASE, INSTRUCTIONS
from pipeline.registry import Registry
from pipeline.training.run import finetune
from pipeline.training.settings import load_params
from stages import run_stage

HEADLINE = ("train_loss_last", "validation_loss", "seconds", "tokens_per_second", "peak_rss_gib", "peak_vram_gib")
"""What DVC's tables show of a training; the rest is in reports/runs."""


def launch(processes: int) -> None:
    """Run this stage in `processes` processes by `accelerate launch`. Raises SystemExit with its status when it fails."""
    command = [
        sys.executable,
        "-m",
        "accelerate.commands.launch",
        "--multi_gpu",
        f"--num_processes={processes}",
        "--num_machines=1",
    ]
    command += ["--mixed_precision=no", "--dynamo_backend=no", "--main_process_port=0", "-m", "stages.finetune"]
    done = subprocess.run(command)
    if done.returncode:
        raise SystemExit(done.returncode)


def main():
    p, registry = load_params(), params.load(Registry, None)
    if p.processes > 1 and "LOCAL_RANK" not in os.environ:
        return launch(p.processes)
    metrics, log = finetune(
        p, registry.seed, BASE / "hf", Path("data/train.jsonl"), Path("data/validation.jsonl"), ADAPTER, INSTRUCTIONS
    )
    if int(os.environ.get("RANK", 0)):
        return
    rows = {}
    for row in log:
        rows.setdefault(row["step"], {}).update(row)
    columns = ("loss", "eval_loss", "learning_rate", "grad_norm", "rss_gib", "vram_gib")
    lines = [
        f"{step}," + ",".join(f"{row[c]:.6g}" if c in row else "" for c in columns)
        for step, row in sorted(rows.items())
    ]
    io.write_text("metrics/loss.csv", "step," + ",".join(columns) + "\n" + "\n".join(lines) + "\n")
    results.record("finetune", metrics, "torch", "transformers", "peft", headline=results.pick(metrics, HEADLINE))


if __name__ == "__main__":
    run_stage(main)
