"""transformers' Trainer with our loss, a note beside each whole checkpoint, and memory on the progress bar.

Imports torch and transformers: import it where it is used, and after unsloth, which changes transformers.
"""

import functools
import json
import sys
import time
from pathlib import Path

import torch
from datasets import Dataset
from transformers import ProgressCallback, Trainer, TrainerCallback, TrainingArguments

from mem0_slm import hardware, io
from pipeline.training import batches, loss
from pipeline.training.settings import FinetuneSettings

ROW_STEP = 32
"""The tokens of a batch are brought to a multiple of this, so that few shapes occur (see batches.lengthened)."""
COMPLETE = "complete.json"
"""The note in a checkpoint that is whole: the size of each of its files."""


class AnswerTrainer(Trainer):
    """A Trainer whose model gives the loss itself, stops at a loss that is no number, and counts the tokens seen."""

    tokens = 0
    """Tokens of training examples so far, padding left out."""
    seconds = 0.0
    """What the training took."""

    def train_on(self, folder: Path) -> bool:
        """Train, from the newest whole checkpoint in `folder` where there is one; returns whether there was."""
        checkpoint = last_complete(folder) if folder.exists() else None
        if checkpoint:
            print(f"resuming from {checkpoint}")
        started = time.perf_counter()
        self.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        self.seconds = time.perf_counter() - started
        return checkpoint is not None

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        value = model(**inputs)["loss"]
        if not torch.isfinite(value):
            raise io.DataError(
                f"finetune: the loss is {value.item()} at step {self.state.global_step}. Lower finetune.learning_rate "
                f"({self.args.learning_rate}) or use finetune.precision=fp32."
            )
        if model.training:
            self.tokens += int(inputs["tokens"])
        return (value, {"loss": value}) if return_outputs else value

    def evaluate(self, *args, **kwargs):
        with loss.eager():
            return super().evaluate(*args, **kwargs)

    def tokens_of_all(self) -> int:
        """The tokens that all processes have seen in training."""
        own = torch.tensor(self.tokens, dtype=torch.float64, device=self.args.device)
        return int(self.accelerator.reduce(own).item())

    def final_loss(self) -> float:
        """The validation loss after the last step."""
        log = self.state.log_history
        if not any("eval_loss" in row and row["step"] == self.state.global_step for row in log):
            self.evaluate()
        return [row["eval_loss"] for row in log if "eval_loss" in row][-1]


class NoteComplete(TrainerCallback):
    """Writes the note by which `last_complete` knows a whole checkpoint."""

    def on_save(self, args, state, control, **kwargs):
        if torch.distributed.is_initialized():
            torch.distributed.barrier()  # each process writes the state of its random numbers
        if not state.is_world_process_zero:
            return
        checkpoint = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        sizes = {file.name: file.stat().st_size for file in checkpoint.iterdir() if file.is_file()}
        io.write_json(checkpoint / COMPLETE, sizes)


class MemoryBar(ProgressCallback):
    """The progress bar with tokens a second and the memory held; the log gets the memory too."""

    def __init__(self, trainer: AnswerTrainer):
        super().__init__()
        self.trainer = trainer

    def on_step_end(self, args, state, control, **kwargs):
        super().on_step_end(args, state, control, **kwargs)
        if state.is_world_process_zero:
            speed = self.trainer.tokens / max(self.training_bar.format_dict["elapsed"], 1e-9)
            self.training_bar.set_postfix(hardware.memory_now() | {"tokens_per_s": round(speed)})

    def on_log(self, args, state, control, logs=None, **kwargs):
        state.log_history[-1].update(hardware.memory_now())
        super().on_log(args, state, control, logs=logs, **kwargs)


def trainer_for(
    model,
    train: list[dict],
    validation: list[dict],
    p: FinetuneSettings,
    seed: int,
    folder: Path,
    dtype: str,
    padded: bool = False,
) -> AnswerTrainer:
    """The trainer of a PEFT model on encoded examples; checkpoints go to `folder`.

    padded: batches are padded rather than packed, for a model that brings its own attention.
    """
    weight_per_example = sum(sum(e["weights"]) for e in train) / len(train)
    # the forward pass itself gives the loss, so that with several processes it goes through what shares their gradients
    model.forward = lambda **batch: {"loss": loss.answer_loss(model, batch, dtype, weight_per_example)}
    trainer = AnswerTrainer(
        model=model,
        args=training_arguments(p, len(train), seed, folder),
        train_dataset=Dataset.from_list(train),
        eval_dataset=Dataset.from_list(validation),
        data_collator=batches.pad if padded else functools.partial(batches.pack, step=ROW_STEP),
        callbacks=[NoteComplete()],
    )
    trainer.remove_callback(ProgressCallback)
    trainer.add_callback(MemoryBar(trainer))
    return trainer


def training_arguments(p: FinetuneSettings, examples: int, seed: int, folder: Path) -> TrainingArguments:
    """What `p` asks for in transformers' terms, for so many training examples: 40 lines in the log, two validations."""
    steps = max(1, round(examples / p.batch_size * p.epochs))
    share = p.batch_size // p.processes
    arguments = TrainingArguments(
        output_dir=str(folder),
        max_steps=steps,
        learning_rate=p.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=round(p.warmup_share * steps),
        weight_decay=p.weight_decay,
        per_device_train_batch_size=share,
        per_device_eval_batch_size=share,
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
    return arguments


def last_complete(folder: Path) -> Path | None:
    """The newest checkpoint whose files are all there with the sizes noted when it was saved, or None.

    Others are named on stderr and passed over.
    """
    found = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]), reverse=True)
    for checkpoint in found:
        try:
            sizes = json.loads((checkpoint / COMPLETE).read_text())
            if sizes and all((checkpoint / name).stat().st_size == size for name, size in sizes.items()):
                return checkpoint
        except (OSError, ValueError):  # no note, half a note or no such file: said below
            pass
        print(f"warning: {checkpoint} is incomplete and is skipped", file=sys.stderr)
    return None
