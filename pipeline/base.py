"""The base model as a Hugging Face folder and as a GGUF file."""

import importlib.util
import shutil
import struct
import tempfile
from pathlib import Path

from mem0_slm import contract, io
from pipeline.export.gguf import convert
from pipeline.paths import BASE
from pipeline.registry import Registry

HUB_FILES = ["*.safetensors", "*.json", "*.jinja", "tokenizer*", "LICENSE*"]
LEFT_OUT = ("*.bin", "*.pt", "*.pth", ".*")
"""What is not copied from a Hugging Face folder: weights that are pickled, hidden files."""

LLAMA_BPE = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
    r"\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""How llama.cpp's pre-tokenizer "llama-bpe" cuts text, for Hugging Face's tokenizers library."""
CONTROL, USER_DEFINED = 3, 4
"""llama.cpp's types of tokens that the text is not cut inside of."""

PROBE = "user: I'm Zoë;  it's 12 bees 🐝 since 3.30, isn't IT?\n\n  कखग 東京 4567 ''ok\tx\n"
"""Digits, contractions, runs of spaces and line breaks, other scripts: where tokenizers tend to differ."""


def prepare(registry: Registry) -> dict:
    """Make both forms of the registry's chosen model in `BASE` and compare them; facts about the model.

    Raises DataError for a source that is missing or damaged, and for forms that differ.
    """
    entry = registry.models[registry.model]
    source = locate(entry.source)
    with io.atomic_path(BASE) as folder:
        folder.mkdir()
        hf, gguf = folder / "hf", folder / "base.gguf"
        if source.is_dir():
            shutil.copytree(source, hf, ignore=shutil.ignore_patterns(*LEFT_OUT))
            convert(hf, gguf, "f16")
        else:
            check_magic(source, registry.model)
            shutil.copyfile(source, gguf)
            gguf_to_hf(gguf, hf)
        facts = check(hf, gguf)
        digests = {"hf_sha256": io.sha256(hf), "gguf_sha256": io.sha256(gguf)}
    return facts | {"model": registry.model, "source": entry.source} | digests


# --- where it comes from --------------------------------------------------------------------------------------------


def locate(source: str) -> Path:
    """The file or folder that a registry source names. Raises DataError with the remedy when it is not there."""
    kind, _, name = source.partition(":")
    if kind == "package":
        path = package_path(name, source)
    elif kind == "path":
        path = Path(name).expanduser()
    else:
        path = hub_path(name, source)
    if not path.exists():
        raise io.DataError(f"params.yaml: models: source {source!r}: {path} does not exist. Correct the source.")
    return path


def package_path(name: str, source: str) -> Path:
    """The file <module>/<file> of an installed package, which is found, not imported."""
    module, _, file = name.partition("/")
    found = importlib.util.find_spec(module)
    if found is None or not found.submodule_search_locations:
        raise io.DataError(
            f"params.yaml: models: source {source!r}: Python package {module!r} is not installed. Run `make setup`."
        )
    return Path(found.submodule_search_locations[0]) / file


def hub_path(name: str, source: str) -> Path:
    """The folder of a model of the Hugging Face hub, downloaded where it is not in the cache."""
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=HUB_FILES))
    except Exception as error:
        raise io.DataError(
            f"params.yaml: models: source {source!r}: the hub did not give it ({type(error).__name__}: "
            f"{str(error)[:200]}). Connect, accept the model's licence and run `hf auth login`, or use path:<folder> "
            "with a copy."
        ) from None


def check_magic(source: Path, model: str) -> None:
    with open(source, "rb") as f:
        if f.read(4) != b"GGUF":
            raise io.DataError(f"{source}: not a GGUF file. Correct `models.{model}.source` in params.yaml.")


# --- from GGUF to a Hugging Face folder -----------------------------------------------------------------------------


def gguf_to_hf(gguf: Path, out: Path) -> None:
    """Write a Hugging Face folder (float16 safetensors) from a GGUF file, its quantised weights expanded.

    Raises DataError for a damaged file.
    """
    import torch
    from transformers import AutoModelForCausalLM

    with tempfile.TemporaryDirectory() as folder:  # transformers wants a writable-looking folder with the file in it
        (Path(folder) / "model.gguf").symlink_to(gguf.resolve())
        try:
            loaded = AutoModelForCausalLM.from_pretrained(folder, gguf_file="model.gguf", dtype=torch.float32)
        except (OSError, ValueError, LookupError, RuntimeError, struct.error) as error:
            raise io.DataError(
                f"{gguf}: not a usable GGUF file ({type(error).__name__}: {str(error)[:200]}). "
                "Fetch or install it again."
            ) from None
    # transformers refuses to save what it read from a quantised file: the same weights in a model that never was one
    config = loaded.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.load_state_dict(loaded.state_dict())
    model.tie_weights()
    model.half().save_pretrained(out)
    tokenizer_from_gguf(gguf).save_pretrained(out)


def tokenizer_from_gguf(gguf: Path):
    """The tokenizer that a GGUF file describes, as a transformers tokenizer.

    transformers' own reader of GGUF tokenizers leaves out the pre-tokenizer (digits one by one, for SmolLM2) and the
    names of the special tokens, so that text is cut otherwise than llama.cpp cuts it. Raises DataError for a kind of
    tokenizer that is not known here; a local Hugging Face folder works for those.
    """
    from gguf import GGUFReader
    from tokenizers import AddedToken, Tokenizer, decoders, models
    from transformers import PreTrainedTokenizerFast

    fields = GGUFReader(gguf).fields

    def read(key: str):
        field = fields.get(f"tokenizer.{key}")
        return None if field is None else field.contents()

    kind, pre = read("ggml.model"), read("ggml.pre")
    steps = pre_tokenizer_steps(pre) if kind == "gpt2" else None
    if not steps:
        raise io.DataError(
            f"{gguf}: tokenizer {kind!r} with pre-tokenizer {pre!r} is not known here. "
            "Use the model's Hugging Face folder as source."
        )
    tokens, types = read("ggml.tokens"), read("ggml.token_type")
    merges = [tuple(merge.split(" ", 1)) for merge in read("ggml.merges")]
    vocabulary = {token: i for i, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, ignore_merges=pre == "llama-bpe"))
    tokenizer.pre_tokenizer = steps
    tokenizer.decoder = decoders.ByteLevel()
    whole = [(token, kind) for token, kind in zip(tokens, types) if kind in (CONTROL, USER_DEFINED)]
    tokenizer.add_tokens([AddedToken(token, special=kind == CONTROL, normalized=False) for token, kind in whole])
    special = {}
    for short, name in (("bos", "bos"), ("eos", "eos"), ("unk", "unknown"), ("pad", "padding")):
        number = read(f"ggml.{name}_token_id")
        if number is not None:
            special[f"{short}_token"] = tokens[number]
    settings = {"chat_template": read("chat_template"), "clean_up_tokenization_spaces": False}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **settings, **special)


def pre_tokenizer_steps(name: str | None):
    """llama.cpp's pre-tokenizer of this name in Hugging Face's tokenizers library; None if it is not known here."""
    from tokenizers import Regex
    from tokenizers.pre_tokenizers import ByteLevel, Digits, Sequence, Split

    byte_level = ByteLevel(add_prefix_space=False)
    known = {
        "smollm": [Digits(individual_digits=True), byte_level],
        "gpt-2": [byte_level],
        "llama-bpe": [Split(Regex(LLAMA_BPE), "isolated"), ByteLevel(add_prefix_space=False, use_regex=False)],
    }
    return Sequence(known[name]) if name in known else None


# --- the check ------------------------------------------------------------------------------------------------------


def check(folder: Path, gguf: Path) -> dict:
    """Load both forms, let the GGUF answer, and compare their tokens; facts about the model. Raises DataError."""
    from transformers import AutoConfig, AutoTokenizer

    from mem0_slm.engines import llama_cpp

    messages = contract.prompt_for(PROBE)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    expected = list(tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False))
    handle = llama_cpp.load(gguf, n_ctx=512, n_parallel=1)
    try:
        received = llama_cpp.tokenize(handle, messages)
        answer = llama_cpp.generate(handle, messages, max_tokens=8)
    finally:
        llama_cpp.close(handle)
    if expected != received:
        raise io.DataError(
            f"{gguf}: its tokens differ from {folder}'s for the same messages: {received} and {expected}."
        )
    if not answer.output_tokens:
        raise io.DataError(f"{gguf}: the model answered nothing.")
    config = AutoConfig.from_pretrained(folder)
    return {
        "architecture": config.architectures[0],
        "hidden_size": config.hidden_size,
        "layers": config.num_hidden_layers,
        "vocabulary": len(tokenizer),
    }
