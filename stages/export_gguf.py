"""Write the tuned model as GGUF for llama.cpp and Ollama, and prove what quantising cost.

Reads  models/merged, models/adapter, models/base/hf, data/validation.jsonl
Writes models/gguf (model-<type>.gguf, adapter-f16.gguf, Modelfile), metrics/export_gguf.json
"""

from dataclasses import dataclass
from pathlib import Path

from mem0_slm import contract, gguf, hardware, io, params
from stages.export_merged import MERGED
from stages.finetune import ADAPTER
from stages.prepare_base import BASE, Registry

GGUF = Path("models/gguf")


@dataclass(frozen=True)
class Params:
    types: list[str]
    proof_examples: int
    min_agreement: float

    def __post_init__(self):
        known = ["F16", "4bit", *gguf.QUANTISED]
        for kind in self.types:
            params.require(kind in known, "types", kind, f"must be one of {', '.join(known)}")
        params.require("F16" in self.types, "types", self.types, "must contain F16, which the others are made from")
        params.require(0 <= self.min_agreement <= 1, "min_agreement", self.min_agreement, "must lie between 0 and 1")


def file_of(kind: str) -> str:
    return f"model-{kind.lower()}.gguf"


def extract_all(engine, handle, examples) -> list[str]:
    """The greedy answers to validation prompts."""
    return [engine.generate(handle, e["messages"][:-1], max_tokens=256).text for e in examples]


def prove(folder: Path, kinds: list[str], examples: list[dict], minimum: float) -> dict:
    """Load each file and let it answer; how often its memories equal the merged model's, and are well-formed.

    Raises DataError when one cannot be loaded, answers nothing, or agrees less than `minimum`.
    """
    from mem0_slm.engines import llama_cpp, transformers

    handle = transformers.load(MERGED, dtype="float32")
    reference = extract_all(transformers, handle, examples)
    report = {}
    for kind in kinds:
        handle = llama_cpp.load(folder / file_of(kind), n_ctx=1024, n_parallel=1)
        found = extract_all(llama_cpp, handle, examples)
        llama_cpp.close(handle)
        share = lambda condition: round(sum(condition(a, b) for a, b in zip(found, reference)) / len(examples), 4)  # noqa: E731
        report[kind] = {
            "same_text_as_merged": share(lambda a, b: a == b),
            "well_formed": share(lambda a, b: contract.classify(a).well_formed),
            "same_decision_to_store": share(lambda a, b: bool(contract.classify(a).memories) == bool(contract.classify(b).memories)),
            "bytes": (folder / file_of(kind)).stat().st_size,
            "sha256": io.sha256(folder / file_of(kind)),
        }
        if not any(found) or report[kind]["same_decision_to_store"] < minimum:
            raise io.DataError(
                f"{folder / file_of(kind)}: agrees with the merged model in {report[kind]['same_decision_to_store']:.0%} of {len(examples)} extractions, "
                f"export_gguf.min_agreement asks for {minimum:.0%}. Leave this type out of export_gguf.types, or lower the minimum."
            )
    return report


def main():
    from mem0_slm import modelfile

    p, registry = params.load(Params, "export_gguf"), params.load(Registry, None)
    entry = registry.models[registry.model]
    kinds = [entry.gguf_4bit if kind == "4bit" else kind for kind in p.types]
    with io.atomic_path(GGUF) as folder:
        folder.mkdir()
        gguf.convert(MERGED, folder / file_of("F16"))
        for kind in kinds:
            if kind != "F16":
                gguf.quantise(folder / file_of("F16"), folder / file_of(kind), kind)
        gguf.convert_lora(ADAPTER, BASE / "hf", folder / "adapter-f16.gguf")
        template = (MERGED / "chat_template.jinja").read_text(encoding="utf-8")
        (folder / "Modelfile").write_text(modelfile.modelfile(file_of("Q8_0"), modelfile.style_of(template), entry.license), encoding="utf-8")
        examples = io.read_jsonl("data/validation.jsonl", {"messages": list})[: p.proof_examples]
        metrics = {"types": prove(folder, kinds, examples, p.min_agreement), "proof_examples": len(examples)}
    hardware.record("export_gguf", metrics, "llama-cpp-python", "gguf")


if __name__ == "__main__":
    params.run_stage(main)
