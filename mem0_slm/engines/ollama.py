"""An Ollama server, over HTTP: streaming /api/chat.

The `ollama` package is not used: its `chat` cannot send `truncate`, without which Ollama cuts a prompt that is too long
and says nothing. Here such a prompt is a ContextOverflow. How the server's versions differ (0.24 and 0.32 were
recorded): a refused prompt comes with its token count since 0.30, without before; the window is num_ctx exactly before,
and rounded up to a multiple of 256 since; a schema it cannot use is a 500 before, a 400 since.
"""

import contextlib
import functools
import os
import re
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

import httpx

from mem0_slm.engines._http import http_client
from mem0_slm.engines._ollama_server import (
    Refused,
    chunks_of,
    find,
    no_such_model,
    server_url,
    version_number,
    version_of,
)
from mem0_slm.engines.answer import Answer, ContextOverflow, EngineError

DEFAULT_HOST = "http://127.0.0.1:11434"
DEFAULT_NUM_CTX = 4096
SINCE_TRUNCATE = (0, 13, 0)
"""Older servers ignore `truncate` (it came in October 2025): they would cut a prompt and answer 200."""
SINCE_LLAMA_SERVER = (0, 30, 0)
"""Since then Ollama runs models in llama.cpp's server, whose context is a multiple of 256 tokens."""
COUNT_SLACK = 8
"""So many tokens less than `count` the server may count (start tokens, white space) before it means a cut prompt."""
LARGER = "Load the model with a larger num_ctx"
SERVER_FIGURES = (
    "prompt_eval_count",
    "prompt_eval_duration",
    "eval_count",
    "eval_duration",
    "load_duration",
    "total_duration",
)
"""What of a finished answer is kept in `Answer.server`; durations are nanoseconds."""

BATCHES = True
THREADS_OPTION = "num_thread"
ADAPTER_OPTION = None
IGNORES_EOS = False


@dataclass
class Handle:
    client: httpx.Client
    url: str
    model: str
    version: str
    """The server's, such as "0.32.15"."""
    num_ctx: int
    """Context window asked for with each request, in tokens."""
    window: int
    """The window the server makes of num_ctx, in tokens."""
    options: dict
    """Ollama options sent with each request; max_tokens, temperature and seed are added to them."""
    keep_alive: str | int | None = None
    timeout: float = 600.0
    thinks: bool = False
    """Whether the model can think before it answers; it is told not to."""
    count: Callable[[list[dict]], int] | None = None
    """A function from messages to their number of tokens, given to `load`."""
    details: dict = field(default_factory=dict)
    """What /api/show says of the model: family, parameter_size, quantization_level, ..."""


def load(
    model: str,
    *,
    host: str | None = None,
    num_ctx: int | None = None,
    num_thread: int | None = None,
    options: dict | None = None,
    keep_alive: str | int | None = None,
    pull: bool = False,
    timeout: float = 600.0,
    connect_timeout: float = 5.0,
    count: Callable[[list[dict]], int] | None = None,
) -> Handle:
    """Find a model on an Ollama server. The server loads it with the first request.

    model: a tag, such as "llama3.1:8b-instruct-q4_K_M" or what `ollama create` was given.
    host: default $OLLAMA_HOST, else http://127.0.0.1:11434.
    num_ctx: context window in tokens; None takes the model's own parameter, else 4096; at most what it was trained on.
    num_thread: None leaves it to the server. options: more of Ollama's own, such as {"num_gpu": 0}.
    keep_alive: how long the server keeps the model loaded ("10m", seconds, -1 for ever). pull: fetch a missing model.
    timeout: longest silence of the server in seconds, loading the model included. connect_timeout: seconds.
    count: a function from messages to their number of tokens; with it a prompt that is too long is refused before it is
    sent, and an answer whose prompt_eval_count falls short of it is an error.
    Raises EngineError when the server or the model is not there, or the server too old to refuse a prompt it would cut.
    """
    url = server_url(host or os.environ.get("OLLAMA_HOST") or DEFAULT_HOST)
    client = http_client(url, timeout, connect_timeout)
    try:
        version = version_of(client, url, timeout)
        number = version_number(version)
        if number and number < SINCE_TRUNCATE:
            raise EngineError(
                f"Ollama {version} at {url} cuts long prompts and does not say so. Update it to 0.13 or newer."
            )
        shown = find(client, url, model, timeout, pull)
    except BaseException:
        client.close()
        raise
    num_ctx = _window(shown, num_ctx)
    return Handle(
        client,
        url,
        model,
        version,
        num_ctx=num_ctx,
        window=num_ctx if number and number < SINCE_LLAMA_SERVER else -(-num_ctx // 256) * 256,
        options=dict(options or {}) | {"num_ctx": num_ctx} | ({THREADS_OPTION: num_thread} if num_thread else {}),
        keep_alive=keep_alive,
        timeout=timeout,
        thinks="thinking" in (shown.get("capabilities") or ()),
        count=count,
        details=shown.get("details") or {},
    )


def _window(shown: dict, asked: int | None) -> int:
    """Tokens of context: as asked, else the model's own parameter, else 4096; at most what it was trained on."""
    about = shown.get("model_info") or {}
    trained = about.get(f"{about.get('general.architecture')}.context_length")
    own = re.search(r"^num_ctx\s+(\d+)", shown.get("parameters") or "", re.MULTILINE)
    window = asked or (int(own[1]) if own else DEFAULT_NUM_CTX)
    return min(window, trained) if trained else window


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
    """Answer chat messages; arguments as in the llama_cpp engine. Safe to call from many threads.

    `output_tokens` is the server's eval_count (the token that ends an answer included), `token_times` one time for each
    streamed piece and, when the model ended the answer, one for its end. `Answer.server` keeps the server's own
    prompt_eval_duration, eval_duration, load_duration and total_duration in nanoseconds, its version, num_ctx,
    num_thread (None: left to the server) and count_before (by the `count` given to `load`).
    Raises ContextOverflow when prompt and answer do not fit the window (Ollama's silent cuts are turned off),
    EngineError for all else; also for ignore_eos, which Ollama does not have: count output_tokens instead.
    """
    if ignore_eos:
        raise EngineError(
            "Ollama cannot ignore a model's end token. "
            "Measure with the output tokens it really wrote, or use another engine."
        )
    overflow = functools.partial(ContextOverflow, window=handle.window, max_tokens=max_tokens, remedy=LARGER)
    before = handle.count(messages) if handle.count else None
    if before is not None and before > handle.window - max_tokens:
        raise overflow(before)
    body = _body(handle, messages, schema, {"num_predict": max_tokens, "temperature": temperature, "seed": seed})
    started = time.perf_counter()
    try:
        text, times, last = _read(chunks_of(handle.client, handle.url, "/api/chat", body, handle.timeout), on_text)
    except Refused as refused:
        raise _explain(handle, refused, max_tokens, schema) from None
    if not last:
        raise EngineError(f"Ollama at {handle.url}: the answer broke off before its end. Look into the server's log.")
    prompt, output = last.get("prompt_eval_count", 0), last.get("eval_count", 0)
    reason = last.get("done_reason") or ("length" if output >= max_tokens else "stop")
    if reason not in ("stop", "length"):
        raise EngineError(f"Ollama at {handle.url} did not answer (done_reason {reason!r}). Were there no messages?")
    if prompt + output > handle.window or reason == "length" and output < max_tokens:
        raise overflow(
            prompt, what=f"the prompt has {prompt} tokens and the context window ended the answer after {output}"
        )
    if before is not None and prompt < before - COUNT_SLACK:
        raise overflow(
            before,
            what=f"the prompt has {before} tokens and Ollama read {prompt}: it cut it, or its chat template changed it",
        )
    if reason == "stop" or not times:
        times.append(time.perf_counter())
    server = {key: last[key] for key in SERVER_FIGURES if key in last} | {
        "version": handle.version,
        "num_ctx": handle.num_ctx,
        "num_thread": handle.options.get(THREADS_OPTION),
        "count_before": before,
    }
    return Answer(text, reason, prompt, output, started, times, server)


def _body(handle: Handle, messages: list[dict], schema: dict | None, wanted: dict) -> dict:
    """The request to /api/chat. wanted: the options of this call. Ollama's silent cuts are turned off."""
    body = {
        "model": handle.model,
        "messages": messages,
        "stream": True,
        "truncate": False,
        "shift": False,
        # Ollama's defaults would penalise repeated tokens and keep 40 candidates
        "options": {"repeat_penalty": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0} | handle.options | wanted,
    }
    if schema:
        body["format"] = schema
    if handle.keep_alive is not None:
        body["keep_alive"] = handle.keep_alive
    if handle.thinks:
        body["think"] = False
    return body


def _read(stream: Generator[dict], on_text: Callable[[str], Any] | None) -> tuple[str, list[float], dict]:
    """The answer's text, when each piece of it came, and the last chunk, with the server's figures; {} if none came."""
    texts, times = [], []
    with contextlib.closing(stream) as chunks:
        for chunk in chunks:
            message = chunk.get("message") or {}
            if message.get("content") or message.get("thinking"):
                times.append(time.perf_counter())
            if message.get("content"):
                texts.append(message["content"])
                if on_text:
                    on_text(message["content"])
            if chunk.get("done"):
                return "".join(texts), times, chunk
    return "".join(texts), times, {}


def close(handle: Handle) -> None:
    """Close the connections. The server keeps the model loaded for as long as `keep_alive` says."""
    handle.client.close()


def _explain(handle: Handle, refused: Refused, max_tokens: int, schema: dict | None) -> EngineError:
    inner = refused.inner
    if inner.get("type") == "exceed_context_size_error":
        return ContextOverflow(
            inner.get("n_prompt_tokens") or handle.window + 1,
            inner.get("n_ctx", handle.window),
            max_tokens,
            remedy=LARGER,
        )
    if "exceeds the context length" in refused.words:  # 0.24 does not say by how much
        return ContextOverflow(
            handle.window + 1, handle.window, max_tokens, f"the prompt has more than {handle.window} tokens", LARGER
        )
    if refused.status == 404:
        return EngineError(no_such_model(handle.url, handle.model))
    if schema and "schema" in refused.words.lower():
        return EngineError(f"the JSON schema cannot be used: {refused}")
    return EngineError(f"Ollama {handle.version} at {handle.url}: {refused}")
