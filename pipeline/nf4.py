"""4-bit weights (bitsandbytes' NF4)."""

import importlib.util

from mem0_slm import hardware
from mem0_slm.io import DataError


def installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def nf4_settings(dtype: str):
    """The settings of 4-bit weights that compute in `dtype`. Raises DataError where bitsandbytes is not installed."""
    if not installed("bitsandbytes"):
        raise DataError(
            "params.yaml: finetune.load_in_4bit, export_merged.nf4: 4-bit weights need the package bitsandbytes, "
            "which is not installed. Run `pip install -r requirements.txt`, or turn them off."
        )
    return hardware.nf4_config(dtype)
