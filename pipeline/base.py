"""The base model as a Hugging Face folder and as a GGUF file."""

import shutil
import struct
import tempfile
from pathlib import Path

from mem0_slm import io
from pipeline.paths import BASE
from pipeline.registry import Registry


def locate(source: str) -> Path:
    """The file or folder that a registry source names. Raises DataError with the remedy when it is not there."""
    kind, _, name = source.partition(":")
    if kind == "package":
        import importlib.util

        module, _, file = name.partition("/")
        found = importlib.util.find_spec(module)
        if found is None or not found.submodule_search_locations:
            raise io.DataError(
                f"params.yaml: models: source {source!r}: Python package {module!r} is not installed. Run `make setup`."
            )
        path = Path(found.submodule_search_locations[0]) / file
    elif kind == "path":
        path = Path(name)
    else:
        from huggingface_hub import snapshot_download

        try:
            path = Path(
                snapshot_download(name, allow_patterns=["*.safetensors", "*.json", "*.jinja", "tokenizer*", "LICENSE*"])
            )
        except Exception as error:
            raise io.DataError(
                f"params.yaml: models: source {source!r}: the hub did not give it ({type(error).__name__}: {str(error)[:200]}). "
                "Connect, accept the model's licence and run `hf auth login`, or use path:<folder> with a copy."
            ) from None
    if not path.exists():
        raise io.DataError(f"params.yaml: models: source {source!r}: {path} does not exist. Correct the source.")
    return path


# How llama.cpp's names for pre-tokenizers are spelt in Hugging Face's tokenizers library.
LLAMA_BPE = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


def tokenizer_from_gguf(gguf: Path):
    """The tokenizer that a GGUF file describes, as a transformers tokenizer.

    transformers' own reader of GGUF tokenizers leaves out the pre-tokenizer (digits one by one, for SmolLM2) and the
    names of the special tokens, so that text is cut otherwise than llama.cpp cuts it. Raises DataError for a kind of
    tokenizer that is not known here; a local Hugging Face folder works for those.
    """
    from gguf import GGUFReader
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    fields = GGUFReader(gguf).fields
    read = lambda key, default=None: fields[f"tokenizer.{key}"].contents() if f"tokenizer.{key}" in fields else default  # noqa: E731
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    known = {
        "smollm": lambda: [pre_tokenizers.Digits(individual_digits=True), byte_level],
        "gpt-2": lambda: [byte_level],
        "llama-bpe": lambda: [
            pre_tokenizers.Split(Regex(LLAMA_BPE), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ],
    }
    kind, pre = read("ggml.model"), read("ggml.pre")
    if kind != "gpt2" or pre not in known:
        raise io.DataError(
            f"{gguf}: tokenizer {kind!r} with pre-tokenizer {pre!r} is not known here. Use the model's Hugging Face folder as source."
        )
    tokens, types = read("ggml.tokens"), read("ggml.token_type")
    merges = [tuple(merge.split(" ", 1)) for merge in read("ggml.merges")]
    tokenizer = Tokenizer(
        models.BPE({token: i for i, token in enumerate(tokens)}, merges, ignore_merges=pre == "llama-bpe")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(known[pre]())
    tokenizer.decoder = decoders.ByteLevel()
    control, user_defined = 3, 4  # llama.cpp's token types
    tokenizer.add_tokens(
        [
            AddedToken(t, special=kind == control, normalized=False)
            for t, kind in zip(tokens, types)
            if kind in (control, user_defined)
        ]
    )
    ids = {name: read(f"ggml.{name}_token_id") for name in ("bos", "eos", "unknown", "padding")}
    special = {
        f"{short}_token": tokens[ids[name]]
        for short, name in (("bos", "bos"), ("eos", "eos"), ("unk", "unknown"), ("pad", "padding"))
        if ids[name] is not None
    }
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, chat_template=read("chat_template"), clean_up_tokenization_spaces=False, **special
    )


def gguf_to_hf(gguf: Path, out: Path) -> None:
    """Write a Hugging Face folder (float16 safetensors) from a GGUF file, its quantised weights expanded.

    Raises DataError for a damaged file.
    """
    import torch
    from transformers import AutoModelForCausalLM

    place = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    try:
        loaded = AutoModelForCausalLM.from_pretrained(**place, dtype=torch.float32)
    except (OSError, ValueError, LookupError, RuntimeError, struct.error) as error:
        raise io.DataError(
            f"{gguf}: not a usable GGUF file ({type(error).__name__}: {str(error)[:200]}). Fetch or install it again."
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


def hf_to_gguf(folder: Path, out: Path) -> None:
    from pipeline.export.gguf import convert

    convert(folder, out, "f16")


def check(folder: Path, gguf: Path) -> dict:
    """Load both forms, let each answer, and compare their tokens; returns facts about the model."""
    from transformers import AutoConfig, AutoTokenizer

    from mem0_slm import contract
    from mem0_slm.engines import llama_cpp

    # digits, contractions, runs of spaces and line breaks, other scripts: where tokenizers are wont to differ
    messages = contract.prompt_for("user: I'm Zoë;  it's 12 bees 🐝 since 3.30, isn't IT?\n\n  कखग 東京 4567 ''ok\tx\n")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    expected = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
    handle = llama_cpp.load(gguf, n_ctx=512, n_parallel=1)
    try:
        received = llama_cpp.tokenize(handle, messages)
        answer = llama_cpp.generate(handle, messages, max_tokens=8)
    finally:
        llama_cpp.close(handle)
    if list(expected) != received:
        raise io.DataError(
            f"{gguf}: its tokens differ from {folder}'s for the same messages: {received} and {list(expected)}."
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


def prepare(registry: Registry) -> dict:
    entry = registry.models[registry.model]
    source = locate(entry.source)
    with io.atomic_path(BASE) as folder:
        folder.mkdir()
        hf, gguf = folder / "hf", folder / "base.gguf"
        if source.is_dir():
            shutil.copytree(source, hf, ignore=shutil.ignore_patterns("*.bin", "*.pt", "*.pth", ".*"))
            hf_to_gguf(hf, gguf)
        else:
            with open(source, "rb") as f:
                if f.read(4) != b"GGUF":
                    raise io.DataError(
                        f"{source}: not a GGUF file. Correct `models.{registry.model}.source` in params.yaml."
                    )
            shutil.copyfile(source, gguf)
            with tempfile.TemporaryDirectory() as link:
                # transformers wants a writable-looking folder with the file in it
                place = Path(link) / "model.gguf"
                place.symlink_to(gguf.resolve())
                gguf_to_hf(place, hf)
        facts = check(hf, gguf)
        facts |= {
            "model": registry.model,
            "source": entry.source,
            "hf_sha256": io.sha256(hf),
            "gguf_sha256": io.sha256(gguf),
        }
    return facts
