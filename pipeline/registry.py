"""The registry of base models: the keys `model`, `models` and `seed` of params.yaml."""

from dataclasses import dataclass, field

from pipeline import params


@dataclass(frozen=True)
class Model:
    """One entry of the model registry."""

    source: str
    license: str
    gguf_4bit: str
    ollama: list[str]
    finetune: dict = field(default_factory=dict)
    """What this model sets in place of keys of the section `finetune`."""

    def __post_init__(self):
        kind, _, rest = self.source.partition(":")
        params.require(
            kind in ("package", "path", "hub") and rest,
            "source",
            self.source,
            "must be package:<module>/<file.gguf>, path:<folder or file.gguf> or hub:<id>",
        )
        params.require(
            self.gguf_4bit in ("Q4_0", "Q4_1", "Q4_K_M"), "gguf_4bit", self.gguf_4bit, "must be Q4_0, Q4_1 or Q4_K_M"
        )


@dataclass(frozen=True)
class Registry:
    model: str
    models: dict[str, Model]
    seed: int


@dataclass(frozen=True)
class PrepareBaseSettings:
    pass
