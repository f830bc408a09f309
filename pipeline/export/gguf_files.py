"""GGUF files of the tuned model, and what quantising costs."""

from pathlib import Path

from mem0_slm import io
from pipeline.export import fidelity, gguf, model_card
from pipeline.export.modelfile import modelfile, style_of
from pipeline.export.outputs import gguf_answers, gguf_outputs, pair, transformers_outputs
from pipeline.export.settings import ExportGgufSettings
from pipeline.paths import MERGED
from pipeline.registry import Registry


def export_gguf(p: ExportGgufSettings, registry: Registry, base: Path, adapter: Path, merged: Path, out: Path) -> dict:
    """Make, prove and describe the files in a temporary folder, then put it in the place of `out`.

    Returns the metrics. Raises DataError for a full disk, an F16 file that is not the merged model, and a type that
    lost too much.
    """
    entry = registry.models[registry.model]
    kinds = list(dict.fromkeys(entry.gguf_4bit if kind == "4bit" else kind for kind in p.types))
    made_of = model_card.read_provenance(merged)
    io.require_disk(out, gguf_bytes(merged, kinds))
    with io.atomic_path(out) as folder:
        folder.mkdir()
        gguf.convert(merged, folder / file_of("F16"))
        for kind in kinds:
            if kind != "F16":
                gguf.quantise(folder / file_of("F16"), folder / file_of(kind), kind)
        gguf.convert_lora(adapter, base, folder / "adapter-f16.gguf", card=merged / model_card.CARD)
        shown = file_of("Q8_0" if "Q8_0" in kinds else kinds[-1])
        style = style_of((merged / "chat_template.jinja").read_text(encoding="utf-8"))
        (folder / "Modelfile").write_text(modelfile(shown, style, entry.license), encoding="utf-8")

        examples = io.read_jsonl("data/validation.jsonl", {"messages": list})[: p.proof_examples]
        types = measure_files(folder, merged, kinds, examples, p)
        rows = {kind: {k: v for k, v in row.items() if k not in ("bytes", "sha256")} for kind, row in types.items()}
        form, use = "GGUF for llama.cpp and Ollama", model_card.use_model(MERGED, shown)
        model_card.write(folder, form, made_of, rows, relation="quantized", use=use)
    perplexity = types.pop("merged")["perplexity"]
    return {"types": types, "merged_perplexity": perplexity, "proof_examples": len(examples)}


def file_of(kind: str) -> str:
    return f"model-{kind.lower()}.gguf"


def gguf_bytes(merged: Path, kinds: list[str]) -> int:
    """Bytes of disk that the GGUF files of the model in `merged` take at most."""
    width = {"float16": 2, "bfloat16": 2, "float32": 4}[io.read_json(merged / "config.json")["dtype"]]
    weights = sum(file.stat().st_size for file in merged.glob("*.safetensors")) / width
    per_weight = {"F16": 2.0, "Q8_0": 1.07}  # 4-bit types keep some tensors wider, up to this of all
    return int(weights * sum(per_weight.get(kind, 1.0) for kind in kinds)) + (64 << 20)


def measure_files(
    folder: Path, merged: Path, kinds: list[str], examples: list[dict], p: ExportGgufSettings
) -> dict[str, dict]:
    """Load each file, let it answer, and measure what it lost against the merged model; the figures by type.

    F16 must be the merged model (`prove_f16`); each other type must keep within the limits of `p`. Raises DataError.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(merged)
    model = AutoModelForCausalLM.from_pretrained(merged, dtype=torch.float32).eval()
    pairs = [pair(tokenizer, example["messages"]) for example in examples]
    reference = list(transformers_outputs(model, pairs))
    perplexity = fidelity.compare_outputs(reference, pairs)["perplexity"]
    report, wanted = {"merged": {"perplexity": perplexity}}, None
    for kind in ["F16", *(kind for kind in kinds if kind != "F16")]:
        path = folder / file_of(kind)
        answers = gguf_answers(path, examples)
        texts = [answer.text for answer in answers]
        if not any(texts):
            raise io.DataError(
                f"{path}: answered nothing to {len(examples)} prompts. Leave this type out of export_gguf.types."
            )
        wanted = wanted or texts  # F16's: those of the merged model, as is proven below
        row = fidelity.compare_outputs(gguf_outputs(path, pairs), pairs, reference)
        row |= fidelity.compare_answers(texts, wanted)
        row |= {"bytes": path.stat().st_size, "sha256": io.sha256(path)}
        if kind == "F16":
            own = [pair(tokenizer, e["messages"], answer) for e, answer in zip(examples, answers, strict=True)]
            row |= prove_f16(path, merged, model, own, row["max_logit_difference"], p.logit_tolerance)
        fidelity.require_quality(path, row, perplexity, p.max_perplexity_increase, p.min_agreement, "export_gguf")
        report[kind] = row
    return report


def prove_f16(path: Path, merged: Path, model, own: list, max_logit_difference: float, tolerance: float) -> dict:
    """Raise DataError unless the file is the model in `merged`: its logits within the tolerance, and its greedy answers
    (the pairs `own`) the merged model's, but for ties that rounding decides. Returns how alike the answers are."""
    gaps = fidelity.gaps(transformers_outputs(model, own), own)
    found = {"same_text_as_merged": round(gaps.count(0.0) / len(gaps), 4), "largest_tie_gap": round(max(gaps), 5)}
    for name, value in (
        ("max_logit_difference", max_logit_difference),
        ("largest_tie_gap", found["largest_tie_gap"]),
    ):
        if not value <= tolerance:
            raise io.DataError(
                f"{path}: is not the model in {merged}: {name} is {value}, more than "
                f"export_gguf.logit_tolerance={tolerance}. Look for a fault in the conversion, or raise the tolerance."
            )
    return found
