"""The export stages on tiny random models with SmolLM2's tokenizer: what they write, prove, describe, and leave when killed."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from gguf import GGUFReader
from huggingface_hub import ModelCard
from transformers import AutoModelForCausalLM

from mem0_slm import contract, io
from mem0_slm.engines import transformers as transformers_engine
from pipeline.export import fidelity, forms, gguf, gguf_files, model_card, outputs
from pipeline.export.merge import merge
from pipeline.export.settings import ExportGgufSettings, ExportMergedSettings
from pipeline.registry import Model, Registry
from tests import tiny
from tests.paths import ROOT
from tests.waiting import until

TINY = Model(source="hub:someone/Tiny-1B", license="apache-2.0", gguf_4bit="Q4_0", ollama=[])
REGISTRY = Registry(model="tiny-1b", models={"tiny-1b": TINY}, seed=1)
MERGED = {
    "dtype": "float16",
    "max_shard_gb": 5.0,
    "logit_tolerance": 0.1,
    "proof_examples": 2,
    "nf4": True,
    "max_perplexity_increase": 9.0,
    "min_agreement": 0.0,
}
GGUF = {
    "types": ["F16", "4bit"],
    "proof_examples": 2,
    "logit_tolerance": 0.1,
    "max_perplexity_increase": 9.0,
    "min_agreement": 0.0,
}

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def workplace(folder, tokenizer):
    """A folder as the pipeline has it when the model is trained."""
    base, adapter = folder / "models/base/hf", folder / "models/adapter"
    model = tiny.llama(tokenizer)
    tiny.save(model, tokenizer, base)
    tiny.adapter(model, adapter)
    io.write_json(adapter / "base.json", {"base_sha256": io.sha256(base)})
    rows = [
        {
            "kind": "extraction",
            "messages": contract.prompt_for(f"user: {said}\n")
            + [{"role": "assistant", "content": contract.dump(facts)}],
        }
        for said, facts in (("We adopted a cat", ["User adopted a cat"]), ("Good morning!", []))
    ]
    for name in ("train", "validation"):
        io.write_jsonl(folder / f"data/{name}.jsonl", rows)
    shutil.copyfile(ROOT / "params.yaml", folder / "params.yaml")
    return base, adapter


@pytest.fixture(scope="module")
def exported(tmp_path_factory, tokenizer):
    """A workplace after both stages, and their metrics."""
    folder = tmp_path_factory.mktemp("exports")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        base, adapter = workplace(folder, tokenizer)
        merged = forms.export_merged(ExportMergedSettings(**MERGED), REGISTRY, base, adapter)
        files = gguf_files.export_gguf(
            ExportGgufSettings(**GGUF), REGISTRY, base, adapter, Path("models/merged"), Path("models/gguf")
        )
    return folder, merged, files


# --- what they write ------------------------------------------------------------------------------------------------


def test_nf4_is_made_loaded_and_measured_on_the_cpu(exported):
    import bitsandbytes

    folder, merged, _ = exported
    model = AutoModelForCausalLM.from_pretrained(folder / "models/merged-nf4")
    layer = model.model.layers[1].mlp.down_proj
    assert isinstance(layer, bitsandbytes.nn.Linear4bit) and layer.weight.quant_type == "nf4"
    whole = (
        AutoModelForCausalLM.from_pretrained(folder / "models/merged", dtype=torch.float32)
        .model.layers[1]
        .mlp.down_proj.weight
    )
    restored = bitsandbytes.functional.dequantize_4bit(layer.weight.data, layer.weight.quant_state).float()
    assert (
        0 < (restored - whole).abs().max() < 0.2 * whole.abs().max()
    )  # NF4's widest step is 0.3 of a block's largest value
    assert merged["nf4"]["perplexity_increase"] == pytest.approx(
        merged["nf4"]["perplexity"] / merged["perplexity"] - 1, abs=1e-5
    )
    assert merged["nf4"]["sha256"] == io.sha256(folder / "models/merged-nf4")
    assert (folder / "models/merged-nf4/chat_template.jinja").read_text() == (
        folder / "models/merged/chat_template.jinja"
    ).read_text()


def test_a_model_loaded_in_4_bits_is_the_exported_nf4(exported):
    folder = exported[0] / "models"
    ours = transformers_engine.load(folder / "merged", load_in_4bit=True, dtype="bfloat16")
    theirs = transformers_engine.load(folder / "merged-nf4", dtype="bfloat16")
    pairs = [(list(range(5, 40)), [7, 9, 2])]
    logits = [next(outputs.transformers_outputs(handle.model, pairs)) for handle in (ours, theirs)]
    assert ours.model.config.quantization_config.bnb_4bit_use_double_quant and torch.equal(*logits)


def test_the_adapter_is_exported_in_fp16_with_the_template_that_it_needs(exported):
    from peft import PeftModel
    from safetensors.torch import load_file

    folder, merged, _ = exported
    out = folder / "models/adapter-fp16"
    weights, trained = (load_file(f / "adapter_model.safetensors") for f in (out, folder / "models/adapter"))
    assert {w.dtype for w in weights.values()} == {torch.float16}
    assert (
        all(torch.equal(weights[name], trained[name].half()) for name in trained) and weights.keys() == trained.keys()
    )
    assert (out / "chat_template.jinja").read_text() == (folder / "models/merged/chat_template.jinja").read_text()
    PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(folder / "models/base/hf"), out)
    assert "--max-lora-rank 4 --lora-modules mem0-slm=models/adapter-fp16" in (out / "README.md").read_text()


def test_without_nf4_its_folder_says_so(tmp_path, tokenizer, monkeypatch):
    monkeypatch.chdir(tmp_path)
    base, adapter = workplace(tmp_path, tokenizer)
    metrics = forms.export_merged(
        ExportMergedSettings(**MERGED | {"nf4": False, "proof_examples": 1}), REGISTRY, base, adapter
    )
    assert metrics["nf4"] is None
    assert {f.name: f.read_text() for f in Path("models/merged-nf4").iterdir()} == {
        "README.md": "Not made: export_merged.nf4 in params.yaml is false.\n"
    }
    assert not list(Path(".scratch/export_merged").iterdir())


def test_the_proofs_are_in_the_metrics(exported):
    _, merged, files = exported
    assert 0 < merged["max_logit_difference"] < 0.1 and merged["perplexity"] == pytest.approx(
        merged["adapter_perplexity"], rel=1e-3
    )
    assert list(files["types"]) == ["F16", "Q4_0"]
    assert files["types"]["F16"]["max_logit_difference"] < 0.1 and files["types"]["F16"]["largest_tie_gap"] < 0.1
    assert files["merged_perplexity"] == pytest.approx(merged["perplexity"], rel=1e-2)
    assert files["types"]["Q4_0"]["max_logit_difference"] > files["types"]["F16"]["max_logit_difference"]


@pytest.mark.parametrize("name", ["model-f16.gguf", "model-q4_0.gguf", "adapter-f16.gguf"])
def test_gguf_metadata(exported, name):
    folder = exported[0]
    fields = GGUFReader(folder / "models/gguf" / name).fields
    read = lambda key: fields[key].contents()  # noqa: E731
    assert (read("general.name"), read("general.basename"), read("general.license")) == (
        "tiny-1b mem0-slm",
        "tiny-1b",
        "apache-2.0",
    )
    assert read("general.base_model.0.repo_url") == "https://huggingface.co/someone/Tiny-1B"
    if name.startswith("model"):
        assert read("tokenizer.chat_template") == (folder / "models/merged/chat_template.jinja").read_text()
        assert contract.SYSTEM_PROMPT in read("tokenizer.chat_template")
    else:
        assert read("adapter.type") == "lora"


# --- model cards ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, relation",
    [("merged", "merge"), ("merged-nf4", "quantized"), ("gguf", "quantized"), ("adapter-fp16", "adapter")],
)
def test_a_card_says_what_the_export_was_made_of(exported, name, relation):
    folder, merged, files = exported
    text = (folder / "models" / name / "README.md").read_text()
    head = ModelCard(text).data.to_dict()
    assert (head["license"], head["base_model"], head["base_model_relation"]) == (
        "apache-2.0",
        "someone/Tiny-1B",
        relation,
    )
    made_of = head["provenance"]
    assert made_of["base_sha256"] == io.sha256(folder / "models/base/hf") and made_of["adapter_sha256"] == io.sha256(
        folder / "models/adapter"
    )
    assert made_of["data_sha256"] == {
        f"data/{n}.jsonl": io.sha256(folder / f"data/{n}.jsonl") for n in ("train", "validation")
    }
    assert all(
        value in text.split("## Made of")[1] for value in (made_of["params_sha256"], *made_of["data_sha256"].values())
    )
    listed = dict(re.findall(r"\| `([^`]+)` \| [\d,]+ \| ([0-9a-f]{64}) \|", text))
    assert listed == {f.name: io.sha256(f) for f in (folder / "models" / name).iterdir() if f.name != "README.md"}
    figures = {
        "merged": merged["perplexity"],
        "merged-nf4": merged["nf4"]["perplexity"],
        "gguf": files["types"]["Q4_0"]["perplexity"],
        "adapter-fp16": merged["adapter_perplexity"],
    }
    assert f"| {figures[name]} |" in text


@pytest.mark.parametrize("name", ["merged", "merged-nf4", "gguf"])
def test_a_card_configures_stock_mem0_for_four_engines(exported, name):
    from mem0.llms.configs import LlmConfig
    from mem0.utils.factory import LlmFactory

    text = (exported[0] / "models" / name / "README.md").read_text()
    providers = []
    for block in re.findall(r"```python\n(.+?)```", text, re.DOTALL):
        values = {}
        exec(block, values)  # noqa: S102  what the card tells its reader to write
        settings = LlmConfig(**values["config"]["llm"])
        assert LlmFactory.create(settings.provider, settings.config) is not None or settings.provider == "ollama"
        providers.append(settings.provider)
    assert providers == ["openai", "vllm", "lmstudio", "ollama"]
    for path in re.findall(r"models/gguf/(model-\S+)", text):
        assert path.endswith(".gguf")


def test_the_params_hash_follows_the_params_that_matter(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "params.yaml").read_text()
    (tmp_path / "base").mkdir()
    hashes = []
    for change in (("", ""), ("lora_r: ", "lora_r: 1"), ("top_k: ", "top_k: 1")):
        (tmp_path / "params.yaml").write_text(text.replace(*change) if change[0] else text)
        hashes.append(
            model_card.provenance("m", "path:x", "mit", tmp_path / "base", tmp_path / "base", [], forms.MADE_BY)[
                "params_sha256"
            ]
        )
    assert hashes[0] == hashes[2] != hashes[1]


def test_an_export_without_a_card_is_named(tmp_path):
    with pytest.raises(
        io.DataError, match=r"README.md: no model card with the key `provenance`. Run `dvc repro export_merged`"
    ):
        model_card.read_provenance(tmp_path)


# --- refusals -------------------------------------------------------------------------------------------------------


def test_an_f16_file_of_another_model_is_refused(exported, tmp_path, monkeypatch):
    """The merged folder holds other weights than the GGUF was made from."""
    folder = exported[0]
    monkeypatch.chdir(folder)
    shutil.copytree("models/merged", tmp_path / "merged")
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "merged")
    with torch.no_grad():
        model.model.layers[0].mlp.down_proj.weight += 0.5
    model.save_pretrained(tmp_path / "merged")
    examples = io.read_jsonl("data/validation.jsonl")
    with pytest.raises(
        io.DataError,
        match=r"model-f16.gguf: is not the model in .*max_logit_difference is .* more than export_gguf.logit_tolerance=0.1",
    ):
        gguf_files.measure_files(
            Path("models/gguf"), tmp_path / "merged", ["F16"], examples, ExportGgufSettings(**GGUF)
        )


def test_a_form_that_lost_too_much_leaves_nothing(exported, tmp_path, monkeypatch):
    folder = exported[0]
    monkeypatch.chdir(folder)
    monkeypatch.setattr(fidelity, "compare_outputs", worse_by_half(fidelity.compare_outputs))
    p = ExportGgufSettings(**GGUF | {"max_perplexity_increase": 0.4})
    with pytest.raises(
        io.DataError, match=r"model-q4_0.gguf: perplexity .*export_gguf.max_perplexity_increase allows \+40.0%"
    ):
        gguf_files.export_gguf(
            p, REGISTRY, Path("models/base/hf"), Path("models/adapter"), Path("models/merged"), tmp_path / "gguf"
        )
    assert not list(tmp_path.iterdir())


def worse_by_half(measure):
    """`measure`, with half more perplexity for the third form that it sees: merged, F16, Q4_0."""
    calls = []

    def measured(*arguments):
        calls.append(1)
        found = measure(*arguments)
        return found | {"perplexity": found["perplexity"] * 1.5} if len(calls) == 3 else found

    return measured


def test_a_disk_without_room_for_the_files_is_refused_first(exported, tmp_path, monkeypatch):
    monkeypatch.chdir(exported[0])
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**12, 10**12, 5_000_000))
    with pytest.raises(
        io.DataError, match=r"gguf: needs about \d+\.\d MB of disk, 5.0 MB are free. Free space, or move"
    ):
        gguf_files.export_gguf(
            ExportGgufSettings(**GGUF),
            REGISTRY,
            Path("models/base/hf"),
            Path("models/adapter"),
            Path("models/merged"),
            tmp_path / "gguf",
        )
    with pytest.raises(io.DataError, match=r"nf4: needs about \d+\.\d MB of disk, 5.0 MB are free"):
        forms.write_nf4(Path("models/merged"), tmp_path / "nf4")
    assert not list(tmp_path.iterdir())


def test_a_disk_that_fills_up_leaves_no_half_file(exported, tmp_path):
    """A real one, of 2 MB, for files of more than 6."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"a tmpfs cannot be mounted here: {mounted.stderr.strip()}")
    try:
        with pytest.raises(io.DataError, match=r"disk/q8_0.gguf: the disk is full|could not quantise"):
            gguf.quantise(exported[0] / "models/gguf/model-f16.gguf", disk / "q8_0.gguf", "Q8_0")
        with pytest.raises(io.DataError, match=r"disk/f16.gguf: the disk is full. Free space"):
            gguf.convert(exported[0] / "models/merged", disk / "f16.gguf")
        assert not list(disk.iterdir())
    finally:
        subprocess.run(["umount", str(disk)], check=True)


# --- the architectures of the original work ----------------------------------------------------------------------------


@pytest.mark.parametrize("architecture", ["llama3", "llama4"])
def test_merged_converts_to_gguf_and_answers_alike(architecture, tmp_path, tokenizer):
    if architecture == "llama3":
        rope = tiny.LLAMA3_ROPE | {"original_max_position_embeddings": 32}
        model = tiny.llama(tokenizer, max_position_embeddings=256, rope_parameters=rope)
        settings = {}
    else:
        size = {"hidden_size": 64, "intermediate_size": 32, "intermediate_size_mlp": 96, "num_hidden_layers": 4}
        more = {"head_dim": 32, "num_local_experts": 4, "max_position_embeddings": 256}
        model = tiny.llama4(tokenizer, seed=0, **size | more)
        settings = {"target_modules": ["q_proj"], "target_parameters": tiny.EXPERTS}
    tiny.save(model, tokenizer, tmp_path / "base")
    tiny.adapter(model, tmp_path / "adapter", **settings)
    merge(tmp_path / "base", tmp_path / "adapter", tmp_path / "merged", dtype="float32")
    gguf.convert(tmp_path / "merged", tmp_path / "model.gguf", "f32")
    assert (
        GGUFReader(tmp_path / "model.gguf").fields["general.architecture"].contents()
        == {"llama3": "llama", "llama4": "llama4"}[architecture]
    )
    pairs = [(list(range(5, 90)), [7, 9, 2])]
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path / "merged", dtype=torch.float32)
    reference = list(outputs.transformers_outputs(loaded.eval(), pairs))
    found = fidelity.compare_outputs(outputs.gguf_outputs(tmp_path / "model.gguf", pairs), pairs, reference)
    assert found["max_logit_difference"] < 0.02


# --- killed -------------------------------------------------------------------------------------------------------------

STOPS = """
import os, sys, time
from pathlib import Path
sys.path.insert(0, {root!r})
from pipeline.export import shards
from stages import export_merged, run_stage
blocks = shards.merged_blocks
def stopping(output):
    if Path("stop").exists() and len(list(Path(".scratch/export_merged/merged").glob("model-*.safetensors"))) >= 3:
        time.sleep(3600)
    return blocks(output)
shards.merged_blocks = stopping
Path("pid").write_text(str(os.getpid()))
run_stage(export_merged.main)
"""
PIPELINE = """
stages:
  export_merged:
    cmd: {python} run.py
    deps: [models/base, models/adapter, data]
    params: [export_merged]
    outs: [models/merged, models/merged-nf4, models/adapter-fp16]
"""


def test_a_killed_stage_goes_on_under_dvc(tmp_path, tokenizer):
    """DVC removes the outputs of a killed stage before it runs it again; shards that were whole are not written anew."""
    workplace(tmp_path, tokenizer)
    text = re.sub(r"max_shard_gb: .*", "max_shard_gb: 0.00003", (ROOT / "params.yaml").read_text())
    text = text.replace("nf4: true", "nf4: false").replace("proof_examples: 16", "proof_examples: 1")
    (tmp_path / "params.yaml").write_text(text)
    (tmp_path / "run.py").write_text(STOPS.format(root=str(ROOT)))
    (tmp_path / "dvc.yaml").write_text(PIPELINE.format(python=sys.executable))
    (tmp_path / "stop").touch()
    environment = os.environ | {"DVC_NO_ANALYTICS": "1", "PYTHONPATH": str(ROOT)}
    dvc = [sys.executable, "-m", "dvc"]
    subprocess.run([*dvc, "init", "-q", "--no-scm"], cwd=tmp_path, env=environment, check=True)
    first = subprocess.Popen(
        [*dvc, "repro", "-q"], cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    work = tmp_path / ".scratch/export_merged/merged"
    until(lambda: len(list(work.glob("model-*.safetensors"))) >= 3, alive=lambda: first.poll() is None)
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    assert first.wait() != 0 and not (tmp_path / "models/merged").exists()
    whole = {f.name: (f.stat().st_ino, f.stat().st_mtime_ns) for f in work.glob("model-*.safetensors")}
    assert 3 <= len(whole)
    (tmp_path / "stop").unlink()
    done = subprocess.run([*dvc, "repro"], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    merged = tmp_path / "models/merged"
    assert len(whole) < len(list(merged.glob("model-*.safetensors")))
    assert {name: (merged / name).stat().st_mtime_ns for name in whole} == {
        name: when for name, (_, when) in whole.items()
    }
    assert (
        f"{json.loads((tmp_path / 'metrics/export_merged.json').read_text())['shards'] - len(whole)} of" in done.stderr
    )
    AutoModelForCausalLM.from_pretrained(merged)
    assert not list((tmp_path / ".scratch/export_merged").iterdir())
