"""Fine-tuning: what carries loss, batches without padding, checkpoints that can be trusted."""

import importlib.machinery
import importlib.util
import json
import math
import os
import re
import shutil
import subprocess
import sys
import types
from pathlib import Path

import pytest
from safetensors.torch import load_file

import stages
from mem0_slm import contract, hardware, io
from mem0_slm.engines import llama_cpp
from pipeline import nf4, params
from pipeline.export import gguf
from pipeline.export.merge import merge
from pipeline.training import batches as training_batches
from pipeline.training import fit, loss, prose, run
from pipeline.training import model as training_model
from pipeline.training.attention import register
from pipeline.training.batches import pack, pad
from pipeline.training.encode import IGNORED, decision_index, encode
from pipeline.training.loss import answer_loss
from pipeline.training.settings import FinetuneSettings, load_params
from pipeline.training.trainer import last_complete
from tests import tiny
from tests.paths import ROOT
from tests.waiting import PATIENCE

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tiny_base(tmp_path_factory, tokenizer):
    return base_model(tmp_path_factory.mktemp("tiny") / "base", tokenizer)


def base_model(folder: Path, tokenizer, width: int = 32, **config) -> Path:
    size = {"hidden_size": width, "intermediate_size": 2 * width, "num_attention_heads": 4, "num_key_value_heads": 2}
    return tiny.save(tiny.llama(tokenizer, **size | config), tokenizer, folder)


def example(said: str, *memories: str) -> dict:
    answer = {"role": "assistant", "content": contract.dump(list(memories))}
    return {"kind": "extraction", "messages": [*contract.prompt_for(f"user: {said}\n"), answer]}


def test_only_the_answer_and_its_end_carry_loss(tokenizer):
    encoded = encode(example("I keep 12 bees", "User keeps 12 bees"), tokenizer, 512, 3.0)
    answer = [t for t, label in zip(encoded["input_ids"], encoded["labels"]) if label != IGNORED]
    assert tokenizer.decode(answer) == '{"memory": [{"text": "User keeps 12 bees"}]}<|im_end|>'
    assert [w for w, label in zip(encoded["weights"], encoded["labels"]) if label == IGNORED] == [0.0] * encoded[
        "labels"
    ].count(IGNORED)


def test_the_deciding_token_carries_its_own_weight(tokenizer):
    assert decision_index(tokenizer) == 3  # {" memory ": then [{ or []
    for memories, token in ((["User keeps 12 bees"], " [{"), ([], " []")):
        encoded = encode(example("I keep 12 bees", *memories), tokenizer, 512, 3.0)
        [position] = [i for i, weight in enumerate(encoded["weights"]) if weight == 3.0]
        assert tokenizer.decode(encoded["input_ids"][position]) == token


@pytest.mark.parametrize(
    ("memories", "token"),
    [
        (["User keeps 12 bees"], '"}'),
        (["User keeps 12 bees", "User is from Oslo."], '."'),
        (["User's code is {a}"], '}"'),
    ],
)
def test_the_token_that_closes_the_last_memory_carries_its_own_weight(tokenizer, memories, token):
    encoded = encode(example("I keep 12 bees", *memories), tokenizer, 512, 3.0, 0.5)
    [position] = [i for i, weight in enumerate(encoded["weights"]) if weight == 0.5]
    assert tokenizer.decode(encoded["input_ids"][position]) == token
    assert tokenizer.decode(encoded["input_ids"][position:]).endswith("}]}<|im_end|>")
    assert 0.5 not in encode(example("hi"), tokenizer, 512, 3.0, 0.5)["weights"]  # nothing to close


def test_an_example_that_is_too_long_is_none(tokenizer):
    assert encode(example("word " * 600), tokenizer, 512, 1.0) is None


def test_the_loss_of_a_batch_is_the_mean_of_its_examples(tiny_base, tokenizer):
    """Examples stand in one row without padding; none may see another."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(tiny_base, attn_implementation=register())
    model = get_peft_model(model, LoraConfig(r=2, target_modules=["q_proj"]))
    rows = [
        encode(example(said, *m), tokenizer, 512, 4.0)
        for said, m in (("hi", []), ("I keep bees", ["User keeps bees"]), ("My son Bo is 4", ["User's son Bo is 4"]))
    ]
    with torch.no_grad():
        together = answer_loss(model, pack(rows), "float32", 2.0).item()
        alone = [answer_loss(model, pack([row]), "float32", 2.0).item() for row in rows]
    assert together == pytest.approx(sum(alone) / 3, rel=1e-5)


def test_what_all_prompts_begin_with_stands_once_in_a_batch(tokenizer):
    rows = [encode(example(said), tokenizer, 512, 4.0) for said in ("hi", "my my")]
    prefix = tokenizer.apply_chat_template(contract.prompt_for("user: "), tokenize=False).split("user: ")[0] + "user:"
    shared = training_batches.shared_tokens(rows)
    assert tokenizer.decode(rows[0]["input_ids"][:shared]) == prefix
    batch = pack(rows)
    n, m = (len(row["input_ids"]) for row in rows)
    assert batch["input_ids"].tolist() == [rows[0]["input_ids"] + rows[1]["input_ids"][shared:]]
    assert batch["position_ids"].tolist() == [[*range(n), *range(shared, m)]]
    assert batch["tokens"] == pad(rows)["tokens"] == n + m
    assert training_batches.examples_of(batch) == training_batches.examples_of(pad(rows)) == 2


def test_a_question_asked_twice_still_has_an_answer_each(tokenizer):
    """The token before an answer predicts the answer's first: it stays with its own example, however alike the prompts are."""
    rows = [encode(example("hi", *memories), tokenizer, 512, 4.0) for memories in ([], ["User says hi"])]
    batch = pack(rows)
    labelled = (batch["labels"][:, 1:] != IGNORED).sum()
    assert labelled == sum(label != IGNORED for row in rows for label in row["labels"])


def test_a_batch_is_lengthened_to_few_shapes_by_tokens_without_loss(tokenizer):
    rows = [encode(example(said), tokenizer, 512, 4.0) for said in ("hi", "I keep 12 bees and a dog " * 9, "my my")]
    shared = training_batches.shared_tokens(rows)
    usual, batch = pack(rows), pack(rows, 32)
    assert batch["input_ids"].shape[1] % 32 == 0 and batch["layout"]["keys"].shape[1] % 16 == 0
    assert batch["input_ids"].shape[1] < usual["input_ids"].shape[1] + 48
    assert batch["tokens"] == usual["tokens"] == sum(len(row["input_ids"]) for row in rows)
    for key in ("labels", "weights"):
        assert batch[key][batch["labels"] != IGNORED].tolist() == usual[key][usual["labels"] != IGNORED].tolist()
    assert training_batches.lengthened(rows, shared, 1) == rows


@pytest.mark.parametrize(("compiled", "step"), [(False, 1), (False, 32), (True, 32)])
def test_gradients_of_a_packed_batch_are_those_of_its_examples(tiny_base, tokenizer, compiled, step):
    """The loss says that no example sees another; the gradients, that each is learned from as if alone."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(tiny_base, attn_implementation=register())
    model = get_peft_model(
        model, LoraConfig(r=2, target_modules=["q_proj", "k_proj", "v_proj", "up_proj"], init_lora_weights=False)
    )
    rows = [
        encode(example(said, *m), tokenizer, 512, 4.0)
        for said, m in (
            ("hi", []),
            ("I keep 12 bees", ["User keeps 12 bees"]),
            ("My son Bo is 4", ["User's son Bo is 4"]),
        )
    ]

    def gradients(batches):
        model.zero_grad()
        for batch in batches:
            (answer_loss(model, batch, "float32", 2.0) / len(batches)).backward()
        return {name: w.grad.clone() for name, w in model.named_parameters() if w.requires_grad}

    alone = gradients([pack([row]) for row in rows])
    if compiled:
        loss.compile_layers(model)
    together = gradients([pack(rows, step)])
    largest = max(g.abs().max().item() for g in alone.values())
    for name, gradient in together.items():
        assert gradient.allclose(alone[name], atol=1e-5 * largest), name


def test_the_attention_equals_that_of_transformers(tiny_base, tokenizer):
    import torch
    from transformers import AutoModelForCausalLM

    row = encode(example("Good morning, I keep 12 bees"), tokenizer, 512, 4.0)
    with torch.no_grad():
        usual = AutoModelForCausalLM.from_pretrained(tiny_base)(torch.tensor([row["input_ids"]])).logits
        batch = pack([row])
        ours = AutoModelForCausalLM.from_pretrained(tiny_base, attn_implementation=register())(
            batch["input_ids"], layout=batch["layout"]
        ).logits
    assert torch.allclose(usual, ours, atol=1e-5)


@pytest.fixture
def small(tmp_path, tokenizer, monkeypatch):
    """Params and data for a run of a few steps, in a folder of its own."""
    monkeypatch.setattr(run, "SCRATCH", tmp_path / "scratch")
    p = params.load(FinetuneSettings, "finetune", ROOT / "params.yaml")
    p = p.changed(lora_r=2, batch_size=4, save_steps=2, precision="fp32", threads=1)
    rows = [
        example(f"I have {n} bees", f"User has {n} bees") if n % 3 else example(f"what is {n} times two")
        for n in range(24)
    ]
    io.write_jsonl(tmp_path / "train.jsonl", rows)
    io.write_jsonl(tmp_path / "validation.jsonl", rows[:4])
    return p, tmp_path


def train(small, base, out="adapter", **changes):
    p, folder = small
    return run.finetune(
        p.changed(**changes), 7, base, folder / "train.jsonl", folder / "validation.jsonl", folder / out
    )


def test_the_same_seed_gives_the_same_adapter(small, tiny_base):
    train(small, tiny_base, "one")
    train(small, tiny_base, "two")
    assert io.sha256(small[1] / "one") == io.sha256(small[1] / "two")


def test_golden_loss(small, tiny_base):
    """Six steps on a random model, pinned. (Losses are sums over a batch by a constant, so batches of long answers weigh more.)"""
    trained = train(small, tiny_base, learning_rate=0.02)
    losses = [row["loss"] for row in trained.log if "loss" in row]
    assert len(losses) == trained.steps == 6
    assert losses[0] == pytest.approx(9.740, rel=0.01)
    assert losses[-1] == pytest.approx(9.602, rel=0.03)
    assert trained.train_examples == 24 and trained.too_long_left_out == 0


def test_nan_stops_with_an_error_that_names_the_remedy(small, tiny_base, monkeypatch):
    import torch

    monkeypatch.setattr(loss, "answer_loss", lambda *a: torch.tensor(math.nan, requires_grad=True))
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


# --- trainers ---


class StandInForUnsloth(types.ModuleType):
    """Stands in for the package unsloth, which cannot be imported without a GPU: notes what it is asked for and, in its
    place, makes a plain model and adapter."""

    def __init__(self):
        super().__init__("unsloth")
        self.__spec__ = importlib.machinery.ModuleSpec("unsloth", None)
        self.asked = {}
        self.FastLanguageModel = self

    def from_pretrained(self, **arguments):
        from transformers import AutoModelForCausalLM

        self.asked["from_pretrained"] = arguments
        return AutoModelForCausalLM.from_pretrained(arguments["model_name"], dtype=arguments["dtype"]), "tokenizer"

    def get_peft_model(self, model, **arguments):
        from peft import LoraConfig, get_peft_model

        self.asked["get_peft_model"] = arguments
        return get_peft_model(model, LoraConfig(r=arguments["r"], target_modules=arguments["target_modules"]))


@pytest.fixture
def unsloth(monkeypatch):
    """As on a machine with a GPU and unsloth, as far as the choice of the trainer goes."""
    monkeypatch.setitem(sys.modules, "unsloth", StandInForUnsloth())
    monkeypatch.setattr(training_model, "cuda", lambda: True)
    return sys.modules["unsloth"]


def test_without_a_gpu_auto_takes_peft_and_says_why(small):
    assert training_model.choose_trainer(small[0]) == ("peft", "there is no CUDA GPU")
    assert training_model.choose_trainer(small[0].changed(trainer="peft")) == ("peft", "asked for")


def test_unsloth_without_a_gpu_is_an_error_with_the_remedy(small, tiny_base):
    with pytest.raises(
        io.DataError,
        match=r"finetune.trainer: unsloth: there is no CUDA GPU. Use trainer auto or peft, or .* requirements-gpu.txt",
    ):
        train(small, tiny_base, trainer="unsloth")


def test_auto_takes_unsloth_where_it_can_run(small, unsloth, monkeypatch):
    assert training_model.choose_trainer(small[0]) == ("unsloth", "a CUDA GPU and unsloth are there")
    assert training_model.choose_trainer(small[0].changed(target_parameters=["experts.down_proj"])) == (
        "peft",
        "finetune.target_parameters is PEFT's alone",
    )
    monkeypatch.setattr(nf4, "installed", lambda name: False)
    assert training_model.choose_trainer(small[0]) == ("peft", "the package unsloth is not installed")


def test_unsloth_is_asked_for_the_model_that_the_params_describe(small, tiny_base, unsloth):
    """Padded batches, since unsloth brings an attention of its own; the training around it is the real one."""
    import torch

    trained = train(
        small, tiny_base, trainer="unsloth", load_in_4bit=True, gradient_checkpointing=True, target_modules=["q_proj"]
    )
    assert "UNSLOTH_DISABLE_STATISTICS" in os.environ  # unsloth asks for no more than that it is there
    assert unsloth.asked["from_pretrained"] == {
        "model_name": str(tiny_base),
        "max_seq_length": 512,
        "dtype": torch.float32,
        "load_in_4bit": True,
    }
    assert unsloth.asked["get_peft_model"] == {
        "r": 2,
        "lora_alpha": small[0].lora_alpha,
        "lora_dropout": 0.0,
        "target_modules": ["q_proj"],
        "bias": "none",
        "use_gradient_checkpointing": "unsloth",
        "random_state": 7,
        "max_seq_length": 512,
    }
    assert (trained.trainer, trained.steps, trained.train_tokens) == ("unsloth", 6, tokens_of(small, tiny_base))


def tokens_of(small, base) -> int:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base)
    return sum(len(encode(e, tokenizer, 512, 1.0)["input_ids"]) for e in io.read_jsonl(small[1] / "train.jsonl"))


def test_a_padded_batch_has_the_loss_of_one_without_padding(tiny_base, tokenizer):
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    rows = [
        encode(example(said, *m), tokenizer, 512, 4.0)
        for said, m in (("hi", []), ("I keep 12 bees, do you?", ["User keeps 12 bees"]))
    ]
    losses = []
    for attention, batch in ((register(), pack(rows)), ("sdpa", pad(rows))):
        model = get_peft_model(
            AutoModelForCausalLM.from_pretrained(tiny_base, attn_implementation=attention),
            LoraConfig(r=2, target_modules=["q_proj"]),
        )
        losses.append(answer_loss(model, batch, "float32", 2.0).item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


@pytest.mark.skipif(
    importlib.util.find_spec("bitsandbytes") is None, reason="bitsandbytes, of requirements-gpu.txt, is not installed"
)
def test_a_base_in_4_bits_trains(small, tmp_path, tokenizer):
    base = base_model(tmp_path / "base", tokenizer, width=64)  # bitsandbytes wants whole blocks of 64 weights on a CPU
    trained = train(small, base, load_in_4bit=True, precision="bf16")
    assert trained.load_in_4bit and math.isfinite(trained.validation_loss)
    weights = load_file(small[1] / "adapter" / "adapter_model.safetensors")
    assert len(weights) == 2 * 2 * 7 and all("lora_" in name for name in weights)  # A and B, two layers, seven modules


def test_4_bits_without_bitsandbytes_is_an_error_with_the_remedy(small, tiny_base, monkeypatch):
    monkeypatch.setattr(nf4, "installed", lambda name: False)
    with pytest.raises(
        io.DataError,
        match=r"4-bit weights need the package bitsandbytes, which is not installed. Run `pip install -r requirements.txt`",
    ):
        train(small, tiny_base, load_in_4bit=True)


# --- presets of other models ---


def preset(model: str, **changes) -> FinetuneSettings:
    """The params of an entry of the registry, made small."""
    p = load_params(ROOT / "params.yaml", model)
    return p.changed(
        lora_r=2,
        batch_size=4,
        save_steps=4,
        precision="fp32",
        threads=1,
        **changes,
    )


def test_the_presets_are_those_of_the_original_work():
    llama3, scout = (load_params(ROOT / "params.yaml", name) for name in ("llama3.1-8b", "llama4-scout"))
    assert (llama3.trainer, llama3.load_in_4bit) == ("unsloth", True)
    assert (scout.trainer, scout.lora_dropout) == ("peft", 0.0)
    assert scout.target_parameters == ["feed_forward.experts.gate_up_proj", "feed_forward.experts.down_proj"]


def test_a_mistake_in_a_preset_is_named_with_its_place(tmp_path):
    text = (ROOT / "params.yaml").read_text()
    (tmp_path / "params.yaml").write_text(text.replace("{trainer: unsloth,", "{trainr: unsloth,"))
    with pytest.raises(
        params.ParamsError, match=r"params.yaml: models.llama3.1-8b.finetune.trainr: unknown key \(value 'unsloth'\)"
    ):
        stages.check_params(tmp_path / "params.yaml")


def test_llama31_from_training_to_gguf(small, tokenizer, tmp_path):
    """The architecture with its own scaling of positions, tiny and random; PEFT in unsloth's place, which wants a GPU."""
    rope = {"max_position_embeddings": 131072, "rope_parameters": tiny.LLAMA3_ROPE}
    base_model(tmp_path / "base", tokenizer, width=64, intermediate_size=64, tie_word_embeddings=False, **rope)
    p = preset("llama3.1-8b", trainer="peft", load_in_4bit=False)
    trained = train((p, small[1]), tmp_path / "base")
    assert trained.steps == 6
    assert merge(tmp_path / "base", small[1] / "adapter", tmp_path / "merged", dtype="float16")["merged"] == 2 * 7
    gguf.convert(tmp_path / "merged", tmp_path / "model.gguf")
    handle = llama_cpp.load(tmp_path / "model.gguf", n_ctx=256, n_parallel=1, n_threads=1)
    try:
        assert (
            llama_cpp.generate(handle, example("hi")["messages"][:-1], max_tokens=4, ignore_eos=True).output_tokens == 4
        )
    finally:
        llama_cpp.close(handle)


def test_llama4_trains_its_experts_and_merges(small, tokenizer, tmp_path):
    import torch
    from transformers import Llama4ForCausalLM, Llama4TextConfig

    torch.manual_seed(0)
    model = Llama4ForCausalLM(
        Llama4TextConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            intermediate_size=48,
            intermediate_size_mlp=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=8,
            num_local_experts=3,
            num_experts_per_tok=1,
            eos_token_id=tokenizer.eos_token_id,
        )
    )
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "experts" in name:
                weight.normal_(std=0.05)
    model.save_pretrained(tmp_path / "base")
    tokenizer.save_pretrained(tmp_path / "base")
    trained = train((preset("llama4-scout"), small[1]), tmp_path / "base")
    assert trained.steps == 6
    trained = {
        name: weight
        for name, weight in load_file(small[1] / "adapter" / "adapter_model.safetensors").items()
        if "experts" in name
    }
    assert len(trained) == 2 * 2 * 2  # A and B of two parameters in two layers
    assert all(weight.abs().max() > 0 for weight in trained.values())  # B begins as zeros
    report = merge(tmp_path / "base", small[1] / "adapter", tmp_path / "merged", dtype="float32")
    assert report["merged"] == 2 * (4 + 2)


# --- memory ---


def test_memory_is_estimated_from_the_configuration(small, tiny_base):
    """Width 32, inner width 64, two layers, LoRA of rank 2 on q_proj alone: 32 inputs and 32 outputs."""
    p = small[0].changed(target_modules=["q_proj"], batch_size=1)
    rows = [{"input_ids": [0] * n, "weights": [0.0] * (n - 5) + [1.0] * 5} for n in (10, 30)]
    needed = fit.memory_needed(tiny_base, p, "float32", rows)
    assert needed["adapter, gradients, optimizer"] == 2 * 2 * (32 + 32) * 16
    assert needed["activations"] == 30 * 2 * (16 * 32 * 4 + 5 * 64 * 4 + 3 * 32 * 4)
    assert needed["logits"] == 5 * 49152 * 16
    assert needed["weights"] == 4 * sum(w.numel() for w in load_file(tiny_base / "model.safetensors").values())
    less = fit.memory_needed(tiny_base, p.changed(gradient_checkpointing=True, load_in_4bit=True), "float32", rows)
    assert less["activations"] < needed["activations"] and less["weights"] < needed["weights"]


def test_what_does_not_fit_is_refused_with_the_numbers_before_loading(small, tiny_base, monkeypatch):
    monkeypatch.setattr(hardware, "free_memory_bytes", lambda: 2**29)
    monkeypatch.setattr(training_model, "load", lambda *a: pytest.fail("the model was loaded"))
    with pytest.raises(
        io.DataError,
        match=r"needs about 0\.\d GiB \(weights .* runtime 0.8\), 0.5 GiB are free here. Lower finetune.batch_size \(4\)",
    ):
        train(small, tiny_base)


def test_memory_stands_in_the_log_and_the_metrics(small, tiny_base):
    trained = train(small, tiny_base)
    held = [row["rss_gib"] for row in trained.log if "loss" in row]
    assert len(held) == 6 and 0 < max(held) <= trained.peak_rss_gib + 0.01
    assert trained.estimated_gib > 0.8 and "peak_vram_gib" not in trained.figures()


# --- several processes ---


def test_two_processes_train_one_adapter(small, tiny_base):
    """The whole stage under `accelerate launch`, on the CPU: the loss of one process, written once."""
    p, folder = small
    text = (ROOT / "params.yaml").read_text()
    for key, value in {
        "lora_r": 2,
        "batch_size": 4,
        "save_steps": 2,
        "precision": "fp32",
        "processes": 2,
        "threads": 1,
    }.items():
        text = re.sub(rf"\b{key}: [^ #\n,}}]+", f"{key}: {value}", text)
    (folder / "params.yaml").write_text(text)
    (folder / "data").mkdir()
    for name in ("train.jsonl", "validation.jsonl"):
        shutil.copy(folder / name, folder / "data" / name)
    shutil.copytree(tiny_base, folder / "models" / "base" / "hf")
    (folder / "data" / "sources").symlink_to(ROOT / "data" / "sources")
    done = subprocess.run(
        [sys.executable, "-m", "stages.finetune"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    together = io.read_json(folder / "reports" / "runs" / "finetune.json")
    alone = run.finetune(
        p.changed(precision="fp32"),
        params.read(ROOT / "params.yaml")["seed"],
        tiny_base,
        folder / "train.jsonl",
        folder / "validation.jsonl",
        folder / "alone",
    )
    assert (together["processes"], together["steps"], together["train_tokens"]) == (
        2,
        alone.steps,
        alone.train_tokens,
    )
    assert together["instructions_asked"] == 20 and 0 <= together["instructions_answered_in_prose"] <= 1
    assert together["validation_loss"] == pytest.approx(alone.validation_loss, rel=0.01)
    assert sorted(f.name for f in (folder / "models" / "adapter").iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
        "base.json",
    ]
    assert not list((folder / ".scratch").glob("finetune/*"))


# --- forgetting ---


def test_general_instructions_are_asked_that_training_has_not_seen(tmp_path):
    rows = [
        {"instruction": f"Say {n}", "input": "twice" if n == 1 else "", "output": f"It is {n}"} for n in range(30)
    ] + [{"instruction": "JSON", "output": "{}"}]
    io.write_jsonl(tmp_path / "i.jsonl", rows)
    seen = {
        "kind": "instruction",
        "messages": [{"role": "user", "content": "Say 0"}, {"role": "assistant", "content": "It is 0"}],
    }
    io.write_jsonl(tmp_path / "train.jsonl", [seen, example("hi") | {"kind": "extraction"}])
    asked = prose.held_out_instructions(tmp_path / "i.jsonl", tmp_path / "train.jsonl")
    assert asked == ["Say 1\n\ntwice"] + [f"Say {n}" for n in range(2, 21)]


@pytest.mark.parametrize("token, share", [("{", 0.0), (" [", 0.0), ("Paris", 1.0)])
def test_an_answer_that_begins_as_json_is_not_prose(tiny_base, tokenizer, monkeypatch, token, share):
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(tiny_base, attn_implementation=register())
    model = get_peft_model(model, LoraConfig(r=2, target_modules=["q_proj"]))
    first = tokenizer(token).input_ids[0]
    monkeypatch.setattr(loss, "head", lambda model, hidden, dtype: (torch.arange(len(tokenizer)) == first).float())
    assert prose.prose_share(model, tokenizer, ["What is the capital of France?"] * 2, "float32", pack) == share
    assert prose.prose_share(model, tokenizer, [], "float32", pack) is None
