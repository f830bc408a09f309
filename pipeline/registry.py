"""The registry of base models: the keys `model`, `models` and `seed` of params.yaml."""

from typing import Any, Literal

from pydantic import ValidationInfo, field_validator

from pipeline.params import Settings


class Model(Settings):
    """One entry of the model registry."""

    source: str
    """Where the model comes from: package:<module>/<file.gguf>, path:<folder or file.gguf> or hub:<id>."""
    license: str
    """The model's licence, as the hub calls it; it goes into the cards of what is made of the model."""
    gguf_4bit: Literal["Q4_0", "Q4_1", "Q4_K_M"]
    """The 4-bit GGUF type that suits the model's width; `4bit` in export_gguf.types stands for it."""
    ollama: list[str]
    """Names of the model in Ollama's library, for benchmark targets; may be empty."""
    finetune: dict[str, Any] = {}
    """What this model sets in place of keys of the section `finetune`."""

    @field_validator("source")
    @classmethod
    def _has_a_known_form(cls, source: str) -> str:
        kind, _, rest = source.partition(":")
        if kind not in ("package", "path", "hub") or not rest:
            raise ValueError("must be package:<module>/<file.gguf>, path:<folder or file.gguf> or hub:<id>")
        return source


class Registry(Settings):
    """The file's top-level keys that are no section of a stage."""

    models: dict[str, Model]
    """Base models by name."""
    model: str
    """The base model that the pipeline works on: a name from `models`."""
    seed: int
    """Seed of the data and of the training; any whole number."""

    @field_validator("model")
    @classmethod
    def _is_in_the_registry(cls, model: str, info: ValidationInfo) -> str:
        models = info.data.get("models", {model: None})  # absent when `models` itself has a mistake
        if model not in models:
            raise ValueError(f"is not in the registry. Use one of {', '.join(models)}, or add it under `models`.")
        return model


class PrepareBaseSettings(Settings):
    """The section `prepare_base`: it has no keys; what is prepared stands in the registry."""
