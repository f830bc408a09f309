"""The merged model's files: laid out from names and shapes alone, then written block by block.

A shard's header follows from what is in it, so it is written first and the tensors stream after it. What is held at
once does not depend on the number of layers, experts or words. A shard appears under its name only when it is whole
and synced.
"""

import json
import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mem0_slm.io import atomic_path, write_json, write_text
from pipeline.export import tensors
from pipeline.export.lora_match import Delta
from pipeline.export.tensors import BYTES, FLOATS, INDEX, SINGLE, Stored, check_finite, load_float32, read_blocks

MAX_SHARD_BYTES = 5 * 10**9
STATE = "merge.state.json"
"""Beside the shards: of what inputs they were made."""


class Output(NamedTuple):
    """A tensor of the merged model."""

    name: str
    source: Stored
    """Where its values come from: the base, or the adapter where that replaces the base's."""
    delta: Delta | None
    """What is added."""
    code: str
    """The dtype that it is written in, as safetensors names it."""

    @property
    def size(self) -> int:
        """Bytes."""
        return math.prod(self.source.shape) * BYTES[self.code]

    @property
    def changed(self) -> bool:
        """Whether the adapter has a part in it."""
        return self.delta is not None or self.source.name != self.name


class Shard(NamedTuple):
    """A safetensors file of the merged model."""

    name: str
    header: bytes
    """With the eight bytes of its length in front."""
    outputs: list[Output]

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.header) + sum(output.size for output in self.outputs)


class Layout(NamedTuple):
    """All that a merge will write, known before it starts."""

    shards: list[Shard]
    files: dict[str, Path]
    """What is copied beside them, by name: tokenizer, chat template, licence."""
    config: str
    """The text of config.json."""
    copied_bytes: int
    memory_bytes: int
    """What the merge takes above the interpreter's own, at most."""

    @property
    def outputs(self) -> list[Output]:
        return [output for shard in self.shards for output in shard.outputs]


def into_shards(outputs: list[Output], max_shard_bytes: int) -> list[Shard]:
    """The tensors in shards of at most `max_shard_bytes` or one tensor, in the base's order: reading goes forward."""
    groups, size = [[]], 0
    for output in outputs:
        if groups[-1] and size + output.size > max_shard_bytes:
            groups.append([])
            size = 0
        groups[-1].append(output)
        size += output.size
    shards = []
    for number, group in enumerate(groups, 1):
        group = sorted(group, key=lambda output: -BYTES[output.code])  # wide types first keeps each aligned
        name = SINGLE if len(groups) == 1 else f"model-{number:05}-of-{len(groups):05}.safetensors"
        shards.append(Shard(name, header_of(group), group))
    return shards


def header_of(outputs: list[Output]) -> bytes:
    """The head of a safetensors file that holds these tensors in this order."""
    entries, position = {"__metadata__": {"format": "pt"}}, 0
    for output in outputs:
        end = position + output.size
        shape = list(output.source.shape)
        entries[output.name] = {"dtype": output.code, "shape": shape, "data_offsets": [position, end]}
        position = end
    header = json.dumps(entries, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header


def write(out: Path, layout: Layout, todo: list[Shard], fingerprint: str | None) -> None:
    """Write the shards in `todo` and all beside them to the folder `out`.

    fingerprint: of the inputs, to start over and to leave it in `STATE` for a run that resumes; None goes on with
    what is there. Raises DataError for values that are not finite.
    """
    out.mkdir(parents=True, exist_ok=True)
    for pattern in (".model*", *(f".{name}.*" for name in (*layout.files, STATE))):
        for leftover in out.glob(pattern):
            shutil.rmtree(leftover)  # atomic_path's folder of a run that was killed
    if fingerprint:
        for stale in (*out.glob("model*.safetensors"), out / INDEX):
            stale.unlink(missing_ok=True)
        write_text(out / STATE, fingerprint)
    write_shards(out, layout, todo)
    for name, file in layout.files.items():
        if name != "config.json":
            with atomic_path(out / name) as temporary:
                shutil.copyfile(file, temporary)
    write_text(out / "config.json", layout.config)
    if len(layout.shards) > 1:  # last, so that an unfinished folder does not pass for a model
        weight_map = {output.name: shard.name for shard in layout.shards for output in shard.outputs}
        total = sum(output.size for output in layout.outputs)
        write_json(out / INDEX, {"metadata": {"total_size": total}, "weight_map": weight_map})


def write_shards(out: Path, layout: Layout, todo: list[Shard]) -> None:
    """Write the shards in `todo`, each whole before it has its name, with a progress bar over all of them."""
    import torch
    from tqdm import tqdm

    total = sum(shard.size for shard in layout.shards)
    done = total - sum(shard.size for shard in todo)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # a block is too small to share out: waiting for each other costs more than it saves
    try:
        with tqdm(total=total, initial=done, unit="B", unit_scale=True, desc="merge", disable=None) as bar:
            for shard in todo:
                with atomic_path(out / shard.name) as temporary, open(temporary, "wb") as f:
                    bar.update(f.write(shard.header))
                    for output in shard.outputs:
                        for block in merged_blocks(output):
                            bar.update(f.write(block))
    finally:
        torch.set_num_threads(threads)


def merged_blocks(output: Output) -> Iterator:
    """The merged tensor's bytes, block by block. Raises DataError for a value that is not finite, read or written."""
    import torch

    source, delta = output.source, output.delta
    if source.code not in FLOATS:
        yield from (block.numpy() for block in read_blocks(source, tensors.BLOCK, "uint8"))
        return
    target = getattr(torch, FLOATS[output.code])
    columns = source.shape[-1] if delta else 1
    rows = source.shape[-2] if delta else math.prod(source.shape)
    step = min(rows, max(1, tensors.BLOCK // columns))
    factors = expert_factors(delta) if delta else None
    row = rows  # of the expert that the next block begins in
    # Blocks end where an expert ends, so that each needs one expert's factors
    of_expert = [min(step, rows - start) * columns for start in range(0, rows, step or 1)]
    counts = of_expert * (delta.experts if delta else 1)
    # Buffers are made once a tensor: with fresh memory for each step most of the time would go to page faults
    exact = torch.empty(max(counts, default=0) if delta else 0)
    result = torch.empty(max(counts, default=0), dtype=target)
    for block in read_blocks(source, counts, FLOATS[source.code]):
        count = len(block)
        check_finite(block, source.path, source.name, "Fetch or train it again.")
        if delta:
            if row == rows:
                row, (left, right) = 0, next(factors)
            block = exact[:count].copy_(block)
            block.view(-1, columns).addmm_(left[row : row + count // columns], right, alpha=delta.scale)
            row += count // columns
        if delta or target != block.dtype:
            block = result[:count].copy_(block)
            check_rounded(block, output)
        yield block.view(torch.uint8).numpy()


def check_rounded(block, output: Output) -> None:
    """Raise DataError for values that stopped being finite when they were merged and rounded."""
    dtype = FLOATS[output.code]
    remedy = "The adapter is broken: train it again."
    if dtype == "float16":
        remedy = "Write bfloat16 or float32, whose range is wider."
    check_finite(block, output.source.path, f"{output.name} as merged, in {dtype},", remedy)


def expert_factors(delta: Delta) -> Iterator[tuple]:
    """(left, right) of each expert in turn; the expert's delta is scale * left @ right, in the base tensor's layout."""
    a, b = load_float32(delta.a), load_float32(delta.b)
    a = a.view(delta.experts, -1, a.shape[-1])
    b = b.view(b.shape[0], -1, delta.experts)  # PEFT lays A out by expert, then rank, and B by rank, then expert
    for expert in range(delta.experts):
        yield (a[expert].T, b[:, :, expert].T) if delta.flipped else (b[:, :, expert], a[expert])
