"""The transformers engine, on a tiny random model with SmolLM2's tokenizer."""

import json

import pytest
import torch

from mem0_slm import contract, engines
from mem0_slm.engines import ContextOverflow, EngineError, transformers
from tests import tiny

DOG = contract.prompt_for("user: I have a dog\n")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, tokenizer):
    return tiny.save(tiny.llama(tokenizer, tie_word_embeddings=False), tokenizer, tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def engine(folder):
    return transformers.load(folder, dtype="bfloat16", n_ctx=256)


def test_the_answer_is_the_models_greedy_one(engine):
    ids = torch.tensor([transformers.tokenize(engine, DOG)])
    wanted = engine.model.generate(
        input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=6, min_new_tokens=6, do_sample=False
    )[0, ids.shape[1] :]
    found = transformers.generate(engine, DOG, max_tokens=6, ignore_eos=True)
    assert found.text == engine.tokenizer.decode(wanted, skip_special_tokens=True)
    assert (found.prompt_tokens, found.output_tokens, found.finish_reason, len(found.token_times)) == (
        ids.shape[1],
        6,
        "length",
        6,
    )


def test_the_schema_is_kept_by_a_model_that_knows_nothing(engine):
    answer = transformers.generate(
        engine,
        DOG,
        max_tokens=200,
        schema={"type": "object", "properties": {"n": {"enum": [3]}}, "required": ["n"], "additionalProperties": False},
    )
    assert (json.loads(answer.text), answer.finish_reason) == ({"n": 3}, "stop")


@pytest.mark.skipif(torch.cuda.is_available(), reason="a choice among a processor's kernels")
def test_onednn_computes_prompts_and_leaves_single_tokens_alone(engine):
    used = []
    watch = engine.model.register_forward_hook(lambda *_: used.append(torch.backends.mkldnn.enabled))
    try:
        transformers.generate(engine, DOG, max_tokens=3, ignore_eos=True)
        engine.model(torch.tensor([[1, 2]]))
    finally:
        watch.remove()
    assert used == [True, False, False, True]
    assert torch.backends.mkldnn.enabled


def test_a_prompt_too_long_and_a_folder_that_is_not_there(engine, tmp_path):
    with pytest.raises(ContextOverflow) as error:
        transformers.generate(engine, contract.prompt_for("user: " + "dog " * 300), max_tokens=8)
    assert (error.value.limit, error.value.prompt_tokens > 300) == (248, True)
    with pytest.raises(EngineError, match=r"none: no such folder"):
        engines.load("transformers", tmp_path / "none")
