"""The merged model, its 4-bit form and its 16-bit adapter, proven equal to base + adapter."""

import contextlib
import errno
import shutil
from pathlib import Path

from mem0_slm import io
from pipeline.export import model_card
from pipeline.export.chat_template import carry_contract
from pipeline.export.fidelity import compare_answers, compare_outputs, require_quality
from pipeline.export.outputs import pair, transformers_answers, transformers_outputs
from pipeline.export.settings import ExportMergedSettings
from pipeline.nf4 import nf4_settings
from pipeline.paths import LORA, MERGED, NF4
from pipeline.registry import Registry

SCRATCH = Path(".scratch/export_merged")
DATA = ["data/train.jsonl", "data/validation.jsonl"]
MADE_BY = ["model", "seed", "generate_dataset", "finetune"]
"""The parts of params.yaml that the merged model depends on."""
COMPANION_FILES = ("tokenizer", "special_tokens", "chat_template", "vocab", "merges", "LICENSE", "NOTICE", "USE_POLICY")
"""How the names of the files begin that go with any form of the model."""


def export_merged(p: ExportMergedSettings, registry: Registry, base: Path, adapter: Path) -> dict:
    """Make, prove and describe the three forms in the scratch folder, then put them under their names.

    Returns the metrics. Raises DataError for an adapter that cannot be merged, a full disk, a merged model that is not
    base + adapter, and a 4-bit form that lost too much.
    """
    from pipeline.export.merge import STATE, merge

    merged, nf4, lora = SCRATCH / MERGED.name, SCRATCH / NF4.name, SCRATCH / LORA.name
    with disk_errors():
        done = merge(base, adapter, merged, dtype=p.dtype, max_shard_bytes=int(p.max_shard_gb * 1e9), keep_state=True)
    carry_contract(merged)
    examples = io.read_jsonl("data/validation.jsonl", {"messages": list})[: p.proof_examples]
    proof = prove_equal(base, adapter, merged, examples, p.logit_tolerance)
    answers, figures = measure(merged, examples)
    well_formed = compare_answers(answers, answers)["well_formed"]
    quality = proof | figures | {"well_formed": well_formed, "proof_examples": len(examples)}
    nf4_quality = export_nf4(p, merged, nf4, examples, answers, quality["perplexity"]) if p.nf4 else None
    write_adapter(adapter, merged, lora)

    entry = registry.models[registry.model]
    made_of = model_card.provenance(registry.model, entry.source, entry.license, base, adapter, DATA, MADE_BY)
    (merged / STATE).unlink()
    write_cards(p, made_of, base, quality, nf4_quality)
    for made, out in ((merged, MERGED), (nf4, NF4), (lora, LORA)):
        with io.atomic_path(out) as temporary:
            shutil.move(made, temporary)
    if nf4_quality:
        nf4_quality |= {"bytes": sum(file.stat().st_size for file in NF4.iterdir()), "sha256": io.sha256(NF4)}
    about = {"tensors": done["tensors"], "shards": done["shards"], "merged_tensors": done["merged"], "dtype": p.dtype}
    return about | quality | {"answer": answers[0], "sha256": io.sha256(MERGED), "nf4": nf4_quality}


def check_base(adapter: Path, base: Path) -> None:
    """Raise DataError unless `base` is, byte for byte, what the adapter was trained on."""
    trained_on = io.read_json(adapter / "base.json")["base_sha256"]
    found = io.sha256(base)
    if found != trained_on:
        raise io.DataError(
            f"{adapter}/base.json: base_sha256 is {trained_on[:12]}, {base} has {found[:12]}: "
            "the base changed since training. Run `dvc repro finetune`."
        )


@contextlib.contextmanager
def disk_errors():
    """A full disk is one line to the user. What is whole in the scratch folder stays for the next run."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise io.DataError(str(error.strerror)) from None


# --- the forms ------------------------------------------------------------------------------------------------------


def export_nf4(
    p: ExportMergedSettings, merged: Path, out: Path, examples: list[dict], answers: list[str], perplexity: float
) -> dict:
    """Write the 4-bit form and measure it against the merged model's `answers` and `perplexity`; its figures."""
    write_nf4(merged, out)
    nf4_answers, quality = measure(out, examples)
    quality |= compare_answers(nf4_answers, answers)
    require_quality(out, quality, perplexity, p.max_perplexity_increase, p.min_agreement, "export_merged")
    return quality


def write_nf4(merged: Path, out: Path) -> None:
    """The model with its linear layers in bitsandbytes' NF4, made on the CPU; transformers and vLLM load it."""
    import torch
    from transformers import AutoModelForCausalLM

    io.require_disk(out, sum(file.stat().st_size for file in merged.iterdir()))
    model = AutoModelForCausalLM.from_pretrained(
        merged, quantization_config=nf4_settings("bfloat16"), dtype=torch.bfloat16, device_map={"": "cpu"}
    )
    with io.atomic_path(out) as folder:
        model.save_pretrained(folder)
        copy_companions(merged, folder)


def write_adapter(adapter: Path, merged: Path, out: Path) -> None:
    """The adapter in float16 with its PEFT configuration, beside the tokenizer whose template carries the contract."""
    from safetensors.torch import load_file, save_file

    weights = load_file(adapter / "adapter_model.safetensors")
    with io.atomic_path(out) as folder:
        folder.mkdir()
        halves = {name: weight.half() for name, weight in weights.items()}
        save_file(halves, folder / "adapter_model.safetensors", {"format": "pt"})
        for name in ("adapter_config.json", "base.json"):
            shutil.copyfile(adapter / name, folder / name)
        copy_companions(merged, folder)


def copy_companions(merged: Path, folder: Path) -> None:
    """Tokenizer, chat template and licence of the merged model into another form's folder."""
    for file in merged.iterdir():
        if file.name.startswith(COMPANION_FILES):
            shutil.copyfile(file, folder / file.name)


def write_cards(p: ExportMergedSettings, made_of: dict, base: Path, quality: dict, nf4_quality: dict | None) -> None:
    """A model card into each form's scratch folder; where no NF4 form was made, a line that says so."""
    merged, nf4, lora = SCRATCH / MERGED.name, SCRATCH / NF4.name, SCRATCH / LORA.name
    rows = {f"merged {p.dtype}": quality}
    form, use = f"merged, {p.dtype}", model_card.use_model(MERGED)
    model_card.write(merged, form, made_of, rows, relation="merge", use=use)
    if nf4_quality:
        rows |= {"merged NF4": nf4_quality}
        form, use = "NF4 for transformers and vLLM", model_card.use_model(NF4)
        model_card.write(nf4, form, made_of, rows, relation="quantized", use=use)
    else:
        io.write_text(nf4 / model_card.CARD, "Not made: export_merged.nf4 in params.yaml is false.\n")
    rows = {"base + adapter": {"perplexity": quality["adapter_perplexity"]}}
    rank = io.read_json(lora / "adapter_config.json")["r"]
    form, use = "LoRA adapter, float16", model_card.use_adapter(LORA, base, rank)
    model_card.write(lora, form, made_of, rows, relation="adapter", use=use)


# --- the proofs -----------------------------------------------------------------------------------------------------


def prove_equal(base: Path, adapter: Path, merged: Path, examples: list[dict], tolerance: float) -> dict[str, float]:
    """Compare the merged model's logits with those of base + adapter, in float32, on validation prompts and answers.

    Raises DataError when they differ by more than the tolerance.
    """
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base)
    pairs = [pair(tokenizer, example["messages"]) for example in examples]
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32), adapter)
    trained = list(transformers_outputs(model.eval(), pairs))
    model = AutoModelForCausalLM.from_pretrained(merged, dtype=torch.float32)
    found = compare_outputs(transformers_outputs(model.eval(), pairs), pairs, trained)
    difference = found["max_logit_difference"]
    if not difference <= tolerance:
        raise io.DataError(
            f"{merged}: logits differ from base + adapter by {difference:.4f}, more than "
            f"export_merged.logit_tolerance={tolerance}. Use dtype float32, or look for a fault in the merge."
        )
    return found | {"adapter_perplexity": compare_outputs(trained, pairs)["perplexity"]}


def measure(folder: Path, examples: list[dict]) -> tuple[list[str], dict[str, float]]:
    """Load a folder as a user would: its greedy answers to the examples, and its perplexity on theirs.

    Raises DataError if it answers nothing.
    """
    from mem0_slm.engines import transformers

    handle = transformers.load(folder)
    answers = transformers_answers(handle, examples)
    if not any(answers):
        raise io.DataError(f"{folder}: the model answered nothing to {len(examples)} prompts.")
    pairs = [pair(handle.tokenizer, example["messages"]) for example in examples]
    return answers, compare_outputs(transformers_outputs(handle.model, pairs), pairs)
