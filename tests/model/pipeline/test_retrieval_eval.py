"""The file that each candidate is asked by."""

import pytest

from pipeline import params
from pipeline.evaluation import retrieval
from pipeline.evaluation.settings import RetrievalEvalSettings
from pipeline.paths import BASE


@pytest.fixture
def p(in_root):
    return params.load(RetrievalEvalSettings, "retrieval_eval")


def test_the_base_is_asked_in_the_tuned_models_precision(p, base_gguf, tmp_path, monkeypatch):
    from gguf import GGUFReader

    monkeypatch.chdir(tmp_path)
    BASE.mkdir(parents=True)
    (BASE / "base.gguf").symlink_to(base_gguf)
    with retrieval.model_of("base", p) as model:
        types = {tensor.tensor_type.name for tensor in GGUFReader(model).tensors}
    assert types == {"Q8_0", "F32"} and not model.exists()
    for candidate, as_it_is, wanted in (
        ("base", "", "models/base/base.gguf"),
        ("no_llm", "Q8_0", "models/base/base.gguf"),
        ("finetuned", "Q8_0", p.finetuned_model),
    ):
        with retrieval.model_of(candidate, p.changed(base_type=as_it_is)) as model:
            assert str(model) == wanted
    with retrieval.model_of("base", p.changed(engine="transformers")) as model:
        assert str(model) == "models/base/hf"  # no GGUF, nothing to quantise
    with pytest.raises(ValueError, match=r"base_type: 'F64' must be"):
        p.changed(base_type="F64")
