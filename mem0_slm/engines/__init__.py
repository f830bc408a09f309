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
from types import ModuleType
from typing import Any

from mem0_slm.engines.answer import Answer, ContextOverflow, EngineError

__all__ = ["Answer", "ContextOverflow", "EngineError"]  # what engines give and raise

ENGINES = ("llama_cpp", "transformers", "ollama", "vllm")


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
