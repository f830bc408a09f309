"""transformers in this process: merged weights, or the base with a LoRA adapter applied at run time."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mem0_slm import hardware
from mem0_slm.engines._grammar import schema_matcher
from mem0_slm.engines.answer import Answer, ContextOverflow, EngineError

BATCHES = False
THREADS_OPTION = "n_threads"
ADAPTER_OPTION = "adapter"
IGNORES_EOS = True


@dataclass
class Handle:
    model: Any
    tokenizer: Any
    n_ctx: int
    """Most tokens of prompt and answer."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    guide: Any = None
    """llguidance's view of the tokenizer, made when first needed."""


def load(
    model: str | Path,
    *,
    adapter: str | Path | None = None,
    dtype: str = "auto",
    n_ctx: int = 4096,
    n_threads: int | None = None,
    load_in_4bit: bool = False,
) -> Handle:
    """Load a Hugging Face folder.

    adapter: a PEFT folder applied at run time, not merged. dtype: auto (bfloat16 where the processor computes in it),
    bfloat16, float16 or float32. n_ctx: most tokens of prompt and answer. load_in_4bit: bitsandbytes NF4.
    Raises EngineError for a missing or damaged folder.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    if n_threads:
        torch.set_num_threads(n_threads)
    if not Path(model).is_dir():
        raise EngineError(f"{model}: no such folder. Make it first, or pass a Hugging Face folder.")
    if dtype == "auto":
        dtype = hardware.compute_dtype()
    extra = {"quantization_config": hardware.nf4_config(dtype)} if load_in_4bit else {}
    try:
        tokenizer = AutoTokenizer.from_pretrained(model)
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            model, dtype=getattr(torch, dtype), use_safetensors=True, **extra
        )
        if not torch.cuda.is_available():
            loaded.register_forward_pre_hook(_choose_kernels, with_kwargs=True)
        if adapter:
            from peft import PeftModel

            loaded = PeftModel.from_pretrained(loaded, str(adapter), autocast_adapter_dtype=False)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise EngineError(
            f"{model}: transformers cannot load it ({type(error).__name__}: {str(error)[:300]})."
        ) from None
    if torch.cuda.is_available() and not load_in_4bit:
        loaded = loaded.to("cuda")
    loaded.eval()
    return Handle(loaded, tokenizer, min(n_ctx, getattr(loaded.config, "max_position_embeddings", n_ctx)))


def _choose_kernels(_model: Any, args: tuple, inputs: dict) -> None:
    """Leave oneDNN out of passes over a single token: on products of a matrix and a vector in 16 bits PyTorch's own
    code is half again to twice as fast, on all others many times slower."""
    import torch

    torch.backends.mkldnn.set_flags((args[0] if args else inputs["input_ids"]).numel() > 1)


def tokenize(handle: Handle, messages: list[dict]) -> list[int]:
    """The token ids the model receives for these messages."""
    return list(handle.tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False))


def generate(
    handle: Handle,
    messages: list[dict],
    *,
    max_tokens: int = 512,
    schema: dict | None = None,
    temperature: float = 0.0,
    seed: int = 0,
    on_text: Callable[[str], Any] | None = None,
    ignore_eos: bool = False,
) -> Answer:
    """Answer chat messages, one request at a time; arguments as in the llama_cpp engine."""
    import torch
    from transformers import LogitsProcessorList

    tokens = tokenize(handle, messages)
    if len(tokens) > handle.n_ctx - max_tokens:
        raise ContextOverflow(len(tokens), handle.n_ctx, max_tokens)
    clock = _Clock(handle.tokenizer, on_text)
    settings = {
        "do_sample": temperature > 0,
        "max_new_tokens": max_tokens,
        "pad_token_id": handle.tokenizer.pad_token_id or handle.tokenizer.eos_token_id,
    }
    if temperature > 0:
        settings |= {"temperature": temperature, "top_k": 0, "top_p": 1.0}
    if ignore_eos:
        settings["min_new_tokens"] = max_tokens
    with handle.lock, torch.inference_mode():
        processors = LogitsProcessorList([_schema_processor(handle, schema, len(tokens))] if schema else [])
        if temperature > 0:
            torch.manual_seed(seed)
        started = time.perf_counter()
        ids = torch.tensor([tokens], device=handle.model.device)
        try:
            out = handle.model.generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                logits_processor=processors,
                streamer=clock,
                **settings,
            )[0].tolist()
        except RuntimeError as error:
            raise EngineError(f"transformers: {error}") from None
        finally:
            torch.backends.mkldnn.set_flags(True)
    written = out[len(tokens) :]
    ended = bool(written) and written[-1] == handle.tokenizer.eos_token_id
    if ended and not ignore_eos:
        written = written[:-1]
    text = handle.tokenizer.decode(written, skip_special_tokens=True)
    return Answer(
        text,
        "stop" if ended else "length",
        len(tokens),
        len(written),
        started,
        clock.times[: len(written)] or clock.times,
    )


def close(handle: Handle) -> None:
    """Let go of the model, so that its memory can be used again."""
    handle.model = None


class _Clock:
    """A transformers streamer that notes when each token was known and passes on new text."""

    def __init__(self, tokenizer: Any, on_text: Callable[[str], Any] | None):
        self.tokenizer, self.on_text, self.sent = tokenizer, on_text, ""
        self.times: list[float] = []
        self.ids: list[int] = []
        self.prompt = True

    def put(self, ids: Any) -> None:
        if self.prompt:  # transformers hands the prompt over first
            self.prompt = False
            return
        self.times.append(time.perf_counter())
        if self.on_text:
            self.ids.extend(ids.flatten().tolist())
            text = self.tokenizer.decode(self.ids, skip_special_tokens=True)
            if not text.endswith("\ufffd") and len(text) > len(self.sent):
                self.on_text(text[len(self.sent) :])
                self.sent = text

    def end(self) -> None:
        """Transformers calls it; all is noted by then."""


def _schema_processor(handle: Handle, schema: dict, prompt_length: int) -> Callable:
    """A logits processor that allows only what an llguidance matcher for `schema` allows."""
    import torch

    if handle.guide is None:
        from llguidance.hf import from_tokenizer

        handle.guide = from_tokenizer(handle.tokenizer, n_vocab=handle.model.config.vocab_size)
    matcher = schema_matcher(handle.guide, schema)
    seen = prompt_length

    def process(input_ids: Any, scores: Any) -> Any:
        nonlocal seen
        for token in input_ids[0, seen:].tolist():
            matcher.consume_token(token)
        seen = input_ids.shape[1]
        allowed = torch.frombuffer(bytearray(matcher.compute_bitmask()), dtype=torch.uint8)
        bits = (allowed[:, None] >> torch.arange(8, dtype=torch.uint8)) & 1
        mask = bits.flatten()[: scores.shape[1]].bool().to(scores.device)
        return scores.masked_fill(~mask, -torch.inf)

    return process
