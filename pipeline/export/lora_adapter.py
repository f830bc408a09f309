"""A LoRA adapter as PEFT saved it: read, refused if it is no plain LoRA, its keys split by module."""

import re
from pathlib import Path
from typing import NamedTuple

from mem0_slm.io import DataError
from pipeline.export.tensors import Stored, file_tensors, read_config

PREFIX = "base_model.model."
LORA_KEY = re.compile(r"(.+?)((?:\.base_layer)*)\.lora_(A\.weight|B\.weight|embedding_A|embedding_B)")
REFUSED_KEYS = {
    "lora_magnitude_vector": "DoRA is not merged",
    ".lora_B.bias": "lora_bias is not merged",
    "token_adapter": "trainable tokens are not merged",
    "trainable_tokens": "trainable tokens are not merged",
}
REFUSED = ("lora_bias", "layer_replication", "trainable_token_indices", "alora_invocation_tokens")
# Variants of LoRA are switched on by `use_<variant>` or `<variant>_config`; these leave a plain delta.
PLAIN = ("use_rslora", "eva_config", "corda_config", "loftq_config", "lora_ga_config")
# The other initialisations (pissa, olora, corda, loftq, lora_ga) change the base's weights when training begins.
PLAIN_INITS = (None, True, False, "gaussian", "eva", "orthogonal")


class Adapter(NamedTuple):
    """A LoRA adapter as PEFT's `save_pretrained` writes it."""

    folder: Path
    config: dict
    tensors: dict[str, Stored]

    @property
    def weights(self) -> Path:
        return self.folder / "adapter_model.safetensors"


class Pair(NamedTuple):
    """The two factors of one LoRA."""

    a: Stored
    b: Stored

    @property
    def of_embedding(self) -> bool:
        return "lora_embedding_" in self.a.name

    @property
    def shapes(self) -> tuple:
        return self.a.shape, self.b.shape


def read_adapter(folder: Path) -> Adapter:
    """Configuration and header of the adapter in `folder`. Raises DataError if it is damaged or not a plain LoRA."""
    path = folder / "adapter_config.json"
    config = read_config(path, "Name a folder that PEFT's `save_pretrained` wrote.")
    check_plain(path, config)
    adapter = Adapter(folder, config, {})
    if not adapter.weights.is_file():
        raise DataError(
            f"{adapter.weights}: no such file. "
            "Save the adapter with `save_pretrained`, which writes safetensors, not .bin."
        )
    return adapter._replace(tensors=file_tensors(adapter.weights))


def check_plain(path: Path, config: dict) -> None:
    """Raise DataError if the configuration in the file `path` is not that of a plain LoRA."""

    def refuse(key: str, why: str):
        raise DataError(
            f"{path}: {key} is {config.get(key)!r}: {why}. Merge with PEFT's `merge_and_unload`, or train a plain LoRA."
        )

    if config.get("peft_type") != "LORA":
        refuse("peft_type", "only LORA is merged")
    if config.get("bias", "none") != "none":
        refuse("bias", "trained biases are not merged")
    if config.get("init_lora_weights") not in PLAIN_INITS:
        why = "this initialisation changed the base's weights when training began; convert the adapter first"
        refuse("init_lora_weights", why)
    for key, value in sorted(config.items()):
        if key == "use_dora" and value:
            refuse(key, "DoRA is not merged")
        variant = (key.startswith("use_") or key.endswith("_config")) and key not in PLAIN
        if value and (variant or key in REFUSED):
            refuse(key, "this form of LoRA is not merged")
    for key in ("r", "lora_alpha"):
        if not isinstance(config.get(key), (int, float)) or config[key] <= 0:
            raise DataError(
                f"{path}: {key} must be a number above 0, found {config.get(key)!r}. Save the adapter again."
            )


def split_keys(adapter: Adapter) -> tuple[dict[str, list[Pair]], dict[str, Stored]]:
    """The adapter's tensors by module: LoRA pairs, the outermost wrapper first, and tensors that replace the base's."""
    sides, whole = {}, {}
    for key, tensor in adapter.tensors.items():
        for mark, why in REFUSED_KEYS.items():
            if mark in key:
                raise DataError(
                    f"{adapter.weights}: {key}: {why}. Merge with PEFT's `merge_and_unload`, or train a plain LoRA."
                )
        found = LORA_KEY.fullmatch(key.removeprefix(PREFIX))
        if not key.startswith(PREFIX) or (".lora_" in key and not found):
            raise DataError(
                f"{adapter.weights}: {key}: nothing consumes it; PEFT's keys are {PREFIX}<module>.lora_A.weight. "
                "Save the adapter again."
            )
        if found:
            module, level, side = found[1], found[2].count("."), found[3].removeprefix("embedding_")[0]
            sides.setdefault(module, {}).setdefault(level, {})[side] = tensor
        else:
            whole[key.removeprefix(PREFIX).replace(".base_layer.", ".")] = tensor
    return {module: pair_up(adapter, levels) for module, levels in sides.items()}, whole


def pair_up(adapter: Adapter, levels: dict[int, dict[str, Stored]]) -> list[Pair]:
    """One module's pairs, the outermost wrapper (level 0) first. Raises DataError where one is missing."""
    for level, sides in levels.items():
        if len(sides) < 2:
            (tensor,) = sides.values()
            lack = "B" if "A" in sides else "A"
            raise DataError(
                f"{adapter.weights}: {tensor.name} has no lora_{lack} beside it. "
                "The file lost keys: save the adapter again."
            )
        if level and level - 1 not in levels:
            raise DataError(
                f"{adapter.weights}: {sides['A'].name}: nothing consumes it: the adapter around it is missing. "
                "Save the adapter again."
            )
    return [Pair(levels[level]["A"], levels[level]["B"]) for level in sorted(levels)]


def pattern_value(patterns: dict | None, key: str, default):
    """PEFT's rule: the value of the first pattern that matches the end of `key` at a dot."""
    matching = (value for pattern, value in (patterns or {}).items() if re.match(rf"(.*\.)?({pattern})$", key))
    return next(matching, default)


def listed(names, key: str) -> bool:
    """PEFT's rule for lists of names and for regular expressions."""
    if isinstance(names, str):
        return re.fullmatch(names, key) is not None
    return any(f".{key}".endswith(f".{name}") for name in names or ())


def in_modules_to_save(config: dict, key: str) -> bool:
    """Whether modules_to_save covers the tensor `key`, by PEFT's rule: it compares the ends of module names."""
    parts = key.split(".")
    modules = (".".join(parts[:n]) for n in range(1, len(parts)))
    return any(module.endswith(name) for module in modules for name in config.get("modules_to_save") or ())
