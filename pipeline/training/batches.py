"""Encoded examples as batches: packed in one row without padding, or padded.

A packed row holds its examples one after another, with what all of them begin with once, in front; the attention
(pipeline/training/attention.py) keeps them apart. Packed batches need no grouping by length, and grouping costs quality
here: answers with nothing to store are the shortest examples, whole batches would hold nothing else, and the model
follows the run of batches instead of learning when to store (measured: it gave storing 0.78 where there was something
to store, 0.73 where there was not).

Imports torch: import it where it is used.
"""

import os

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from pipeline.training.encode import IGNORED

LATER = 2**31 - 1
"""A position after all others."""
FILL = {"input_ids": 0, "labels": IGNORED, "weights": 0.0}
"""What a token that belongs to no example has."""


def pack(rows: list[dict], step: int = 1) -> dict:
    """A batch of encoded examples in one row.

    Returns `input_ids`, `labels`, `weights` and `position_ids`, each (1, row); `tokens`, how many the examples have in
    all (a scalar); and `layout`, where they lie in the row (see `_layout`).

    The tokens that all examples begin with (the system prompt) stand once, in front, and each example goes on from
    there: the loss is the same, and an eighth of the work is saved.

    step: the row's length is a multiple of it, the longest example's of half of it (see `lengthened`).
    """
    tokens, shared = sum(len(row["input_ids"]) for row in rows), shared_tokens(rows)
    rows = lengthened(rows, shared, step)
    # which of its tokens each example has in the row: the first all, the others those that are not shared
    positions = [torch.arange(shared if i else 0, len(row["input_ids"])) for i, row in enumerate(rows)]
    starts = torch.tensor([0, *map(len, positions[:-1])]).cumsum(0)
    batch = {
        key: torch.tensor([[value for row, at in zip(rows, positions) for value in row[key][at[0] :]]]) for key in FILL
    }
    batch["labels"][0, starts] = IGNORED  # an example's first token does not continue the example before it
    return batch | {
        "position_ids": torch.cat(positions)[None],
        "tokens": torch.tensor(tokens),
        "layout": _layout(positions, starts, shared),
    }


def _layout(positions: list[Tensor], starts: Tensor, shared: int) -> dict[str, Tensor]:
    """Where the examples of a packed row lie, for the attention.

    positions: of each example's tokens in the example; starts: where each example begins in the row.
    Returns the indices of each example's `queries` (examples, queries) and `keys` (examples, keys) in the row; the way
    back, `query_places` and `key_places` (tokens), of each token among the flattened queries and keys; `real`
    (examples, queries), False at the padding; `allowed` (examples, queries, keys), which key a query may see; and
    `shared`, how many tokens are shared (a scalar).
    """
    queries = [start + torch.arange(len(at)) for start, at in zip(starts, positions)]
    keys = [torch.cat([torch.arange(shared), at]) if i else at for i, at in enumerate(queries)]
    # a padded query sees its example's first key, as a softmax over nothing has no value; no query sees a padded key
    asking = pad_sequence(positions, batch_first=True)
    asked = pad_sequence([torch.arange(len(at)) for at in keys], batch_first=True, padding_value=LATER)
    return {
        "queries": pad_sequence(queries, batch_first=True),
        "keys": pad_sequence(keys, batch_first=True),
        "query_places": _places(queries),
        "key_places": _places(keys, shared),
        "real": torch.arange(asking.shape[1]) < torch.tensor([len(at) for at in positions])[:, None],
        "allowed": asked[:, None, :] <= asking[:, :, None],
        "shared": torch.tensor(shared),
    }


def _places(indices: list[Tensor], skipped: int = 0) -> Tensor:
    """The place of each token of the row among the padded, flattened `indices`; `skipped` of all examples but the first
    are the first's own."""
    longest = max(map(len, indices))
    return torch.cat([i * longest + torch.arange(skipped if i else 0, len(at)) for i, at in enumerate(indices)])


def lengthened(rows: list[dict], shared: int, step: int) -> list[dict]:
    """The rows, two of them with tokens at their ends that carry no loss: nothing before them sees those.

    oneDNN, PyTorch's library for products of matrices on a CPU, compiles a kernel for each shape that it has not seen,
    some 2 ms each and 40 a batch. So the longest example is brought to a multiple of step / 2 tokens, and the shortest
    takes what is missing to a multiple of `step` in a row.
    """
    if step == 1:
        return rows
    sizes = [len(row["input_ids"]) for row in rows]
    longest = sizes.index(max(sizes))
    sizes[longest] += -sizes[longest] % (step // 2)
    shortest = sizes.index(min(sizes))
    sizes[shortest] += -(sum(sizes) - shared * (len(rows) - 1)) % step
    return [
        {key: row[key] + [value] * (size - len(row[key])) for key, value in FILL.items()}
        for row, size in zip(rows, sizes)
    ]


def shared_tokens(rows: list[dict]) -> int:
    """How many tokens the prompts of all rows begin with alike. A prompt's last is never one of them: what follows it
    differs from example to example."""
    if len(rows) == 1:
        return 0
    prompts = [
        next((i for i, label in enumerate(row["labels"]) if label != IGNORED), len(row["labels"])) for row in rows
    ]
    return len(os.path.commonprefix([row["input_ids"][: n - 1] for row, n in zip(rows, prompts)]))


def pad(rows: list[dict]) -> dict:
    """A batch padded on the right, tensors of shape (examples, tokens), for trainers that bring their own attention."""
    batch = {
        key: pad_sequence([torch.tensor(row[key]) for row in rows], batch_first=True, padding_value=value)
        for key, value in FILL.items()
    }
    lengths = torch.tensor([len(row["input_ids"]) for row in rows])
    mask = (torch.arange(batch["input_ids"].shape[1]) < lengths[:, None]).long()
    return batch | {"attention_mask": mask, "tokens": lengths.sum()}


def examples_of(batch: dict) -> int:
    """How many examples a batch of `pack` or `pad` holds."""
    return len(batch["layout"]["queries"] if "layout" in batch else batch["input_ids"])
