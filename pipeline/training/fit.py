"""Whether a training fits this machine, before anything is loaded."""

from pathlib import Path

from mem0_slm import hardware
from mem0_slm.io import DataError
from pipeline.training import model as training_model
from pipeline.training.settings import FinetuneSettings

RUNTIME = 0.8 * 2**30
"""Bytes that Python, PyTorch and the libraries take before a model is there."""


def memory_needed(base: Path, p: FinetuneSettings, dtype: str, train: list[dict]) -> dict[str, float]:
    """Bytes that one process of a training will take at its peak, by part; estimated from the configuration alone.

    train: encoded examples; the longest of them that make up one batch are counted.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.from_pretrained(base)
    with torch.device("meta"):  # shapes without memory
        model = AutoModelForCausalLM.from_config(config)
    size = 2 if dtype == "bfloat16" else 4
    linear = sum(m.weight.numel() for m in model.get_decoder().modules() if isinstance(m, torch.nn.Linear))
    total = sum(w.numel() for w in model.parameters())
    count = p.batch_size // p.processes
    tokens = sum(sorted((len(e["input_ids"]) for e in train), reverse=True)[:count])
    answered = sum(sorted((sum(w > 0 for w in e["weights"]) for e in train), reverse=True)[:count])
    text = config.get_text_config()
    return {
        "weights": (total - linear) * size + linear * (0.55 if p.load_in_4bit else size),
        "adapter, gradients, optimizer": _adapter_parameters(model, p) * 16,
        "activations": tokens * _kept_a_token(text, size, p.gradient_checkpointing),
        "logits": answered * text.vocab_size * (size + 12),
        "runtime": RUNTIME,
    }


def _adapter_parameters(model, p: FinetuneSettings) -> int:
    """Numbers in a LoRA adapter of rank `p.lora_r` on the target modules and parameters."""
    import torch

    modules = sum(
        sum(module.weight.shape)
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and name.rsplit(".", 1)[-1] in p.target_modules
    )
    endings = tuple(f".{name}" for name in p.target_parameters)
    parameters = sum(w.shape[0] * sum(w.shape[1:]) for name, w in model.named_parameters() if name.endswith(endings))
    return p.lora_r * (modules + parameters)


def _kept_a_token(config, size: int, gradient_checkpointing: bool) -> int:
    """Bytes that the layers keep of a token for the backward pass, with `size` bytes a number: about 16 vectors of the
    model's width, 5 of its inner width, and the attention's three in float32."""
    width, layers = config.hidden_size, config.num_hidden_layers
    inner = max(config.intermediate_size, getattr(config, "intermediate_size_mlp", 0))
    layer = 16 * width * size + 5 * inner * size + 3 * width * 4
    return layers * width * size + layer if gradient_checkpointing else layers * layer


def check_memory(needed: dict[str, float], p: FinetuneSettings) -> float:
    """The sum of `needed` in GiB. Raises DataError with the numbers when it is more than this machine has free.

    Each of several processes has a GPU of its own; without GPUs they share the machine's memory.
    """
    sharing = 1 if training_model.cuda() else p.processes
    gib = {name: size / 2**30 * sharing for name, size in needed.items()}
    total, free = sum(gib.values()), hardware.free_memory_bytes() / 2**30
    if total > free:
        parts = ", ".join(f"{name} {size:.1f}" for name, size in gib.items())
        raise DataError(
            f"finetune: training needs about {total:.1f} GiB ({parts}), {free:.1f} GiB are free here. "
            f"Lower finetune.batch_size ({p.batch_size}) or finetune.max_length ({p.max_length}), "
            "turn on finetune.gradient_checkpointing or finetune.load_in_4bit, or choose a smaller model."
        )
    return total
