"""The sections `export_merged` and `export_gguf` of params.yaml."""

from dataclasses import dataclass

from pipeline import params
from pipeline.export import gguf


@dataclass(frozen=True)
class ExportGgufSettings:
    types: list[str]
    proof_examples: int
    logit_tolerance: float
    max_perplexity_increase: float
    min_agreement: float

    def __post_init__(self):
        known = ["F16", "4bit", *gguf.QUANTISED]
        for kind in self.types:
            params.require(kind in known, "types", kind, f"must be one of {', '.join(known)}")
        params.require("F16" in self.types, "types", self.types, "must contain F16, which the others are made from")
        for name in ("proof_examples", "logit_tolerance"):
            params.require(getattr(self, name) > 0, name, getattr(self, name), "must be greater than 0")
        params.require(
            self.max_perplexity_increase >= 0,
            "max_perplexity_increase",
            self.max_perplexity_increase,
            "must be at least 0",
        )
        params.require(0 <= self.min_agreement <= 1, "min_agreement", self.min_agreement, "must lie between 0 and 1")


@dataclass(frozen=True)
class ExportMergedSettings:
    dtype: str
    max_shard_gb: float
    logit_tolerance: float
    proof_examples: int
    nf4: bool
    max_perplexity_increase: float
    min_agreement: float

    def __post_init__(self):
        params.require(
            self.dtype in ("float16", "bfloat16", "float32"),
            "dtype",
            self.dtype,
            "must be float16, bfloat16 or float32",
        )
        for name in ("max_shard_gb", "logit_tolerance", "proof_examples"):
            params.require(getattr(self, name) > 0, name, getattr(self, name), "must be greater than 0")
        params.require(
            self.max_perplexity_increase >= 0,
            "max_perplexity_increase",
            self.max_perplexity_increase,
            "must be at least 0",
        )
        params.require(0 <= self.min_agreement <= 1, "min_agreement", self.min_agreement, "must lie between 0 and 1")
