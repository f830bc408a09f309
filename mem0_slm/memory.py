"""A small model as Mem0's extractor: `memory_config()` for `Memory` and `AsyncMemory`.

    from mem0_slm import memory_config
    from mem0 import Memory
    memory = Memory(memory_config())
    memory.add("I moved to Lisbon and I take the 28 tram to work", user_id="ana")
    memory.search("How does Ana commute?", filters={"user_id": "ana"})

Mem0's own code runs unchanged: the model is a provider registered through `LlmFactory.register_provider`. Every
extraction ends in one of `answers.OUTCOMES`; it is logged (logger "mem0_slm"), counted in `memory.llm.counts`, and
handed to whoever watches:

    with watch() as events:
        memory.add(...)
    print(events[0].outcome)
"""

import collections
import contextlib
import contextvars
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mem0.configs.base import MemoryConfig
from mem0.configs.llms.base import BaseLlmConfig
from mem0.llms.base import LLMBase
from mem0.llms.configs import LlmConfig
from mem0.utils.factory import LlmFactory

from mem0_slm import contract, engines
from mem0_slm.engines import EngineError, shared_handle
from mem0_slm.extraction import CONSTRAINTS, Event, extract, gate
from mem0_slm.stores import MINILM_DIMS, default_embedder, default_folder, default_model, default_vector_store

logger = logging.getLogger("mem0_slm")
PROVIDER = "mem0_slm"

_watchers: contextvars.ContextVar[tuple] = contextvars.ContextVar("mem0_slm_watchers", default=())


@contextlib.contextmanager
def watch() -> Iterator[list[Event]]:
    """Collect what becomes of the extractions that this thread or task starts inside the block.

    Yields a list, to which each extraction adds its `Event` when it has ended, a failed one too, before Mem0 raises for
    it: `events[0].outcome` is the first's. Blocks may lie inside one another; each list gets all of its block. Adds of
    several tasks that end at once come in the order in which they end.
    """
    events: list[Event] = []
    token = _watchers.set(_watchers.get() + (events,))
    try:
        yield events
    finally:
        _watchers.reset(token)


class SlmConfig(BaseLlmConfig):
    """Mem0's LLM configuration for the provider below; made by `memory_config`."""

    def __init__(
        self,
        model: str | None = None,
        engine: str = "llama_cpp",
        options: dict | None = None,
        constrain: str = "schema",
        max_tokens: int = 512,
        swap: bool = True,
        gate: bool = True,
        **common: Any,
    ):
        super().__init__(model=model, max_tokens=max_tokens, **common)
        self.engine, self.options, self.constrain, self.swap = engine, dict(options or {}), constrain, swap
        self.gate = gate


class SlmLLM(LLMBase):
    """Mem0's LLM interface over an engine of this package."""

    def __init__(self, config: SlmConfig):
        super().__init__(config)
        self.handle = shared_handle(config.engine, config.model, config.options)
        self.counts: collections.Counter = collections.Counter()
        """Extractions by outcome, and as in `Event` "repaired", "turns_dropped", "own_words" and "dropped"."""

    def generate_response(
        self,
        messages: list[dict],
        response_format: dict | None = None,
        tools: list | None = None,
        tool_choice: str = "auto",
        **kwargs: Any,
    ) -> str:
        """Answer Mem0. Its extraction prompt is swapped for the compact one; all else goes to the model as it is.

        Raises EngineError when no answer came, of which Mem0 makes its LLMError.
        """
        if contract.is_extraction(messages):
            return self._extract(messages, CONSTRAINTS[self.config.constrain])
        schema = None
        if (response_format or {}).get("type") == "json_object" and self.config.constrain != "free":
            schema = CONSTRAINTS["json"]
        run = engines.module(self.config.engine)
        return run.generate(self.handle, messages, max_tokens=self.config.max_tokens, schema=schema).text

    def _extract(self, messages: list[dict], schema: dict | None) -> str:
        try:
            compact = contract.compact(messages)
            asked = compact if self.config.swap else messages
            event = extract(self.config.engine, self.handle, asked, max_tokens=self.config.max_tokens, schema=schema)
            if self.config.gate:
                event = gate(event, compact)
        except contract.ContractError as error:
            event = Event("engine_error", error=str(error))
        self.counts[event.outcome] += 1
        for name in ("repaired", "turns_dropped", "own_words"):
            self.counts[name] += getattr(event, name)
        self.counts["dropped"] += len(event.dropped)
        for events in _watchers.get():
            events.append(event)
        clean = event.outcome in ("stored", "nothing") and not event.turns_dropped
        logger.log(
            logging.INFO if clean else logging.WARNING,
            "extraction: %s, %d memories%s%s in %.2f s%s",
            event.outcome,
            len(event.memories),
            " (repaired)" if event.repaired else "",
            f", {event.turns_dropped} oldest turns left out" if event.turns_dropped else "",
            event.seconds,
            f": {event.error}" if event.error else "",
        )
        if event.error:
            raise EngineError(event.error)  # Mem0 makes its LLMError of it
        return contract.for_mem0(event.memories)


def memory_config(
    model: str | os.PathLike | None = None,
    *,
    engine: str = "llama_cpp",
    constrain: str = "schema",
    max_tokens: int = 512,
    options: dict | None = None,
    embedder: dict | None = None,
    vector_store: dict | None = None,
    path: str | os.PathLike | None = None,
    custom_instructions: str | None = None,
    swap: bool = True,
    gate: bool = True,
) -> MemoryConfig:
    """The Mem0 configuration for a model of this project, for `Memory(...)` and `AsyncMemory(...)`.

    model: a path, or what the engine takes; None is the exported tuned GGUF (see `stores.default_model`).
    engine: one of `mem0_slm.engines.ENGINES`. options: for the engine's `load`, such as {"n_threads": 4}.
    constrain: what answers are held to while they are decoded: "schema" (the contract's), "json" (any object), "free".
    embedder, vector_store: Mem0's own dicts; by default MiniLM from the installed package, and Qdrant in a folder.
    path: where the default vector store and the history go; default ~/.mem0-slm.
    swap: replace Mem0's extraction prompt by the compact one (False only to measure what that does).
    gate: store of what the model writes only what the user said, or the user's own words in its place (grounding.py);
        False only to measure what that does.
    custom_instructions: what Mem0 sends with every extraction; nothing is added to what the model chose then.
    Raises ValueError for an unknown `constrain`, EngineError when the default model or embedder is not there, or when
    the default vector store cannot be used.
    """
    if constrain not in CONSTRAINTS:
        raise ValueError(f"constrain={constrain!r}: use one of {', '.join(CONSTRAINTS)}")
    path = Path(path).expanduser() if path else default_folder()
    path.mkdir(parents=True, exist_ok=True)
    model = os.path.expanduser(model) if model is not None else str(default_model()) if engine == "llama_cpp" else None
    if model is None and engine != "vllm":  # a server's only model needs no name
        raise EngineError(f"engine {engine!r} needs a model: pass its path or name to memory_config(model, ...).")
    LlmFactory.register_provider(PROVIDER, "mem0_slm.memory.SlmLLM", SlmConfig)
    embedder = embedder or default_embedder()
    if not vector_store:
        dims = (embedder.get("config") or {}).get("embedding_dims") or MINILM_DIMS
        vector_store = default_vector_store(path / "qdrant", dims=dims)
    settings = {
        "model": model,
        "engine": engine,
        "options": options or {},
        "constrain": constrain,
        "max_tokens": max_tokens,
        "swap": swap,
        "gate": gate,
    }
    return MemoryConfig(
        # model_construct: LlmConfig's validator knows only Mem0's own provider names
        llm=LlmConfig.model_construct(provider=PROVIDER, config=settings),
        embedder=embedder,
        vector_store=vector_store,
        history_db_path=str(path / "history.db"),
        custom_instructions=custom_instructions,
    )
