"""One training from data files to an adapter."""

import hashlib
import json
import shutil
import time
from dataclasses import asdict
from pathlib import Path

from mem0_slm import hardware, io
from pipeline.training import fit
from pipeline.training import model as training_model
from pipeline.training.loss import compile_layers, compile_pays
from pipeline.training.prose import held_out_instructions, prose_share
from pipeline.training.settings import FinetuneSettings
from pipeline.training.trainer import last_complete, trainer_for

SCRATCH = Path(".scratch/finetune")


def finetune(
    p: FinetuneSettings,
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

    engine, why = training_model.choose_engine(p)
    print(f"finetune.engine: {engine} ({why})")
    if engine == "unsloth":
        import unsloth  # noqa: F401  it changes transformers, so it comes first
    from transformers import AutoTokenizer, set_seed

    from pipeline.training import attention, encode

    torch.set_num_threads(p.threads or max(1, hardware.threads() // p.processes))
    set_seed(seed)
    tokenizer = AutoTokenizer.from_pretrained(base)
    sets, too_long = [], 0
    for file in (train_file, validation_file):
        encoded = [
            encode.encode(e, tokenizer, p.max_length, p.decision_weight, p.closing_weight)
            for e in io.read_jsonl(file, {"messages": list, "kind": str})
        ]
        too_long += encoded.count(None)
        sets.append([e for e in encoded if e])
    train, validation = sets
    if not train:
        raise io.DataError(f"{train_file}: no example fits finetune.max_length={p.max_length}. Raise it.")
    dtype = hardware.compute_dtype(p.precision)
    estimated_gib = fit.check_memory(fit.memory_needed(base, p, dtype, train), p)
    model = training_model.load(engine, base, p, dtype, seed, attention.register())
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
