"""One training, from data files to an adapter."""

import hashlib
import json
import shutil
from pathlib import Path

from mem0_slm import hardware, io
from pipeline import paths
from pipeline.training import encode, fit, prose
from pipeline.training import loss as training_loss
from pipeline.training import model as training_model
from pipeline.training.result import TrainingResult
from pipeline.training.settings import FinetuneSettings

SCRATCH = paths.SCRATCH / "finetune"
"""Where checkpoints lie until a training is done."""


def finetune(
    p: FinetuneSettings,
    seed: int,
    base: Path,
    train_file: Path,
    validation_file: Path,
    out: Path,
    instructions: Path | None = None,
) -> TrainingResult:
    """Train a LoRA adapter on the Hugging Face folder `base`, and write it to the folder `out`.

    instructions: a JSONL file of general ones. The tuned model is asked those that training has not seen, to learn
    whether it still answers in prose.
    Raises DataError when no example fits max_length, the memory does not suffice or the loss is not finite, and
    ParamsError for a target that the model does not have.
    """
    trainer_name, why = training_model.choose_trainer(p)
    print(f"finetune.trainer: {trainer_name} ({why})")
    tokenizer = _prepare(trainer_name, p, seed, base)
    from pipeline.training import attention, trainer

    train, train_too_long = encode.encode_file(train_file, tokenizer, p)
    validation, validation_too_long = encode.encode_file(validation_file, tokenizer, p)
    if not train:
        raise io.DataError(f"{train_file}: no example fits finetune.max_length={p.max_length}. Raise it.")
    dtype = hardware.compute_dtype(p.precision)
    estimated_gib = fit.check_memory(fit.memory_needed(base, p, dtype, train), p)

    model = training_model.load(trainer_name, base, p, dtype, seed, attention.register())
    compiled = trainer_name == "peft" and training_loss.compile_pays(p, train)
    if compiled:
        training_loss.compile_layers(model)
    folder = _checkpoint_folder(p, seed, dtype, (base, train_file, validation_file))
    trained = trainer.trainer_for(model, train, validation, p, seed, folder, dtype, padded=trainer_name == "unsloth")
    resumed = trained.train_on(folder)
    validation_loss = trained.final_loss()
    asked = prose.held_out_instructions(instructions, train_file) if instructions else []
    in_prose = prose.prose_share(model, tokenizer, asked, dtype, trained.data_collator)
    if trained.is_world_process_zero():
        _write_adapter(model, base, out)
        shutil.rmtree(folder, ignore_errors=True)
    return TrainingResult(
        **_measured(trained),
        validation_loss=round(validation_loss, 4),
        train_examples=len(train),
        too_long_left_out=train_too_long + validation_too_long,
        resumed=resumed,
        precision=dtype,
        compiled=compiled,
        instructions_answered_in_prose=in_prose,
        instructions_asked=len(asked),
        trainer=trainer_name,
        trainer_because=why,
        load_in_4bit=p.load_in_4bit,
        processes=p.processes,
        estimated_gib=round(estimated_gib, 2),
        seed=seed,
    )


def _prepare(trainer_name: str, p: FinetuneSettings, seed: int, base: Path):
    """Import unsloth where it trains, set threads and seed; returns the base's tokenizer."""
    import torch

    if trainer_name == "unsloth":
        import unsloth  # noqa: F401  it changes transformers, so it comes first
    from transformers import AutoTokenizer, set_seed

    torch.set_num_threads(p.threads or max(1, hardware.threads() // p.processes))
    set_seed(seed)
    return AutoTokenizer.from_pretrained(base)


def _checkpoint_folder(p: FinetuneSettings, seed: int, dtype: str, inputs: tuple[Path, ...]) -> Path:
    """Where the checkpoints of this training go: one is only good for the same settings, data and base."""
    fingerprint = json.dumps([p.model_dump(), seed, dtype, *map(io.sha256, inputs)], sort_keys=True)
    return SCRATCH / hashlib.sha256(fingerprint.encode()).hexdigest()[:16]


def _write_adapter(model, base: Path, out: Path) -> None:
    """Write the adapter in 16 bits, with the hash of the base that it belongs to, to the folder `out`."""
    model.peft_config["default"].base_model_name_or_path = str(base)
    with io.atomic_path(out) as temporary:
        model.half().save_pretrained(temporary)
        (temporary / "README.md").unlink(missing_ok=True)
        io.write_json(temporary / "base.json", {"base_sha256": io.sha256(base)})


def _measured(trained) -> dict:
    """The fields of a TrainingResult that a finished AnswerTrainer knows, and what its process held at most."""
    log, tokens, vram = trained.state.log_history, trained.tokens_of_all(), hardware.peak_vram_bytes()
    return {
        "train_loss_last": round([row["loss"] for row in log if "loss" in row][-1], 4),
        "seconds": round(trained.seconds, 1),
        "tokens_per_second": round(tokens / trained.seconds, 1),
        "train_tokens": tokens,
        "steps": trained.state.global_step,
        "trainable_parameters": sum(w.numel() for w in trained.model.parameters() if w.requires_grad),
        "peak_rss_gib": round(hardware.peak_rss_bytes() / 2**30, 2),
        "peak_vram_gib": None if vram is None else round(vram / 2**30, 2),
        "log": log,
    }
