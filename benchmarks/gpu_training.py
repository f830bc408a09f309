"""Fine-tuning on a GPU: this project's stage with each trainer and precision, same machine, in one run.

    pip install -r requirements-gpu.txt
    python -m benchmarks.gpu_training [--epochs 1.0] [--batch-size 4] [--shape llama3.1-8b]

Each side is the stage `finetune` with the params of params.yaml but for `SIDES`, in a process of its own, on
data/train.jsonl and data/validation.jsonl (`dvc repro generate_dataset prepare_base`). Its figures are the stage's own:
speed in tokens that are no padding, the first step's compiling included; most memory taken on the GPU beside the
estimate that the stage refuses to begin by; loss on the validation set. The adapters stay in .scratch/gpu_training.

--shape measures another model's size where its weights are not to be had: random weights, SmolLM2's tokenizer, and the
registry's own settings for it. Its loss means nothing and is left out.
A side that fails stands in the result with its error. Writes benchmarks/gpu_training.json, or gpu_training_<shape>.json,
anew after each side: an hour on a rented GPU may end before the last.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import record
from mem0_slm import io
from pipeline import params, paths, results
from pipeline.paths import BASE
from pipeline.registry import Registry
from pipeline.training import run
from pipeline.training.settings import load_params

SIDES = {
    "unsloth_nf4": {"trainer": "unsloth", "load_in_4bit": True},
    "unsloth": {"trainer": "unsloth", "load_in_4bit": False},
    "peft_nf4": {"trainer": "peft", "load_in_4bit": True},
    "peft": {"trainer": "peft", "load_in_4bit": False},
    "peft_compiled": {"trainer": "peft", "load_in_4bit": False, "compile": "always"},
}
MEASURED = (
    "tokens_per_second",
    "seconds",
    "steps",
    "train_tokens",
    "peak_vram_gib",
    "estimated_gib",
    "peak_rss_gib",
    "trainable_parameters",
    "precision",
)
LEARNT = ("validation_loss", "train_loss_last", "instructions_answered_in_prose")
"""What means nothing of random weights."""
SHAPES = {
    "llama3.1-8b": {
        "vocab_size": 128256,
        "hidden_size": 4096,
        "intermediate_size": 14336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "tie_word_embeddings": False,
    },
}
"""Sizes of Llama models, as their own config.json have them; what costs neither memory nor time is left out."""
SCRATCH = Path(".scratch/gpu_training")


def random_model(shape: str, folder: Path) -> None:
    """A model of this shape with random weights in bfloat16, and the base's tokenizer, as a Hugging Face folder."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    AutoTokenizer.from_pretrained(BASE / "hf").save_pretrained(folder)
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        LlamaForCausalLM._from_config(LlamaConfig(**SHAPES[shape]), dtype=torch.bfloat16).save_pretrained(folder)


def side(name: str, base: str, shape: str | None, epochs: float, batch_size: int | None, out: str) -> None:
    """One side's run, in this process; its figures go to the file `out`."""
    p = load_params(model=shape)
    size = batch_size or p.batch_size
    p = p.changed(**SIDES[name], epochs=epochs, batch_size=size, save_steps=10**6)  # no checkpoint is written
    data = Path("data/train.jsonl"), Path("data/validation.jsonl")
    try:
        trained = run.finetune(
            p,
            params.load(Registry, None).seed,
            Path(base),
            *data,
            SCRATCH / (shape or "base") / name,
            paths.INSTRUCTIONS,
        )
    except Exception as error:
        io.write_json(out, {"error": f"{type(error).__name__}: {error}"[:300]})
        raise
    io.write_json(out, results.pick(trained.figures(), MEASURED if shape else MEASURED + LEARNT))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=float, default=1.0)
    parser.add_argument("--batch-size", type=int, help="examples a step; that of params.yaml")
    parser.add_argument("--shape", choices=SHAPES)
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=list(SIDES))
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--base", default=str(BASE / "hf"), help=argparse.SUPPRESS)
    parser.add_argument("--out", help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.side:
        return side(a.side, a.base, a.shape, a.epochs, a.batch_size, a.out)
    import torch

    result = {
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
        "epochs": a.epochs,
        "model": f"{a.shape}'s shape, random weights" if a.shape else "base",
    }
    with tempfile.TemporaryDirectory() as folder:
        base = Path(a.base)
        if a.shape:
            base = Path(folder) / "random"
            random_model(a.shape, base)
            torch.cuda.empty_cache()
        for name in a.sides:
            out = Path(folder) / f"{name}.json"
            command = [
                sys.executable,
                "-m",
                "benchmarks.gpu_training",
                "--side",
                name,
                "--base",
                str(base),
                "--out",
                str(out),
                f"--epochs={a.epochs}",
            ]
            command += [f"--shape={a.shape}"] * bool(a.shape) + [f"--batch-size={a.batch_size}"] * bool(a.batch_size)
            status = subprocess.run(command).returncode
            result[name] = io.read_json(out) if out.exists() else {"error": f"ended with status {status}"}
            record(
                "gpu_training" + (f"_{a.shape}" if a.shape else ""),
                result,
                "torch",
                "transformers",
                "peft",
                "unsloth",
                "bitsandbytes",
            )


if __name__ == "__main__":
    main()
