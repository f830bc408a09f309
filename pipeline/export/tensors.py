"""Tensors as they lie in safetensors files: listed from the headers, read in blocks, never whole models.

A safetensors file is a length, a JSON header and raw bytes, so a header alone says where every tensor lies. The bytes
are read with plain reads, not through `safe_open`: that maps the file, and mapped pages stay resident until it is
closed.
"""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mem0_slm.io import DataError, read_json

BLOCK = 1 << 20
"""Elements computed at once. 4 MiB in float32: a block is read, added to and rounded in the processor's cache."""
SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"
"""The weights of a model in one file; the list of its files where there are several."""

BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
"""Bytes of an element, by safetensors' name of its dtype. Quantised dtypes are left out: they are not merged."""
FLOATS = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}
"""torch's names of the floating dtypes."""


class Stored(NamedTuple):
    """A tensor as it lies in a safetensors file."""

    path: Path
    name: str
    code: str
    """Its dtype, as safetensors names it."""
    shape: tuple[int, ...]
    offset: int
    """Where its first byte is in the file."""
    size: int
    """Bytes."""


class Base(NamedTuple):
    """A base model in Hugging Face's layout."""

    folder: Path
    config: dict
    tensors: dict[str, Stored]


def read_base(folder: Path) -> Base:
    """Configuration and headers of a model. Raises DataError if it is quantised, damaged or incomplete."""
    config = read_config(folder / "config.json", "Name a folder in Hugging Face's layout.")
    if config.get("quantization_config"):
        raise DataError(
            f"{folder / 'config.json'}: has a quantization_config; quantised weights are not merged. "
            "Use the unquantised base."
        )
    return Base(folder, config, model_tensors(folder))


def read_config(path: Path, remedy: str) -> dict:
    if not path.is_file():
        raise DataError(f"{path}: no such file. {remedy}")
    return read_json(path)


def model_tensors(folder: Path) -> dict[str, Stored]:
    """All tensors of a model, from one file or from those that its index lists. Raises DataError for a file that lacks
    or adds a tensor."""
    if (folder / SINGLE).is_file():
        return file_tensors(folder / SINGLE)
    if not (folder / INDEX).is_file():
        raise DataError(
            f"{folder}: neither {SINGLE} nor {INDEX} is there. "
            "Save the base with `save_pretrained`, which writes safetensors."
        )
    weight_map = read_json(folder / INDEX).get("weight_map") or {}
    found = {}
    for name in sorted(set(weight_map.values())):
        if not (folder / name).is_file():
            raise DataError(f"{folder / name}: no such file, but {INDEX} lists it. Fetch it again.")
        tensors = file_tensors(folder / name)
        for key in sorted(set(tensors) ^ {key for key, file in weight_map.items() if file == name}):
            raise DataError(f"{folder / name}: {key} is in the file or in {INDEX}, not in both. Fetch the base again.")
        found |= tensors
    return found


def file_tensors(path: Path) -> dict[str, Stored]:
    """The tensors of a safetensors file, in the order of their bytes. Raises DataError for a damaged or cut file."""
    size = path.stat().st_size
    with open(path, "rb") as f:
        length = int.from_bytes(f.read(8), "little")
        if size < 8 or length > size - 8:
            raise DataError(
                f"{path}: truncated, or not safetensors: {size} bytes cannot hold its header. Fetch or write it again."
            )
        try:
            header = json.loads(f.read(length))
            header.pop("__metadata__", None)
            entries = sorted((*e["data_offsets"], name, e["dtype"], tuple(e["shape"])) for name, e in header.items())
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DataError(
                f"{path}: its safetensors header cannot be read ({error!r}). Fetch or write it again."
            ) from None
    found, position = {}, 0
    for start, end, name, code, shape in entries:
        if code not in BYTES:
            raise DataError(
                f"{path}: {name} has dtype {code}; quantised weights are not merged. Use the float16 or bfloat16 base."
            )
        if start != position or end - start != math.prod(shape) * BYTES[code]:
            raise DataError(
                f"{path}: {name} of shape {shape}, {code} cannot lie at bytes {start} to {end}. "
                "Fetch or write the file again."
            )
        found[name] = Stored(path, name, code, shape, 8 + length + start, end - start)
        position = end
    told = 8 + length + position
    if size != told:
        how = "truncated" if size < told else "longer than its header says"
        raise DataError(f"{path}: {how}: {size} bytes, its header says {told}. Fetch or write it again.")
    return found


def same_bytes(one: Stored, other: Stored) -> bool:
    """Whether two tensors have the same dtype, shape and values."""
    if (one.code, one.shape) != (other.code, other.shape):
        return False
    with open(one.path, "rb") as f, open(other.path, "rb") as g:
        f.seek(one.offset)
        g.seek(other.offset)
        sizes = (min(BLOCK, one.size - start) for start in range(0, one.size, BLOCK))
        return all(f.read(size) == g.read(size) for size in sizes)


def read_blocks(stored: Stored, counts: int | list[int], dtype: str) -> Iterator:
    """A tensor's elements as flat torch tensors of `counts` elements (an int: as many each time), taken for `dtype`.

    All share one buffer: each may be changed in place, and is good until the next is asked for.
    Raises DataError if the file ends early.
    """
    import torch

    width = getattr(torch, dtype).itemsize
    if isinstance(counts, int):
        total = stored.size // width
        counts = [min(counts, total - start) for start in range(0, total, counts)]
    buffer = bytearray(max(counts, default=0) * width)
    with open(stored.path, "rb", buffering=0) as f:
        f.seek(stored.offset)
        for count in counts:
            filled = 0
            while filled < count * width:
                got = f.readinto(memoryview(buffer)[filled : count * width])
                if not got:
                    raise DataError(
                        f"{stored.path}: {stored.name}: the file ended early; it changed while it was read. Run again."
                    )
                filled += got
            yield torch.frombuffer(buffer, dtype=getattr(torch, dtype), count=count)


def load_float32(stored: Stored):
    """A whole tensor in float32; for the adapter's own, which are small."""
    (tensor,) = read_blocks(stored, [math.prod(stored.shape)], FLOATS[stored.code])
    return tensor.float().view(stored.shape)


def check_values(stored: Stored) -> None:
    """Read an adapter's tensor once. Raises DataError if it is not floating or holds values that are not finite."""
    if stored.code not in FLOATS:
        raise DataError(
            f"{stored.path}: {stored.name} has dtype {stored.code}, not a floating one. Save the adapter again."
        )
    for block in read_blocks(stored, BLOCK, FLOATS[stored.code]):
        check_finite(block, stored.path, stored.name, "Fetch or train it again.")


def check_finite(block, path: Path, name: str, remedy: str) -> None:
    """Raise DataError for NaN and infinities: extremes pass both on and are found far faster than by isfinite()."""
    low, high = block.aminmax()
    if not (math.isfinite(low) and math.isfinite(high)):
        raise DataError(f"{path}: {name} holds values that are not finite. {remedy}")
