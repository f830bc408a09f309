"""Training examples as tokens, and batches of them without padding: one after another in a row, what they begin with alike
once, and the attention that keeps them apart.

Imports torch: import it where it is used.
"""

import os

import torch
from torch.nn.utils.rnn import pad_sequence

from pipeline.training.attention import _backward, _keep, attend_by_matrices
from pipeline.training.encode import IGNORED

LATER = 2**31 - 1
"""A position after all others."""


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


attend_by_matrices.register_autograd(_backward, setup_context=_keep)
