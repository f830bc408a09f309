"""The merged model, its 4-bit form and its 16-bit adapter, proven equal to base + adapter."""

import contextlib
import errno
import shutil
from pathlib import Path

from mem0_slm import io
from pipeline.export import fidelity, model_card
from pipeline.export.chat_template import carry_contract
from pipeline.export.settings import ExportMergedSettings
from pipeline.nf4 import nf4_settings
from pipeline.paths import LORA, MERGED, NF4
from pipeline.registry import Registry

COMPANION_FILES = ("tokenizer", "special_tokens", "chat_template", "vocab", "merges", "LICENSE", "NOTICE", "USE_POLICY")
"""How the names of the files begin that go with any form of the model."""


SCRATCH = Path(".scratch/export_merged")


DATA = ["data/train.jsonl", "data/validation.jsonl"]


MADE_BY = ["model", "seed", "generate_dataset", "finetune"]
"""The parts of params.yaml that the merged model depends on."""


def check_base(adapter: Path, base: Path) -> None:
    """Raise DataError unless `base` is, byte for byte, what the adapter was trained on."""
    trained_on = io.read_json(adapter / "base.json")["base_sha256"]
    found = io.sha256(base)
    if found != trained_on:
        raise io.DataError(
            f"{adapter}/base.json: base_sha256 is {trained_on[:12]}, {base} has {found[:12]}: the base changed since training. Run `dvc repro finetune`."
        )


def write_nf4(merged: Path, out: Path) -> None:
    """The model in `merged` with its linear layers in bitsandbytes' NF4, made on the CPU; transformers and vLLM load it."""
    import torch
    from transformers import AutoModelForCausalLM

    io.require_disk(out, sum(file.stat().st_size for file in merged.iterdir()))
    model = AutoModelForCausalLM.from_pretrained(
        merged, quantization_config=nf4_settings("bfloat16"), dtype=torch.bfloat16, device_map={"": "cpu"}
    )
    with io.atomic_path(out) as folder:
        model.save_pretrained(folder)
        copy_aside(merged, folder)


def copy_aside(merged: Path, folder: Path) -> None:
    """Tokenizer, chat template and licence of the merged model into another form's folder."""
    for file in merged.iterdir():
        if file.name.startswith(COMPANION_FILES):
            shutil.copyfile(file, folder / file.name)


def write_adapter(adapter: Path, merged: Path, out: Path) -> None:
    """The adapter in FP16 safetensors with its PEFT configuration, and beside it the tokenizer whose template carries the contract."""
    from safetensors.torch import load_file, save_file

    with io.atomic_path(out) as folder:
        folder.mkdir()
        save_file(
            {name: weight.half() for name, weight in load_file(adapter / "adapter_model.safetensors").items()},
            folder / "adapter_model.safetensors",
            {"format": "pt"},
        )
        for name in ("adapter_config.json", "base.json"):
            shutil.copyfile(adapter / name, folder / name)
        copy_aside(merged, folder)


def prove(base: Path, adapter: Path, merged: Path, examples: list[dict], tolerance: float) -> dict:
    """Compare the merged model's logits with those of base + adapter, in float32, on validation prompts and answers.

    Raises DataError when they differ by more than the tolerance.
    """
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base)
    pairs = [fidelity.pair(tokenizer, example["messages"]) for example in examples]
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32), adapter)
    trained = list(fidelity.transformers_outputs(model.eval(), pairs))
    model = AutoModelForCausalLM.from_pretrained(merged, dtype=torch.float32)
    found = fidelity.compare_outputs(fidelity.transformers_outputs(model.eval(), pairs), pairs, trained)
    if not found["max_logit_difference"] <= tolerance:
        raise io.DataError(
            f"{merged}: logits differ from base + adapter by {found['max_logit_difference']:.4f}, more than export_merged.logit_tolerance={tolerance}. "
            "Use dtype float32, or look for a fault in the merge."
        )
    return found | {"adapter_perplexity": fidelity.compare_outputs(trained, pairs)["perplexity"]}


def greedy_answers(folder: Path, examples: list[dict]) -> tuple[list[str], dict]:
    """Load a folder as a user would; its greedy answers to the examples, all in one batch, and its perplexity. Raises DataError if it answers nothing."""
    import torch

    from mem0_slm.engines import transformers

    handle = transformers.load(folder)
    tokenizer = handle.tokenizer
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    prompts = tokenizer.pad(
        {"input_ids": [transformers.tokenize(handle, e["messages"][:-1]) for e in examples]},
        padding_side="left",
        return_tensors="pt",
    )
    with torch.inference_mode():
        written = handle.model.generate(
            **prompts.to(handle.model.device), max_new_tokens=128, do_sample=False, pad_token_id=tokenizer.pad_token_id
        )
    answers = tokenizer.batch_decode(written[:, prompts["input_ids"].shape[1] :], skip_special_tokens=True)
    if not any(answers):
        raise io.DataError(f"{folder}: the model answered nothing to {len(examples)} prompts.")
    pairs = [fidelity.pair(tokenizer, e["messages"]) for e in examples]
    return answers, fidelity.compare_outputs(fidelity.transformers_outputs(handle.model, pairs), pairs)


@contextlib.contextmanager
def disk_errors():
    """A full disk is one line to the user. What is whole in the scratch folder stays for the next run."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise io.DataError(str(error.strerror)) from None


def export(p: ExportMergedSettings, registry: Registry, base: Path, adapter: Path) -> dict:
    """Make, prove and describe the exports, then put them under their names; returns the metrics."""
    from pipeline.export.merge import STATE, merge

    work, work_nf4, work_lora = SCRATCH / "merged", SCRATCH / "merged-nf4", SCRATCH / "adapter-fp16"
    with disk_errors():
        done = merge(base, adapter, work, dtype=p.dtype, max_shard_bytes=int(p.max_shard_gb * 1e9), keep_state=True)
    carry_contract(work)
    examples = io.read_jsonl("data/validation.jsonl", {"messages": list})[: p.proof_examples]
    quality = prove(base, adapter, work, examples, p.logit_tolerance)
    answers, found = greedy_answers(work, examples)
    quality |= found | {
        "well_formed": fidelity.compare(answers, answers)["well_formed"],
        "proof_examples": len(examples),
    }
    entry = registry.models[registry.model]
    made_of = model_card.provenance(registry.model, entry.source, entry.license, base, adapter, DATA, MADE_BY)
    metrics = (
        {key: done[key] for key in ("tensors", "shards")}
        | {"merged_tensors": done["merged"], "dtype": p.dtype, "answer": answers[0]}
        | quality
    )
    rows = {f"merged {p.dtype}": quality}
    if p.nf4:
        write_nf4(work, work_nf4)
        nf4_answers, nf4 = greedy_answers(work_nf4, examples)
        nf4 |= fidelity.compare(nf4_answers, answers)
        fidelity.require_quality(
            work_nf4, nf4, quality["perplexity"], p.max_perplexity_increase, p.min_agreement, "export_merged"
        )
        model_card.write(
            work_nf4,
            "NF4 for transformers and vLLM",
            made_of,
            rows | {"merged NF4": nf4},
            relation="quantized",
            use=model_card.use_model(NF4),
        )
    else:
        io.write_text(work_nf4 / model_card.CARD, "Not made: export_merged.nf4 in params.yaml is false.\n")
        nf4 = None
    write_adapter(adapter, work, work_lora)
    rank = io.read_json(work_lora / "adapter_config.json")["r"]
    model_card.write(
        work_lora,
        "LoRA adapter, float16",
        made_of,
        {"base + adapter": {"perplexity": quality["adapter_perplexity"]}},
        relation="adapter",
        use=model_card.use_adapter(LORA, base, rank),
    )
    (work / STATE).unlink()
    model_card.write(work, f"merged, {p.dtype}", made_of, rows, relation="merge", use=model_card.use_model(MERGED))
    for source, out in ((work, MERGED), (work_nf4, NF4), (work_lora, LORA)):
        with io.atomic_path(out) as temporary:
            shutil.move(source, temporary)
    metrics["sha256"] = io.sha256(MERGED)
    metrics["nf4"] = nf4 and nf4 | {"bytes": sum(f.stat().st_size for f in NF4.iterdir()), "sha256": io.sha256(NF4)}
    return metrics
