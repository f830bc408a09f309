"""Files that torch or llama.cpp cannot read are named, with the remedy; nothing half-written stays."""

import pytest

from mem0_slm import engines, io
from pipeline import base, params, paths
from pipeline.export import gguf
from pipeline.export.settings import ExportGgufSettings
from pipeline.registry import Model, Registry
from tests.paths import ROOT


def registry(source: str) -> Registry:
    entry = Model(source=source, license="apache-2.0", gguf_4bit="Q4_0", ollama=[])
    return Registry(model="m", models={"m": entry}, seed=1)


@pytest.fixture
def base_out(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "BASE", tmp_path / "base")
    return tmp_path / "base"


@pytest.mark.parametrize("keep", [0, 3, 1000, 5_000_000])
def test_a_damaged_gguf(keep, tmp_path, base_gguf, base_out):
    damaged = tmp_path / "damaged.gguf"
    with open(base_gguf, "rb") as f:
        damaged.write_bytes(f.read(keep))
    with pytest.raises((io.DataError, engines.EngineError), match=r"GGUF"):
        base.prepare(registry(f"path:{damaged}"))
    assert not base_out.exists()
    assert [p.name for p in tmp_path.iterdir()] == ["damaged.gguf"]


def test_a_folder_that_cannot_be_converted_leaves_nothing(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    with pytest.raises(io.DataError, match=r"convert_hf_to_gguf.py failed"):
        gguf.convert(tmp_path / "model", tmp_path / "out.gguf")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model"]


def test_a_gguf_type_that_is_not_known(tmp_path):
    with pytest.raises(io.DataError, match=r"Q9_9: not a quantised GGUF type"):
        gguf.quantise(tmp_path / "a", tmp_path / "b", "Q9_9")
    with pytest.raises(params.ParamsError, match=r"types: \['Q8_0'\] must contain F16"):
        params.load(ExportGgufSettings, "export_gguf", ROOT / "params.yaml").changed(types=["Q8_0"])
