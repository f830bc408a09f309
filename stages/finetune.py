"""Fine-tune a LoRA adapter on the training data with transformers and PEFT.

The Trainer is subclassed in one place, its loss: a batch is one row of examples without padding, and the language-model
head is computed only at the positions that carry a label.

Checkpoints go to .scratch/finetune, outside the stage's outputs: DVC removes outputs of a killed stage, these stay, and
the next run resumes from the newest complete one.

Reads  models/base/hf, data/train.jsonl, data/validation.jsonl
Writes models/adapter, metrics/finetune.json, metrics/loss.csv
"""

import hashlib
import json
import shutil
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from mem0_slm import contract, hardware, io, params
from stages.prepare_base import BASE, Registry

ADAPTER = Path("models/adapter")
SCRATCH = Path(".scratch/finetune")
IGNORED = -100
"""Label of a token that carries no loss."""


@dataclass(frozen=True)
class Params:
    lora_r: int
    lora_alpha: int
    lora_dropout: float
    target_modules: list[str]
    learning_rate: float
    epochs: float
    batch_size: int
    warmup_share: float
    weight_decay: float
    decision_weight: float
    max_length: int
    precision: str
    compile: str
    threads: int
    save_steps: int

    def __post_init__(self):
        for name in ("lora_r", "lora_alpha", "batch_size", "max_length", "save_steps"):
            params.require(getattr(self, name) >= 1, name, getattr(self, name), "must be at least 1")
        for name in ("learning_rate", "epochs", "decision_weight"):
            params.require(getattr(self, name) > 0, name, getattr(self, name), "must be greater than 0")
        for name in ("lora_dropout", "warmup_share"):
            params.require(0 <= getattr(self, name) < 1, name, getattr(self, name), "must lie in [0, 1)")
        params.require(self.precision in ("auto", "bf16", "fp32"), "precision", self.precision, "must be auto, bf16 or fp32")
        params.require(self.compile in ("auto", "always", "never"), "compile", self.compile, "must be auto, always or never")
        params.require(self.threads >= 0, "threads", self.threads, "must be 0 (all) or a number of threads")
        params.require(bool(self.target_modules), "target_modules", self.target_modules, "must name at least one module")


def encode(example: dict, tokenizer, max_length: int, decision_weight: float) -> dict | None:
    """Token ids, labels (`IGNORED` outside the answer) and loss weights of an example; None if it is too long.

    The prompt's tokens are exactly those that an engine sends for the same messages.
    """
    prompt = list(tokenizer.apply_chat_template(example["messages"][:-1], add_generation_prompt=True, return_dict=False))
    answer = tokenizer(example["messages"][-1]["content"], add_special_tokens=False)["input_ids"] + [tokenizer.eos_token_id]
    if len(prompt) + len(answer) > max_length:
        return None
    weights = [0.0] * len(prompt) + [1.0] * len(answer)
    if example["kind"] == "extraction":
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
    On a CPU it is computed in float32: PyTorch's backward of bf16 attention takes six times as long there for such short
    examples (measured: 22 ms against 3.7 for a layer and 8 examples of 50 to 110 tokens on 2 cores).
    """
    import torch
    from torch.nn.functional import scaled_dot_product_attention

    dtype = query.dtype
    if query.device.type == "cpu":
        query, key, value = query.float(), key.float(), value.float()
    with torch.autocast(query.device.type, enabled=False):  # which would turn them into bf16 again
        pieces = [
            scaled_dot_product_attention(q, k, v, is_causal=True, scale=scaling, dropout_p=dropout if module.training else 0.0, enable_gqa=True)
            for q, k, v in zip(*(tensor.split(lengths, dim=2) for tensor in (query, key, value)))
        ]
    return torch.cat(pieces, dim=2).transpose(1, 2).to(dtype), None


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


def answer_loss(model, batch: dict, dtype: str, weight_per_example: float):
    """Weighted cross-entropy of the answers' tokens, a scalar tensor: their sum over examples * weight_per_example.

    The divisor is the same for every batch, so that a token counts alike whatever stands beside it.
    """
    import torch
    from torch.nn.functional import cross_entropy

    causal = model.get_base_model()  # the adapter's layers are inside it
    device = batch["input_ids"].device.type
    with torch.autocast(device, torch.bfloat16, enabled=dtype == "bfloat16"):
        decoded = causal.get_decoder()(
            input_ids=batch["input_ids"], position_ids=batch["position_ids"], lengths=batch["lengths"].tolist(), use_cache=False
        )
        hidden = decoded.last_hidden_state[:, :-1]
        targets, weights = batch["labels"][:, 1:], batch["weights"][:, 1:]
        chosen = targets != IGNORED
        logits = causal.get_output_embeddings()(hidden[chosen])
    losses = cross_entropy(logits.float(), targets[chosen], reduction="none")
    return (losses * weights[chosen]).sum() / (len(batch["lengths"]) * weight_per_example)


COMPILE_TOKENS = 100_000
"""From how many training tokens on compiling pays: it takes 40 s and then saves a quarter of the time (measured on 2 cores)."""


def compile_layers(model) -> None:
    """Compile the decoder's layers, once for all of them; attention per example stays outside, its lengths change by batch."""
    import torch
    from transformers import AttentionInterface

    AttentionInterface.register(ATTENTION, torch.compiler.disable(attend_per_example))
    for layer in model.get_base_model().get_decoder().layers:
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


def trainer_for(model, tokenizer, train, validation, p: Params, seed: int, folder: Path, dtype: str):
    """A transformers Trainer with the loss above, the checkpoint note and the guard against NaN."""
    import torch
    from datasets import Dataset
    from transformers import Trainer, TrainerCallback, TrainingArguments

    weight_per_example = sum(sum(e["weights"]) for e in train) / len(train)

    class AnswerTrainer(Trainer):
        tokens = 0  # of real text seen in training

        def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
            loss = answer_loss(self.accelerator.unwrap_model(model), inputs, dtype, weight_per_example)
            if not torch.isfinite(loss):
                raise io.DataError(
                    f"finetune: the loss is {loss.item()} at step {self.state.global_step}. Lower finetune.learning_rate "
                    f"({p.learning_rate}) or use finetune.precision=fp32."
                )
            if model.training:
                self.tokens += inputs["input_ids"].numel()
            return (loss, {"loss": loss}) if return_outputs else loss

        def evaluate(self, *args, **kwargs):
            with torch.compiler.set_stance("force_eager"):  # too few batches to compile for
                return super().evaluate(*args, **kwargs)

    class NoteComplete(TrainerCallback):
        def on_save(self, args, state, control, **kwargs):
            checkpoint = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            sizes = {file.name: file.stat().st_size for file in checkpoint.iterdir() if file.is_file()}
            io.write_json(checkpoint / "complete.json", sizes)

    steps = max(1, round(len(train) / p.batch_size * p.epochs))
    arguments = TrainingArguments(
        output_dir=str(folder), max_steps=steps, learning_rate=p.learning_rate, lr_scheduler_type="cosine",
        warmup_steps=round(p.warmup_share * steps), weight_decay=p.weight_decay, per_device_train_batch_size=p.batch_size,
        per_device_eval_batch_size=p.batch_size, logging_steps=max(1, steps // 40),
        eval_strategy="steps", eval_steps=max(1, -(-steps // 2)), save_steps=p.save_steps, save_total_limit=2, seed=seed, data_seed=seed,
        remove_unused_columns=False, prediction_loss_only=True, logging_nan_inf_filter=False, report_to="none",
        use_cpu=not torch.cuda.is_available(), dataloader_pin_memory=False,
    )  # fmt: skip
    return AnswerTrainer(
        model=model, args=arguments, train_dataset=Dataset.from_list(train), eval_dataset=Dataset.from_list(validation),
        data_collator=collate, callbacks=[NoteComplete()],
    )  # fmt: skip


def finetune(p: Params, seed: int, base: Path, train_file: Path, validation_file: Path, out: Path) -> tuple[dict, list[dict]]:
    """Train, write the adapter to `out`, return metrics and the log (step, loss, eval_loss, learning_rate)."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer, set_seed

    torch.set_num_threads(p.threads or hardware.threads())
    set_seed(seed)
    tokenizer = AutoTokenizer.from_pretrained(base)
    sets, too_long = [], 0
    for file in (train_file, validation_file):
        encoded = [encode(e, tokenizer, p.max_length, p.decision_weight) for e in io.read_jsonl(file, {"messages": list, "kind": str})]
        too_long += encoded.count(None)
        sets.append([e for e in encoded if e])
    train, validation = sets
    if not train:
        raise io.DataError(f"{train_file}: no example fits finetune.max_length={p.max_length}. Raise it.")
    dtype = hardware.compute_dtype(p.precision)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=getattr(torch, dtype), attn_implementation=register_attention())
    model.config.use_cache = False
    known = {name.rsplit(".", 1)[-1] for name, _ in model.named_modules()}
    for name in p.target_modules:
        if name not in known:
            raise params.ParamsError(f"params.yaml: finetune.target_modules: the model has no module {name!r}; it has {', '.join(sorted(known))}")
    model = get_peft_model(
        model,
        LoraConfig(r=p.lora_r, lora_alpha=p.lora_alpha, lora_dropout=p.lora_dropout, target_modules=p.target_modules, task_type="CAUSAL_LM"),
    )
    training_tokens = p.epochs * sum(len(e["input_ids"]) for e in train)
    compiled = p.compile == "always" or p.compile == "auto" and not torch.cuda.is_available() and training_tokens >= COMPILE_TOKENS
    if compiled:
        compile_layers(model)
    # a checkpoint is only good for the same parameters, data and base
    fingerprint = json.dumps([asdict(p), seed, dtype, *(io.sha256(f) for f in (base, train_file, validation_file))], sort_keys=True)
    folder = SCRATCH / hashlib.sha256(fingerprint.encode()).hexdigest()[:16]
    trainer = trainer_for(model, tokenizer, train, validation, p, seed, folder, dtype)
    resume = last_complete(folder) if folder.exists() else None
    if resume:
        print(f"resuming from {resume}")
    started = time.perf_counter()
    trainer.train(resume_from_checkpoint=str(resume) if resume else None)
    seconds = time.perf_counter() - started
    if not any("eval_loss" in row and row["step"] == trainer.state.global_step for row in trainer.state.log_history):
        trainer.evaluate()
    final = [row["eval_loss"] for row in trainer.state.log_history if "eval_loss" in row][-1]
    model.peft_config["default"].base_model_name_or_path = str(base)
    with io.atomic_path(out) as temporary:
        model.half().save_pretrained(temporary)
        (temporary / "README.md").unlink(missing_ok=True)
        io.write_json(temporary / "base.json", {"base_sha256": io.sha256(base)})
    shutil.rmtree(folder, ignore_errors=True)
    log = trainer.state.log_history
    losses = [row["loss"] for row in log if "loss" in row]
    metrics = {
        "train_loss_last": round(losses[-1], 4), "validation_loss": round(final, 4), "seconds": round(seconds, 1),
        "tokens_per_second": round(trainer.tokens / seconds, 1), "train_tokens": trainer.tokens, "train_examples": len(train),
        "too_long_left_out": too_long, "steps": trainer.state.global_step, "resumed": bool(resume),
        "trainable_parameters": sum(w.numel() for w in model.parameters() if w.requires_grad), "precision": dtype, "compiled": compiled,
        "peak_rss_gib": round(hardware.peak_rss_bytes() / 2**30, 2), "seed": seed,
        "host": hardware.host("torch", "transformers", "peft"),
    }  # fmt: skip
    return metrics, log


def main():
    p, registry = params.load(Params, "finetune"), params.load(Registry, None)
    metrics, log = finetune(p, registry.seed, BASE / "hf", Path("data/train.jsonl"), Path("data/validation.jsonl"), ADAPTER)
    rows = {}
    for row in log:
        rows.setdefault(row["step"], {}).update(row)
    columns = ("loss", "eval_loss", "learning_rate", "grad_norm")
    lines = [f"{step}," + ",".join(f"{row[c]:.6g}" if c in row else "" for c in columns) for step, row in sorted(rows.items())]
    io.write_text("metrics/loss.csv", "step," + ",".join(columns) + "\n" + "\n".join(lines) + "\n")
    io.write_json("metrics/finetune.json", metrics)


if __name__ == "__main__":
    params.run_stage(main)
