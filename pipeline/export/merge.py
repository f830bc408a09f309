"""A LoRA adapter into its base model's weights, on disk, without either model in memory.

`merge` reads the base's safetensors in blocks of a few million elements, adds the adapter's share of each block in
float32 and writes the result to new shards. What it holds at once does not depend on the number of layers, experts or
words, so the model may be larger than memory. It leans on three things:

- A safetensors file is a length, a JSON header and raw bytes. A shard's header follows from names and shapes alone, so
  it is written first and the tensors stream after it. The base is read with plain reads, not through `safe_open`: that
  maps the file, and mapped pages stay resident until it is closed.
- Every adapter key must end up in exactly one base tensor of the right shape, and every module that the adapter's
  configuration targets must be there. Both are checked before the first byte is written: the known fault of other
  merges is to drop experts' deltas in silence.
- A shard appears under its name only when it is whole and synced. `merge.state.json` in the output folder says of what
  inputs the shards there were made; with the same inputs the next run goes on at the first missing shard.

Torch is imported only when blocks are computed; PEFT and transformers are not needed.
"""

import errno
import hashlib
import itertools
import json
import math
import re
import shutil
import sys
import time
from pathlib import Path
from typing import NamedTuple

from mem0_slm.io import DataError, atomic_path, read_json, sha256, write_json, write_text

BLOCK = 1 << 20
"""Elements computed at once. 4 MiB in float32: reading, adding and rounding a block then happen in the processor's cache."""
MAX_SHARD_BYTES = 5 * 10**9
STATE = "merge.state.json"

_SINGLE, _INDEX = "model.safetensors", "model.safetensors.index.json"
_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
_FLOATS = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}
_DTYPES = {"float16": "F16", "bfloat16": "BF16", "float32": "F32"}

_TOKENIZER = (
    "tokenizer*",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.*",
    "merges.txt",
    "*.model",
    "chat_template*",
)
_COPIED = (
    "config.json",
    "generation_config.json",
    "*processor_config.json",
    "*.py",
    "LICENSE*",
    "NOTICE*",
    "USE_POLICY*",
) + _TOKENIZER

_EMBEDDINGS = ("embed_tokens", "wte", "word_embeddings", "embed_in", "tok_embeddings")
_HEADS = ("lm_head", "embed_out", "output")

_PREFIX = "base_model.model."
_LORA_KEY = re.compile(r"(.+?)((?:\.base_layer)*)\.lora_(A\.weight|B\.weight|embedding_A|embedding_B)")
_REFUSED_KEYS = {
    "lora_magnitude_vector": "DoRA is not merged",
    ".lora_B.bias": "lora_bias is not merged",
    "token_adapter": "trainable tokens are not merged",
    "trainable_tokens": "trainable tokens are not merged",
}
_REFUSED = ("lora_bias", "layer_replication", "trainable_token_indices", "alora_invocation_tokens")
# Variants of LoRA are switched on by `use_<variant>` or `<variant>_config`; these are the ones that leave a plain delta.
_PLAIN = ("use_rslora", "eva_config", "corda_config", "loftq_config", "lora_ga_config")
# The other initialisations (pissa, olora, corda, loftq, lora_ga) change the base's weights when training begins.
_PLAIN_INITS = (None, True, False, "gaussian", "eva", "orthogonal")


class Stored(NamedTuple):
    """A tensor as it lies in a safetensors file."""

    path: Path
    name: str
    code: str
    shape: tuple[int, ...]
    offset: int
    size: int


class Delta(NamedTuple):
    """What is added to a tensor: scale * B @ A for each expert, transposed if `flipped`."""

    a: Stored
    b: Stored
    scale: float
    experts: int
    flipped: bool


class Output(NamedTuple):
    """A tensor of the merged model: where it comes from, what is added, and the dtype it is written in."""

    name: str
    source: Stored
    delta: Delta | None
    code: str

    @property
    def size(self) -> int:
        return math.prod(self.source.shape) * _BYTES[self.code]


class Shard(NamedTuple):
    name: str
    header: bytes
    outputs: list[Output]

    @property
    def size(self) -> int:
        return len(self.header) + sum(output.size for output in self.outputs)


class Layout(NamedTuple):
    """All that a merge will do, known before it starts."""

    shards: list[Shard]
    adapter: dict[str, Stored]
    files: dict[str, Path]
    config: str
    copied_bytes: int
    memory_bytes: int

    @property
    def outputs(self) -> list[Output]:
        return [output for shard in self.shards for output in shard.outputs]


def plan(base: Path, adapter: Path, dtype: str = "float16", *, max_shard_bytes: int = MAX_SHARD_BYTES) -> dict:
    """What `merge` would need and do: `disk_bytes`, `memory_bytes` (above the interpreter's own), `shards`, `tensors`, `merged`.

    Reads headers only, and refuses what `merge` refuses, values that are not finite aside.
    """
    return _summary(_layout(Path(base), Path(adapter), dtype, max_shard_bytes))


def merge(
    base: Path,
    adapter: Path,
    out: Path,
    *,
    dtype: str = "float16",
    max_shard_bytes: int = MAX_SHARD_BYTES,
    keep_state: bool = False,
) -> dict:
    """Write `base` (a Hugging Face folder with safetensors) with the PEFT LoRA `adapter` merged into it to the folder `out`.

    Weights are computed in float32 and written in `dtype`; integer tensors stay as they are. Configuration, tokenizer,
    chat template and licence are copied, the tokenizer's files from the adapter's folder where it has them. A finished
    export in `out` is replaced; an unfinished one of the same inputs is continued, and so is a finished one whose note of
    its inputs (`STATE`) was left there by keep_state. Returns tensors, merged (how many of them the adapter changed),
    bytes_written (by this run), seconds, shards, peak_rss_bytes (of this process so far).

    Raises DataError, naming file, key and remedy, for an adapter that cannot be merged exactly into this base and for
    damaged or non-finite weights, and OSError (ENOSPC) when the disk cannot hold the result. All but values that are not
    finite is found before the first byte is written. Whole shards stay in `out` after an error, half of one never does.
    """
    started = time.perf_counter()
    base, adapter, out = Path(base), Path(adapter), Path(out)
    if out.resolve() in (base.resolve(), adapter.resolve()):
        raise DataError(
            f"{out}: is the {'base' if out.resolve() == base.resolve() else 'adapter'} itself. Name another output folder."
        )
    layout = _layout(base, adapter, dtype, max_shard_bytes)
    for stored in layout.adapter.values():
        _check_values(stored)

    fingerprint = _fingerprint(base, adapter, layout)
    resumes = (out / STATE).is_file() and (out / STATE).read_text() == fingerprint
    done = [
        s for s in layout.shards if resumes and (out / s.name).is_file() and (out / s.name).stat().st_size == s.size
    ]
    todo = [shard for shard in layout.shards if shard not in done]
    _check_disk(out, layout, todo)

    try:
        _write(out, layout, todo, dtype, None if resumes else fingerprint)
        if not keep_state:
            (out / STATE).unlink()
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        text = f"{out}: the disk is full. Free {_size(sum(shard.size for shard in todo))} and run again: it resumes at the first missing shard"
        raise OSError(error.errno, text) from error

    summary = _summary(layout)
    return {
        "tensors": summary["tensors"],
        "merged": summary["merged"],
        "shards": summary["shards"],
        "bytes_written": sum(shard.size for shard in todo) + layout.copied_bytes,
        "seconds": time.perf_counter() - started,
        "peak_rss_bytes": _peak_rss(),
    }


def _summary(layout: Layout) -> dict:
    return {
        "tensors": len(layout.outputs),
        "merged": sum(output.delta is not None or output.source.name != output.name for output in layout.outputs),
        "shards": len(layout.shards),
        "disk_bytes": sum(shard.size for shard in layout.shards) + layout.copied_bytes,
        "memory_bytes": layout.memory_bytes,
    }


# --- what is there -----------------------------------------------------------------------------------------------


def _tensors(path: Path) -> dict[str, Stored]:
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
        if code not in _BYTES:
            raise DataError(
                f"{path}: {name} has dtype {code}; quantised weights are not merged. Use the float16 or bfloat16 base."
            )
        if start != position or end - start != math.prod(shape) * _BYTES[code]:
            raise DataError(
                f"{path}: {name} of shape {shape}, {code} cannot lie at bytes {start} to {end}. Fetch or write the file again."
            )
        found[name] = Stored(path, name, code, shape, 8 + length + start, end - start)
        position = end
    if size != 8 + length + position:
        fault = "truncated" if size < 8 + length + position else "longer than its header says"
        raise DataError(
            f"{path}: {fault}: {size} bytes, its header says {8 + length + position}. Fetch or write it again."
        )
    return found


def _base_tensors(base: Path) -> dict[str, Stored]:
    if (base / _SINGLE).is_file():
        return _tensors(base / _SINGLE)
    if not (base / _INDEX).is_file():
        raise DataError(
            f"{base}: neither {_SINGLE} nor {_INDEX} is there. Save the base with `save_pretrained`, which writes safetensors."
        )
    weight_map = read_json(base / _INDEX).get("weight_map") or {}
    found = {}
    for name in sorted(set(weight_map.values())):
        if not (base / name).is_file():
            raise DataError(f"{base / name}: no such file, but {_INDEX} lists it. Fetch it again.")
        shard = _tensors(base / name)
        for key in sorted(set(shard) ^ {key for key, file in weight_map.items() if file == name}):
            raise DataError(f"{base / name}: {key} is in the file or in {_INDEX}, not in both. Fetch the base again.")
        found |= shard
    return found


def _json(path: Path, remedy: str) -> dict:
    if not path.is_file():
        raise DataError(f"{path}: no such file. {remedy}")
    return read_json(path)


def _adapter_config(adapter: Path) -> dict:
    """The adapter's configuration. Raises DataError if it is not a plain LoRA."""
    path = adapter / "adapter_config.json"
    config = _json(path, "Name a folder that PEFT's `save_pretrained` wrote.")

    def refuse(key: str, why: str):
        raise DataError(
            f"{path}: {key} is {config.get(key)!r}: {why}. Merge with PEFT's `merge_and_unload`, or train a plain LoRA."
        )

    if config.get("peft_type") != "LORA":
        refuse("peft_type", "only LORA is merged")
    if config.get("bias", "none") != "none":
        refuse("bias", "trained biases are not merged")
    if config.get("init_lora_weights") not in _PLAIN_INITS:
        refuse(
            "init_lora_weights",
            "this initialisation changed the base's weights when training began; convert the adapter first",
        )
    for key, value in sorted(config.items()):
        if key == "use_dora" and value:
            refuse(key, "DoRA is not merged")
        variant = (key.startswith("use_") or key.endswith("_config")) and key not in _PLAIN
        if value and (variant or key in _REFUSED):
            refuse(key, "this form of LoRA is not merged")
    for key in ("r", "lora_alpha"):
        if not isinstance(config.get(key), (int, float)) or config[key] <= 0:
            raise DataError(
                f"{path}: {key} must be a number above 0, found {config.get(key)!r}. Save the adapter again."
            )
    return config


# --- what becomes of it --------------------------------------------------------------------------------------------


def _layout(base: Path, adapter: Path, dtype: str, max_shard_bytes: int) -> Layout:
    """Match every adapter key with its base tensor and lay the result out in shards. Raises DataError as `merge` says."""
    if dtype not in _DTYPES:
        raise DataError(f"dtype: must be one of {', '.join(_DTYPES)}, found {dtype!r}.")
    model = _json(base / "config.json", "Name a folder in Hugging Face's layout.")
    if model.get("quantization_config"):
        raise DataError(
            f"{base / 'config.json'}: has a quantization_config; quantised weights are not merged. Use the unquantised base."
        )
    config = _adapter_config(adapter)
    weights = adapter / "adapter_model.safetensors"
    if not weights.is_file():
        raise DataError(
            f"{weights}: no such file. Save the adapter with `save_pretrained`, which writes safetensors, not .bin."
        )
    stored, tensors = _tensors(weights), _base_tensors(base)
    deltas, replaced = _match(stored, tensors, config, model, weights, base)
    outputs = []
    for name, tensor in tensors.items():
        source = replaced.get(name, tensor)
        outputs.append(
            Output(name, source, deltas.get(name), _DTYPES[dtype] if source.code in _FLOATS else source.code)
        )
    # Above the interpreter: a block as read, in float32 and as written; BLAS's own; the largest pair, read and in float32
    pairs = [sum(2 * math.prod(t.shape) * 4 for t in (d.a, d.b)) for d in deltas.values()]
    memory = BLOCK * (8 + 4 + 4) + (64 << 20) + max(pairs, default=0)
    files = {f.name: f for pattern in _COPIED for f in sorted(base.glob(pattern)) if f.is_file()}
    files |= {f.name: f for pattern in _TOKENIZER for f in sorted(adapter.glob(pattern)) if f.is_file()}
    text = json.dumps(_with_dtype({"dtype": dtype} | model, dtype), indent=2, sort_keys=True) + "\n"
    copied = sum(f.stat().st_size for f in files.values())
    return Layout(_shards(outputs, max_shard_bytes), stored, files, text, copied, memory)


def _with_dtype(config, dtype: str):
    """`config` with every dtype in it replaced: loaders that take it at its word would round the merged weights again."""
    if not isinstance(config, dict):
        return config
    return {
        key: dtype if key in ("dtype", "torch_dtype") else _with_dtype(value, dtype) for key, value in config.items()
    }


def _match(stored: dict, tensors: dict, config: dict, model: dict, weights: Path, base: Path) -> tuple[dict, dict]:
    """Deltas and replacements of base tensors, both by the base tensor's name, that use up every adapter key."""
    pairs, whole = _parse(stored, weights)
    children = {}
    for name in tensors:
        module, _, leaf = name.rpartition(".")
        children.setdefault(module, []).append(leaf)
    prefix = _prefix(pairs, children)
    deltas, replaced = {}, {}

    for module, levels in pairs.items():
        place = prefix + module
        leaves = [
            leaf for leaf in children.get(place, ()) if _listed(config.get("target_parameters"), f"{module}.{leaf}")
        ]
        if leaves:
            deltas |= _match_parameters(place, module, levels, leaves, tensors, config, weights)
            continue
        key = levels[0]["A"].name
        name = f"{place}.weight"
        if name not in tensors:
            raise DataError(
                f"{weights}: {key}: {base} has no tensor {name} for it. Merge into the base that the adapter was trained on."
            )
        if len(levels) > 1:
            raise DataError(
                f"{weights}: {levels[1]['A'].name}: nothing consumes it: {module} is no target of target_parameters."
            )
        flipped = levels[0]["embedding"] or bool(config.get("fan_in_fan_out"))
        delta, expected = _delta(levels[0], tensors[name].shape, module, flipped, config)
        if delta is None:
            raise DataError(
                f"{weights}: {key} and its B have shapes {levels[0]['A'].shape} and {levels[0]['B'].shape}; {name} of shape "
                f"{tensors[name].shape} needs {expected[0]} and {expected[1]}. Merge into the base that the adapter was trained on."
            )
        deltas[name] = delta

    tied = _tied(model, tensors)
    for key, tensor in whole.items():
        name = prefix + key
        module = key.rpartition(".")[0]
        if name not in tensors and not (tied and module.rpartition(".")[2] in _HEADS):
            raise DataError(f"{weights}: {tensor.name}: nothing consumes it: {base} has no tensor {name}.")
        if not (_saved(config, key) or name in deltas or module.rpartition(".")[2] in _EMBEDDINGS + _HEADS):
            raise DataError(f"{weights}: {tensor.name}: nothing consumes it: its module is not in modules_to_save.")
        if name in tensors and tensor.shape != tensors[name].shape:
            raise DataError(
                f"{weights}: {tensor.name} has shape {tensor.shape}, the base's {name} {tensors[name].shape}. "
                "If training resized the vocabulary, resize the base in the same way first."
            )
        replaced[name] = tensor
    if tied:
        _check_tied(deltas, replaced, tensors, config, weights)
    _check_complete(deltas, replaced, tensors, prefix, config, model, weights)
    return deltas, replaced


def _parse(stored: dict, weights: Path) -> tuple[dict, dict]:
    """Adapter tensors by module: LoRA pairs, the outermost wrapper first, and tensors that replace the base's."""
    found, whole = {}, {}
    for key, tensor in stored.items():
        for mark, why in _REFUSED_KEYS.items():
            if mark in key:
                raise DataError(
                    f"{weights}: {key}: {why}. Merge with PEFT's `merge_and_unload`, or train a plain LoRA."
                )
        match = _LORA_KEY.fullmatch(key.removeprefix(_PREFIX))
        if not key.startswith(_PREFIX) or (".lora_" in key and not match):
            raise DataError(
                f"{weights}: {key}: nothing consumes it; PEFT's keys are {_PREFIX}<module>.lora_A.weight. Save the adapter again."
            )
        if match:
            module, level, side = match[1], match[2].count("."), match[3]
            pair = found.setdefault(module, {}).setdefault(level, {"embedding": "embedding" in side})
            pair[side.removeprefix("embedding_")[0]] = tensor
        else:
            whole[key.removeprefix(_PREFIX).replace(".base_layer.", ".")] = tensor
    for levels in found.values():
        for level, pair in levels.items():
            if "A" not in pair or "B" not in pair:
                have, lack = ("A", "B") if "A" in pair else ("B", "A")
                raise DataError(
                    f"{weights}: {pair[have].name} has no lora_{lack} beside it. The file lost keys: save the adapter again."
                )
            if level and level - 1 not in levels:
                raise DataError(
                    f"{weights}: {pair['A'].name}: nothing consumes it: the adapter around it is missing. Save the adapter again."
                )
    return {module: [levels[level] for level in sorted(levels)] for module, levels in found.items()}, whole


def _prefix(pairs: dict, children: dict) -> str:
    """What the base puts before the adapter's module names: nothing, or the one prefix under which all of them are found.

    A text model that was loaded from a multimodal checkpoint has `model.layers` where the files say `language_model.model.layers`.
    """
    first = next(iter(pairs), None)
    if first is None or first in children:
        return ""
    candidates = [module[: -len(first)] for module in children if module.endswith(f".{first}")]
    candidates = [prefix for prefix in candidates if all(prefix + module in children for module in pairs)]
    return candidates[0] if len(candidates) == 1 else ""


def _match_parameters(
    place: str, module: str, levels: list, leaves: list, tensors: dict, config: dict, weights: Path
) -> dict:
    """Deltas of the parameters of one module, such as `experts.gate_up_proj` and `experts.down_proj`.

    PEFT nests one wrapper a parameter and names them lora_A, base_layer.lora_A, ...; which wrapper is whose follows the
    order in which the module's class registered its parameters, which no file records. Likewise it stores the factors of
    a 3-D parameter for (out, in) matrices or, with classes that set `is_transposed` and in its older versions, for (in, out).
    The shapes tell: an assignment is accepted if it is the only one that fits.
    """
    first = levels[0]["A"].name
    if len(levels) != len(leaves):
        raise DataError(
            f"{weights}: {first}: {len(levels)} pairs at {module}, but target_parameters names {len(leaves)} of its parameters: "
            f"{', '.join(leaves)}. Save the adapter again."
        )
    solutions = []
    for order in itertools.permutations(leaves):
        for flipped in (False, True):
            shapes = [tensors[f"{place}.{leaf}"].shape for leaf in order]
            if flipped and all(len(shape) == 2 for shape in shapes):
                continue
            tried = [
                _delta(pair, shape, f"{module}.{leaf}", flipped and len(shape) == 3, config)[0]
                for pair, shape, leaf in zip(levels, shapes, order, strict=True)
            ]
            if all(tried):
                solutions.append({f"{place}.{leaf}": delta for leaf, delta in zip(order, tried, strict=True)})
    if len(solutions) == 1:
        return solutions[0]
    shapes = "; ".join(f"{pair['A'].shape} and {pair['B'].shape}" for pair in levels)
    wanted = ", ".join(f"{leaf} {tensors[f'{place}.{leaf}'].shape}" for leaf in leaves)
    if solutions:
        raise DataError(
            f"{weights}: {first}: ambiguous: its shapes ({shapes}) fit {wanted} in {len(solutions)} ways. Merge it with PEFT."
        )
    raise DataError(
        f"{weights}: {first}: no way to fit the shapes {shapes} to {wanted}. Merge into the base that the adapter was trained on."
    )


def _delta(pair: dict, shape: tuple, key: str, flipped: bool, config: dict) -> tuple[Delta | None, tuple]:
    """The delta that a pair gives a tensor of this shape, None if it does not fit, and the shapes that would."""
    if len(shape) not in (2, 3):
        return None, ("a matrix", "a matrix")
    rank = _pattern(config.get("rank_pattern"), key, config["r"])
    alpha = _pattern(config.get("alpha_pattern"), key, config["lora_alpha"])
    experts = shape[0] if len(shape) == 3 else 1
    rows, columns = (shape[-1], shape[-2]) if flipped else shape[-2:]
    expected = (rank * experts, columns), (rows, rank * experts)
    if (pair["A"].shape, pair["B"].shape) != expected:
        return None, expected
    scale = alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)
    return Delta(pair["A"], pair["B"], scale, experts, flipped), expected


def _pattern(patterns: dict | None, key: str, default):
    """PEFT's rule: the first pattern that matches the end of `key` at a dot."""
    return next(
        (value for pattern, value in (patterns or {}).items() if re.match(rf"(.*\.)?({pattern})$", key)), default
    )


def _listed(names, key: str) -> bool:
    """PEFT's rule for lists of names and for regular expressions."""
    if isinstance(names, str):
        return re.fullmatch(names, key) is not None
    return any(f".{key}".endswith(f".{name}") for name in names or ())


def _saved(config: dict, key: str) -> bool:
    """Whether modules_to_save covers the tensor `key`; PEFT compares the ends of module names, not whole parts of them."""
    parts = key.split(".")
    modules = (".".join(parts[:n]) for n in range(1, len(parts)))
    return any(module.endswith(name) for module in modules for name in config.get("modules_to_save") or ())


def _part(name: str) -> str:
    """`embed_tokens` of `model.embed_tokens.weight`."""
    return name.split(".")[-2] if "." in name else ""


def _tied(model: dict, tensors: dict) -> bool:
    """Whether input and output embeddings are one tensor. Where the configuration is silent, a missing output says so."""
    tie = model.get("tie_word_embeddings", (model.get("text_config") or {}).get("tie_word_embeddings"))
    return bool(tie) if tie is not None else not any(_part(name) in _HEADS for name in tensors)


def _check_tied(deltas: dict, replaced: dict, tensors: dict, config: dict, weights: Path) -> None:
    """With tied embeddings allow only what leaves them tied; add the output's replacement or drop it, as the base has it.

    In training PEFT adapts one of the two; one merged tensor would change both.
    """
    inputs = [name for name in replaced if _part(name) in _EMBEDDINGS]
    outputs = [name for name in replaced if _part(name) in _HEADS]
    touched = [name for name in deltas if _part(name) in _EMBEDDINGS + _HEADS]
    same = len(inputs) == len(outputs) == 1 and _equal(replaced[inputs[0]], replaced[outputs[0]])
    alone = len(inputs) == 1 and not outputs and config.get("ensure_weight_tying")
    if touched or ((inputs or outputs) and not same and not alone):
        raise DataError(
            f"{weights}: {(touched + inputs + outputs)[0]}: ambiguous: the base ties its input and output embeddings, and the adapter "
            "changes one of them. Leave both out of the adapter, or set ensure_weight_tying with modules_to_save, or untie the base first."
        )
    for name in outputs:
        if name not in tensors:
            del replaced[name]
    if alone:
        replaced |= {name: replaced[inputs[0]] for name in tensors if _part(name) in _HEADS}


def _equal(one: Stored, other: Stored) -> bool:
    if (one.code, one.shape) != (other.code, other.shape):
        return False
    with open(one.path, "rb") as f, open(other.path, "rb") as g:
        f.seek(one.offset)
        g.seek(other.offset)
        sizes = (min(BLOCK, one.size - start) for start in range(0, one.size, BLOCK))
        return all(f.read(size) == g.read(size) for size in sizes)


def _check_complete(
    deltas: dict, replaced: dict, tensors: dict, prefix: str, config: dict, model: dict, weights: Path
) -> None:
    """Raise DataError for a base tensor that the adapter's configuration targets and its file leaves out."""
    depth = model.get("num_hidden_layers") or (model.get("text_config") or {}).get("num_hidden_layers") or math.inf
    layers = config.get("layers_to_transform")
    layers = [layers] if isinstance(layers, int) else layers
    for name, tensor in tensors.items():
        key = name.removeprefix(prefix)
        if name in deltas or name in replaced or not name.startswith(prefix):
            continue
        module, _, leaf = key.rpartition(".")
        layer = re.search(r"\.(\d+)\.", key)
        if layer and int(layer[1]) >= depth:
            continue  # layers for multi-token prediction: in the files, not in the model
        targeted = leaf == "weight" and len(tensor.shape) == 2 and _listed(config.get("target_modules"), module)
        if layers and not isinstance(config.get("target_modules"), str):
            targeted = targeted and layer is not None and int(layer[1]) in layers
        targeted = targeted and not _listed(config.get("exclude_modules"), module)
        if targeted or _listed(config.get("target_parameters"), key) or _saved(config, key):
            raise DataError(
                f"{weights}: nothing in it for {key}, which adapter_config.json targets. The file lost keys: save the adapter again."
            )


def _shards(outputs: list[Output], max_shard_bytes: int) -> list[Shard]:
    """The tensors in the base's order, so that reading goes forward, in shards of at most `max_shard_bytes` or one tensor."""
    groups, size = [[]], 0
    for output in outputs:
        if groups[-1] and size + output.size > max_shard_bytes:
            groups.append([])
            size = 0
        groups[-1].append(output)
        size += output.size
    shards = []
    for number, group in enumerate(groups, 1):
        group = sorted(group, key=lambda output: -_BYTES[output.code])  # wide types first keeps each aligned
        entries, position = {"__metadata__": {"format": "pt"}}, 0
        for output in group:
            entries[output.name] = {
                "dtype": output.code,
                "shape": list(output.source.shape),
                "data_offsets": [position, position + output.size],
            }
            position += output.size
        header = json.dumps(entries, separators=(",", ":")).encode()
        header += b" " * (-len(header) % 8)
        name = _SINGLE if len(groups) == 1 else f"model-{number:05}-of-{len(groups):05}.safetensors"
        shards.append(Shard(name, len(header).to_bytes(8, "little") + header, group))
    return shards


def _fingerprint(base: Path, adapter: Path, layout: Layout) -> str:
    """What a resumed run must have in common with the one before it: base files by size and time, the adapter by content."""
    files = sorted({output.source.path for output in layout.outputs} | {base / "config.json"})
    inputs = {
        "base": [[file.name, file.stat().st_size, file.stat().st_mtime_ns] for file in files if file.parent == base],
        "adapter": {name: sha256(adapter / name) for name in ("adapter_config.json", "adapter_model.safetensors")},
        "shards": {shard.name: hashlib.sha256(shard.header).hexdigest() for shard in layout.shards},
    }
    return json.dumps(inputs, indent=2, sort_keys=True) + "\n"


def _check_disk(out: Path, layout: Layout, todo: list[Shard]) -> None:
    """Say what will be needed; raise OSError if the disk has less."""
    needed = (
        sum(shard.size for shard in todo) + layout.copied_bytes + (1 << 20)
    )  # the index, the state, blocks half used
    where = next(folder for folder in (out, *out.resolve().parents) if folder.exists())
    free = shutil.disk_usage(where).free
    text = (
        f"{_size(needed)} of disk ({len(todo)} of {len(layout.shards)} shards to write) and about "
        f"{_size(layout.memory_bytes)} of memory above the interpreter's own"
    )
    if free < needed:
        raise OSError(
            errno.ENOSPC,
            f"{out}: merging needs {text}; {_size(free)} of disk is free. Free space, or name another output folder",
        )
    print(f"merge: needs {text}; {_size(free)} of disk is free", file=sys.stderr)


def _size(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e8 else f"{count / 1e6:.2f} MB"


# --- the work ------------------------------------------------------------------------------------------------------


def _write(out: Path, layout: Layout, todo: list[Shard], dtype: str, fingerprint: str | None) -> None:
    """Write the shards in `todo` and all beside them; with a `fingerprint`, start over and leave it for a run that resumes."""
    out.mkdir(parents=True, exist_ok=True)
    for pattern in (".model*", *(f".{name}.*" for name in (*layout.files, STATE))):
        for leftover in out.glob(pattern):
            shutil.rmtree(leftover)  # atomic_path's folder of a run that was killed
    if fingerprint:
        for stale in (*out.glob("model*.safetensors"), out / _INDEX):
            stale.unlink(missing_ok=True)
        write_text(out / STATE, fingerprint)
    _write_shards(out, layout, todo, dtype)
    for name, file in layout.files.items():
        if name != "config.json":
            with atomic_path(out / name) as temporary:
                shutil.copyfile(file, temporary)
    write_text(out / "config.json", layout.config)
    if len(layout.shards) > 1:  # last, so that an unfinished folder does not pass for a model
        weight_map = {output.name: shard.name for shard in layout.shards for output in shard.outputs}
        write_json(
            out / _INDEX, {"metadata": {"total_size": sum(o.size for o in layout.outputs)}, "weight_map": weight_map}
        )


def _write_shards(out: Path, layout: Layout, todo: list[Shard], dtype: str) -> None:
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
                        for block in _blocks(output, dtype):
                            bar.update(f.write(block))
    finally:
        torch.set_num_threads(threads)


def _blocks(output: Output, dtype: str):
    """The merged tensor's bytes, block by block. Raises DataError for a value that is not finite, read or written."""
    import torch

    source, delta = output.source, output.delta
    if source.code not in _FLOATS:
        yield from (block.numpy() for block in _read(source, BLOCK, "uint8"))
        return
    target = getattr(torch, dtype)
    columns = source.shape[-1] if delta else 1
    rows = source.shape[-2] if delta else math.prod(source.shape)
    step = min(rows, max(1, BLOCK // columns))
    factors = _factors(delta) if delta else None
    row = rows  # of the expert that the next block begins in
    # Blocks end where an expert ends, so that each needs one expert's factors
    counts = [
        min(step, rows - start) * columns
        for _ in range(delta.experts if delta else 1)
        for start in range(0, rows, step or 1)
    ]
    # Buffers are made once a tensor: with fresh memory for each step most of the time would go to page faults
    exact = torch.empty(max(counts, default=0) if delta else 0)
    result = torch.empty(max(counts, default=0), dtype=target)
    for block in _read(source, counts, _FLOATS[source.code]):
        count = len(block)
        _check_finite(block, source.path, source.name, "Fetch or train it again.")
        if delta:
            if row == rows:
                row, (left, right) = 0, next(factors)
            block = exact[:count].copy_(block)
            block.view(-1, columns).addmm_(left[row : row + count // columns], right, alpha=delta.scale)
            row += count // columns
        if delta or target != block.dtype:
            block = result[:count].copy_(block)
            remedy = (
                "Write bfloat16 or float32, whose range is wider."
                if dtype == "float16"
                else "The adapter is broken: train it again."
            )
            _check_finite(block, source.path, f"{output.name} as merged, in {dtype},", remedy)
        yield block.view(torch.uint8).numpy()


def _factors(delta: Delta):
    """(left, right) of each expert in turn; the expert's delta is scale * left @ right, in the base tensor's layout."""
    a, b = _load(delta.a), _load(delta.b)
    a = a.view(delta.experts, -1, a.shape[-1])
    b = b.view(b.shape[0], -1, delta.experts)  # PEFT lays A out by expert, then rank, and B by rank, then expert
    for expert in range(delta.experts):
        yield (a[expert].T, b[:, :, expert].T) if delta.flipped else (b[:, :, expert], a[expert])


def _load(stored: Stored):
    """A whole tensor in float32; for the adapter's own, which are small."""
    (tensor,) = _read(stored, [math.prod(stored.shape)], _FLOATS[stored.code])
    return tensor.float().view(stored.shape)


def _read(stored: Stored, counts, dtype: str):
    """A tensor's elements as flat tensors of `counts` elements (an int: as many each time).

    All share one buffer: each may be changed in place, and is good until the next is asked for.
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


def _check_values(stored: Stored) -> None:
    if stored.code not in _FLOATS:
        raise DataError(
            f"{stored.path}: {stored.name} has dtype {stored.code}, not a floating one. Save the adapter again."
        )
    for block in _read(stored, BLOCK, _FLOATS[stored.code]):
        _check_finite(block, stored.path, stored.name, "Fetch or train it again.")


def _check_finite(block, path: Path, name: str, remedy: str) -> None:
    """Raise DataError for NaN and infinities: extremes pass both on, and are found far faster than isfinite() is applied."""
    low, high = block.aminmax()
    if not (math.isfinite(low) and math.isfinite(high)):
        raise DataError(f"{path}: {name} holds values that are not finite. {remedy}")


def _peak_rss() -> int:
    """Bytes. Not getrusage where /proc has it: a child begins there with its parent's peak."""
    try:
        return int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024
    except (OSError, TypeError):
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
