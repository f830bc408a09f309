"""The section `finetune` of params.yaml, with what the registry's entry for the model sets in its place."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, ValidationInfo, field_validator

from pipeline import params
from pipeline.params import Count, CountOrNone, Positive, Settings
from pipeline.registry import Registry

ShareBelowOne = Annotated[float, Field(ge=0, lt=1)]


class FinetuneSettings(Settings):
    """How a LoRA is trained. Where a rule looks at several fields, the one that its message names comes last."""

    model_config = ConfigDict(json_schema_extra={"renamed": {"engine": "trainer"}})  # what params.mistakes tells

    trainer: Literal["auto", "peft", "unsloth"]
    """What trains: peft, unsloth (needs a CUDA GPU), or auto: unsloth where it can run, else peft."""
    target_parameters: list[str]
    """Parameters that are no modules, by the end of their names: the experts of a mixture."""
    target_modules: list[str]
    """Linear layers that get a LoRA, by the last part of their names."""
    load_in_4bit: bool
    """QLoRA: whether the base's weights are held in 4 bits (bitsandbytes)."""
    lora_r: Count
    """Rank of the LoRA."""
    lora_alpha: Count
    """Scale of the LoRA: its product is multiplied by lora_alpha / lora_r."""
    lora_dropout: ShareBelowOne
    """Share of a LoRA's inputs that is dropped in training."""
    learning_rate: Positive
    """Highest learning rate, reached after the warm-up."""
    epochs: Positive
    """Passes over the training data."""
    processes: Count
    """Processes, one a GPU; above 1 the stage runs under `accelerate launch`."""
    batch_size: Count
    """Examples a step, over all processes."""
    warmup_share: ShareBelowOne
    """Share of the steps in which the learning rate rises."""
    weight_decay: Annotated[float, Field(ge=0)]
    """AdamW's weight decay."""
    decision_weight: Positive
    """Loss weight of the token that decides whether anything is stored; every other token has 1."""
    closing_weight: Positive
    """Loss weight of the token that closes the last memory; below 1 the model leaves out less."""
    max_length: Count
    """Most tokens of an example; longer ones are left out and counted."""
    precision: Literal["auto", "bf16", "fp32"]
    """What the training computes in; auto: bf16 where the processor computes in it, else fp32."""
    compile: Literal["auto", "always", "never"]
    """Whether the decoder's layers are compiled (torch.compile); auto: on a CPU, where there is enough to train on."""
    gradient_checkpointing: bool
    """Whether activations are computed again instead of kept: less memory, a third slower."""
    threads: CountOrNone
    """Processor threads; 0 takes all processors that this process may use."""
    save_steps: Count
    """Steps from one checkpoint to the next."""

    @field_validator("target_modules")
    @classmethod
    def _something_is_trained(cls, modules: list[str], info: ValidationInfo) -> list[str]:
        if not modules and not info.data.get("target_parameters", True):
            raise ValueError("must name at least one module, or target_parameters a parameter")
        return modules

    @field_validator("load_in_4bit")
    @classmethod
    def _can_hold_the_targets(cls, load_in_4bit: bool, info: ValidationInfo) -> bool:
        if load_in_4bit and info.data.get("target_parameters"):
            raise ValueError("must be false with target_parameters: bitsandbytes holds modules alone")
        return load_in_4bit

    @field_validator("lora_dropout")
    @classmethod
    def _has_inputs_to_drop(cls, dropout: float, info: ValidationInfo) -> float:
        if dropout and info.data.get("target_parameters"):
            raise ValueError("must be 0.0 with target_parameters: a parameter has no input to drop from")
        return dropout

    @field_validator("batch_size")
    @classmethod
    def _divides_among_processes(cls, size: int, info: ValidationInfo) -> int:
        processes = info.data.get("processes", 1)
        if size % processes:
            raise ValueError(f"must be a multiple of processes ({processes})")
        return size


def load_params(path=params.PARAMS_FILE, model: str | None = None) -> FinetuneSettings:
    """The section `finetune`, with what the registry's entry for the model (None: the chosen one) sets in its place."""
    registry = params.load(Registry, None, path)
    name = model or registry.model
    p = params.load(FinetuneSettings, "finetune", path)
    changes = registry.models[name].finetune
    if not changes:
        return p
    return params.build(FinetuneSettings, p.model_dump() | changes, path, f"models.{name}.finetune")


def override_mistakes(values: dict) -> list[str]:
    """Every mistake in what the registry's models set in place of keys of `finetune`. values: all of params.yaml."""
    section, models = (v if isinstance(v, dict) else {} for v in (values.get("finetune"), values.get("models")))
    own = params.mistakes(FinetuneSettings, section)
    lines = []
    for name, entry in models.items():
        changes = entry.get("finetune") if isinstance(entry, dict) else None
        if isinstance(changes, dict):
            found = params.mistakes(FinetuneSettings, section | changes)
            lines += [f"models.{name}.finetune.{line}" for line in found if line not in own]
    return lines
