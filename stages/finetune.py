"""Fine-tune a LoRA adapter on the training data with transformers' Trainer, by PEFT or, on a GPU, Unsloth.

With finetune.processes above 1 the stage starts itself again under `accelerate launch`, one process a GPU; the first of
them writes. Checkpoints go to .scratch/finetune, outside the stage's outputs: DVC removes what a killed stage has
written, checkpoints stay, and the next run resumes from the newest complete one.

Reads  models/base/hf, data/train.jsonl, data/validation.jsonl, data/sources/instructions.jsonl
Writes models/adapter, metrics/finetune.json, metrics/loss.csv, reports/runs/finetune.json
"""

from pipeline import params
from pipeline.paths import ADAPTER, BASE, INSTRUCTIONS, TRAIN, VALIDATION
from pipeline.registry import Registry
from pipeline.training.launch import first_process, launch, launched
from pipeline.training.record import record
from pipeline.training.run import finetune
from pipeline.training.settings import load_params
from stages import run_stage


def main():
    p, registry = load_params(), params.load(Registry, None)
    if p.processes > 1 and not launched():
        return launch(p.processes, "stages.finetune")
    result = finetune(p, registry.seed, BASE / "hf", TRAIN, VALIDATION, ADAPTER, INSTRUCTIONS)
    if first_process():
        record(result)


if __name__ == "__main__":
    run_stage(main)
