"""Merge the adapter into the base's weights, shard by shard, and prove that nothing changed by it.

The merged model's chat template carries Mem0's contract: stock Mem0 gets the compact prompt with nothing of ours
installed where the model is served.

Reads  models/base/hf, models/adapter, data/validation.jsonl
Writes models/merged (safetensors, tokenizer, chat template), metrics/export_merged.json
"""

from dataclasses import dataclass
from pathlib import Path

from mem0_slm import contract, hardware, io, params
from stages.finetune import ADAPTER
from stages.prepare_base import BASE

MERGED = Path("models/merged")


@dataclass(frozen=True)
class Params:
    dtype: str
    max_shard_gb: float
    logit_tolerance: float
    proof_examples: int

    def __post_init__(self):
        params.require(self.dtype in ("float16", "bfloat16", "float32"), "dtype", self.dtype, "must be float16, bfloat16 or float32")
        for name in ("max_shard_gb", "logit_tolerance", "proof_examples"):
            params.require(getattr(self, name) > 0, name, getattr(self, name), "must be greater than 0")


def check_base(adapter: Path, base: Path) -> None:
    """Raise DataError unless `base` is, byte for byte, what the adapter was trained on."""
    trained_on = io.read_json(adapter / "base.json")["base_sha256"]
    found = io.sha256(base)
    if found != trained_on:
        raise io.DataError(
            f"{adapter}/base.json: base_sha256 is {trained_on[:12]}, {base} has {found[:12]}: the base changed since training. Run `dvc repro finetune`."
        )


def carry_contract(folder: Path) -> None:
    """Put the swap of Mem0's prompt in front of the model's chat template, where transformers and vLLM read it."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    if not tokenizer.chat_template:
        raise io.DataError(f"{folder}: the tokenizer has no chat template. Use an instruction-tuned base model.")
    if contract.PROMPT_HEAD.splitlines()[-1] not in tokenizer.chat_template:
        tokenizer.chat_template = contract.jinja_template(tokenizer.chat_template)
    tokenizer.save_pretrained(folder)


def prove(base: Path, adapter: Path, merged: Path, p: Params) -> dict:
    """Compare the merged model's logits with those of base + adapter, in float32, on validation prompts.

    Raises DataError when they differ by more than the tolerance or the merged model answers nothing.
    """
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base)
    examples = io.read_jsonl("data/validation.jsonl", {"messages": list})[: p.proof_examples]
    prompts = [tokenizer.apply_chat_template(e["messages"], return_tensors="pt", return_dict=False) for e in examples]
    logits = []
    for folder in (base, merged):
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        if folder == base:
            model = PeftModel.from_pretrained(model, adapter)
        with torch.inference_mode():
            logits.append([model.eval()(ids).logits for ids in prompts])
        del model
    difference = max((a - b).abs().max().item() for a, b in zip(*logits))
    agree = sum((a.argmax(-1) == b.argmax(-1)).sum().item() for a, b in zip(*logits)) / sum(a.shape[1] for a in logits[0])
    if not difference <= p.logit_tolerance:
        raise io.DataError(
            f"{merged}: logits differ from base + adapter by {difference:.4f}, more than export_merged.logit_tolerance={p.logit_tolerance}. "
            "Use dtype float32, or look for a fault in the merge."
        )
    return {"max_logit_difference": round(difference, 5), "same_next_token_share": round(agree, 5), "proof_examples": len(examples)}


def answers(merged: Path) -> str:
    """Load the merged model as a user would and let it answer one extraction call. Raises DataError if it is empty."""
    from mem0_slm.engines import transformers

    handle = transformers.load(merged)
    answer = transformers.generate(handle, contract.prompt_for("user: Our cat Mimi turned eleven last week.\n"), max_tokens=64)
    if not answer.text:
        raise io.DataError(f"{merged}: the merged model answered nothing.")
    return answer.text


def main():
    from mem0_slm.merge import merge

    p = params.load(Params, "export_merged")
    base = BASE / "hf"
    check_base(ADAPTER, base)
    done = merge(base, ADAPTER, MERGED, dtype=p.dtype, max_shard_bytes=int(p.max_shard_gb * 1e9))
    carry_contract(MERGED)
    quality = prove(base, ADAPTER, MERGED, p) | {"answer": answers(MERGED), "dtype": p.dtype}
    quality |= {"tensors": done["tensors"], "merged_tensors": done["merged"], "shards": done["shards"], "sha256": io.sha256(MERGED)}
    hardware.record("export_merged", quality, "torch", "transformers", "peft")


if __name__ == "__main__":
    params.run_stage(main)
