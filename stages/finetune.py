"""Fine-tune a LoRA adapter on the training data: transformers' Trainer, with PEFT or, on a GPU, Unsloth (mem0_slm/tuning.py).

The model's forward pass is replaced by its loss: a batch is one row of examples without padding, and the language-model
head is computed only at the positions that carry a label. With finetune.processes above 1 the stage starts itself again
under `accelerate launch`, one process a GPU; the first of them writes.

Checkpoints go to .scratch/finetune, outside the stage's outputs: DVC removes outputs of a killed stage, these stay, and
the next run resumes from the newest complete one.

Reads  models/base/hf, data/train.jsonl, data/validation.jsonl, data/sources/instructions.jsonl
Writes models/adapter, metrics/finetune.json, metrics/loss.csv
"""

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from mem0_slm import contract, hardware, io, params, tuning
from stages.prepare_base import BASE, Registry

ADAPTER = Path("models/adapter")
SCRATCH = Path(".scratch/finetune")
INSTRUCTIONS = Path("data/sources/instructions.jsonl")
IGNORED = -100
"""Label of a token that carries no loss."""
HEADLINE = ("train_loss_last", "validation_loss", "seconds", "tokens_per_second", "peak_rss_gib", "peak_vram_gib")
"""What DVC's tables show of a training; the rest is in reports/runs."""


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
        params.require(self.precision in ("auto", "bf16", "fp32"), "precision", self.precision, "must be auto, bf16 or fp32")
        params.require(self.compile in ("auto", "always", "never"), "compile", self.compile, "must be auto, always or never")
        params.require(self.threads >= 0, "threads", self.threads, "must be 0 (all) or a number of threads")
        params.require(self.engine in ("auto", "peft", "unsloth"), "engine", self.engine, "must be auto, peft or unsloth")
        targets = self.target_modules + self.target_parameters
        params.require(bool(targets), "target_modules", self.target_modules, "must name at least one module, or target_parameters a parameter")
        params.require(
            not (self.target_parameters and self.lora_dropout), "lora_dropout", self.lora_dropout, "must be 0.0 with target_parameters: a parameter has no input to drop from"
        )
        params.require(
            not (self.target_parameters and self.load_in_4bit), "load_in_4bit", self.load_in_4bit, "must be false with target_parameters: bitsandbytes holds modules alone"
        )
        params.require(self.batch_size % self.processes == 0, "batch_size", self.batch_size, f"must be a multiple of processes ({self.processes})")


def load_params(path=params.PARAMS_FILE, model: str | None = None) -> Params:
    """The section `finetune`, with what the registry's entry for the model (None: the chosen one) sets in its place."""
    registry = params.load(Registry, None, path)
    name = model or registry.model
    p = params.load(Params, "finetune", path)
    changes = registry.models[name].finetune
    return params.build(Params, params.read(path)["finetune"] | changes, path, f"models.{name}.finetune") if changes else p


def encode(example: dict, tokenizer, max_length: int, decision_weight: float, closing_weight: float = 1.0) -> dict | None:
    """Token ids, labels (`IGNORED` outside the answer) and loss weights of an example; None if it is too long.

    The prompt's tokens are exactly those that an engine sends for the same messages. Of an extraction's answer two tokens
    have weights of their own: the one that decides whether anything is stored, and the one that closes the last memory.
    """
    prompt = list(tokenizer.apply_chat_template(example["messages"][:-1], add_generation_prompt=True, return_dict=False))
    text = example["messages"][-1]["content"]
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    answer = encoded["input_ids"] + [tokenizer.eos_token_id]
    if len(prompt) + len(answer) > max_length:
        return None
    weights = [0.0] * len(prompt) + [1.0] * len(answer)
    if example["kind"] == "extraction":
        if text != contract.dump([]):
            quote = len(text) - len('"}]}')
            closing = next(i for i, (_, end) in enumerate(encoded["offset_mapping"]) if end > quote)
            weights[len(prompt) + closing] = closing_weight
        weights[len(prompt) + decision_index(tokenizer)] = decision_weight
    return {"input_ids": prompt + answer, "labels": [IGNORED] * len(prompt) + answer, "weights": weights}


def decision_index(tokenizer) -> int:
    """Which token of an answer decides whether anything is stored: the first where an empty answer differs from another."""
    empty, full = (tokenizer(contract.dump(texts), add_special_tokens=False)["input_ids"] for texts in ([], ["User"]))
    return next(i for i, (a, b) in enumerate(zip(empty, full)) if a != b)


ATTENTION = "per_example"
"""The name under which `attend_per_example` is registered with transformers."""


def attend_per_example(module, query, key, value, attention_mask, scaling=None, dropout=0.0, lengths=None, **kwargs):
    """Causal attention inside each of the examples that stand in one row, `lengths` (a list) tokens each.

    query (1, heads, tokens, size), key and value (1, key heads, tokens, size); returns (1, tokens, heads, size), None.
    """
    import torch
    from torch.nn.functional import scaled_dot_product_attention

    dropout = dropout if module.training else 0.0
    scaling = query.shape[-1] ** -0.5 if scaling is None else scaling
    with torch.autocast(query.device.type, enabled=False):  # the precision is chosen here
        pieces = [
            attend_by_matrices(q, k, v, scaling, dropout) if q.device.type == "cpu"
            else scaled_dot_product_attention(q, k, v, is_causal=True, scale=scaling, dropout_p=dropout, enable_gqa=True)
            for q, k, v in zip(*(tensor.split(lengths, dim=2) for tensor in (query, key, value)))
        ]  # fmt: skip
    return torch.cat(pieces, dim=2).transpose(1, 2), None


def attend_by_matrices(query, key, value, scaling: float, dropout: float):
    """Causal attention of one example written out, shapes as for PyTorch's own, softmax in float32.

    Half the time of PyTorch's fused one on a CPU for such short examples (measured in bf16, forward and backward: 3.7 ms
    against 7.5 in float32 and more in bf16, for 4 examples of 60 to 150 tokens on 2 cores).
    """
    import torch
    from torch.nn.functional import dropout as drop

    (_, heads, tokens, size), groups = query.shape, key.shape[1]
    future = torch.ones(tokens, tokens, dtype=torch.bool, device=query.device).triu(1)
    scores = query.reshape(groups, -1, size) @ key[0].transpose(1, 2)  # the heads that share a key's head stand below each other
    scores = scores.view(heads, tokens, tokens).float().mul(scaling).masked_fill(future, -torch.inf)
    shares = drop(scores.softmax(-1), dropout).to(query.dtype).view(groups, -1, tokens)
    return (shares @ value[0]).view(1, heads, tokens, size)


def register_attention() -> str:
    from transformers import AttentionInterface, AttentionMaskInterface

    AttentionInterface.register(ATTENTION, attend_per_example)
    AttentionMaskInterface.register(ATTENTION, lambda *args, **kwargs: None)
    return ATTENTION


def collate(rows: list[dict]) -> dict:
    """A batch without padding: the examples one after another in tensors of shape (1, tokens); `position_ids` begin anew
    with each, `lengths` (examples) says where they end.

    Batches need no grouping by length then. Grouping costs quality here: answers with nothing to store are the shortest
    examples, whole batches would hold nothing else, and the model follows the run of batches instead of learning when to
    store (measured: it gave storing 0.78 where there was something to store, 0.73 where there was not).
    """
    import torch

    batch = {key: torch.tensor([[value for row in rows for value in row[key]]]) for key in ("input_ids", "labels", "weights")}
    lengths = torch.tensor([len(row["input_ids"]) for row in rows])
    batch["labels"][0, lengths.cumsum(0)[:-1]] = IGNORED  # an example's first token does not continue the one before it
    return batch | {"position_ids": torch.cat([torch.arange(n) for n in lengths])[None], "lengths": lengths}


def collate_padded(rows: list[dict]) -> dict:
    """A batch padded on the right, tensors of shape (examples, tokens), for engines that bring their own attention."""
    import torch

    fill = {"input_ids": 0, "labels": IGNORED, "weights": 0.0}
    batch = {
        key: torch.nn.utils.rnn.pad_sequence([torch.tensor(row[key]) for row in rows], batch_first=True, padding_value=value)
        for key, value in fill.items()
    }
    lengths = torch.tensor([len(row["input_ids"]) for row in rows])
    return batch | {"attention_mask": (torch.arange(batch["input_ids"].shape[1]) < lengths[:, None]).long()}


def decoder_of(model):
    """The layers without the head. Llama 4's text model names itself as its decoder."""
    causal = model.get_base_model()
    decoder = causal.get_decoder()
    return causal.model if decoder is causal else decoder


def decode(model, batch: dict, dtype: str):
    """The decoder's last hidden states, (rows, tokens, width), for what `collate` or `collate_padded` made."""
    import torch

    inputs = {key: value for key, value in batch.items() if key not in ("labels", "weights")}
    if "lengths" in inputs:
        inputs["lengths"] = inputs["lengths"].tolist()
    with torch.autocast(batch["input_ids"].device.type, torch.bfloat16, enabled=dtype == "bfloat16"):
        return decoder_of(model)(**inputs, use_cache=False).last_hidden_state  # the adapter's layers are inside it


def head(model, hidden, dtype: str):
    import torch

    with torch.autocast(hidden.device.type, torch.bfloat16, enabled=dtype == "bfloat16"):
        return model.get_base_model().get_output_embeddings()(hidden).float()


def answer_loss(model, batch: dict, dtype: str, weight_per_example: float):
    """Weighted cross-entropy of the answers' tokens, a scalar tensor: their sum over examples * weight_per_example.

    The divisor is the same for every batch, so that a token counts alike whatever stands beside it.
    """
    from torch.nn.functional import cross_entropy

    hidden = decode(model, batch, dtype)[:, :-1]
    targets, weights = batch["labels"][:, 1:], batch["weights"][:, 1:]
    chosen = targets != IGNORED
    logits = head(model, hidden[chosen.to(hidden.device)], dtype)  # a model spread over GPUs ends on another than it began
    losses = cross_entropy(logits, targets[chosen].to(logits.device), reduction="none")
    examples = len(batch.get("lengths", batch["input_ids"]))
    return (losses.to(weights.device) * weights[chosen]).sum() / (examples * weight_per_example)


PROSE_CHECKS = 20


def prose_share(model, tokenizer, asked: list[str], dtype: str, collate_) -> float | None:
    """How many general instructions still get an answer that does not begin as JSON, as a share; None without instructions.

    One pass each: what an extraction looks like is decided by its first token.
    """
    import torch

    prose = 0
    model.eval()
    for text in asked:
        ids = list(tokenizer.apply_chat_template([{"role": "user", "content": text}], add_generation_prompt=True, return_dict=False))
        batch = collate_([{"input_ids": ids, "labels": [IGNORED] * len(ids), "weights": [0.0] * len(ids)}])
        with torch.no_grad(), eager():
            hidden = decode(model, {key: value.to(model.device) for key, value in batch.items()}, dtype)
            token = head(model, hidden[0, -1], dtype).argmax().item()
        prose += not tokenizer.decode([token]).lstrip().startswith(("{", "["))
    return round(prose / len(asked), 4) if asked else None


def held_out_instructions(file: Path, train_file: Path) -> list[str]:
    """Up to `PROSE_CHECKS` instructions of an Alpaca-form JSONL file whose answers training has not seen."""
    seen = {e["messages"][-1]["content"] for e in io.read_jsonl(train_file) if e["kind"] == "instruction"}
    rows = [row for row in io.read_jsonl(file) if row["output"] not in seen and not row["output"].lstrip().startswith(("{", "["))]
    return [io.alpaca_prompt(row) for row in rows[:PROSE_CHECKS]]


COMPILE_TOKENS = 100_000
"""From how many training tokens on compiling pays: it takes 40 s and then saves a quarter of the time (measured on 2 cores)."""


def compile_pays(p: Params, train: list[dict]) -> bool:
    import torch

    if p.compile != "auto":
        return p.compile == "always"
    return not torch.cuda.is_available() and not p.load_in_4bit and p.epochs * sum(len(e["input_ids"]) for e in train) >= COMPILE_TOKENS


def eager():
    """A context in which compiled layers run as they were: a form of their own for evaluation is not worth its compiling."""
    import torch

    loaded = "torch._dynamo" in sys.modules  # else nothing is compiled, and loading it takes seconds
    return torch.compiler.set_stance("force_eager") if loaded else contextlib.nullcontext()


def compile_layers(model) -> None:
    """Compile the decoder's layers, once for all of them; attention per example stays outside, its lengths change by batch."""
    import torch
    from transformers import AttentionInterface

    AttentionInterface.register(ATTENTION, torch.compiler.disable(attend_per_example))
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
                self.tokens += int(inputs["attention_mask"].sum()) if padded else inputs["input_ids"].numel()
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
        output_dir=str(folder), max_steps=steps, learning_rate=p.learning_rate, lr_scheduler_type="cosine",
        warmup_steps=round(p.warmup_share * steps), weight_decay=p.weight_decay, per_device_train_batch_size=one,
        per_device_eval_batch_size=one, gradient_checkpointing=p.gradient_checkpointing,
        gradient_checkpointing_kwargs={"use_reentrant": False}, logging_steps=max(1, steps // 40),
        eval_strategy="steps", eval_steps=max(1, -(-steps // 2)), save_steps=p.save_steps, save_total_limit=2, seed=seed, data_seed=seed,
        remove_unused_columns=False, prediction_loss_only=True, logging_nan_inf_filter=False, report_to="none",
        use_cpu=not torch.cuda.is_available(), dataloader_pin_memory=False,
    )  # fmt: skip
    arguments._n_gpu = min(arguments.n_gpu, 1)  # else the Trainer would split a batch, which is one row, over the GPUs
    trainer = AnswerTrainer(
        model=model, args=arguments, train_dataset=Dataset.from_list(train), eval_dataset=Dataset.from_list(validation),
        data_collator=collate_padded if padded else collate, callbacks=[NoteComplete()],
    )  # fmt: skip
    trainer.remove_callback(ProgressCallback)
    trainer.add_callback(MemoryBar())
    return trainer


def finetune(
    p: Params, seed: int, base: Path, train_file: Path, validation_file: Path, out: Path, instructions: Path | None = None
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

    torch.set_num_threads(p.threads or max(1, hardware.threads() // p.processes))
    set_seed(seed)
    tokenizer = AutoTokenizer.from_pretrained(base)
    sets, too_long = [], 0
    for file in (train_file, validation_file):
        encoded = [encode(e, tokenizer, p.max_length, p.decision_weight, p.closing_weight) for e in io.read_jsonl(file, {"messages": list, "kind": str})]
        too_long += encoded.count(None)
        sets.append([e for e in encoded if e])
    train, validation = sets
    if not train:
        raise io.DataError(f"{train_file}: no example fits finetune.max_length={p.max_length}. Raise it.")
    dtype = hardware.compute_dtype(p.precision)
    estimated_gib = tuning.check_memory(tuning.memory_needed(base, p, dtype, train), p)
    model = tuning.load(engine, base, p, dtype, seed, register_attention())
    compiled = engine == "peft" and compile_pays(p, train)
    if compiled:
        compile_layers(model)
    # a checkpoint is only good for the same parameters, data and base
    fingerprint = json.dumps([asdict(p), seed, dtype, *(io.sha256(f) for f in (base, train_file, validation_file))], sort_keys=True)
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
    tokens = int(trainer.accelerator.reduce(torch.tensor(trainer.tokens, dtype=torch.float64, device=trainer.args.device)).item())
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
        "train_loss_last": round(losses[-1], 4), "validation_loss": round(final, 4), "seconds": round(seconds, 1),
        "tokens_per_second": round(tokens / seconds, 1), "train_tokens": tokens, "train_examples": len(train),
        "too_long_left_out": too_long, "steps": trainer.state.global_step, "resumed": bool(resume),
        "trainable_parameters": sum(w.numel() for w in model.parameters() if w.requires_grad), "precision": dtype, "compiled": compiled,
        "instructions_answered_in_prose": prose, "instructions_asked": len(asked),
        "engine": engine, "engine_because": why, "load_in_4bit": p.load_in_4bit, "processes": p.processes,
        "peak_rss_gib": round(hardware.peak_rss_bytes() / 2**30, 2), "estimated_gib": round(estimated_gib, 2), "seed": seed,
    }  # fmt: skip
    vram = hardware.peak_vram_bytes()
    return metrics | ({} if vram is None else {"peak_vram_gib": round(vram / 2**30, 2)}), log


def launch(processes: int) -> None:
    """Run this stage in `processes` processes by `accelerate launch`. Raises SystemExit with its status when it fails."""
    command = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", f"--num_processes={processes}", "--num_machines=1"]
    command += ["--mixed_precision=no", "--dynamo_backend=no", "--main_process_port=0", "-m", "stages.finetune"]
    done = subprocess.run(command)
    if done.returncode:
        raise SystemExit(done.returncode)


def main():
    p, registry = load_params(), params.load(Registry, None)
    if p.processes > 1 and "LOCAL_RANK" not in os.environ:
        return launch(p.processes)
    metrics, log = finetune(p, registry.seed, BASE / "hf", Path("data/train.jsonl"), Path("data/validation.jsonl"), ADAPTER, INSTRUCTIONS)
    if int(os.environ.get("RANK", 0)):
        return
    rows = {}
    for row in log:
        rows.setdefault(row["step"], {}).update(row)
    columns = ("loss", "eval_loss", "learning_rate", "grad_norm", "rss_gib", "vram_gib")
    lines = [f"{step}," + ",".join(f"{row[c]:.6g}" if c in row else "" for c in columns) for step, row in sorted(rows.items())]
    io.write_text("metrics/loss.csv", "step," + ",".join(columns) + "\n" + "\n".join(lines) + "\n")
    hardware.record("finetune", metrics, "torch", "transformers", "peft", headline=hardware.only(metrics, HEADLINE))


if __name__ == "__main__":
    params.run_stage(main)
