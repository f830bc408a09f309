"""pipeline.export.merge against PEFT's own merge_and_unload on tiny random models, its refusals, and what a killed run leaves."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys

import pytest
import torch
from peft import PeftModel
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModelForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
)

from mem0_slm.io import DataError
from pipeline.export import shards, tensors
from pipeline.export.merge import merge, plan
from pipeline.export.shards import STATE
from tests import tiny
from tests.paths import ROOT
from tests.waiting import until

Q0 = "base_model.model.model.layers.0.self_attn.q_proj"

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    torch.manual_seed(0)


def llama(folder, tied=False, max_shard_size="1GB"):
    model = tiny.llama(seed=None, hidden_size=16, intermediate_size=40, tie_word_embeddings=tied)
    model.save_pretrained(folder, max_shard_size=max_shard_size)
    return model


def llama4(folder, **shape):
    model = tiny.llama4(seed=None, **shape)
    model.save_pretrained(folder)
    return model


def adapt(model, folder, **settings):
    """Save a random adapter and return what PEFT makes of it."""
    settings = {"lora_alpha": 12, "target_modules": ["q_proj", "v_proj", "down_proj"]} | settings
    peft = tiny.adapter(model, folder, std=0.1, **settings)
    return {name: tensor.clone() for name, tensor in peft.merge_and_unload().state_dict().items()}


def written(out):
    found = {}
    for file in sorted(out.glob("*.safetensors")):
        found |= load_file(file)
    return found


def assert_merged(base, adapter, out, expected, **settings):
    """Merge in float32; the result has PEFT's values, under the base's names, and loads."""
    report = merge(base, adapter, out, **{"dtype": "float32"} | settings)
    got = written(out)
    assert set(got) == set(written(base))
    for name, tensor in got.items():
        torch.testing.assert_close(
            tensor, expected[name], atol=1e-6, rtol=1e-6, msg=lambda text, name=name: f"{name}: {text}"
        )
    loaded = AutoModelForCausalLM.from_pretrained(out).state_dict()
    for name, tensor in expected.items():
        torch.testing.assert_close(loaded[name], tensor, atol=1e-6, rtol=1e-6)
    changed = sum(not torch.equal(got[name], tensor) for name, tensor in written(base).items())
    assert report["merged"] == changed and report["tensors"] == len(got)
    assert not (out / STATE).exists() and not list(out.glob(".*"))
    return report


def edit_config(folder, **changes):
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def edit_weights(file, change):
    tensors = load_file(file)
    change(tensors)
    save_file(tensors, file, {"format": "pt"})


@pytest.fixture
def pair(tmp_path):
    """A base of four shards and a plain adapter for it."""
    expected = adapt(llama(tmp_path / "base", max_shard_size="8KB"), tmp_path / "adapter")
    assert len(list((tmp_path / "base").glob("*.safetensors"))) >= 3
    return tmp_path / "base", tmp_path / "adapter", tmp_path / "out", expected


def refused(pair, match, error=DataError, **settings):
    base, adapter, out, _ = pair
    with pytest.raises(error, match=match) as caught:
        merge(base, adapter, out, **settings)
    assert not out.exists(), "a refusal comes before the first byte"
    return str(caught.value)


# --- equal to PEFT -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"use_rslora": True},
        {"rank_pattern": {"q_proj": 2, r"layers\.1\.self_attn\.v_proj": 8}, "alpha_pattern": {"v_proj": 5}},
        {"rank_pattern": {"q_proj": 2}, "use_rslora": True},
        {"target_modules": r".*layers\.1\..*(q|k)_proj"},
        {"target_modules": "all-linear"},
        {"layers_to_transform": [1]},
        {"exclude_modules": ["mlp.down_proj"]},
        {"modules_to_save": ["lm_head", "input_layernorm"]},
        {"target_modules": ["q_proj", "embed_tokens", "lm_head"]},
        {"init_lora_weights": "orthogonal"},
    ],
    ids=lambda settings: ",".join(settings) or "plain",
)
def test_equals_peft(tmp_path, settings):
    expected = adapt(llama(tmp_path / "base"), tmp_path / "adapter", **settings)
    assert_merged(tmp_path / "base", tmp_path / "adapter", tmp_path / "out", expected)


def test_sharded_base_and_sharded_output(pair):
    base, adapter, out, expected = pair
    report = assert_merged(base, adapter, out, expected, max_shard_bytes=6000)
    assert report["shards"] == len(list(out.glob("model-*-of-*.safetensors"))) > 3
    index = json.loads((out / "model.safetensors.index.json").read_text())
    assert set(index["weight_map"]) == set(written(base))


def test_blocks_smaller_than_a_tensor(pair, monkeypatch):
    monkeypatch.setattr(tensors, "BLOCK", 50)  # three rows of q_proj, one row of down_proj and a part of lm_head
    assert_merged(*pair)


@pytest.mark.parametrize(
    "settings", [{}, {"modules_to_save": ["embed_tokens"], "ensure_weight_tying": True}], ids=["plain", "both"]
)
def test_tied_embeddings(tmp_path, settings):
    expected = adapt(llama(tmp_path / "base", tied=True), tmp_path / "adapter", **settings)
    assert_merged(tmp_path / "base", tmp_path / "adapter", tmp_path / "out", expected)


@pytest.mark.parametrize(
    "settings",
    [
        {"target_modules": ["embed_tokens"]},
        {"modules_to_save": ["embed_tokens"]},
        {"modules_to_save": ["lm_head"]},
        {"modules_to_save": ["embed_tokens", "lm_head"]},
    ],
    ids=["lora", "embedding", "head", "both, different"],
)
def test_tied_embeddings_changed_on_one_side(tmp_path, settings):
    adapt(llama(tmp_path / "base", tied=True), tmp_path / "adapter", **settings)
    pair = (tmp_path / "base", tmp_path / "adapter", tmp_path / "out", None)
    assert "embed_tokens" in refused(pair, "ambiguous: the base ties") or "lm_head" in settings["modules_to_save"]


def test_fan_in_fan_out(tmp_path):
    model = GPT2LMHeadModel(
        GPT2Config(vocab_size=64, n_embd=16, n_layer=1, n_head=2, n_positions=16, bos_token_id=1, eos_token_id=2)
    )
    model.save_pretrained(tmp_path / "base")
    expected = adapt(model, tmp_path / "adapter", target_modules=["c_attn", "c_proj"], fan_in_fan_out=True)
    assert_merged(tmp_path / "base", tmp_path / "adapter", tmp_path / "out", expected)


@pytest.mark.parametrize(
    "settings",
    [
        {"target_parameters": tiny.EXPERTS},
        {"target_parameters": tiny.EXPERTS, "rank_pattern": {"experts.down_proj": 6}, "use_rslora": True},
        {"target_parameters": tiny.EXPERTS[:1], "target_modules": ["q_proj"]},
        {"target_parameters": tiny.EXPERTS[1:], "target_modules": ["q_proj"]},
    ],
    ids=["both", "ranks", "gate_up", "down"],
)
@pytest.mark.parametrize("block", [1 << 20, 100])
def test_llama4_experts(tmp_path, monkeypatch, settings, block):
    monkeypatch.setattr(tensors, "BLOCK", block)
    settings = {"target_modules": ["q_proj", "router", "shared_expert.down_proj"]} | settings
    expected = adapt(llama4(tmp_path / "base"), tmp_path / "adapter", **settings)
    assert_merged(tmp_path / "base", tmp_path / "adapter", tmp_path / "out", expected)


@pytest.mark.parametrize(
    "shape", [{"intermediate_size": 8}, {"intermediate_size": 16}, {"num_local_experts": 1}], ids=str
)
def test_square_experts_follow_from_the_other_parameter(tmp_path, shape):
    expected = adapt(
        llama4(tmp_path / "base", **shape),
        tmp_path / "adapter",
        target_parameters=tiny.EXPERTS,
        target_modules=["q_proj"],
    )
    assert_merged(tmp_path / "base", tmp_path / "adapter", tmp_path / "out", expected)


def test_square_experts_alone_are_ambiguous(tmp_path):
    model = llama4(tmp_path / "base", intermediate_size=16)
    adapt(model, tmp_path / "adapter", target_parameters=tiny.EXPERTS[1:], target_modules=["q_proj"])
    text = refused((tmp_path / "base", tmp_path / "adapter", tmp_path / "out", None), "ambiguous.* in 2 ways")
    assert "experts.lora_A.weight" in text and "down_proj" in text


def test_experts_stored_the_other_way_round(tmp_path):
    """As PEFT does for classes with is_transposed (gpt-oss): A takes the middle dimension, B gives the last."""
    model = llama4(tmp_path / "base")
    for layer in model.model.layers:
        layer.feed_forward.experts.is_transposed = True
    expected = adapt(model, tmp_path / "adapter", target_parameters=tiny.EXPERTS, target_modules=["q_proj"])
    assert load_file(tmp_path / "adapter/adapter_model.safetensors")[
        Q0.replace("self_attn.q_proj", "feed_forward.experts.lora_A.weight")
    ].shape == (12, 24)
    assert_merged(tmp_path / "base", tmp_path / "adapter", tmp_path / "out", expected)


def test_base_with_a_longer_prefix(tmp_path):
    """A multimodal checkpoint says language_model.model.layers where the text model's adapter says model.layers."""
    expected = adapt(llama(tmp_path / "base"), tmp_path / "adapter")
    file = tmp_path / "base/model.safetensors"
    tensors = load_file(file)
    vision = {"vision_model.model.layers.0.self_attn.q_proj.weight": torch.ones(4, 4)}
    save_file({f"language_model.{name}": tensor for name, tensor in tensors.items()} | vision, file, {"format": "pt"})
    assert merge(tmp_path / "base", tmp_path / "adapter", tmp_path / "out", dtype="float32")["merged"] == 6
    got = written(tmp_path / "out")
    torch.testing.assert_close(
        got["language_model.model.layers.0.mlp.down_proj.weight"], expected["model.layers.0.mlp.down_proj.weight"]
    )
    assert torch.equal(got["vision_model.model.layers.0.self_attn.q_proj.weight"], torch.ones(4, 4))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_dtype_rounds_once_and_reaches_the_configuration(pair, dtype):
    base, adapter, out, expected = pair
    merge(base, adapter, out, dtype=dtype)
    for name, tensor in written(out).items():
        torch.testing.assert_close(tensor, expected[name].to(getattr(torch, dtype)), atol=1e-6, rtol=1e-2)
    loaded = AutoModelForCausalLM.from_pretrained(out)
    assert loaded.dtype == getattr(torch, dtype) and json.loads((out / "config.json").read_text())["dtype"] == dtype
    assert list(out.glob("*.safetensors")) == [out / "model.safetensors"]
    with safe_open(out / "model.safetensors", "pt") as f:
        assert f.metadata() == {"format": "pt"}


def test_integers_stay_and_small_files_are_copied(pair):
    base, adapter, out, _ = pair
    file = min(base.glob("*.safetensors"))
    counts = torch.arange(3)
    edit_weights(
        file,
        lambda tensors: tensors.update(
            {"model.counts": counts, "model.scalar": torch.tensor(1.5), "model.none": torch.zeros(0, 4)}
        ),
    )
    index = json.loads((base / "model.safetensors.index.json").read_text())
    index["weight_map"] |= dict.fromkeys(("model.counts", "model.scalar", "model.none"), file.name)
    (base / "model.safetensors.index.json").write_text(json.dumps(index))
    for folder, name, text in (
        (base, "tokenizer.json", "base"),
        (base, "chat_template.jinja", "base"),
        (base, "LICENSE", "free"),
        (adapter, "chat_template.jinja", "adapter"),
        (base, "pytorch_model.bin", "not copied"),
    ):
        (folder / name).write_text(text)
    report = merge(base, adapter, out)
    got = written(out)
    assert torch.equal(got["model.counts"], counts) and got["model.scalar"] == 1.5 and got["model.none"].shape == (0, 4)
    assert {name: (out / name).read_text() for name in ("tokenizer.json", "chat_template.jinja", "LICENSE")} == {
        "tokenizer.json": "base",
        "chat_template.jinja": "adapter",
        "LICENSE": "free",
    }
    assert (out / "generation_config.json").exists() and not (out / "pytorch_model.bin").exists()
    assert not (out / "adapter_config.json").exists() and not (out / "README.md").exists()
    assert abs(report["bytes_written"] - sum(f.stat().st_size for f in out.iterdir())) < 200  # config.json is rewritten


def test_plan_says_what_merge_does(pair):
    base, adapter, out, _ = pair
    before = plan(base, adapter, "bfloat16", max_shard_bytes=6000)
    report = merge(base, adapter, out, dtype="bfloat16", max_shard_bytes=6000)
    assert {key: before[key] for key in ("tensors", "merged", "shards")} == {
        key: report[key] for key in ("tensors", "merged", "shards")
    }
    assert before["disk_bytes"] == report["bytes_written"] and before["memory_bytes"] < 200e6


def test_a_finished_export_is_replaced(pair):
    base, adapter, out, expected = pair
    merge(base, adapter, out, max_shard_bytes=6000)
    assert_merged(base, adapter, out, expected)
    assert [f.name for f in out.glob("model*")] == ["model.safetensors"]


# --- refusals -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes, match",
    [
        ({"use_dora": True}, "use_dora is True: DoRA is not merged"),
        ({"peft_type": "LOHA"}, "peft_type is 'LOHA': only LORA"),
        ({"lora_bias": True}, "lora_bias is True"),
        ({"bias": "lora_only"}, "bias is 'lora_only': trained biases"),
        ({"layer_replication": [[0, 2]]}, "layer_replication is"),
        ({"trainable_token_indices": [1]}, "trainable_token_indices is"),
        ({"use_qalora": True}, "use_qalora is True: this form of LoRA"),
        ({"kasa_config": {"beta": 1}}, "kasa_config is"),
        ({"use_something_new": True}, "use_something_new is True"),
        ({"init_lora_weights": "pissa_niter_4"}, "init_lora_weights is 'pissa_niter_4': .*changed the base"),
        ({"r": None}, "r must be a number above 0, found None"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_refuses_what_is_no_plain_lora(pair, changes, match):
    edit_config(pair[1], **changes)
    assert "adapter_config.json" in refused(pair, match)


def test_dora_as_peft_saves_it(tmp_path):
    adapt(llama(tmp_path / "base"), tmp_path / "adapter", use_dora=True)
    pair = (tmp_path / "base", tmp_path / "adapter", tmp_path / "out", None)
    refused(pair, "DoRA")
    edit_config(pair[1], use_dora=False)
    refused(pair, "lora_magnitude_vector: DoRA")


@pytest.mark.parametrize(
    "change, match",
    [
        (lambda t: t.pop(f"{Q0}.lora_B.weight"), r"q_proj.lora_A.weight has no lora_B beside it"),
        (lambda t: t.pop(f"{Q0}.lora_A.weight"), r"q_proj.lora_B.weight has no lora_A beside it"),
        (
            lambda t: [t.pop(f"{Q0}.lora_{x}.weight") for x in "AB"],
            "nothing in it for model.layers.0.self_attn.q_proj.weight",
        ),
        (lambda t: t.update({f"{Q0}.lora_C.weight": torch.ones(1)}), "lora_C.weight: nothing consumes it"),
        (lambda t: t.update({"something": torch.ones(1)}), "something: nothing consumes it"),
        (
            lambda t: t.update({"base_model.model.else.weight": torch.ones(1)}),
            "else.weight: nothing consumes it: .* has no tensor",
        ),
        (
            lambda t: t.update({"base_model.model.model.norm.weight": torch.ones(16)}),
            "norm.weight: nothing consumes it: .*modules_to_save",
        ),
        (
            lambda t: t.update({f"{Q0}.base_layer.lora_{x}.weight": torch.ones(4, 4) for x in "AB"}),
            "base_layer.lora_A.weight: nothing",
        ),
        (lambda t: t.update({f"{Q0}.lora_B.bias": torch.ones(16)}), "lora_B.bias: lora_bias is not merged"),
        (lambda t: t.update({f"{Q0}.token_adapter.x": torch.ones(16)}), "trainable tokens"),
        (
            lambda t: t.update({f"{Q0.replace('.0.', '.7.')}.lora_{x}.weight": torch.ones(4, 4) for x in "AB"}),
            r"no tensor model.layers.7",
        ),
        (lambda t: t.update({f"{Q0}.lora_A.weight": torch.ones(4, 17)}), r"\(4, 17\) and \(16, 4\).* needs \(4, 16\)"),
        (
            lambda t: t.update({f"{Q0}.lora_A.weight": torch.ones(2, 16), f"{Q0}.lora_B.weight": torch.ones(16, 2)}),
            r"needs \(4, 16\)",
        ),
        (
            lambda t: t[f"{Q0}.lora_B.weight"].fill_(float("nan")),
            "q_proj.lora_B.weight holds values that are not finite",
        ),
        (
            lambda t: t[f"{Q0}.lora_B.weight"][3, 1:2].fill_(float("-inf")),
            "q_proj.lora_B.weight holds values that are not finite",
        ),
    ],
)
def test_refuses_adapter_keys(pair, change, match):
    edit_weights(pair[1] / "adapter_model.safetensors", change)
    assert "adapter_model.safetensors: " in refused(pair, match)


def test_refuses_another_base(pair):
    shutil.rmtree(pair[0])
    llama4(pair[0])
    refused(pair, "has no tensor model.layers.0.mlp.down_proj.weight for it. Merge into the base")


@pytest.mark.parametrize(
    "change, match",
    [
        (
            lambda t: [t.pop(k) for k in list(t) if "layers.0.feed_forward.experts.base_layer" in k],
            "1 pairs at .*names 2 of its parameters",
        ),
        (
            lambda t: [t.pop(k) for k in list(t) if "layers.0.feed_forward.experts.lora" in k],
            "adapter around it is missing",
        ),
        (
            lambda t: [t.pop(k) for k in list(t) if "layers.1.feed_forward" in k],
            "nothing in it for model.layers.1.feed_forward.experts",
        ),
        (
            lambda t: t.update(
                {k: torch.ones(12, 15) for k in t if k.endswith("0.feed_forward.experts.lora_A.weight")}
            ),
            "no way to fit",
        ),
    ],
)
def test_refuses_expert_keys(tmp_path, change, match):
    adapt(llama4(tmp_path / "base"), tmp_path / "adapter", target_parameters=tiny.EXPERTS, target_modules=["q_proj"])
    edit_weights(tmp_path / "adapter/adapter_model.safetensors", change)
    refused((tmp_path / "base", tmp_path / "adapter", tmp_path / "out", None), match)


def test_refuses_experts_without_target_parameters(tmp_path):
    adapt(llama4(tmp_path / "base"), tmp_path / "adapter", target_parameters=tiny.EXPERTS, target_modules=["q_proj"])
    edit_config(tmp_path / "adapter", target_parameters=None)
    refused(
        (tmp_path / "base", tmp_path / "adapter", tmp_path / "out", None),
        "feed_forward.experts.lora_A.weight: .* has no tensor",
    )


def test_refuses_saved_modules_that_are_missing_or_resized(tmp_path):
    adapt(llama(tmp_path / "base"), tmp_path / "adapter", modules_to_save=["lm_head"])
    pair = (tmp_path / "base", tmp_path / "adapter", tmp_path / "out", None)
    file = tmp_path / "adapter/adapter_model.safetensors"
    edit_weights(file, lambda t: t.update({"base_model.model.lm_head.weight": torch.ones(100, 16)}))
    refused(pair, r"lm_head.weight has shape \(100, 16\), .*resize the base")
    edit_weights(file, lambda t: t.pop("base_model.model.lm_head.weight"))
    refused(pair, "nothing in it for lm_head.weight")


@pytest.mark.parametrize("which", ["base", "adapter"])
def test_refuses_truncated_files(pair, which):
    file = max((pair[0] if which == "base" else pair[1]).glob("*.safetensors"))
    whole = file.read_bytes()
    for part, match in (
        (whole[:-1], "truncated: "),
        (whole[:100], "truncated"),
        (b"", "truncated"),
        (whole + b"x", "longer than"),
        (whole.replace(b"F32", b"I32", 1).replace(b'"dtype":"I32"', b'"dtype":"F16"', 1), "cannot lie at bytes"),
        (whole.replace(b'"F32"', b'"F8_"', 1), "quantised"),
        (whole.replace(b'"shape"', b'"sha\\e"', 1), "header"),
    ):
        file.write_bytes(part)
        assert str(file) in refused(pair, match)


def test_refuses_bases_it_cannot_read(pair):
    base, adapter = pair[:2]
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps(config | {"quantization_config": {"load_in_4bit": True}}))
    refused(pair, "quantization_config")
    (base / "config.json").write_text(json.dumps(config))
    refused(pair, "dtype: must be one of float16, bfloat16, float32, found 'int4'", dtype="int4")
    index = json.loads((base / "model.safetensors.index.json").read_text())
    more = {"weight_map": index["weight_map"] | {"model.more": min(base.glob("*.safetensors")).name}}
    (base / "model.safetensors.index.json").write_text(json.dumps(more))
    refused(pair, "model.more is in the file or in .*index.json, not in both")
    (base / "model.safetensors.index.json").write_text(json.dumps(index))
    sorted(base.glob("*.safetensors"))[1].unlink()
    refused(pair, "no such file, but model.safetensors.index.json lists it")
    (base / "model.safetensors.index.json").unlink()
    refused(pair, "neither model.safetensors nor")
    (adapter / "adapter_model.safetensors").unlink()
    refused(pair, "adapter_model.safetensors: no such file. Save")
    (adapter / "adapter_config.json").unlink()
    refused(pair, "adapter_config.json: no such file. Name a folder")


def test_refuses_to_write_over_its_inputs(pair):
    base, adapter, _, _ = pair
    for out in (base, adapter / "../adapter"):
        with pytest.raises(DataError, match="is the (base|adapter) itself"):
            merge(base, adapter, out)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_refuses_a_base_that_is_not_finite(pair, value):
    base, adapter, out, _ = pair
    file = max(base.glob("*.safetensors"))
    name = max(load_file(file))
    edit_weights(file, lambda tensors: tensors[name].view(-1)[-1:].fill_(value))
    with pytest.raises(DataError, match="holds values that are not finite") as caught:
        merge(base, adapter, out, max_shard_bytes=6000)
    assert str(file) in str(caught.value) and name in str(caught.value)
    assert_only_whole_shards(out)
    assert not (out / "config.json").exists() and not list(out.glob(".*"))


def test_refuses_what_overflows_float16(pair):
    base, adapter, out, _ = pair
    edit_weights(adapter / "adapter_model.safetensors", lambda tensors: tensors[f"{Q0}.lora_B.weight"].fill_(1e6))
    with pytest.raises(DataError, match="q_proj.weight as merged, in float16, .*Write bfloat16"):
        merge(base, adapter, out)
    assert [f.name for f in out.iterdir()] == [STATE]
    merge(base, adapter, out, dtype="bfloat16")


# --- the disk, and being killed --------------------------------------------------------------------------------------


def assert_only_whole_shards(out):
    """Every file under a final name opens, and is as long as its header says."""
    for file in out.glob("model*.safetensors"):
        load_file(file)


def test_refuses_a_disk_that_is_too_small(pair, monkeypatch):
    base, adapter, out, expected = pair
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**12, 10**12, 5000))
        text = refused(pair, "merging needs .* MB of disk .* of memory .* 0.01 MB of disk is free", error=OSError)
        assert str(out) in text
    assert_merged(base, adapter, out, expected)


def test_a_disk_that_fills_up(pair, tmp_path, monkeypatch):
    """A real one: shards that fit stay, the one that does not leaves nothing, and the run goes on when there is room."""
    base, adapter, _, expected = pair
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=28k", "tmpfs", str(disk)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a tmpfs cannot be mounted here: {mounted.stderr.strip()}")
    out = disk / "out"
    try:
        with pytest.raises(OSError, match="merging needs"):
            merge(base, adapter, out)
        assert not out.exists()
        with monkeypatch.context() as patch:
            patch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**12, 0, 10**12))
            with pytest.raises(
                OSError, match="the disk is full. Free .* it resumes at the first missing shard"
            ) as caught:
                merge(base, adapter, out, dtype="float32", max_shard_bytes=9000)
            assert caught.value.errno == errno.ENOSPC
        whole = sorted(out.glob("model*.safetensors"))
        assert whole and not list(out.glob(".*"))
        assert_only_whole_shards(out)
        before = {file: file.stat().st_mtime_ns for file in whole}
        subprocess.run(["mount", "-o", "remount,size=4m", str(disk)], check=True)
        assert_merged(base, adapter, out, expected, max_shard_bytes=9000)
        assert {file: file.stat().st_mtime_ns for file in whole} == before
    finally:
        subprocess.run(["umount", str(disk)], check=True)


KILLED = """
import sys, time
from pathlib import Path
from pipeline.export import merge, shards
blocks, out = shards.merged_blocks, Path(sys.argv[3])
def stopping(output):
    for block in blocks(output):
        if len(list(out.glob("model*.safetensors"))) >= 2 and list(out.glob(".model*/*")):
            time.sleep(3600)
        yield block
shards.merged_blocks = stopping
merge.merge(*map(Path, sys.argv[1:4]), dtype="float32", max_shard_bytes=9000)
"""


def test_a_killed_run_resumes(pair, tmp_path):
    base, adapter, out, expected = pair
    child = subprocess.Popen([sys.executable, "-c", KILLED, base, adapter, out], cwd=ROOT, stderr=subprocess.DEVNULL)
    until(
        lambda: len(list(out.glob("model*.safetensors"))) >= 2 and list(out.glob(".model*/*")),
        alive=lambda: child.poll() is None,
    )
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert list(out.glob(".model*")) and (out / STATE).exists() and not (out / "model.safetensors.index.json").exists()
    assert_only_whole_shards(out)
    whole = {file: file.stat().st_mtime_ns for file in out.glob("model*.safetensors")}
    killed = tmp_path / "killed"
    shutil.copytree(out, killed, copy_function=shutil.copy2)

    report = assert_merged(base, adapter, out, expected, max_shard_bytes=9000)
    assert {file: file.stat().st_mtime_ns for file in whole} == whole
    assert report["bytes_written"] < plan(base, adapter, "float32", max_shard_bytes=9000)["disk_bytes"]

    # with other inputs nothing of the old run is kept
    edit_weights(
        adapter / "adapter_model.safetensors",
        lambda tensors: [tensor.mul_(2) for k, tensor in tensors.items() if "lora_A" in k],
    )
    merged = (
        PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), adapter).merge_and_unload().state_dict()
    )
    report = assert_merged(base, adapter, killed, merged, max_shard_bytes=9000)
    assert report["bytes_written"] == plan(base, adapter, "float32", max_shard_bytes=9000)["disk_bytes"]


@pytest.mark.parametrize("change", ["base", "dtype", "shards"])
def test_a_resume_with_other_inputs_starts_over(pair, monkeypatch, change):
    base, adapter, out, _ = pair
    with monkeypatch.context() as patch:
        patch.setattr(shards, "write_json", lambda *arguments: 1 / 0)  # all shards written, the index not
        with pytest.raises(ZeroDivisionError):
            merge(base, adapter, out, dtype="float16", max_shard_bytes=6000)
    assert (out / STATE).exists()
    if change == "base":
        os.utime(min(base.glob("*.safetensors")), ns=(1, 1))
    settings = {
        "dtype": "float32" if change == "dtype" else "float16",
        "max_shard_bytes": 5000 if change == "shards" else 6000,
    }
    report = merge(base, adapter, out, **settings)
    assert (
        report["bytes_written"]
        == plan(base, adapter, settings["dtype"], max_shard_bytes=settings["max_shard_bytes"])["disk_bytes"]
    )
    assert_only_whole_shards(out)
    assert len(list(out.glob("model*.safetensors"))) == report["shards"]
