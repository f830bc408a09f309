"""Fine-tune a LoRA adapter on the training data: transformers' Trainer, with PEFT or, on a GPU, Unsloth (mem0_slm/tuning.py).

The model's forward pass is replaced by its loss: a batch is one row of examples without padding (mem0_slm/packing.py), and
the language-model head is computed only at the positions that carry a label. With finetune.processes above 1 the stage starts itself again
under `accelerate launch`, one process a GPU; the first of them writes.

Checkpoints go to .scratch/finetune, outside the stage's outputs: DVC removes outputs of a killed stage, these stay, and
the next run resumes from the newest complete one.

Reads  models/base/hf, data/train.jsonl, data/validation.jsonl, data/sources/instructions.jsonl
Writes models/adapter, metrics/finetune.json, metrics/loss.csv
"""

import contextlib
import functools
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from mem0_slm import hardware, io, params, tuning
from stages.prepare_base import BASE, Registry

ADAPTER = Path("models/adapter")
SCRATCH = Path(".scratch/finetune")
INSTRUCTIONS = Path("data/sources/instructions.jsonl")
HEADLINE = ("train_loss_last", "validation_loss", "seconds", "tokens_per_second", "peak_rss_gib", "peak_vram_gib")
"""What DVC's tables show of a training; the rest is in reports/runs."""
ROW_STEP = 32
"""The tokens of a batch are brought to a multiple of this, so that few shapes occur (see packing.lengthened)."""


@dataclass(frozen=True)
class Params:
    engine: str
    load_in_4bit: bool
    lora_r: int
    lora_alpha: int
    lora_dropout: float
    target_modules: list[str]
    target_parameters: list[str]
    learning_rate: float
    epochs: float
    batch_size: int
    warmup_share: float
    weight_decay: float
    decision_weight: float
    closing_weight: float
    max_length: int
    precision: str
    compile: str
    gradient_checkpointing: bool
    processes: int
    threads: int
    save_steps: int

    def __post_init__(self):
        for name in ("lora_r", "lora_alpha", "batch_size", "max_length", "processes", "save_steps"):
            params.require(getattr(self, name) >= 1, name, getattr(self, name), "must be at least 1")
        for name in ("learning_rate", "epochs", "decision_weight", "closing_weight"):
            params.require(getattr(self, name) > 0, name, getattr(self, name), "must be greater than 0")
        for name in ("lora_dropout", "warmup_share"):
            params.require(0 <= getattr(self, name) < 1, name, getattr(self, name), "must lie in [0, 1)")
        params.require(
            self.precision in ("auto", "bf16", "fp32"), "precision", self.precision, "must be auto, bf16 or fp32"
        )
        params.require(
            self.compile in ("auto", "always", "never"), "compile", self.compile, "must be auto, always or never"
        )
        params.require(self.threads >= 0, "threads", self.threads, "must be 0 (all) or a number of threads")
        params.require(
            self.engine in ("auto", "peft", "unsloth"), "engine", self.engine, "must be auto, peft or unsloth"
        )
        targets = self.target_modules + self.target_parameters
        params.require(
            bool(targets),
            "target_modules",
            self.target_modules,
            "must name at least one module, or target_parameters a parameter",
        )
        params.require(
            not (self.target_parameters and self.lora_dropout),
            "lora_dropout",
            self.lora_dropout,
            "must be 0.0 with target_parameters: a parameter has no input to drop from",
        )
        params.require(
            not (self.target_parameters and self.load_in_4bit),
            "load_in_4bit",
            self.load_in_4bit,
            "must be false with target_parameters: bitsandbytes holds modules alone",
        )
        params.require(
            self.batch_size % self.processes == 0,
            "batch_size",
            self.batch_size,
            f"must be a multiple of processes ({self.processes})",
        )


def load_params(path=params.PARAMS_FILE, model: str | None = None) -> Params:
    """The section `finetune`, with what the registry's entry for the model (None: the chosen one) sets in its place."""
    registry = params.load(Registry, None, path)
    name = model or registry.model
    p = params.load(Params, "finetune", path)
    changes = registry.models[name].finetune
    return (
        params.build(Params, params.read(path)["finetune"] | changes, path, f"models.{name}.finetune") if changes else p
    )


def decoder_of(model):
    """The layers without the head. Llama 4's text model names itself as its decoder."""
    causal = model.get_base_model()
    decoder = causal.get_decoder()
    return causal.model if decoder is causal else decoder


def decode(model, batch: dict, dtype: str):
    """The decoder's last hidden states, (rows, tokens, width), for what `packing.pack` or `packing.pad` made."""
    import torch

    inputs = {key: value for key, value in batch.items() if key not in ("labels", "weights", "tokens")}
    with torch.autocast(batch["input_ids"].device.type, torch.bfloat16, enabled=dtype == "bfloat16"):
        return decoder_of(model)(**inputs, use_cache=False).last_hidden_state  # the adapter's layers are inside it


def head(model, hidden, dtype: str):
    import torch

    with torch.autocast(hidden.device.type, torch.bfloat16, enabled=dtype == "bfloat16"):
        return model.get_base_model().get_output_embeddings()(hidden)


def token_losses(logits, targets):
    """Cross-entropy of each token, in float32: logits (tokens, vocabulary), targets (tokens)."""
    import torch

    return torch.nn.functional.cross_entropy(logits.float(), targets, reduction="none")


def answer_loss(model, batch: dict, dtype: str, weight_per_example: float):
    """Weighted cross-entropy of the answers' tokens, a scalar tensor: their sum over examples * weight_per_example.

    The divisor is the same for every batch, so that a token counts alike whatever stands beside it.
    """
    from mem0_slm import packing

    hidden = decode(model, batch, dtype)[:, :-1]
    targets, weights = batch["labels"][:, 1:], batch["weights"][:, 1:]
    chosen = targets != packing.IGNORED
    logits = head(
        model, hidden[chosen.to(hidden.device)], dtype
    )  # a model spread over GPUs ends on another than it began
    losses = getattr(model, "token_losses", token_losses)(logits, targets[chosen].to(logits.device))
    return (losses.to(weights.device) * weights[chosen]).sum() / (packing.examples_of(batch) * weight_per_example)


PROSE_CHECKS = 20


def prose_share(model, tokenizer, asked: list[str], dtype: str, collate) -> float | None:
    """How many general instructions still get an answer that does not begin as JSON, as a share; None without instructions.

    One pass each: what an extraction looks like is decided by its first token.
    """
    import torch
    from accelerate.utils import send_to_device

    from mem0_slm import packing

    prose = 0
    model.eval()
    for text in asked:
        ids = list(
            tokenizer.apply_chat_template(
                [{"role": "user", "content": text}], add_generation_prompt=True, return_dict=False
            )
        )
        batch = collate([{"input_ids": ids, "labels": [packing.IGNORED] * len(ids), "weights": [0.0] * len(ids)}])
        with torch.no_grad(), eager():
            hidden = decode(model, send_to_device(batch, model.device), dtype)
            token = head(model, hidden[0, len(ids) - 1], dtype).argmax().item()
        prose += not tokenizer.decode([token]).lstrip().startswith(("{", "["))
    return round(prose / len(asked), 4) if asked else None


def held_out_instructions(file: Path, train_file: Path) -> list[str]:
    """Up to `PROSE_CHECKS` instructions of an Alpaca-form JSONL file whose answers training has not seen."""
    seen = {e["messages"][-1]["content"] for e in io.read_jsonl(train_file) if e["kind"] == "instruction"}
    rows = [
        row
        for row in io.read_jsonl(file)
        if row["output"] not in seen and not row["output"].lstrip().startswith(("{", "["))
    ]
    return [io.alpaca_prompt(row) for row in rows[:PROSE_CHECKS]]


COMPILE_TOKENS = 100_000
"""From how many training tokens on compiling pays: it takes 30 s and then saves a quarter of the time (measured on 2 cores)."""


def compile_pays(p: Params, train: list[dict]) -> bool:
    import torch

    if p.compile != "auto":
        return p.compile == "always"
    return (
        not torch.cuda.is_available()
        and not p.load_in_4bit
        and p.epochs * sum(len(e["input_ids"]) for e in train) >= COMPILE_TOKENS
    )


def eager():
    """A context in which compiled layers run as they were: a form of their own for evaluation is not worth its compiling."""
    import torch

    loaded = "torch._dynamo" in sys.modules  # else nothing is compiled, and loading it takes seconds
    return torch.compiler.set_stance("force_eager") if loaded else contextlib.nullcontext()


def compile_layers(model) -> None:
    """Compile the decoder's layers, once for all of them, and the loss."""
    import torch

    model.token_losses = torch.compile(token_losses, dynamic=True)
    model.enable_input_require_grads()  # else the first layer, whose input needs no gradient, is compiled in a form of its own
    for layer in decoder_of(model).layers:
        layer.compile(dynamic=True)


def last_complete(folder: Path) -> Path | None:
    """The newest checkpoint whose files are all there with the sizes noted when it was saved; others are named and skipped."""
    found = sorted(folder.glob("checkpoint-*"), key=lambda p: int(p.name.split("-")[1]), reverse=True)
    for checkpoint in found:
        try:
            sizes = json.loads((checkpoint / "complete.json").read_text())
            if sizes and all((checkpoint / name).stat().st_size == size for name, size in sizes.items()):
                return checkpoint
        except (OSError, ValueError):
            pass
        print(f"warning: {checkpoint} is incomplete and is skipped", file=sys.stderr)
    return None


def trainer_for(model, train, validation, p: Params, seed: int, folder: Path, dtype: str, padded: bool = False):
    """A transformers Trainer with the loss above, the checkpoint note, the memory on the bar and the guard against NaN."""
    import torch
    from datasets import Dataset
    from transformers import ProgressCallback, Trainer, TrainerCallback, TrainingArguments

    from mem0_slm import packing

    weight_per_example = sum(sum(e["weights"]) for e in train) / len(train)
    # the forward pass itself gives the loss, so that with several processes it goes through what shares their gradients
    model.forward = lambda **batch: {"loss": answer_loss(model, batch, dtype, weight_per_example)}

    class AnswerTrainer(Trainer):
        tokens = 0  # of real text seen in training

        def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
            loss = model(**inputs)["loss"]
            if not torch.isfinite(loss):
                raise io.DataError(
                    f"finetune: the loss is {loss.item()} at step {self.state.global_step}. Lower finetune.learning_rate "
                    f"({p.learning_rate}) or use finetune.precision=fp32."
                )
            if model.training:
                self.tokens += int(inputs["tokens"])
            return (loss, {"loss": loss}) if return_outputs else loss

        def evaluate(self, *args, **kwargs):
            with eager():
                return super().evaluate(*args, **kwargs)

    class NoteComplete(TrainerCallback):
        def on_save(self, args, state, control, **kwargs):
            if torch.distributed.is_initialized():
                torch.distributed.barrier()  # each process writes the state of its random numbers
            if not state.is_world_process_zero:
                return
            checkpoint = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            sizes = {file.name: file.stat().st_size for file in checkpoint.iterdir() if file.is_file()}
            io.write_json(checkpoint / "complete.json", sizes)

    class MemoryBar(ProgressCallback):
        def on_step_end(self, args, state, control, **kwargs):
            super().on_step_end(args, state, control, **kwargs)
            if state.is_world_process_zero:
                speed = trainer.tokens / max(self.training_bar.format_dict["elapsed"], 1e-9)
                self.training_bar.set_postfix(hardware.memory_now() | {"tokens_per_s": round(speed)})

        def on_log(self, args, state, control, logs=None, **kwargs):
            state.log_history[-1].update(hardware.memory_now())
            super().on_log(args, state, control, logs=logs, **kwargs)

    steps = max(1, round(len(train) / p.batch_size * p.epochs))
    one = p.batch_size // p.processes
    arguments = TrainingArguments(
        output_dir=str(folder),
        max_steps=steps,
        learning_rate=p.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=round(p.warmup_share * steps),
        weight_decay=p.weight_decay,
        per_device_train_batch_size=one,
        per_device_eval_batch_size=one,
        gradient_checkpointing=p.gradient_checkpointing,
        gradient_checkpointing_kwargs={"use_reentrant": False},
        logging_steps=max(1, steps // 40),
        eval_strategy="steps",
        eval_steps=max(1, -(-steps // 2)),
        save_steps=p.save_steps,
        save_total_limit=2,
        seed=seed,
        data_seed=seed,
        remove_unused_columns=False,
        prediction_loss_only=True,
        logging_nan_inf_filter=False,
        report_to="none",
        use_cpu=not torch.cuda.is_available(),
        dataloader_pin_memory=False,
    )
    arguments._n_gpu = min(arguments.n_gpu, 1)  # else the Trainer would split a batch, which is one row, over the GPUs
    trainer = AnswerTrainer(
        model=model,
        args=arguments,
        train_dataset=Dataset.from_list(train),
        eval_dataset=Dataset.from_list(validation),
        data_collator=packing.pad if padded else functools.partial(packing.pack, step=ROW_STEP),
        callbacks=[NoteComplete()],
    )
    trainer.remove_callback(ProgressCallback)
    trainer.add_callback(MemoryBar())
    return trainer


def finetune(
    p: Params,
    seed: int,
    base: Path,
    train_file: Path,
    validation_file: Path,
    out: Path,
    instructions: Path | None = None,
) -> tuple[dict, list[dict]]:
    """Train, write the adapter to `out`, return metrics and the log (step, loss, eval_loss, learning_rate).

    instructions: general ones, to see whether the tuned model still answers those in prose.
    """
    import torch

    engine, why = tuning.choose_engine(p)
    print(f"finetune.engine: {engine} ({why})")
    if engine == "unsloth":
        import unsloth  # noqa: F401  it changes transformers, so it comes first
    from transformers import AutoTokenizer, set_seed

    from mem0_slm import packing

    torch.set_num_threads(p.threads or max(1, hardware.threads() // p.processes))
    set_seed(seed)
    tokenizer = AutoTokenizer.from_pretrained(base)
    sets, too_long = [], 0
    for file in (train_file, validation_file):
        encoded = [
            packing.encode(e, tokenizer, p.max_length, p.decision_weight, p.closing_weight)
            for e in io.read_jsonl(file, {"messages": list, "kind": str})
        ]
        too_long += encoded.count(None)
        sets.append([e for e in encoded if e])
    train, validation = sets
    if not train:
        raise io.DataError(f"{train_file}: no example fits finetune.max_length={p.max_length}. Raise it.")
    dtype = hardware.compute_dtype(p.precision)
    estimated_gib = tuning.check_memory(tuning.memory_needed(base, p, dtype, train), p)
    model = tuning.load(engine, base, p, dtype, seed, packing.register())
    compiled = engine == "peft" and compile_pays(p, train)
    if compiled:
        compile_layers(model)
    # a checkpoint is only good for the same parameters, data and base
    fingerprint = json.dumps(
        [asdict(p), seed, dtype, *(io.sha256(f) for f in (base, train_file, validation_file))], sort_keys=True
    )
    folder = SCRATCH / hashlib.sha256(fingerprint.encode()).hexdigest()[:16]
    trainer = trainer_for(model, train, validation, p, seed, folder, dtype, padded=engine == "unsloth")
    resume = last_complete(folder) if folder.exists() else None
    if resume:
        print(f"resuming from {resume}")
    started = time.perf_counter()
    trainer.train(resume_from_checkpoint=str(resume) if resume else None)
    seconds = time.perf_counter() - started
    if not any("eval_loss" in row and row["step"] == trainer.state.global_step for row in trainer.state.log_history):
        trainer.evaluate()
    final = [row["eval_loss"] for row in trainer.state.log_history if "eval_loss" in row][-1]
    tokens = int(
        trainer.accelerator.reduce(torch.tensor(trainer.tokens, dtype=torch.float64, device=trainer.args.device)).item()
    )
    asked = held_out_instructions(instructions, train_file) if instructions else []
    prose = prose_share(model, tokenizer, asked, dtype, trainer.data_collator)
    model.peft_config["default"].base_model_name_or_path = str(base)
    if trainer.is_world_process_zero():
        with io.atomic_path(out) as temporary:
            model.half().save_pretrained(temporary)
            (temporary / "README.md").unlink(missing_ok=True)
            io.write_json(temporary / "base.json", {"base_sha256": io.sha256(base)})
        shutil.rmtree(folder, ignore_errors=True)
    log = trainer.state.log_history
    losses = [row["loss"] for row in log if "loss" in row]
    metrics = {
        "train_loss_last": round(losses[-1], 4),
        "validation_loss": round(final, 4),
        "seconds": round(seconds, 1),
        "tokens_per_second": round(tokens / seconds, 1),
        "train_tokens": tokens,
        "train_examples": len(train),
        "too_long_left_out": too_long,
        "steps": trainer.state.global_step,
        "resumed": bool(resume),
        "trainable_parameters": sum(w.numel() for w in model.parameters() if w.requires_grad),
        "precision": dtype,
        "compiled": compiled,
        "instructions_answered_in_prose": prose,
        "instructions_asked": len(asked),
        "engine": engine,
        "engine_because": why,
        "load_in_4bit": p.load_in_4bit,
        "processes": p.processes,
        "peak_rss_gib": round(hardware.peak_rss_bytes() / 2**30, 2),
        "estimated_gib": round(estimated_gib, 2),
        "seed": seed,
    }
    vram = hardware.peak_vram_bytes()
    return metrics | ({} if vram is None else {"peak_vram_gib": round(vram / 2**30, 2)}), log


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
    hardware.record("finetune", metrics, "torch", "transformers", "peft", headline=hardware.only(metrics, HEADLINE))


if __name__ == "__main__":
    params.run_stage(main)
