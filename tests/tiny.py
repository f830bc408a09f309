"""Tiny random models: real architectures that know nothing and are made in less than a second.

Two kinds of tokenizer go with them: SmolLM2's own (the fixture `tokenizer`), and one of single bytes.
"""

from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import (
    Llama4ForCausalLM,
    Llama4TextConfig,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

LAYERS = {"num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1}
EXPERTS = ["feed_forward.experts.gate_up_proj", "feed_forward.experts.down_proj"]
LLAMA3_ROPE = {
    "rope_type": "llama3",
    "rope_theta": 500000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}


def _vocabulary(tokenizer: PreTrainedTokenizerFast | None) -> dict:
    if tokenizer is None:
        return {"vocab_size": 96, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    ids = {f"{name}_token_id": getattr(tokenizer, f"{name}_token_id") for name in ("pad", "bos", "eos")}
    return {"vocab_size": len(tokenizer)} | ids


def llama(tokenizer: PreTrainedTokenizerFast | None = None, seed: int | None = 0, **config) -> LlamaForCausalLM:
    """A Llama of two layers, 64 wide; `config` says what is different. Without a seed torch's own state decides."""
    if seed is not None:
        torch.manual_seed(seed)
    size = {"hidden_size": 64, "intermediate_size": 128, "tie_word_embeddings": True}
    return LlamaForCausalLM(LlamaConfig(**size | LAYERS | _vocabulary(tokenizer) | config))


def llama4(tokenizer: PreTrainedTokenizerFast | None = None, seed: int | None = 0, **config) -> Llama4ForCausalLM:
    """A Llama 4 of two layers, 16 wide, with three experts. transformers leaves their weights empty; here they are random."""
    if seed is not None:
        torch.manual_seed(seed)
    size = {"hidden_size": 16, "intermediate_size": 24, "intermediate_size_mlp": 32, "num_local_experts": 3}
    heads = {"head_dim": 8, "num_experts_per_tok": 1}
    model = Llama4ForCausalLM(Llama4TextConfig(**size | heads | LAYERS | _vocabulary(tokenizer) | config))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "experts" in name:
                parameter.normal_(std=0.05)
    return model


def save(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, folder: Path) -> Path:
    """A Hugging Face folder, as a base model comes."""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def adapter(model: PreTrainedModel, folder: Path, std: float = 0.05, **settings) -> PeftModel:
    """Save a random LoRA adapter of the model, its weights of this standard deviation; returns both together."""
    usual = {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "down_proj"]}
    peft = get_peft_model(model, LoraConfig(**usual | settings))
    with torch.no_grad():
        for parameter in peft.parameters():
            if parameter.requires_grad:
                parameter.normal_(std=std)
    peft.save_pretrained(folder)
    return peft


def byte_tokenizer() -> PreTrainedTokenizerFast:
    """A token a byte, and ChatML's two special tokens."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={piece: i for i, piece in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken("<|im_start|>", special=True), AddedToken("<|im_end|>", special=True)])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<|im_start|>", eos_token="<|im_end|>", pad_token="<|im_end|>"
    )
    fast.chat_template = (
        "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    return fast
