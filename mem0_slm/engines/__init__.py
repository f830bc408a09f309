"""Ways to run a model. One module an engine, each with the same functions of data:

    load(model, **options) -> handle
    generate(handle, messages, *, max_tokens, schema=None, ...) -> Answer
    close(handle)

`messages` are chat messages (`role`, `content`); the model's own chat template is applied. What one engine can do and
another cannot stands in its module as constants:

    BATCHES          whether it works on several requests at once
    THREADS_OPTION   the option of `load` that sets the number of threads, None where there is none
    ADAPTER_OPTION   the option of `load` that takes a LoRA adapter to apply at run time, None where there is none
    IGNORES_EOS      whether `generate(ignore_eos=True)` can make it write on after the end token

To add an engine, add a module and its name to `ENGINES`.
"""

import atexit
import importlib
import json
import threading
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

ENGINES = ("llama_cpp", "transformers", "ollama", "vllm")


class EngineError(RuntimeError):
    """The engine could not load the model or finish a request. The message names the cause and the remedy."""


class ContextOverflow(EngineError):
    """The prompt does not fit the context window.

    `prompt_tokens` and `limit` (what the window leaves beside the answer) are token counts. `what` is said first and
    `remedy` last, in the engine's own words.
    """

    def __init__(
        self,
        prompt_tokens: int,
        window: int,
        max_tokens: int,
        what: str = "",
        remedy: str = "Load the model with a larger n_ctx",
    ) -> None:
        self.prompt_tokens, self.limit = prompt_tokens, window - max_tokens
        super().__init__(
            f"{what or f'the prompt has {prompt_tokens} tokens'}; "
            f"the context window of {window} leaves {self.limit} for it. "
            f"{remedy}, or let mem0-slm send its compact prompt."
        )


@dataclass(frozen=True)
class Answer:
    """What a model answered, and what it took. Times are `time.perf_counter` seconds."""

    text: str
    finish_reason: str
    """"stop" (the model ended its answer) or "length" (it reached max_tokens)."""
    prompt_tokens: int
    output_tokens: int
    started: float
    """When the engine began to work on the request (after waiting in a queue)."""
    token_times: list[float] = field(default_factory=list, repr=False)
    """When each output token was known; the first minus `started` is the time to first token."""
    server: dict = field(default_factory=dict, repr=False)
    """What a server said about the request, in its own units (Ollama: nanoseconds); empty for engines that run here."""
    tokens: list[int] = field(default_factory=list, repr=False)
    """The answer's token ids without the one that ends it; empty where an engine does not tell."""

    @property
    def seconds(self) -> float:
        return (self.token_times[-1] if self.token_times else self.started) - self.started


def load(engine: str, model: Any, **options: Any) -> Any:
    """Load `model` with the named engine. Raises EngineError for an unknown engine or an unusable model."""
    return module(engine).load(model, **options)


def module(engine: str) -> ModuleType:
    """The module of the named engine. Raises EngineError for an unknown one."""
    if engine not in ENGINES:
        raise EngineError(f"engine {engine!r} is unknown. Use one of: {', '.join(ENGINES)}.")
    return importlib.import_module(f"mem0_slm.engines.{engine}")


def load_options(engine: str, *, threads: int = 0, adapter: str | None = None) -> dict[str, Any]:
    """The engine's options of `load` for a number of threads (0: its own default) and an adapter applied at run time.

    An engine that cannot be told its threads gets no such option. Raises EngineError where it takes no adapter.
    """
    run = module(engine)
    options: dict[str, Any] = {}
    if threads and run.THREADS_OPTION:
        options[run.THREADS_OPTION] = threads
    if adapter:
        if not run.ADAPTER_OPTION:
            raise EngineError(f"engine {engine!r} applies no adapter at run time ({adapter}). Give it a merged model.")
        options[run.ADAPTER_OPTION] = adapter
    return options


_handles: dict[str, tuple[str, Any]] = {}
_handles_lock = threading.Lock()


def shared_handle(engine: str, model: str | None, options: dict) -> Any:
    """The loaded model for these arguments; loaded once a process."""
    key = json.dumps([engine, model, options], sort_keys=True, default=str)
    with _handles_lock:
        if key not in _handles:
            _handles[key] = (engine, load(engine, model, **options))
        return _handles[key][1]


@atexit.register
def close_engines() -> None:
    """Free all models loaded by `shared_handle`. Called at exit; call it earlier to free the memory."""
    with _handles_lock:
        while _handles:
            _, (engine, handle) = _handles.popitem()
            module(engine).close(handle)
