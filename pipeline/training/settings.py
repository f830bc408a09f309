"""The section `finetune` of params.yaml, with what the registry's entry for the model sets in its place."""

from dataclasses import dataclass

from pipeline import params
from pipeline.registry import Registry


@dataclass(frozen=True)
class FinetuneSettings:
    engine: str
    load_in_4bit: bool
    lora_r: int
    lora_alpha: int
    lora_dropout: float
    target_modules: list[str]
    target_parameters: list[str]
    learning_rate: float
    epochs: float
    batch_size: int
    warmup_share: float
    weight_decay: float
    decision_weight: float
    closing_weight: float
    max_length: int
    precision: str
    compile: str
    gradient_checkpointing: bool
    processes: int
    threads: int
    save_steps: int

    def __post_init__(self):
        for name in ("lora_r", "lora_alpha", "batch_size", "max_length", "processes", "save_steps"):
            params.require(getattr(self, name) >= 1, name, getattr(self, name), "must be at least 1")
        for name in ("learning_rate", "epochs", "decision_weight", "closing_weight"):
            params.require(getattr(self, name) > 0, name, getattr(self, name), "must be greater than 0")
        for name in ("lora_dropout", "warmup_share"):
            params.require(0 <= getattr(self, name) < 1, name, getattr(self, name), "must lie in [0, 1)")
        params.require(
            self.precision in ("auto", "bf16", "fp32"), "precision", self.precision, "must be auto, bf16 or fp32"
        )
        params.require(
            self.compile in ("auto", "always", "never"), "compile", self.compile, "must be auto, always or never"
        )
        params.require(self.threads >= 0, "threads", self.threads, "must be 0 (all) or a number of threads")
        params.require(
            self.engine in ("auto", "peft", "unsloth"), "engine", self.engine, "must be auto, peft or unsloth"
        )
        targets = self.target_modules + self.target_parameters
        params.require(
            bool(targets),
            "target_modules",
            self.target_modules,
            "must name at least one module, or target_parameters a parameter",
        )
        params.require(
            not (self.target_parameters and self.lora_dropout),
            "lora_dropout",
            self.lora_dropout,
            "must be 0.0 with target_parameters: a parameter has no input to drop from",
        )
        params.require(
            not (self.target_parameters and self.load_in_4bit),
            "load_in_4bit",
            self.load_in_4bit,
            "must be false with target_parameters: bitsandbytes holds modules alone",
        )
        params.require(
            self.batch_size % self.processes == 0,
            "batch_size",
            self.batch_size,
            f"must be a multiple of processes ({self.processes})",
        )


def load_params(path=params.PARAMS_FILE, model: str | None = None) -> FinetuneSettings:
    """The section `finetune`, with what the registry's entry for the model (None: the chosen one) sets in its place."""
    registry = params.load(Registry, None, path)
    name = model or registry.model
    p = params.load(FinetuneSettings, "finetune", path)
    changes = registry.models[name].finetune
    return (
        params.build(FinetuneSettings, params.read(path)["finetune"] | changes, path, f"models.{name}.finetune")
        if changes
        else p
    )
