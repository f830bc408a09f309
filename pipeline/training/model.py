"""A base model with a fresh LoRA adapter, made by PEFT or, on a GPU, by Unsloth."""

from pathlib import Path

from mem0_slm.io import DataError
from pipeline import nf4
from pipeline.params import ParamsError
from pipeline.training.settings import FinetuneSettings


def cuda() -> bool:
    """Whether PyTorch sees a CUDA GPU."""
    import torch

    return torch.cuda.is_available()


def choose_trainer(p: FinetuneSettings) -> tuple[str, str]:
    """("peft" or "unsloth", why). Raises DataError when unsloth is asked for and cannot run here."""
    if p.trainer == "peft":
        return "peft", "asked for"
    obstacle = None
    if not cuda():
        obstacle = "there is no CUDA GPU"
    elif not nf4.installed("unsloth"):
        obstacle = "the package unsloth is not installed"
    elif p.target_parameters:
        obstacle = "finetune.target_parameters is PEFT's alone"
    if p.trainer == "auto":
        return ("peft", obstacle) if obstacle else ("unsloth", "a CUDA GPU and unsloth are there")
    if obstacle:
        raise DataError(
            f"params.yaml: finetune.trainer: unsloth: {obstacle}. Use trainer auto or peft, or a machine with an "
            "NVIDIA GPU and `pip install -r requirements-gpu.txt`."
        )
    return "unsloth", "asked for"


def load(trainer: str, base: Path, p: FinetuneSettings, dtype: str, seed: int, attention: str):
    """The base model of a Hugging Face folder with a fresh adapter, as a PEFT model.

    trainer: "peft" or "unsloth". attention: transformers' name of the attention that PEFT's model uses.
    Raises ParamsError for a target that the model does not have, DataError where bitsandbytes is missing.
    """
    return _unsloth(base, p, dtype, seed) if trainer == "unsloth" else _peft(base, p, dtype, attention)


def _peft(base: Path, p: FinetuneSettings, dtype: str, attention: str):
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    options = {}
    if p.load_in_4bit:
        options["quantization_config"] = nf4.nf4_settings(dtype)
    if torch.cuda.device_count() > 1 and p.processes == 1:
        options["device_map"] = "auto"  # one model over all GPUs; with processes, each GPU has its own
    model = AutoModelForCausalLM.from_pretrained(
        base, dtype=getattr(torch, dtype), attn_implementation=attention, **options
    )
    model.config.use_cache = False
    _check_targets(model, p)
    config = LoraConfig(
        r=p.lora_r,
        lora_alpha=p.lora_alpha,
        lora_dropout=p.lora_dropout,
        target_modules=p.target_modules,
        target_parameters=p.target_parameters or None,
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, config)


def _check_targets(model, p: FinetuneSettings) -> None:
    """Raise ParamsError for a target that the model does not have; PEFT passes one over while others are found."""
    modules = {name.rsplit(".", 1)[-1] for name, _ in model.named_modules()} - {""}
    for name in p.target_modules:
        if name not in modules:
            raise ParamsError(
                f"params.yaml: finetune.target_modules: the model has no module {name!r}; "
                f"it has {', '.join(sorted(modules))}"
            )
    weights = [name for name, _ in model.named_parameters()]
    for name in p.target_parameters:
        if not any(weight.endswith(f".{name}") for weight in weights):
            raise ParamsError(
                f"params.yaml: finetune.target_parameters: the name of no parameter of the model ends in {name!r}; "
                f"{weights[-1]!r} is one of them."
            )


def _unsloth(base: Path, p: FinetuneSettings, dtype: str, seed: int):
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
