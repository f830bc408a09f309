"""transformers' Trainer with the loss of pipeline/training/loss.py."""

import functools
import json
import sys
from pathlib import Path

from mem0_slm import hardware, io
from pipeline.training.loss import answer_loss, eager
from pipeline.training.settings import FinetuneSettings

ROW_STEP = 32
"""The tokens of a batch are brought to a multiple of this, so that few shapes occur (see packing.lengthened)."""


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


def trainer_for(
    model, train, validation, p: FinetuneSettings, seed: int, folder: Path, dtype: str, padded: bool = False
):
    """A transformers Trainer with the loss above, the checkpoint note, the memory on the bar and the guard against NaN."""
    import torch
    from datasets import Dataset
    from transformers import ProgressCallback, Trainer, TrainerCallback, TrainingArguments

    from pipeline.training import batches

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
        data_collator=batches.pad if padded else functools.partial(batches.pack, step=ROW_STEP),
        callbacks=[NoteComplete()],
    )
    trainer.remove_callback(ProgressCallback)
    trainer.add_callback(MemoryBar())
    return trainer
