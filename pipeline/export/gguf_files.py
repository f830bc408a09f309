"""GGUF files of the tuned model, and what quantising costs."""

from pathlib import Path

from mem0_slm import io
from pipeline.export import fidelity, gguf, model_card
from pipeline.export.settings import ExportGgufSettings
from pipeline.paths import MERGED
from pipeline.registry import Registry


def file_of(kind: str) -> str:
    return f"model-{kind.lower()}.gguf"


def gguf_bytes(merged: Path, kinds: list[str]) -> int:
    """Bytes of disk that the GGUF files of the model in `merged` take at most."""
    width = {"float16": 2, "bfloat16": 2, "float32": 4}[io.read_json(merged / "config.json")["dtype"]]
    weights = sum(file.stat().st_size for file in merged.glob("*.safetensors")) / width
    per_weight = {"F16": 2.0, "Q8_0": 1.07}  # 4-bit types keep some tensors wider, up to this of all
    return int(weights * sum(per_weight.get(kind, 1.0) for kind in kinds)) + (64 << 20)


def greedy_answers(path: Path, examples: list[dict]) -> list:
    """The file's greedy answers to validation prompts, one at a time: in a shared batch, rounding would depend on the others."""
    from mem0_slm.engines import llama_cpp

    handle = llama_cpp.load(path, n_ctx=1024, n_parallel=1)
    try:
        return [llama_cpp.generate(handle, e["messages"][:-1], max_tokens=128) for e in examples]
    finally:
        llama_cpp.close(handle)


def prove(folder: Path, merged: Path, kinds: list[str], examples: list[dict], p: ExportGgufSettings) -> dict:
    """Load each file, let it answer, and measure what it lost against the merged model; the figures by type.

    F16 must be the merged model: its logits within a tolerance on validation prompts and answers, and its greedy answers
    the merged model's own, but for ties that rounding decides. Each other type must keep within the limits of `p`.
    Raises DataError.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(merged)
    model = AutoModelForCausalLM.from_pretrained(merged, dtype=torch.float32).eval()
    pairs = [fidelity.pair(tokenizer, e["messages"]) for e in examples]
    reference = list(fidelity.transformers_outputs(model, pairs))
    perplexity = fidelity.compare_outputs(reference, pairs)["perplexity"]
    report, answers = {"merged": {"perplexity": perplexity}}, None
    for kind in ["F16", *(kind for kind in kinds if kind != "F16")]:
        path = folder / file_of(kind)
        given = greedy_answers(path, examples)
        found = [answer.text for answer in given]
        if not any(found):
            raise io.DataError(
                f"{path}: answered nothing to {len(examples)} prompts. Leave this type out of export_gguf.types."
            )
        answers = answers or found  # F16's: those of the merged model, as shown below
        row = report[kind] = fidelity.compare_outputs(
            fidelity.gguf_outputs(path, pairs), pairs, reference
        ) | fidelity.compare(found, answers)
        row |= {"bytes": path.stat().st_size, "sha256": io.sha256(path)}
        if kind == "F16":
            own = [fidelity.pair(tokenizer, e["messages"], answer) for e, answer in zip(examples, given, strict=True)]
            gaps = fidelity.gaps(fidelity.transformers_outputs(model, own), own)
            row |= {
                "same_text_as_merged": round(gaps.count(0.0) / len(gaps), 4),
                "largest_tie_gap": round(max(gaps), 5),
            }
            for name in ("max_logit_difference", "largest_tie_gap"):
                if not row[name] <= p.logit_tolerance:
                    raise io.DataError(
                        f"{path}: is not the model in {merged}: {name} is {row[name]}, more than export_gguf.logit_tolerance={p.logit_tolerance}. "
                        "Look for a fault in the conversion, or raise the tolerance."
                    )
        fidelity.require_quality(path, row, perplexity, p.max_perplexity_increase, p.min_agreement, "export_gguf")
    return report


def export(p: ExportGgufSettings, registry: Registry, base: Path, adapter: Path, merged: Path, out: Path) -> dict:
    """Make, prove and describe the files in a temporary folder, then put it in the place of `out`; returns the metrics."""
    from pipeline.export import modelfile

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
        template = (merged / "chat_template.jinja").read_text(encoding="utf-8")
        (folder / "Modelfile").write_text(
            modelfile.modelfile(shown, modelfile.style_of(template), entry.license), encoding="utf-8"
        )
        examples = io.read_jsonl("data/validation.jsonl", {"messages": list})[: p.proof_examples]
        types = prove(folder, merged, kinds, examples, p)
        rows = {
            kind: {key: value for key, value in row.items() if key not in ("bytes", "sha256")}
            for kind, row in types.items()
        }
        model_card.write(
            folder,
            "GGUF for llama.cpp and Ollama",
            made_of,
            rows,
            relation="quantized",
            use=model_card.use_model(MERGED, shown),
        )
    perplexity = types.pop("merged")["perplexity"]
    return {"types": types, "merged_perplexity": perplexity, "proof_examples": len(examples)}
