"""A LoRA adapter into its base model's weights, on disk, without either model in memory.

`merge` reads the base's safetensors in blocks of a few million elements, adds the adapter's share of each block in
float32 and writes the result to new shards, so the model may be larger than memory. Every adapter key must fit
exactly one base tensor (`lora_match`), and all refusals but those of values come before the first byte is written.
With the same inputs, a run that was killed goes on at the first missing shard: `shards.STATE` in the output folder
says what the shards there were made of.

Torch is imported only when blocks are computed; PEFT and transformers are not needed.
"""

import errno
import hashlib
import json
import math
import sys
import time
from pathlib import Path

from mem0_slm.hardware import peak_rss_bytes
from mem0_slm.io import DataError, free_disk_bytes, sha256
from pipeline.export import tensors
from pipeline.export.lora_adapter import Adapter, read_adapter
from pipeline.export.lora_match import match
from pipeline.export.shards import MAX_SHARD_BYTES, STATE, Layout, Output, Shard, into_shards, write
from pipeline.export.tensors import FLOATS, Base, check_values, read_base

DTYPES = {"float16": "F16", "bfloat16": "BF16", "float32": "F32"}
"""What a merged model may be written in, and safetensors' name of it."""

TOKENIZER_FILES = (
    "tokenizer*",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.*",
    "merges.txt",
    "*.model",
    "chat_template*",
)
COPIED_FILES = (
    "config.json",
    "generation_config.json",
    "*processor_config.json",
    "*.py",
    "LICENSE*",
    "NOTICE*",
    "USE_POLICY*",
    *TOKENIZER_FILES,
)


def merge(
    base: Path,
    adapter: Path,
    out: Path,
    *,
    dtype: str = "float16",
    max_shard_bytes: int = MAX_SHARD_BYTES,
    keep_state: bool = False,
) -> dict:
    """Write the Hugging Face folder `base` with the PEFT LoRA `adapter` merged into its weights to the folder `out`.

    Weights are computed in float32 and written in `dtype`; integer tensors stay as they are. Configuration,
    tokenizer, chat template and licence are copied, the tokenizer's files from the adapter's folder where it has
    them. A finished export in `out` is replaced; an unfinished one of the same inputs is continued, and so is a
    finished one whose note of its inputs (`STATE`) was left there by keep_state. Returns tensors, merged (how many of
    them the adapter changed), bytes_written (by this run), seconds, shards, peak_rss_bytes (of this process so far).

    Raises DataError, naming file, key and remedy, for an adapter that cannot be merged exactly into this base and for
    damaged or non-finite weights, and OSError (ENOSPC) when the disk cannot hold the result. All but values that are
    not finite is found before the first byte is written. Whole shards stay in `out` after an error, half of one never
    does.
    """
    started = time.perf_counter()
    out = Path(out)
    check_output(out, base, adapter)
    lora = read_adapter(Path(adapter))
    model = read_base(Path(base))
    layout = lay_out(model, lora, dtype, max_shard_bytes)
    for stored in lora.tensors.values():
        check_values(stored)
    fingerprint = inputs_fingerprint(model, lora, layout)
    resumes = (out / STATE).is_file() and (out / STATE).read_text() == fingerprint
    todo = [shard for shard in layout.shards if not (resumes and is_written(out / shard.name, shard))]
    check_disk(out, layout, todo)
    try:
        write(out, layout, todo, None if resumes else fingerprint)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise disk_full(error, out, todo) from error
        raise
    if not keep_state:
        (out / STATE).unlink()
    return summary(layout) | {
        "bytes_written": sum(shard.size for shard in todo) + layout.copied_bytes,
        "seconds": time.perf_counter() - started,
        "peak_rss_bytes": peak_rss_bytes(),
    }


def plan(base: Path, adapter: Path, dtype: str = "float16", *, max_shard_bytes: int = MAX_SHARD_BYTES) -> dict:
    """What `merge` would do and need: tensors, merged, shards, disk_bytes, memory_bytes (above the interpreter's own).

    Reads headers only, and refuses what `merge` refuses, values that are not finite aside.
    """
    layout = lay_out(read_base(Path(base)), read_adapter(Path(adapter)), dtype, max_shard_bytes)
    disk = sum(shard.size for shard in layout.shards) + layout.copied_bytes
    return summary(layout) | {"disk_bytes": disk, "memory_bytes": layout.memory_bytes}


def summary(layout: Layout) -> dict:
    merged = sum(output.changed for output in layout.outputs)
    return {"tensors": len(layout.outputs), "merged": merged, "shards": len(layout.shards)}


def check_output(out: Path, base: Path, adapter: Path) -> None:
    """Raise DataError if `out` is one of the inputs."""
    for name, folder in (("base", Path(base)), ("adapter", Path(adapter))):
        if out.resolve() == folder.resolve():
            raise DataError(f"{out}: is the {name} itself. Name another output folder.")


# --- what will be written -------------------------------------------------------------------------------------------


def lay_out(base: Base, adapter: Adapter, dtype: str, max_shard_bytes: int) -> Layout:
    """Match every adapter key with its base tensor and lay the result out in shards. Raises DataError."""
    if dtype not in DTYPES:
        raise DataError(f"dtype: must be one of {', '.join(DTYPES)}, found {dtype!r}.")
    deltas, replaced = match(base, adapter)
    outputs = []
    for name, tensor in base.tensors.items():
        source = replaced.get(name, tensor)
        code = DTYPES[dtype] if source.code in FLOATS else source.code
        outputs.append(Output(name, source, deltas.get(name), code))
    # A block as read, in float32 and as written; BLAS's own; the largest pair, as read and in float32
    pairs = [sum(2 * math.prod(factor.shape) * 4 for factor in (d.a, d.b)) for d in deltas.values()]
    memory = tensors.BLOCK * (8 + 4 + 4) + (64 << 20) + max(pairs, default=0)
    files = {f.name: f for pattern in COPIED_FILES for f in sorted(base.folder.glob(pattern)) if f.is_file()}
    files |= {f.name: f for pattern in TOKENIZER_FILES for f in sorted(adapter.folder.glob(pattern)) if f.is_file()}
    config = json.dumps(with_dtype({"dtype": dtype} | base.config, dtype), indent=2, sort_keys=True) + "\n"
    copied_bytes = sum(file.stat().st_size for file in files.values())
    return Layout(into_shards(outputs, max_shard_bytes), files, config, copied_bytes, memory)


def with_dtype(config, dtype: str):
    """`config` with every dtype in it replaced: loaders that believe it would round the merged weights again."""
    if not isinstance(config, dict):
        return config
    return {key: dtype if key in ("dtype", "torch_dtype") else with_dtype(v, dtype) for key, v in config.items()}


# --- an earlier run, and the disk -----------------------------------------------------------------------------------


def inputs_fingerprint(base: Base, adapter: Adapter, layout: Layout) -> str:
    """What a run shares with the one that it goes on from: base files by size and time, the adapter by content."""
    files = sorted({output.source.path for output in layout.outputs} | {base.folder / "config.json"})
    files = [file for file in files if file.parent == base.folder]
    inputs = {
        "base": [[file.name, file.stat().st_size, file.stat().st_mtime_ns] for file in files],
        "adapter": {file: sha256(adapter.folder / file) for file in ("adapter_config.json", adapter.weights.name)},
        "shards": {shard.name: hashlib.sha256(shard.header).hexdigest() for shard in layout.shards},
    }
    return json.dumps(inputs, indent=2, sort_keys=True) + "\n"


def is_written(path: Path, shard: Shard) -> bool:
    return path.is_file() and path.stat().st_size == shard.size


def check_disk(out: Path, layout: Layout, todo: list[Shard]) -> None:
    """Say what will be needed. Raises OSError (ENOSPC) if the disk has less."""
    # beside the tensors: the index, the state, blocks half used
    needed = sum(shard.size for shard in todo) + layout.copied_bytes + (1 << 20)
    free = free_disk_bytes(out)
    text = (
        f"{readable_size(needed)} of disk ({len(todo)} of {len(layout.shards)} shards to write) and about "
        f"{readable_size(layout.memory_bytes)} of memory above the interpreter's own; "
        f"{readable_size(free)} of disk is free"
    )
    if free < needed:
        remedy = "Free space, or name another output folder"
        raise OSError(errno.ENOSPC, f"{out}: merging needs {text}. {remedy}")
    print(f"merge: needs {text}", file=sys.stderr)


def disk_full(error: OSError, out: Path, todo: list[Shard]) -> OSError:
    """The error of a disk that filled up, with the remedy."""
    needed = readable_size(sum(shard.size for shard in todo))
    remedy = f"Free {needed} and run again: it resumes at the first missing shard"
    return OSError(error.errno, f"{out}: the disk is full. {remedy}")


def readable_size(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e8 else f"{count / 1e6:.2f} MB"
