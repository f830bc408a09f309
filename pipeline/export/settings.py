"""The sections `export_merged` and `export_gguf` of params.yaml."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from pipeline.export import gguf
from pipeline.params import Count, Positive, Settings, Share


class ExportGgufSettings(Settings):
    types: list[Literal[("F16", "4bit", *gguf.QUANTISED)]]
    """GGUF types to write. F16 is always one of them; 4bit stands for the type that the registry gives the model."""
    proof_examples: Count
    """Validation examples that each file is compared on."""
    logit_tolerance: Positive
    """Largest difference of a logit of the F16 file from the merged model's."""
    max_perplexity_increase: Annotated[float, Field(ge=0)]
    """Most that a file's perplexity may lie above the merged model's, as a share: 0.25 is a quarter more."""
    min_agreement: Share
    """Least share of extractions whose decision to store equals the merged model's."""

    @field_validator("types")
    @classmethod
    def _have_f16(cls, types: list[str]) -> list[str]:
        if "F16" not in types:
            raise ValueError("must contain F16, which the others are made from")
        return types


class ExportMergedSettings(Settings):
    dtype: Literal["float16", "bfloat16", "float32"]
    """Type of the merged weights."""
    max_shard_gb: Positive
    """Most GB (10^9 bytes) of a file of weights."""
    logit_tolerance: Positive
    """Largest difference of a logit from base + adapter, both computed in float32."""
    proof_examples: Count
    """Validation examples that the merged model is compared on."""
    nf4: bool
    """Whether the merged model is also written in bitsandbytes' 4 bits."""
    max_perplexity_increase: Annotated[float, Field(ge=0)]
    """Most that NF4's perplexity may lie above the merged model's, as a share: 0.25 is a quarter more."""
    min_agreement: Share
    """Least share of extractions whose decision to store equals the merged model's."""
