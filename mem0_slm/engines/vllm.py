"""A server that speaks OpenAI's chat completions over HTTP: vLLM, and llama.cpp's llama-server."""

import contextlib
import functools
import json
import re
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import httpx

from mem0_slm.engines._http import explained, http_client, json_body, json_object, streamed
from mem0_slm.engines.answer import Answer, ContextOverflow, EngineError

DEFAULT_URL = "http://127.0.0.1:8000/v1"
REMEDY = (
    "Start one with `vllm serve <folder>` (or `llama-server -m <file.gguf> --port 8000`), "
    "or name its address with base_url=."
)
LARGER = "Serve the model with a larger --max-model-len (llama-server: --ctx-size)"

BATCHES = True
THREADS_OPTION = None
ADAPTER_OPTION = None
IGNORES_EOS = True


@dataclass
class Handle:
    client: httpx.Client
    """Its base URL is the server's root: /v1 is part of the paths."""
    url: str
    prefix: str
    """Path of the OpenAI-compatible part, "/v1"."""
    model: str
    kind: str
    """"vllm", "llamacpp", or what the server calls itself."""
    version: str | None
    """vLLM's version or llama.cpp's build; None where the server does not tell."""
    n_ctx: int | None
    """Most tokens of prompt and answer; None where the server does not tell."""
    extra_body: dict
    timeout: float = 600.0


def load(
    model: str | None = None,
    *,
    base_url: str = DEFAULT_URL,
    api_key: str | None = None,
    timeout: float = 600.0,
    connect_timeout: float = 5.0,
    extra_body: dict | None = None,
) -> Handle:
    """Find a model on a server.

    model: its name there; None takes the only one the server lists. api_key: sent as a bearer token.
    timeout: longest silence of the server in seconds. connect_timeout: seconds.
    extra_body: more fields for each request, such as {"chat_template_kwargs": {"enable_thinking": False}}.
    Raises EngineError when the server or the model is not there.
    """
    base_url = base_url.rstrip("/")
    root = base_url.removesuffix("/v1")
    client = http_client(root, timeout, connect_timeout, {"Authorization": f"Bearer {api_key}"} if api_key else None)
    prefix = base_url[len(root) :]
    try:
        name, card = _find(_listed(client, base_url, prefix, timeout), base_url, model)
        kind = card.get("owned_by") or "unknown"
        if kind == "llamacpp":
            version = (_get(client, "/props", timeout) or {}).get("build_info")
        else:
            version = (_get(client, "/version", timeout) or {}).get("version")
    except BaseException:
        client.close()
        raise
    n_ctx = card.get("max_model_len") or (card.get("meta") or {}).get("n_ctx")
    return Handle(client, base_url, prefix, name, kind, version, n_ctx, dict(extra_body or {}), timeout)


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

    Token counts are the server's (the token that ends an answer included). `token_times` has one time for each streamed
    piece (a busy server puts several tokens in one) and, when the model ended the answer, one for its end.
    `Answer.server` keeps the server's version, its usage and, from llama.cpp, its timings (milliseconds).
    Raises ContextOverflow when prompt and answer do not fit the window (vLLM shortens the answer, which is an error
    here too), EngineError for all else.
    """
    wanted: dict[str, Any] = {"max_tokens": max_tokens, "temperature": temperature}
    if temperature > 0:
        wanted |= {"seed": seed, "top_p": 1.0, "top_k": -1, "min_p": 0.0}
    if ignore_eos:
        wanted["ignore_eos"] = True
    body = _body(handle, messages, schema, wanted)
    started = time.perf_counter()
    text, times, reason, told = _read(_stream(handle, body, max_tokens), on_text)
    usage = told.get("usage")
    if reason is None or not usage:
        raise EngineError(f"{handle.url}: the answer broke off before its end. Look into the server's log.")
    prompt, output = usage.get("prompt_tokens", 0), usage.get("completion_tokens", 0)
    if reason == "length" and output < max_tokens:
        what = f"the prompt has {prompt} tokens and the context window ended the answer after {output}"
        raise ContextOverflow(prompt, handle.n_ctx or prompt + output, max_tokens, what, LARGER)
    if reason not in ("stop", "length"):
        raise EngineError(f"{handle.url}: the answer ended for an unknown reason, {reason!r}.")
    server = {"version": handle.version, "kind": handle.kind} | told
    return Answer(text, reason, prompt, output, started, times or [time.perf_counter()], server)


def _body(handle: Handle, messages: list[dict], schema: dict | None, wanted: dict) -> dict:
    """The request to /chat/completions. wanted: the fields of this call."""
    body: dict[str, Any] = {
        "model": handle.model,
        "messages": messages,
        "stream": True,
        "stream_options": {"include_usage": True},
        "repetition_penalty": 1.0,  # else the model's generation_config.json decides
    }
    if schema:
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": schema, "strict": True},
        }
    return body | wanted | handle.extra_body


def _read(
    stream: Generator[dict], on_text: Callable[[str], Any] | None
) -> tuple[str, list[float], str | None, dict[str, Any]]:
    """The answer's text, when each piece of it came, why it ended, and the server's `usage` and `timings`."""
    texts, times, reason = [], [], None
    told: dict[str, Any] = {}
    with contextlib.closing(stream) as chunks:
        for chunk in chunks:
            for choice in chunk.get("choices") or ():
                delta = choice.get("delta") or {}
                if any(delta.get(key) for key in ("content", "reasoning_content", "reasoning")):
                    times.append(time.perf_counter())
                if delta.get("content"):
                    texts.append(delta["content"])
                    if on_text:
                        on_text(delta["content"])
                if choice.get("finish_reason"):
                    reason = choice["finish_reason"]
                    if reason != "length" and not delta.get("content"):
                        times.append(time.perf_counter())
            told |= {key: chunk[key] for key in ("usage", "timings") if chunk.get(key)}
    return "".join(texts), times, reason, told


def tokenize(handle: Handle, messages: list[dict]) -> list[int]:
    """The token ids the model receives for these messages. Raises EngineError where the server does not tell."""
    if handle.kind == "llamacpp":
        prompt = _post(handle, "/apply-template", {"messages": messages}).get("prompt")
        return _post(handle, "/tokenize", {"content": prompt, "add_special": True, "parse_special": True})["tokens"]
    answer = _post(handle, "/tokenize", {"model": handle.model, "messages": messages, "add_generation_prompt": True})
    if "tokens" not in answer:
        raise EngineError(f"{handle.url}: the server offers no tokenizer.")
    return answer["tokens"]


def close(handle: Handle) -> None:
    """Close the connections; the server goes on."""
    handle.client.close()


# --- the protocol ---


def _listed(client: httpx.Client, base_url: str, prefix: str, timeout: float) -> dict[str, dict]:
    """The models that a server lists, each with what it tells of it. Raises EngineError where it lists none."""
    with explained(base_url, REMEDY, timeout):
        response = client.get(f"{prefix}/models")
    try:
        return {card["id"]: card for card in response.json()["data"]}
    except (ValueError, KeyError, TypeError):
        hint = " It wants an api_key=." if response.status_code in (401, 403) else ""
        raise EngineError(
            f"{base_url}/models answers status {response.status_code}, not a list of models: "
            f"{response.text[:200]!r}.{hint} {REMEDY}"
        ) from None


def _find(listed: dict[str, dict], base_url: str, model: str | None) -> tuple[str, dict]:
    """The named model, or without a name the only one. Raises EngineError, naming those there are."""
    if not model:
        if len(listed) != 1:
            raise EngineError(f"{base_url} serves {len(listed)} models ({', '.join(listed)}): name one of them.")
        model = next(iter(listed))
    if model not in listed:
        raise EngineError(
            f"{base_url} does not serve {model!r} but {', '.join(listed) or 'nothing'}. "
            f"Name one of them, or serve it with `vllm serve <folder> --served-model-name {model}`."
        )
    return model, listed[model]


def _get(client: httpx.Client, path: str, timeout: float) -> dict | None:
    """A JSON object, or None where the server does not have it."""
    with explained(path, REMEDY, timeout):
        response = client.get(path)
    with contextlib.suppress(ValueError):
        value = response.json()
        if response.status_code == 200 and isinstance(value, dict):
            return value
    return None


def _post(handle: Handle, path: str, body: dict) -> dict:
    with explained(handle.url, REMEDY, handle.timeout):
        response = handle.client.post(path, **json_body(body))
    if response.status_code != 200:
        raise _refusal(handle, response.status_code, response.text, 0)
    try:
        return response.json()
    except ValueError:
        raise EngineError(f"{handle.url}: {path} did not answer with JSON: {response.text[:80]!r}") from None


def _stream(handle: Handle, body: dict, max_tokens: int) -> Generator[dict]:
    """Yield the chunks of a streamed answer. Raises EngineError for an error, inside the stream or in its place."""
    refusal = functools.partial(_refusal, handle, max_tokens=max_tokens)
    for line in streamed(
        handle.client, handle.url, f"{handle.prefix}/chat/completions", body, handle.timeout, REMEDY, refusal
    ):
        name, _, data = line.partition(b":")
        if name == b"error":  # old llama-server
            raise refusal(200, data.decode("utf-8", "replace"))
        if name != b"data":
            continue
        if data.strip() == b"[DONE]":
            return
        value = json_object(handle.url, data)
        if value.get("error"):
            raise refusal(200, json.dumps(value))
        yield value


def _refusal(handle: Handle, status: int, text: str, max_tokens: int) -> EngineError:
    """The server's error in our words."""
    error: Any = text.strip()
    with contextlib.suppress(ValueError):
        error = json.loads(text)
        error = error.get("error", error.get("detail", error)) if isinstance(error, dict) else error
    words = str(error.get("message", error)) if isinstance(error, dict) else str(error)
    if (
        isinstance(error, dict)
        and error.get("type") == "exceed_context_size_error"
        or re.search(r"context (length|size)", words)
    ):
        n, window = overflow_numbers(words, handle.n_ctx)
        if window:
            return ContextOverflow(n, window, max_tokens, f"the prompt has {n} tokens (or more)", LARGER)
    if re.search(r"schema|grammar|structured output", words, re.IGNORECASE):
        return EngineError(f"the JSON schema cannot be used: {words[:500]} (status {status})")
    hint = " It wants an api_key=." if status in (401, 403) else ""
    return EngineError(f"{handle.kind} {handle.version or ''} at {handle.url}: {words[:500]} (status {status}).{hint}")


def overflow_numbers(words: str, n_ctx: int | None) -> tuple[int, int]:
    """Prompt tokens and context window in a server's refusal, both 0 where unknown; (window + 1, window) if only the
    window is said.

    vLLM's wording has changed with nearly each version; all known ones name the window right after "context length".
    """
    found = re.search(r"context (?:length|size) \(?(?:is )?(?:only )?(\d+)", words)
    window = int(found[1]) if found else n_ctx or 0
    if "characters" not in words:
        for pattern in (
            r"\((\d+) in the messages",
            r"(\d+) input tokens",
            r"(?:request|input) \((\d+) tokens\)",
            r"[Ii]nput length \((\d+)\)",
            r"prompt \(length (\d+)\)",
        ):
            if found := re.search(pattern, words):
                return int(found[1]), window
    return (window + 1 if window else 0), window
