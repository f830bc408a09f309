"""llama.cpp in this process, through llama-cpp-python's C bindings, with continuous batching (_batching.py)."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mem0_slm.engines._batching import Handle, Request
from mem0_slm.engines._llama_model import LlamaModel
from mem0_slm.engines.answer import Answer

BATCHES = True
THREADS_OPTION = "n_threads"
ADAPTER_OPTION = "lora"
IGNORES_EOS = True


def load(
    model: str | Path,
    *,
    n_ctx: int = 4096,
    n_parallel: int = 8,
    n_threads: int | None = None,
    n_batch: int = 512,
    lora: str | Path | None = None,
    lora_scale: float = 1.0,
    n_gpu_layers: int = 0,
) -> Handle:
    """Load a GGUF file.

    n_ctx: tokens in the key-value cache, shared by all running requests. n_parallel: how many run at once.
    n_threads: None takes the processors this process may use. n_batch: prompt tokens computed in one step.
    lora: a GGUF LoRA adapter applied at run time, times lora_scale.
    Raises EngineError for a missing or damaged file.
    """
    return Handle(
        LlamaModel(
            Path(model),
            n_ctx=n_ctx,
            n_parallel=n_parallel,
            n_threads=n_threads,
            n_batch=n_batch,
            lora=lora,
            lora_scale=lora_scale,
            n_gpu_layers=n_gpu_layers,
        )
    )


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
    """Answer chat messages.

    schema: a JSON schema that the answer is held to while it is decoded. temperature 0 is greedy. on_text: called in
    the engine's thread with each new piece of text; what it raises ends the request. ignore_eos: always write
    max_tokens tokens (for benchmarks). Raises ContextOverflow before any work, EngineError when llama.cpp fails.
    """
    request = Request(
        tokens=tokenize(handle, messages),
        max_tokens=max_tokens,
        temperature=temperature,
        seed=seed,
        on_text=on_text,
        ignore_eos=ignore_eos,
        matcher=handle.model.matcher(schema) if schema else None,
    )
    if schema:
        handle.force(request)
        if len(request.output) == max_tokens or request.matcher.is_stopped():  # one token at least is the model's
            request.matcher.rollback(1)
            request.text = request.text.removesuffix(handle.model.piece(request.output.pop()))
    return handle.submit(request).result()


def tokenize(handle: Handle, messages: list[dict]) -> list[int]:
    """The token ids the model receives for these messages: its chat template rendered, then tokenized."""
    handle.require_open()
    return handle.model.tokens(handle.model.render(messages))


def close(handle: Handle) -> None:
    """Finish the requests that were sent, then free the model."""
    handle.close()
