"""4-bit weights (bitsandbytes' NF4)."""

import importlib.util

from mem0_slm.io import DataError


def installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


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
