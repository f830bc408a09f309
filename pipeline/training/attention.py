"""Attention inside each example of a packed row.

Imports torch: import it where it is used.
"""

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface

ATTENTION = "per_example"
"""The name under which `attend` is registered with transformers."""


def register() -> str:
    """Make the attention known to transformers; returns its name."""
    AttentionInterface.register(ATTENTION, attend)
    AttentionMaskInterface.register(ATTENTION, lambda *args, **kwargs: None)
    return ATTENTION


def attend(module, query, key, value, attention_mask, scaling=None, dropout=0.0, layout=None, **kwargs):
    """Causal attention inside each example of a packed row.

    query (1, heads, tokens, size), key and value (1, key heads, tokens, size); returns (1, tokens, heads, size), None.
    The examples are padded for the attention alone, so that one product does for all of them.
    """
    share = dropout if module.training else 0.0
    scaling = query.shape[-1] ** -0.5 if scaling is None else scaling
    with torch.autocast(query.device.type, enabled=False):  # the dtype is chosen here
        q = Pad.apply(query[0].transpose(0, 1), layout["queries"], layout["query_places"], None)
        k, v = (
            Pad.apply(tensor[0].transpose(0, 1), layout["keys"], layout["key_places"], layout["shared"])
            for tensor in (key, value)
        )
        q, k, v = (tensor.transpose(1, 2) for tensor in (q, k, v))
        if query.device.type == "cpu" and not share:
            out = attend_by_matrices(q, k, v, layout["allowed"], scaling)[0]
        else:
            out = scaled_dot_product_attention(
                q, k, v, attn_mask=layout["allowed"][:, None], scale=scaling, dropout_p=share, enable_gqa=True
            )
    return Unpad.apply(out.transpose(1, 2), layout["query_places"], layout["queries"], layout["real"])[None], None


@torch.library.custom_op("mem0_slm::attend_by_matrices", mutates_args=())
def attend_by_matrices(
    query: Tensor, key: Tensor, value: Tensor, allowed: Tensor, scaling: float
) -> tuple[Tensor, Tensor]:
    """Attention written out: query (examples, heads, queries, size), key and value (examples, key heads, keys, size),
    allowed (examples, queries, keys); returns the shape of query, and the weights (examples, heads, queries, keys).

    For examples this short faster than PyTorch's fused one, whose backward pass takes most of the time, and, as an
    operator that torch.compile calls as it is, than what torch.compile makes of the same lines where shapes vary.
    Measured in bf16, forward and backward, 4 examples of 192 tokens on 2 cores (Intel, AMX): 5.6 ms, not 8.6 or 9.6.
    """
    (examples, heads, n, size), groups = query.shape, key.shape[1]
    bias = torch.zeros_like(allowed, dtype=query.dtype).masked_fill_(~allowed, -torch.inf)[:, None]
    # query heads that share a key head stand below each other: one product a key head
    scores = _fold_heads(query, groups) @ key.flatten(0, 1).transpose(1, 2)
    weights = torch.add(bias, scores.view(examples, heads, n, -1), alpha=scaling).softmax(-1)
    return (_fold_heads(weights, groups) @ value.flatten(0, 1)).view(examples, heads, n, size), weights


@torch.library.custom_op("mem0_slm::attend_by_matrices_backward", mutates_args=())
def attend_by_matrices_backward(
    gradient: Tensor, query: Tensor, key: Tensor, value: Tensor, weights: Tensor, scaling: float
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of query, key and value from that of the result."""
    groups = key.shape[1]
    gradient, folded = _fold_heads(gradient, groups), _fold_heads(weights, groups)
    of_weights = (gradient @ value.flatten(0, 1).transpose(1, 2)).view_as(weights)
    of_scores = torch.ops.aten._softmax_backward_data(of_weights, weights, -1, weights.dtype).mul_(scaling)
    of_scores = _fold_heads(of_scores, groups)
    of_query = of_scores @ key.flatten(0, 1)
    of_key = of_scores.transpose(1, 2) @ _fold_heads(query, groups)
    of_value = folded.transpose(1, 2) @ gradient
    return of_query.view_as(query), of_key.view_as(key), of_value.view_as(value)


def _fold_heads(tensor: Tensor, groups: int) -> Tensor:
    """(examples, heads, n, size) as (examples * groups, heads / groups * n, size)."""
    return tensor.reshape(tensor.shape[0] * groups, -1, tensor.shape[-1])


@attend_by_matrices.register_fake
def _result_shapes(query, key, value, allowed, scaling):
    return query.new_empty(query.shape), query.new_empty(*query.shape[:3], key.shape[2])


@attend_by_matrices_backward.register_fake
def _gradient_shapes(gradient, query, key, value, weights, scaling):
    return tuple(tensor.new_empty(tensor.shape) for tensor in (query, key, value))


def _save_inputs(ctx, inputs, output):
    query, key, value, _allowed, ctx.scaling = inputs
    _, weights = output
    ctx.save_for_backward(query, key, value, weights)


def _input_gradients(ctx, gradient, _of_weights):
    return *attend_by_matrices_backward(gradient, *ctx.saved_tensors, ctx.scaling), None, None


attend_by_matrices.register_autograd(_input_gradients, setup_context=_save_inputs)


class Pad(torch.autograd.Function):
    """A row (tokens, heads, size) as padded examples (examples, length, heads, size).

    Its gradient, and that of `Unpad`, is a lookup as well, the other way round; PyTorch's own would add up token by
    token, with locks. shared: how many tokens all the examples have in common (a scalar; None for none).
    """

    @staticmethod
    def forward(ctx, row, where, places, shared):
        ctx.save_for_backward(places, shared)
        return row[where]

    @staticmethod
    def backward(ctx, gradient):
        places, shared = ctx.saved_tensors
        found = gradient.flatten(0, 1)[places]
        if (
            shared is not None
        ):  # found has only what the first example gives, where a shared token's place is its own number
            at = torch.arange(len(places), device=places.device)
            others = gradient[1:].sum(0)[at.clamp(max=gradient.shape[1] - 1)]
            found = found + torch.where((at < shared)[:, None, None], others, 0)
        return found, None, None, None


class Unpad(torch.autograd.Function):
    """Padded examples (examples, length, heads, size) as a row (tokens, heads, size).

    real (examples, length): False at the padding.
    """

    @staticmethod
    def forward(ctx, padded, places, where, real):
        ctx.save_for_backward(where, real)
        return padded.flatten(0, 1)[places]

    @staticmethod
    def backward(ctx, gradient):
        where, real = ctx.saved_tensors
        return torch.where(real[:, :, None, None], gradient[where], 0), None, None, None
