"""Speed of fine-tuning: this project's trainer against TRL's SFTTrainer, same machine, in one run.

    pip install -r requirements-bench.txt
    python -m benchmarks.finetune_speed [--steps 24] [--batch-size 8]

Same on both sides: base model, examples, LoRA rank and modules, learning rate and schedule, bf16 on the CPU, threads,
batch size, steps; a loss on the answers' tokens alone, all weighing the same. The rest is each side's default (TRL pads
a batch, computes the head at every position and recomputes activations in the backward pass). Each side runs in a process
of its own.

Ours compiles the decoder's layers, as it does in a run of the default size; that takes some 30 s in the first step. Speed
is that of the steps after the first `WARM_UP`, in tokens that are no padding. `validation_loss` is the mean
cross-entropy of the answers' tokens of data/validation.jsonl after training, from the same function for both.
Prints both sides and writes them, with the `ratio` of their speeds, to benchmarks/finetune_speed.json.
"""

import argparse
import subprocess
import sys
import tempfile
import time

from benchmarks import record
from mem0_slm import hardware, io
from pipeline import params
from pipeline.paths import BASE
from pipeline.training import loss
from pipeline.training import model as training_model
from pipeline.training.settings import FinetuneSettings
from pipeline.training.trainer import trainer_for

WARM_UP = 3
"""Steps that are not timed: layers are compiled, kernels chosen and memory first touched in them."""
SEED = 1
VALIDATION = 60
"""Examples that the loss is taken on."""


def validation_loss(model, rows: list[dict]) -> float:
    """Mean cross-entropy of the labelled tokens of encoded examples, one forward pass each."""
    import torch
    from torch.nn.functional import cross_entropy

    from pipeline.training import batches, encode

    total = count = 0
    model.eval()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        for row in rows:
            batch, labels = batches.pack([row]), torch.tensor(row["labels"][1:])
            logits = model(input_ids=batch["input_ids"], layout=batch["layout"]).logits[
                0, :-1
            ]  # layout: for our attention alone
            total += cross_entropy(logits.float(), labels, ignore_index=encode.IGNORED, reduction="sum").item()
            count += (labels != encode.IGNORED).sum().item()
    return total / count


def timed(trainer, tokens_of) -> dict:
    """Train. `tokens_of(batch)` counts the tokens of a batch that are no padding."""
    from transformers import TrainerCallback

    tokens, ends, collate = [], [], trainer.data_collator

    def counting(rows):
        batch = collate(rows)
        tokens.append(int(tokens_of(batch)))
        return batch

    class Clock(TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs):
            ends.append(time.perf_counter())

    trainer.data_collator = counting
    trainer.add_callback(Clock())
    started = time.perf_counter()
    trainer.train()
    seen, seconds = sum(tokens[WARM_UP : len(ends)]), ends[-1] - ends[WARM_UP - 1]
    return {
        "warm_up_seconds": round(ends[WARM_UP - 1] - started, 1),
        "tokens_per_second": round(seen / seconds, 1),
        "tokens": seen,
        "seconds": round(seconds, 1),
        "steps_timed": len(ends) - WARM_UP,
    }


def ours(p, encoded: list[dict], folder: str):
    from transformers import set_seed
    from transformers.trainer_utils import IntervalStrategy

    from pipeline.training import attention

    set_seed(SEED)
    model = training_model.load("peft", BASE / "hf", p, "bfloat16", SEED, attention.register())
    if p.compile == "always":
        loss.compile_layers(model)
    trainer = trainer_for(model, encoded, encoded[:1], p, SEED, folder, "bfloat16")
    trainer.args.eval_strategy = trainer.args.save_strategy = IntervalStrategy.NO
    return trainer, timed(trainer, lambda batch: batch["tokens"])


def trl(p, examples: list[dict], folder: str):
    from datasets import Dataset
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    steps = len(examples) // p.batch_size
    trainer = SFTTrainer(
        model=str(BASE / "hf"),
        args=SFTConfig(
            output_dir=folder,
            max_steps=steps,
            per_device_train_batch_size=p.batch_size,
            learning_rate=p.learning_rate,
            lr_scheduler_type="cosine",
            warmup_steps=round(p.warmup_share * steps),
            seed=SEED,
            data_seed=SEED,
            use_cpu=True,
            bf16=True,
            save_strategy="no",
            report_to="none",
        ),
        train_dataset=Dataset.from_list(
            [{"prompt": e["messages"][:-1], "completion": e["messages"][-1:]} for e in examples]
        ),
        peft_config=LoraConfig(
            r=p.lora_r,
            lora_alpha=p.lora_alpha,
            lora_dropout=p.lora_dropout,
            target_modules=p.target_modules,
            task_type="CAUSAL_LM",
        ),
    )
    return trainer, timed(trainer, lambda batch: batch["attention_mask"].sum())


def side(name: str, steps: int, batch_size: int, out: str) -> None:
    """One side's run, in this process; its figures go to the file `out`."""
    import torch
    from transformers import AutoTokenizer

    from pipeline.training import encode

    p = params.load(FinetuneSettings, "finetune")
    p = p.changed(batch_size=batch_size, epochs=1.0, decision_weight=1.0, compile="always")
    torch.set_num_threads(p.threads or hardware.threads())
    tokenizer = AutoTokenizer.from_pretrained(BASE / "hf")
    read = lambda file, n: [e for e in io.read_jsonl(file) if e["kind"] == "extraction"][:n]  # noqa: E731
    examples = read("data/train.jsonl", steps * batch_size)
    encoded, held_out = (
        [encode.encode(e, tokenizer, p.max_length, 1.0) for e in es]
        for es in (examples, read("data/validation.jsonl", VALIDATION))
    )
    with tempfile.TemporaryDirectory() as folder:
        trainer, figures = ours(p, encoded, folder) if name == "ours" else trl(p, examples, folder)
    figures["validation_loss"] = round(validation_loss(trainer.model.get_base_model(), held_out), 4)
    figures["trainable_parameters"] = sum(w.numel() for w in trainer.model.parameters() if w.requires_grad)
    figures["peak_rss_gib"] = round(hardware.peak_rss_bytes() / 2**30, 2)
    io.write_json(out, figures)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--side", choices=("ours", "trl"), help=argparse.SUPPRESS)
    parser.add_argument("--out", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.steps <= WARM_UP:
        parser.error(f"--steps must be more than {WARM_UP}, which are not timed")
    if arguments.side:
        return side(arguments.side, arguments.steps, arguments.batch_size, arguments.out)
    result = {"batch_size": arguments.batch_size, "steps": arguments.steps, "validation_examples": VALIDATION}
    with tempfile.TemporaryDirectory() as folder:
        for name in ("ours", "trl"):
            out = f"{folder}/{name}.json"
            command = [sys.executable, "-m", "benchmarks.finetune_speed", "--side", name, "--out", out]
            subprocess.run([*command, f"--steps={arguments.steps}", f"--batch-size={arguments.batch_size}"], check=True)
            result[name] = io.read_json(out)
    result["ratio"] = round(result["ours"]["tokens_per_second"] / result["trl"]["tokens_per_second"], 2)
    record("finetune_speed", result, "torch", "transformers", "peft", "trl")


if __name__ == "__main__":
    main()
