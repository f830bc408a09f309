"""What a form lost against the model that it was made from: in the perplexity of known answers, and in its own answers.

Pairs and outputs are those of pipeline.export.outputs.
"""

import math

from mem0_slm import answers, io


def compare_outputs(outputs, pairs, reference=None) -> dict[str, float]:
    """perplexity: of the answers' tokens. With `reference`, the outputs of another form for the same pairs, also
    max_logit_difference and same_next_token_share, over all positions."""
    import torch

    losses, differences, same = [], [], []
    for number, (output, (_prompt, answer)) in enumerate(zip(outputs, pairs, strict=True)):
        losses.append(torch.nn.functional.cross_entropy(output[-len(answer) :], torch.tensor(answer), reduction="none"))
        if reference is not None:
            width = min(output.shape[1], reference[number].shape[1])  # a form may pad its vocabulary
            differences.append((output[:, :width] - reference[number][:, :width]).abs().max())
            same.append(output.argmax(-1) == reference[number].argmax(-1))
    found = {"perplexity": round(math.exp(torch.cat(losses).mean().item()), 5)}
    if reference is not None:
        largest = torch.stack(differences).max()  # passes NaN on, which Python's max() may not
        found["max_logit_difference"] = round(largest.item(), 5)
        found["same_next_token_share"] = round(torch.cat(same).float().mean().item(), 5)
    return found


def gaps(outputs, pairs) -> list[float]:
    """By how much the model prefers another token where its greedy answer first leaves the pair's, or 0.0.

    A gap near 0 is a tie that rounding decides. One pass over each answer tells what decoding it anew would.
    """
    import torch

    found = []
    for output, (_prompt, answer) in zip(outputs, pairs, strict=True):
        logits = output[-len(answer) :]
        below = logits.max(-1).values - logits[range(len(answer)), answer]
        other = (logits.argmax(-1) != torch.tensor(answer)).nonzero()
        found.append(below[other[0, 0]].item() if len(other) else 0.0)
    return found


def compare_answers(found: list[str], reference: list[str]) -> dict[str, float]:
    """Shares of answers that equal the reference's, that decide alike whether to store, and that are well-formed."""
    share = lambda values: round(sum(values) / len(found), 4)  # noqa: E731
    read, wanted = [answers.classify(a) for a in found], [answers.classify(a) for a in reference]
    alike = (bool(a.memories) == bool(b.memories) for a, b in zip(read, wanted, strict=True))
    return {
        "same_text_as_merged": share(a == b for a, b in zip(found, reference, strict=True)),
        "same_decision_to_store": share(alike),
        "well_formed": share(a.well_formed for a in read),
    }


def require_quality(
    name, found: dict, perplexity: float, max_increase: float, min_agreement: float, section: str
) -> None:
    """Raise DataError if the form `name` lost more than the section of params.yaml allows.

    found: its figures, of `compare_outputs` and `compare_answers`; gets `perplexity_increase`, the share of
    `perplexity` (the merged model's) by which its own is higher.
    """
    increase = found["perplexity_increase"] = round(found["perplexity"] / perplexity - 1, 5)
    if not increase <= max_increase:
        raise io.DataError(
            f"{name}: perplexity on validation answers is {found['perplexity']} against {perplexity}, {increase:+.1%}; "
            f"{section}.max_perplexity_increase allows {max_increase:+.1%}. Leave this form out, or raise the limit."
        )
    agreement = found["same_decision_to_store"]
    if not agreement >= min_agreement:
        raise io.DataError(
            f"{name}: decides as the merged model does whether to store in {agreement:.0%} of extractions, "
            f"{section}.min_agreement asks for {min_agreement:.0%}. Leave this form out, or lower the minimum."
        )
