"""Fine-tuning: what carries loss, batches without padding, checkpoints that can be trusted."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from mem0_slm import contract, io, params
from stages import finetune
from stages.finetune import IGNORED, Params, answer_loss, collate, decision_index, encode, last_complete

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def tokenizer(base_gguf):
    from stages.prepare_base import tokenizer_from_gguf

    return tokenizer_from_gguf(base_gguf)


@pytest.fixture(scope="module")
def tiny_base(tmp_path_factory, tokenizer):
    """A random two-layer Llama with the real tokenizer, saved as a base model."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        eos_token_id=tokenizer.eos_token_id, tie_word_embeddings=True,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("tiny") / "base"
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def example(said: str, *memories: str) -> dict:
    answer = {"role": "assistant", "content": contract.dump(list(memories))}
    return {"kind": "extraction", "messages": [*contract.prompt_for(f"user: {said}\n"), answer]}


def test_only_the_answer_and_its_end_carry_loss(tokenizer):
    encoded = encode(example("I keep 12 bees", "User keeps 12 bees"), tokenizer, 512, 3.0)
    answer = [t for t, label in zip(encoded["input_ids"], encoded["labels"]) if label != IGNORED]
    assert tokenizer.decode(answer) == '{"memory": [{"text": "User keeps 12 bees"}]}<|im_end|>'
    assert [w for w, label in zip(encoded["weights"], encoded["labels"]) if label == IGNORED] == [0.0] * encoded["labels"].count(IGNORED)


def test_the_deciding_token_carries_its_own_weight(tokenizer):
    assert decision_index(tokenizer) == 3  # {" memory ": then [{ or []
    for memories, token in ((["User keeps 12 bees"], " [{"), ([], " []")):
        encoded = encode(example("I keep 12 bees", *memories), tokenizer, 512, 3.0)
        [position] = [i for i, weight in enumerate(encoded["weights"]) if weight == 3.0]
        assert tokenizer.decode(encoded["input_ids"][position]) == token


def test_an_example_that_is_too_long_is_none(tokenizer):
    assert encode(example("word " * 600), tokenizer, 512, 1.0) is None


def test_the_loss_of_a_batch_is_the_mean_of_its_examples(tiny_base, tokenizer):
    """Examples stand in one row without padding; none may see another."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(tiny_base, attn_implementation=finetune.register_attention())
    model = get_peft_model(model, LoraConfig(r=2, target_modules=["q_proj"]))
    rows = [encode(example(said, *m), tokenizer, 512, 4.0) for said, m in (("hi", []), ("I keep bees", ["User keeps bees"]), ("My son Bo is 4", ["User's son Bo is 4"]))]
    with torch.no_grad():
        together = answer_loss(model, collate(rows), "float32", 2.0).item()
        alone = [answer_loss(model, collate([row]), "float32", 2.0).item() for row in rows]
    assert together == pytest.approx(sum(alone) / 3, rel=1e-5)


def test_the_attention_equals_that_of_transformers(tiny_base, tokenizer):
    import torch
    from transformers import AutoModelForCausalLM

    ids = torch.tensor([tokenizer("Good morning, I keep 12 bees").input_ids])
    with torch.no_grad():
        usual = AutoModelForCausalLM.from_pretrained(tiny_base)(ids).logits
        ours = AutoModelForCausalLM.from_pretrained(tiny_base, attn_implementation=finetune.register_attention())(ids, lengths=[ids.shape[1]]).logits
    assert torch.allclose(usual, ours, atol=1e-5)


@pytest.fixture
def small(tmp_path, tokenizer, monkeypatch):
    """Params and data for a run of a few steps, in a folder of its own."""
    monkeypatch.setattr(finetune, "SCRATCH", tmp_path / "scratch")
    p = replace(params.load(Params, "finetune", ROOT / "params.yaml"), lora_r=2, batch_size=4, save_steps=2, precision="fp32", threads=1)
    rows = [example(f"I have {n} bees", f"User has {n} bees") if n % 3 else example(f"what is {n} times two") for n in range(24)]
    io.write_jsonl(tmp_path / "train.jsonl", rows)
    io.write_jsonl(tmp_path / "validation.jsonl", rows[:4])
    return p, tmp_path


def train(small, base, out="adapter", **changes):
    p, folder = small
    return finetune.finetune(replace(p, **changes), 7, base, folder / "train.jsonl", folder / "validation.jsonl", folder / out)


def test_the_same_seed_gives_the_same_adapter(small, tiny_base):
    train(small, tiny_base, "one")
    train(small, tiny_base, "two")
    assert io.sha256(small[1] / "one") == io.sha256(small[1] / "two")


def test_golden_loss(small, tiny_base):
    """Six steps on a random model, pinned. (Losses are sums over a batch by a constant, so batches of long answers weigh more.)"""
    metrics, log = train(small, tiny_base, learning_rate=0.02)
    losses = [row["loss"] for row in log if "loss" in row]
    assert len(losses) == metrics["steps"] == 6
    assert losses[0] == pytest.approx(9.740, rel=0.01)
    assert losses[-1] == pytest.approx(9.602, rel=0.03)
    assert metrics["train_examples"] == 24 and metrics["too_long_left_out"] == 0


def test_nan_stops_with_an_error_that_names_the_remedy(small, tiny_base, monkeypatch):
    import torch

    monkeypatch.setattr(finetune, "answer_loss", lambda *a: torch.tensor(math.nan, requires_grad=True))
    with pytest.raises(io.DataError, match=r"the loss is nan at step 0. Lower finetune.learning_rate"):
        train(small, tiny_base)
    assert not (small[1] / "adapter").exists()


def test_an_unknown_target_module_is_named(small, tiny_base):
    with pytest.raises(params.ParamsError, match=r"finetune.target_modules: the model has no module 'wq'"):
        train(small, tiny_base, target_modules=["wq"])


def test_a_truncated_newest_checkpoint_is_skipped_with_a_warning(tmp_path, capsys):
    for step, size in ((2, 10), (4, 10), (6, 10)):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        (folder / "adapter_model.safetensors").write_bytes(b"x" * size)
        if step != 6:  # killed before the note was written
            (folder / "complete.json").write_text(json.dumps({"adapter_model.safetensors": 10}))
    (tmp_path / "checkpoint-4" / "adapter_model.safetensors").write_bytes(b"x" * 3)
    assert last_complete(tmp_path) == tmp_path / "checkpoint-2"
    warned = capsys.readouterr().err
    assert "checkpoint-6 is incomplete" in warned and "checkpoint-4 is incomplete" in warned
