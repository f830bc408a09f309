"""Whether a training fits this machine, before anything is loaded."""

from mem0_slm import hardware
from mem0_slm.io import DataError
from pipeline.training.model import cuda

RUNTIME = 0.8 * 2**30
"""Bytes that Python, PyTorch and the libraries take before a model is there."""


def memory_needed(base, p, dtype: str, train: list[dict]) -> dict[str, float]:
    """Bytes that one process of a training will take at its peak, by part; an estimate from the model's configuration alone.

    train: encoded examples; the longest `batch_size` of them are taken for one batch.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.from_pretrained(base)
    with torch.device("meta"):  # shapes without memory
        model = AutoModelForCausalLM.from_config(config)
    text = config.get_text_config()
    width, size = text.hidden_size, 2 if dtype == "bfloat16" else 4
    inner = max(text.intermediate_size, getattr(text, "intermediate_size_mlp", 0))
    linear = sum(m.weight.numel() for m in model.get_decoder().modules() if isinstance(m, torch.nn.Linear))
    total = sum(w.numel() for w in model.parameters())
    adapter = sum(
        p.lora_r * sum(m.weight.shape)
        for name, m in model.named_modules()
        if isinstance(m, torch.nn.Linear) and name.rsplit(".", 1)[-1] in p.target_modules
    ) + sum(
        p.lora_r * w.shape[0] * sum(w.shape[1:])
        for name, w in model.named_parameters()
        if name.endswith(tuple(f".{n}" for n in p.target_parameters))
    )
    count = p.batch_size // p.processes
    tokens = sum(sorted((len(e["input_ids"]) for e in train), reverse=True)[:count])
    answered = sum(sorted((sum(w > 0 for w in e["weights"]) for e in train), reverse=True)[:count])
    # what a layer keeps of a token for the backward pass: about 16 vectors of its width, 5 of its inner width, and the
    # attention's three in float32
    layer = 16 * width * size + 5 * inner * size + 3 * width * 4
    layers = text.num_hidden_layers
    kept = layers * width * size + layer if p.gradient_checkpointing else layers * layer
    return {
        "weights": (total - linear) * size + linear * (0.55 if p.load_in_4bit else size),
        "adapter, gradients, optimizer": adapter * 16,
        "activations": tokens * kept,
        "logits": answered * text.vocab_size * (size + 12),
        "runtime": RUNTIME,
    }


def check_memory(needed: dict[str, float], p) -> float:
    """The sum of `needed` in GiB. Raises DataError with the numbers when it is more than this machine has free.

    Each of several processes has a GPU of its own; without GPUs they share the machine's memory.
    """
    gib = {name: size / 2**30 * (1 if cuda() else p.processes) for name, size in needed.items()}
    total, free = sum(gib.values()), hardware.free_memory_bytes() / 2**30
    if total > free:
        parts = ", ".join(f"{name} {size:.1f}" for name, size in gib.items())
        raise DataError(
            f"finetune: training needs about {total:.1f} GiB ({parts}), {free:.1f} GiB are free here. Lower finetune.batch_size ({p.batch_size}) or "
            f"finetune.max_length ({p.max_length}), turn on finetune.gradient_checkpointing or finetune.load_in_4bit, or choose a smaller model."
        )
    return total
