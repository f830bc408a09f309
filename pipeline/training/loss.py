"""The decoder's forward pass and the loss of the answers' tokens.

The language-model head is computed only at the positions that carry a label. Imports torch where it is used.
"""

import contextlib
import sys

from pipeline.training.settings import FinetuneSettings


def decoder_of(model):
    """The layers without the head. Llama 4's text model names itself as its decoder."""
    causal = model.get_base_model()
    decoder = causal.get_decoder()
    return causal.model if decoder is causal else decoder


def autocast(device: str, dtype: str):
    """A context in which products of matrices are computed in `dtype`, "bfloat16" or "float32"."""
    import torch

    return torch.autocast(device, torch.bfloat16, enabled=dtype == "bfloat16")


def decode(model, batch: dict, dtype: str):
    """The decoder's last hidden states, (rows, tokens, width), for a batch of batches.pack or batches.pad."""
    inputs = {key: value for key, value in batch.items() if key not in ("labels", "weights", "tokens")}
    with autocast(batch["input_ids"].device.type, dtype):
        return decoder_of(model)(**inputs, use_cache=False).last_hidden_state  # the adapter's layers are inside it


def head(model, hidden, dtype: str):
    """The logits of hidden states: (..., width) to (..., vocabulary)."""
    with autocast(hidden.device.type, dtype):
        return model.get_base_model().get_output_embeddings()(hidden)


def token_losses(logits, targets):
    """Cross-entropy of each token, in float32: logits (tokens, vocabulary), targets (tokens)."""
    import torch

    return torch.nn.functional.cross_entropy(logits.float(), targets, reduction="none")


def answer_loss(model, batch: dict, dtype: str, weight_per_example: float):
    """Weighted cross-entropy of the answers' tokens, a scalar tensor: their sum over examples * weight_per_example.

    The divisor is the same for every batch, so that a token counts alike whatever stands beside it.
    """
    from pipeline.training import batches, encode

    hidden = decode(model, batch, dtype)[:, :-1]
    targets, weights = batch["labels"][:, 1:], batch["weights"][:, 1:]
    chosen = targets != encode.IGNORED
    # .to(device): a model spread over GPUs ends on another one than it begins on
    logits = head(model, hidden[chosen.to(hidden.device)], dtype)
    losses = getattr(model, "token_losses", token_losses)(logits, targets[chosen].to(logits.device))
    return (losses.to(weights.device) * weights[chosen]).sum() / (batches.examples_of(batch) * weight_per_example)


COMPILE_TOKENS = 100_000
"""From how many training tokens on compiling pays: it takes 30 s, then saves a quarter of the time (on 2 cores)."""


def compile_pays(p: FinetuneSettings, train: list[dict]) -> bool:
    """Whether the layers are compiled: as `p.compile` says, "auto" where it saves time on these encoded examples."""
    import torch

    if p.compile != "auto":
        return p.compile == "always"
    tokens = p.epochs * sum(len(e["input_ids"]) for e in train)
    return not torch.cuda.is_available() and not p.load_in_4bit and tokens >= COMPILE_TOKENS


def eager():
    """A context in which compiled layers run uncompiled: compiling again for evaluation costs more than it saves."""
    import torch

    loaded = "torch._dynamo" in sys.modules  # else nothing is compiled, and loading it takes seconds
    return torch.compiler.set_stance("force_eager") if loaded else contextlib.nullcontext()


def compile_layers(model) -> None:
    """Compile the decoder's layers, one compilation for all of them, and the loss."""
    import torch

    model.token_losses = torch.compile(token_losses, dynamic=True)
    model.enable_input_require_grads()  # else the first layer, whose input has no gradient, is compiled apart
    for layer in decoder_of(model).layers:
        layer.compile(dynamic=True)
