"""GGUF files: converted by llama.cpp's own scripts of the version that the runtime uses, quantised by its library.

The scripts are in llama-cpp-python's source archive, not in its wheel; `make setup` unpacks them to
<virtual environment>/share/llama.cpp ($MEM0_SLM_LLAMA_CPP names another place).
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from mem0_slm import io

QUANTISED = {"Q8_0": 7, "Q4_0": 2, "Q4_1": 3, "Q4_K_M": 15, "Q5_K_M": 17, "Q6_K": 18}
"""llama.cpp's file-type numbers (llama.h, enum llama_ftype)."""


def scripts() -> Path:
    """The folder with llama.cpp's converters. Raises DataError with the remedy when they are not installed."""
    folder = Path(os.environ.get("MEM0_SLM_LLAMA_CPP") or Path(sys.prefix) / "share" / "llama.cpp")
    if not (folder / "convert_hf_to_gguf.py").is_file():
        raise io.DataError(
            f"{folder}: llama.cpp's converter is not there. Run `make setup`, or set MEM0_SLM_LLAMA_CPP to a llama.cpp "
            "checkout."
        )
    return folder


def run_converter(script: str, arguments: list, out: Path) -> None:
    """Run one of llama.cpp's scripts, which writes `out`. Raises DataError with its last words, or for a full disk."""
    folder = scripts()
    environment = os.environ | {"PYTHONPATH": str(folder / "gguf-py"), "HF_HUB_OFFLINE": "1", "NO_LOCAL_GGUF": ""}
    with io.atomic_path(out) as temporary:
        done = subprocess.run(
            [sys.executable, str(folder / script), *map(str, arguments), "--outfile", str(temporary)],
            capture_output=True,
            text=True,
            env=environment,
        )
        if re.search(r"No space left on device|\d+ requested and \d+ written", done.stderr):  # the second is numpy's
            raise io.DataError(f"{out}: the disk is full. Free space, and run the stage again.")
        if done.returncode or not temporary.is_file():
            raise io.DataError(
                f"{out}: llama.cpp's {script} failed (exit code {done.returncode}): {done.stderr.strip()[-800:]}"
            )


def convert(folder: Path, out: Path, kind: str = "f16") -> None:
    """A Hugging Face folder to GGUF of the `kind` f32, f16, bf16 or q8_0.

    Raises DataError with the converter's last words.

    Name and licence in the GGUF's metadata come from the folder's model card, the chat template from its tokenizer.
    """
    run_converter("convert_hf_to_gguf.py", [folder, "--outtype", kind], out)


def convert_lora(adapter: Path, base: Path, out: Path, kind: str = "f16", card: Path | None = None) -> None:
    """A PEFT adapter folder to a GGUF LoRA that llama.cpp loads at run time.

    card: a model card with name and licence. Raises DataError with the converter's last words.
    """
    with tempfile.TemporaryDirectory() as folder:  # the converter looks for the card beside the adapter
        for name, file in ({f.name: f for f in adapter.iterdir()} | ({"README.md": card} if card else {})).items():
            (Path(folder) / name).symlink_to(file.resolve())
        run_converter("convert_lora_to_gguf.py", [folder, "--base", base, "--outtype", kind], out)


def quantise(source: Path, out: Path, kind: str, threads: int = 0, again: bool = False) -> None:
    """Quantise a GGUF file to one of `QUANTISED`; with `again`, also one that is quantised.

    Raises DataError when llama.cpp refuses.
    """
    import llama_cpp

    from mem0_slm.engines._llama_model import silence

    if kind not in QUANTISED:
        raise io.DataError(f"{kind}: not a quantised GGUF type that is known here. Use one of {', '.join(QUANTISED)}.")
    silence(llama_cpp)  # it lists every tensor
    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype, parameters.nthread, parameters.allow_requantize = QUANTISED[kind], threads, again
    with io.atomic_path(out) as temporary:
        code = llama_cpp.llama_model_quantize(str(source).encode(), str(temporary).encode(), parameters)
        if code or not temporary.is_file():
            raise io.DataError(f"{source}: llama.cpp could not quantise it to {kind} (code {code}).")
