"""Write the tuned model as GGUF for llama.cpp and Ollama, and prove what quantising cost.

Reads  models/merged, models/adapter, models/base/hf, data/validation.jsonl
Writes models/gguf (model-<type>.gguf, adapter-f16.gguf, Modelfile, model card), metrics/export_gguf.json
"""

import time
from dataclasses import dataclass
from pathlib import Path

from mem0_slm import card, fidelity, gguf, hardware, io, params
from stages.export_merged import MERGED
from stages.finetune import ADAPTER
from stages.prepare_base import BASE, Registry

GGUF = Path("models/gguf")


@dataclass(frozen=True)
class Params:
    types: list[str]
    proof_examples: int
    logit_tolerance: float
    max_perplexity_increase: float
    min_agreement: float

    def __post_init__(self):
        known = ["F16", "4bit", *gguf.QUANTISED]
        for kind in self.types:
            params.require(kind in known, "types", kind, f"must be one of {', '.join(known)}")
        params.require("F16" in self.types, "types", self.types, "must contain F16, which the others are made from")
        for name in ("proof_examples", "logit_tolerance"):
            params.require(getattr(self, name) > 0, name, getattr(self, name), "must be greater than 0")
        params.require(
            self.max_perplexity_increase >= 0,
            "max_perplexity_increase",
            self.max_perplexity_increase,
            "must be at least 0",
        )
        params.require(0 <= self.min_agreement <= 1, "min_agreement", self.min_agreement, "must lie between 0 and 1")


def file_of(kind: str) -> str:
    return f"model-{kind.lower()}.gguf"


def room_for(merged: Path, kinds: list[str]) -> int:
    """Bytes of disk that the GGUF files of the model in `merged` take at most."""
    width = {"float16": 2, "bfloat16": 2, "float32": 4}[io.read_json(merged / "config.json")["dtype"]]
    weights = sum(file.stat().st_size for file in merged.glob("*.safetensors")) / width
    per_weight = {"F16": 2.0, "Q8_0": 1.07}  # 4-bit types keep some tensors wider, up to this of all
    return int(weights * sum(per_weight.get(kind, 1.0) for kind in kinds)) + (64 << 20)


def ask(path: Path, examples: list[dict]) -> list:
    """The file's greedy answers to validation prompts, one at a time: in a shared batch, rounding would depend on the others."""
    from mem0_slm.engines import llama_cpp

    handle = llama_cpp.load(path, n_ctx=1024, n_parallel=1)
    try:
        return [llama_cpp.generate(handle, e["messages"][:-1], max_tokens=128) for e in examples]
    finally:
        llama_cpp.close(handle)


def prove(folder: Path, merged: Path, kinds: list[str], examples: list[dict], p: Params) -> dict:
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
    perplexity = fidelity.measure(reference, pairs)["perplexity"]
    report, answers = {"merged": {"perplexity": perplexity}}, None
    for kind in ["F16", *(kind for kind in kinds if kind != "F16")]:
        path = folder / file_of(kind)
        given = ask(path, examples)
        found = [answer.text for answer in given]
        if not any(found):
            raise io.DataError(
                f"{path}: answered nothing to {len(examples)} prompts. Leave this type out of export_gguf.types."
            )
        answers = answers or found  # F16's: those of the merged model, as shown below
        row = report[kind] = fidelity.measure(fidelity.gguf_outputs(path, pairs), pairs, reference) | fidelity.compare(
            found, answers
        )
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


def export(p: Params, registry: Registry, base: Path, adapter: Path, merged: Path, out: Path) -> dict:
    """Make, prove and describe the files in a temporary folder, then put it in the place of `out`; returns the metrics."""
    from mem0_slm import modelfile

    entry = registry.models[registry.model]
    kinds = list(dict.fromkeys(entry.gguf_4bit if kind == "4bit" else kind for kind in p.types))
    made_of = card.read_provenance(merged)
    io.require_disk(out, room_for(merged, kinds))
    with io.atomic_path(out) as folder:
        folder.mkdir()
        gguf.convert(merged, folder / file_of("F16"))
        for kind in kinds:
            if kind != "F16":
                gguf.quantise(folder / file_of("F16"), folder / file_of(kind), kind)
        gguf.convert_lora(adapter, base, folder / "adapter-f16.gguf", card=merged / card.CARD)
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
        card.write(
            folder,
            "GGUF for llama.cpp and Ollama",
            made_of,
            rows,
            relation="quantized",
            use=card.use_model(MERGED, shown),
        )
    perplexity = types.pop("merged")["perplexity"]
    return {"types": types, "merged_perplexity": perplexity, "proof_examples": len(examples)}


def main():
    p, registry = params.load(Params, "export_gguf"), params.load(Registry, None)
    started = time.perf_counter()
    hardware.record("export_gguf", export(p, registry, BASE / "hf", ADAPTER, MERGED, GGUF), "llama-cpp-python", "gguf")
    print(f"export_gguf: made and proven in {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    params.run_stage(main)
