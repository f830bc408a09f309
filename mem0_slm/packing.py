"""Training examples as tokens, and batches of them without padding: one after another in a row, what they begin with alike
once, and the attention that keeps them apart.

Imports torch: import it where it is used.
"""

import os

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from torch.nn.utils.rnn import pad_sequence
from transformers import AttentionInterface, AttentionMaskInterface

from mem0_slm import contract

IGNORED = -100
"""Label of a token that carries no loss (PyTorch's own)."""
LATER = 2**31 - 1
"""A position after all others."""
ATTENTION = "per_example"
"""The name under which `attend` is registered with transformers."""


def encode(
    example: dict, tokenizer, max_length: int, decision_weight: float, closing_weight: float = 1.0
) -> dict | None:
    """Token ids, labels (`IGNORED` outside the answer) and loss weights of an example; None if it is too long.

    The prompt's tokens are exactly those that an engine sends for the same messages. Of an extraction's answer two tokens
    have weights of their own: the one that decides whether anything is stored, and the one that closes the last memory.
    """
    prompt = list(
        tokenizer.apply_chat_template(example["messages"][:-1], add_generation_prompt=True, return_dict=False)
    )
    text = example["messages"][-1]["content"]
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    answer = encoded["input_ids"] + [tokenizer.eos_token_id]
    if len(prompt) + len(answer) > max_length:
        return None
    weights = [0.0] * len(prompt) + [1.0] * len(answer)
    if example["kind"] == "extraction":
        if text != contract.dump([]):
            quote = len(text) - len('"}]}')
            closing = next(i for i, (_, end) in enumerate(encoded["offset_mapping"]) if end > quote)
            weights[len(prompt) + closing] = closing_weight
        weights[len(prompt) + decision_index(tokenizer)] = decision_weight
    return {"input_ids": prompt + answer, "labels": [IGNORED] * len(prompt) + answer, "weights": weights}


def decision_index(tokenizer) -> int:
    """Which token of an answer decides whether anything is stored: the first where an empty answer differs from another."""
    empty, full = (tokenizer(contract.dump(texts), add_special_tokens=False)["input_ids"] for texts in ([], ["User"]))
    return next(i for i, (a, b) in enumerate(zip(empty, full)) if a != b)


def pack(rows: list[dict], step: int = 1) -> dict:
    """A batch of encoded examples in tensors of shape (1, row), `tokens`: how many the examples have in all (a scalar), and
    `layout`: where they lie in that row.

    step: the row's length is a multiple of it, the longest example's of half of it (see `lengthened`).

    The tokens with which all of them begin (the system prompt) stand once, in front, and each example goes on from there:
    the loss is the same, and an eighth of the work is saved. For the attention, `layout` has the indices of an example's
    queries (examples, queries) and keys (examples, keys) in the row; the other way round, of each token (tokens) among
    the flattened queries and keys; the queries that are no padding; which key a query may see (examples, queries, keys);
    and how many tokens are shared (a scalar).

    Batches need no grouping by length then. Grouping costs quality here: answers with nothing to store are the shortest
    examples, whole batches would hold nothing else, and the model follows the run of batches instead of learning when to
    store (measured: it gave storing 0.78 where there was something to store, 0.73 where there was not).
    """

    def places(indices, skipped=0):  # of each token of the row in the flattened padding
        longest = max(map(len, indices))
        return torch.cat([i * longest + torch.arange(skipped if i else 0, len(at)) for i, at in enumerate(indices)])

    tokens, shared = sum(len(row["input_ids"]) for row in rows), shared_tokens(rows)
    rows = lengthened(rows, shared, step)
    own = [
        torch.arange(shared if i else 0, len(row["input_ids"])) for i, row in enumerate(rows)
    ]  # positions in an example; the first keeps all
    starts = torch.tensor([0, *map(len, own[:-1])]).cumsum(0)
    batch = {
        key: torch.tensor([[value for row, at in zip(rows, own) for value in row[key][at[0] :]]])
        for key in ("input_ids", "labels", "weights")
    }
    batch["labels"][0, starts] = IGNORED  # an example's first token does not continue the one before it
    queries = [start + torch.arange(len(at)) for start, at in zip(starts, own)]
    keys = [torch.cat([torch.arange(shared), at]) if i else at for i, at in enumerate(queries)]
    asking = pad_sequence(
        own, batch_first=True
    )  # padding sees an example's first key: a softmax over nothing has no value
    asked = pad_sequence(
        [torch.arange(len(at)) for at in keys], batch_first=True, padding_value=LATER
    )  # and no query sees padding
    layout = {
        "queries": pad_sequence(queries, batch_first=True),
        "keys": pad_sequence(keys, batch_first=True),
        "query_places": places(queries),
        "key_places": places(keys, shared),
        "real": torch.arange(asking.shape[1]) < torch.tensor([len(at) for at in own])[:, None],
        "allowed": asked[:, None, :] <= asking[:, :, None],
        "shared": torch.tensor(shared),
    }
    return batch | {"position_ids": torch.cat(own)[None], "tokens": torch.tensor(tokens), "layout": layout}


def lengthened(rows: list[dict], shared: int, step: int) -> list[dict]:
    """The rows, two of them with tokens at their ends that carry no loss: nothing before them sees those.

    oneDNN, PyTorch's library for products of matrices on a CPU, compiles a kernel for each shape that it has not seen, some
    2 ms each and 40 a batch. So the longest example is brought to a multiple of step / 2 tokens, and the shortest takes what
    is lacking to a multiple of `step` in a row.
    """
    if step == 1:
        return rows
    sizes = [len(row["input_ids"]) for row in rows]
    longest = sizes.index(max(sizes))
    sizes[longest] += -sizes[longest] % (step // 2)
    shortest = sizes.index(min(sizes))
    sizes[shortest] += -(sum(sizes) - shared * (len(rows) - 1)) % step
    fill = {"input_ids": 0, "labels": IGNORED, "weights": 0.0}
    return [
        {key: row[key] + [value] * (size - len(row[key])) for key, value in fill.items()}
        for row, size in zip(rows, sizes)
    ]


def shared_tokens(rows: list[dict]) -> int:
    """With how many tokens the prompts of all rows begin; the last of a prompt is never among them, what follows it is its own."""
    if len(rows) == 1:
        return 0
    prompts = [
        next((i for i, label in enumerate(row["labels"]) if label != IGNORED), len(row["labels"])) for row in rows
    ]
    return len(os.path.commonprefix([row["input_ids"][: n - 1] for row, n in zip(rows, prompts)]))


def pad(rows: list[dict]) -> dict:
    """A batch padded on the right, tensors of shape (examples, tokens), for engines that bring their own attention."""
    fill = {"input_ids": 0, "labels": IGNORED, "weights": 0.0}
    batch = {
        key: pad_sequence([torch.tensor(row[key]) for row in rows], batch_first=True, padding_value=value)
        for key, value in fill.items()
    }
    lengths = torch.tensor([len(row["input_ids"]) for row in rows])
    return batch | {
        "attention_mask": (torch.arange(batch["input_ids"].shape[1]) < lengths[:, None]).long(),
        "tokens": lengths.sum(),
    }


def examples_of(batch: dict) -> int:
    return len(batch["layout"]["queries"] if "layout" in batch else batch["input_ids"])


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
    with torch.autocast(query.device.type, enabled=False):  # the precision is chosen here
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
    """Attention written out: query (examples, heads, queries, size), key and value (examples, key heads, keys, size), allowed
    (examples, queries, keys); returns the shape of query, and the weights (examples, heads, queries, keys).

    For examples this short faster than PyTorch's fused one, whose backward pass takes most of the time, and, as an operator
    that torch.compile calls as it is, than what torch.compile makes of the same lines where shapes vary. Measured in bf16,
    forward and backward, 4 examples of 192 tokens on 2 cores (Intel, AMX): 5.6 ms against 8.6 and 9.6.
    """
    (examples, heads, n, size), groups = query.shape, key.shape[1]
    bias = torch.zeros_like(allowed, dtype=query.dtype).masked_fill_(~allowed, -torch.inf)[:, None]
    # the heads that share a key's head stand below each other
    scores = _below(query, groups) @ key.flatten(0, 1).transpose(1, 2)
    weights = torch.add(bias, scores.view(examples, heads, n, -1), alpha=scaling).softmax(-1)
    return (_below(weights, groups) @ value.flatten(0, 1)).view(examples, heads, n, size), weights


@torch.library.custom_op("mem0_slm::attend_by_matrices_backward", mutates_args=())
def attend_by_matrices_backward(
    gradient: Tensor, query: Tensor, key: Tensor, value: Tensor, weights: Tensor, scaling: float
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of query, key and value from that of the result."""
    groups = key.shape[1]
    gradient, flat = _below(gradient, groups), _below(weights, groups)
    of_weights = (gradient @ value.flatten(0, 1).transpose(1, 2)).view_as(weights)
    of_scores = _below(
        torch.ops.aten._softmax_backward_data(of_weights, weights, -1, weights.dtype).mul_(scaling), groups
    )
    of_query, of_key, of_value = (
        of_scores @ key.flatten(0, 1),
        of_scores.transpose(1, 2) @ _below(query, groups),
        flat.transpose(1, 2) @ gradient,
    )
    return of_query.view_as(query), of_key.view_as(key), of_value.view_as(value)


def _below(tensor: Tensor, groups: int) -> Tensor:
    """(examples, heads, n, size) as (examples * groups, heads / groups * n, size)."""
    return tensor.reshape(tensor.shape[0] * groups, -1, tensor.shape[-1])


@attend_by_matrices.register_fake
def _(query, key, value, allowed, scaling):
    return query.new_empty(query.shape), query.new_empty(*query.shape[:3], key.shape[2])


@attend_by_matrices_backward.register_fake
def _(gradient, query, key, value, weights, scaling):
    return tuple(tensor.new_empty(tensor.shape) for tensor in (query, key, value))


def _keep(ctx, inputs, output):
    *tensors, _, ctx.scaling = inputs
    ctx.save_for_backward(*tensors, output[1])


def _backward(ctx, gradient, _):
    return *attend_by_matrices_backward(gradient, *ctx.saved_tensors, ctx.scaling), None, None


attend_by_matrices.register_autograd(_backward, setup_context=_keep)


class Pad(torch.autograd.Function):
    """A row (tokens, heads, size) as padded examples (examples, length, heads, size).

    Its gradient, and that of `Unpad`, is a lookup as well, the other way round; PyTorch's own would add up token by token,
    with locks. `shared` (a scalar, None for 0): so many tokens stand in every example.
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
        ):  # found has what comes from the first example, where a shared token's place is its own number
            at = torch.arange(len(places), device=places.device)
            others = gradient[1:].sum(0)[at.clamp(max=gradient.shape[1] - 1)]
            found = found + torch.where((at < shared)[:, None, None], others, 0)
        return found, None, None, None


class Unpad(torch.autograd.Function):
    """Padded examples (examples, length, heads, size) as a row (tokens, heads, size); `real` (examples, length) is False at the padding."""

    @staticmethod
    def forward(ctx, padded, places, where, real):
        ctx.save_for_backward(where, real)
        return padded.flatten(0, 1)[places]

    @staticmethod
    def backward(ctx, gradient):
        where, real = ctx.saved_tensors
        return torch.where(real[:, :, None, None], gradient[where], 0), None, None, None
