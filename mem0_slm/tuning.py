"""A base model with a fresh LoRA adapter: which engine makes it, and whether it fits before anything is loaded.

`p` is stages.finetune.Params throughout.
"""

import importlib.util

from mem0_slm import hardware
from mem0_slm.io import DataError
from mem0_slm.params import ParamsError

RUNTIME = 0.8 * 2**30
"""Bytes that Python, PyTorch and the libraries take before a model is there."""


def cuda() -> bool:
    import torch

    return torch.cuda.is_available()


def installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def choose_engine(p) -> tuple[str, str]:
    """("peft" or "unsloth", why). Raises DataError when unsloth is asked for and cannot run here."""
    if p.engine == "peft":
        return "peft", "asked for"
    obstacle = None
    if not cuda():
        obstacle = "there is no CUDA GPU"
    elif not installed("unsloth"):
        obstacle = "the package unsloth is not installed"
    elif p.target_parameters:
        obstacle = "finetune.target_parameters is PEFT's alone"
    if p.engine == "auto":
        return ("peft", obstacle) if obstacle else ("unsloth", "a CUDA GPU and unsloth are there")
    if obstacle:
        raise DataError(
            f"params.yaml: finetune.engine: unsloth: {obstacle}. Use engine auto or peft, or a machine with an NVIDIA GPU and `pip install -r requirements-gpu.txt`."
        )
    return "unsloth", "asked for"


def load(engine: str, base, p, dtype: str, seed: int, attention: str):
    """The base model of a Hugging Face folder with a fresh adapter, as a PEFT model.

    attention: transformers' name of the attention that the peft engine uses.
    Raises ParamsError for a target that the model does not have, DataError where bitsandbytes is missing.
    """
    return _unsloth(base, p, dtype, seed) if engine == "unsloth" else _peft(base, p, dtype, attention)


def _peft(base, p, dtype: str, attention: str):
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    options = {}
    if p.load_in_4bit:
        options["quantization_config"] = nf4_settings(dtype)
    if torch.cuda.device_count() > 1 and p.processes == 1:
        options["device_map"] = "auto"  # one model over all GPUs; with processes, each GPU has its own
    model = AutoModelForCausalLM.from_pretrained(
        base, dtype=getattr(torch, dtype), attn_implementation=attention, **options
    )
    model.config.use_cache = False
    modules = {name.rsplit(".", 1)[-1] for name, _ in model.named_modules()} - {""}
    for name in p.target_modules:
        if name not in modules:
            raise ParamsError(
                f"params.yaml: finetune.target_modules: the model has no module {name!r}; it has {', '.join(sorted(modules))}"
            )
    weights = [name for name, _ in model.named_parameters()]
    for name in p.target_parameters:
        if not any(weight.endswith(f".{name}") for weight in weights):
            raise ParamsError(
                f"params.yaml: finetune.target_parameters: no parameter of the model is called {name!r} at its end, as {weights[-1]!r} would be."
            )
    config = LoraConfig(
        r=p.lora_r,
        lora_alpha=p.lora_alpha,
        lora_dropout=p.lora_dropout,
        target_modules=p.target_modules,
        target_parameters=p.target_parameters or None,
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, config)


def nf4_settings(dtype: str):
    """NF4 weights, themselves quantised twice, as QLoRA has them."""
    import torch
    from transformers import BitsAndBytesConfig

    if not installed("bitsandbytes"):
        raise DataError(
            "params.yaml: finetune.load_in_4bit, export_merged.nf4: 4-bit weights need the package bitsandbytes, which is not installed. Run `pip install -r requirements.txt`, or turn them off."
        )
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=getattr(torch, dtype),
    )


def _unsloth(base, p, dtype: str, seed: int):
    import torch
    from unsloth import FastLanguageModel

    model, _ = FastLanguageModel.from_pretrained(
        model_name=str(base), max_seq_length=p.max_length, dtype=getattr(torch, dtype), load_in_4bit=p.load_in_4bit
    )
    return FastLanguageModel.get_peft_model(
        model,
        r=p.lora_r,
        lora_alpha=p.lora_alpha,
        lora_dropout=p.lora_dropout,
        target_modules=p.target_modules,
        bias="none",
        use_gradient_checkpointing="unsloth" if p.gradient_checkpointing else False,
        random_state=seed,
        max_seq_length=p.max_length,
    )


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
