"""Which tensor of the base each tensor of a LoRA adapter belongs to.

Every adapter key must end up in exactly one base tensor of the right shape, and every module that the adapter's
configuration targets must be there: the known fault of other merges is to drop experts' deltas in silence.
Only headers and configurations are read here.
"""

import itertools
import math
import re
from typing import NamedTuple

from mem0_slm.io import DataError
from pipeline.export.lora_adapter import Adapter, Pair, in_modules_to_save, listed, pattern_value, split_keys
from pipeline.export.tensors import Base, Stored, same_bytes

EMBEDDINGS = ("embed_tokens", "wte", "word_embeddings", "embed_in", "tok_embeddings")
HEADS = ("lm_head", "embed_out", "output")
"""How the modules of the input and the output embeddings are called."""

ANOTHER_BASE = "Merge into the base that the adapter was trained on."


class Delta(NamedTuple):
    """What is added to a tensor: scale * B @ A for each expert, transposed if `flipped`."""

    a: Stored
    b: Stored
    scale: float
    experts: int
    flipped: bool


def match(base: Base, adapter: Adapter) -> tuple[dict[str, Delta], dict[str, Stored]]:
    """Deltas and replacements of base tensors, both by the base tensor's name, that use up every adapter key.

    Raises DataError for a key that nothing consumes, that does not fit or that fits in several ways, and for a base
    tensor that the adapter's configuration targets and its file leaves out.
    """
    pairs, whole = split_keys(adapter)
    leaves = {}
    for name in base.tensors:
        module, _, leaf = name.rpartition(".")
        leaves.setdefault(module, []).append(leaf)
    prefix = find_prefix(pairs, leaves)
    deltas = {}
    for module, levels in pairs.items():
        targets = adapter.config.get("target_parameters")
        parameters = [leaf for leaf in leaves.get(prefix + module, ()) if listed(targets, f"{module}.{leaf}")]
        if parameters:
            deltas |= match_parameters(base, adapter, prefix, module, levels, parameters)
        else:
            deltas[f"{prefix}{module}.weight"] = match_module(base, adapter, prefix, module, levels)
    replaced = match_whole(base, adapter, prefix, whole, deltas)
    if tied(base):
        replaced = keep_tied(base, adapter, deltas, replaced)
    check_complete(base, adapter, prefix, {*deltas, *replaced})
    return deltas, replaced


def find_prefix(pairs: dict, leaves: dict) -> str:
    """What the base puts before the adapter's module names: nothing, or the one prefix under which it has them all.

    A text model that was loaded from a multimodal checkpoint has `model.layers` where the files say
    `language_model.model.layers`.
    """
    first = next(iter(pairs), None)
    if first is None or first in leaves:
        return ""
    candidates = [module[: -len(first)] for module in leaves if module.endswith(f".{first}")]
    candidates = [prefix for prefix in candidates if all(prefix + module in leaves for module in pairs)]
    return candidates[0] if len(candidates) == 1 else ""


def match_module(base: Base, adapter: Adapter, prefix: str, module: str, levels: list[Pair]) -> Delta:
    """The delta of one module's weight."""
    pair, name = levels[0], f"{prefix}{module}.weight"
    where = f"{adapter.weights}: {pair.a.name}"
    if name not in base.tensors:
        raise DataError(f"{where}: {base.folder} has no tensor {name} for it. {ANOTHER_BASE}")
    if len(levels) > 1:
        raise DataError(
            f"{adapter.weights}: {levels[1].a.name}: nothing consumes it: {module} is no target of target_parameters."
        )
    shape = base.tensors[name].shape
    flipped = pair.of_embedding or bool(adapter.config.get("fan_in_fan_out"))
    delta, needed = fit(pair, shape, module, flipped, adapter.config)
    if delta is None:
        raise DataError(
            f"{where} and its B have shapes {pair.a.shape} and {pair.b.shape}; {name} of shape {shape} "
            f"needs {needed[0]} and {needed[1]}. {ANOTHER_BASE}"
        )
    return delta


def match_parameters(
    base: Base, adapter: Adapter, prefix: str, module: str, levels: list[Pair], leaves: list[str]
) -> dict[str, Delta]:
    """Deltas of the parameters `leaves` of one module, such as `experts.gate_up_proj` and `experts.down_proj`.

    PEFT nests one wrapper a parameter and names them lora_A, base_layer.lora_A, ...; which wrapper is whose follows
    the order in which the module's class registered its parameters, which no file records. Likewise it stores the
    factors of a 3-D parameter for (out, in) matrices or, with classes that set `is_transposed` and in its older
    versions, for (in, out). The shapes tell: an assignment is accepted if it is the only one that fits.
    """
    where = f"{adapter.weights}: {levels[0].a.name}"
    if len(levels) != len(leaves):
        raise DataError(
            f"{where}: {len(levels)} pairs at {module}, but target_parameters names {len(leaves)} of its parameters: "
            f"{', '.join(leaves)}. Save the adapter again."
        )
    names = {leaf: f"{prefix}{module}.{leaf}" for leaf in leaves}
    solutions = []
    for order in itertools.permutations(leaves):
        for flipped in (False, True):
            shapes = [base.tensors[names[leaf]].shape for leaf in order]
            if flipped and all(len(shape) == 2 for shape in shapes):
                continue
            tried = {
                names[leaf]: fit(pair, shape, f"{module}.{leaf}", flipped and len(shape) == 3, adapter.config)[0]
                for pair, shape, leaf in zip(levels, shapes, order, strict=True)
            }
            if all(tried.values()):
                solutions.append(tried)
    if len(solutions) == 1:
        return solutions[0]
    shapes = "; ".join(f"{pair.a.shape} and {pair.b.shape}" for pair in levels)
    wanted = ", ".join(f"{leaf} {base.tensors[name].shape}" for leaf, name in names.items())
    if solutions:
        raise DataError(
            f"{where}: ambiguous: its shapes ({shapes}) fit {wanted} in {len(solutions)} ways. Merge it with PEFT."
        )
    raise DataError(f"{where}: no way to fit the shapes {shapes} to {wanted}. {ANOTHER_BASE}")


def fit(pair: Pair, shape: tuple, key: str, flipped: bool, config: dict) -> tuple[Delta | None, tuple]:
    """The delta that a pair gives a tensor of this shape, None if it does not fit, and the shapes that would."""
    if len(shape) not in (2, 3):
        return None, ("a matrix", "a matrix")
    rank = pattern_value(config.get("rank_pattern"), key, config["r"])
    alpha = pattern_value(config.get("alpha_pattern"), key, config["lora_alpha"])
    experts = shape[0] if len(shape) == 3 else 1
    rows, columns = (shape[-1], shape[-2]) if flipped else shape[-2:]
    needed = (rank * experts, columns), (rows, rank * experts)
    if pair.shapes != needed:
        return None, needed
    scale = alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)
    return Delta(pair.a, pair.b, scale, experts, flipped), needed


def match_whole(base: Base, adapter: Adapter, prefix: str, whole: dict[str, Stored], deltas: dict) -> dict[str, Stored]:
    """The tensors that modules_to_save put in the place of the base's, by the base's name."""
    replaced = {}
    for key, tensor in whole.items():
        name, module = prefix + key, key.rpartition(".")[0].rpartition(".")[2]
        where = f"{adapter.weights}: {tensor.name}"
        if name not in base.tensors and not (tied(base) and module in HEADS):
            raise DataError(f"{where}: nothing consumes it: {base.folder} has no tensor {name}.")
        if not (in_modules_to_save(adapter.config, key) or name in deltas or module in EMBEDDINGS + HEADS):
            raise DataError(f"{where}: nothing consumes it: its module is not in modules_to_save.")
        if name in base.tensors and tensor.shape != base.tensors[name].shape:
            raise DataError(
                f"{where} has shape {tensor.shape}, the base's {name} {base.tensors[name].shape}. "
                "If training resized the vocabulary, resize the base in the same way first."
            )
        replaced[name] = tensor
    return replaced


# --- what must hold of the whole ------------------------------------------------------------------------------------


def module_part(name: str) -> str:
    """`embed_tokens` of `model.embed_tokens.weight`."""
    return name.split(".")[-2] if "." in name else ""


def tied(base: Base) -> bool:
    """Whether input and output embeddings are one tensor; a missing output says so where the configuration does not."""
    tie = base.config.get("tie_word_embeddings", (base.config.get("text_config") or {}).get("tie_word_embeddings"))
    return bool(tie) if tie is not None else not any(module_part(name) in HEADS for name in base.tensors)


def keep_tied(base: Base, adapter: Adapter, deltas: dict, replaced: dict[str, Stored]) -> dict[str, Stored]:
    """`replaced` with the output's replacement added or dropped, as the base has that tensor or not.

    In training PEFT adapts one of the two; one merged tensor would change both. Raises DataError for what would not
    leave them tied.
    """
    inputs = [name for name in replaced if module_part(name) in EMBEDDINGS]
    outputs = [name for name in replaced if module_part(name) in HEADS]
    touched = [name for name in deltas if module_part(name) in EMBEDDINGS + HEADS]
    same = len(inputs) == len(outputs) == 1 and same_bytes(replaced[inputs[0]], replaced[outputs[0]])
    alone = len(inputs) == 1 and not outputs and adapter.config.get("ensure_weight_tying")
    if touched or ((inputs or outputs) and not same and not alone):
        raise DataError(
            f"{adapter.weights}: {(touched + inputs + outputs)[0]}: ambiguous: the base ties its input and output "
            "embeddings, and the adapter changes one of them. Leave both out of the adapter, or set "
            "ensure_weight_tying with modules_to_save, or untie the base first."
        )
    kept = {name: tensor for name, tensor in replaced.items() if name not in outputs or name in base.tensors}
    if alone:
        kept |= {name: replaced[inputs[0]] for name in base.tensors if module_part(name) in HEADS}
    return kept


def check_complete(base: Base, adapter: Adapter, prefix: str, changed: set[str]) -> None:
    """Raise DataError for a base tensor that the adapter's configuration targets and its file leaves out."""
    config, text_config = adapter.config, base.config.get("text_config") or {}
    depth = base.config.get("num_hidden_layers") or text_config.get("num_hidden_layers") or math.inf
    layers = config.get("layers_to_transform")
    layers = [layers] if isinstance(layers, int) else layers
    for name, tensor in base.tensors.items():
        key = name.removeprefix(prefix)
        if name in changed or not name.startswith(prefix):
            continue
        module, _, leaf = key.rpartition(".")
        layer = re.search(r"\.(\d+)\.", key)
        if layer and int(layer[1]) >= depth:
            continue  # layers for multi-token prediction: in the files, not in the model
        targeted = leaf == "weight" and len(tensor.shape) == 2 and listed(config.get("target_modules"), module)
        if layers and not isinstance(config.get("target_modules"), str):
            targeted = targeted and layer is not None and int(layer[1]) in layers
        targeted = targeted and not listed(config.get("exclude_modules"), module)
        if targeted or listed(config.get("target_parameters"), key) or in_modules_to_save(config, key):
            raise DataError(
                f"{adapter.weights}: nothing in it for {key}, which adapter_config.json targets. "
                "The file lost keys: save the adapter again."
            )
