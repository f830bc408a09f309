"""What an export lost against the model that it was made from: the perplexity of known answers, and its own answers.

A pair is a prompt's token ids and its answer's, the token that ends the turn included. An "output" is the tensor
(tokens - 1, vocabulary) of logits from which each token of prompt + answer but the first is predicted, in float32.
"""

import math

from mem0_slm import answers, io


def pair(tokenizer, messages: list[dict], answer=None) -> tuple[list[int], list[int]]:
    """The pair of a training or validation example's messages; an engine's `Answer` takes the place of the example's own:
    the tokens that it wrote, since others may spell the same text. One that was cut off has no ending token."""
    prompt = list(tokenizer.apply_chat_template(messages[:-1], add_generation_prompt=True, return_dict=False))
    if answer:
        return prompt, answer.tokens + [tokenizer.eos_token_id] * (answer.finish_reason == "stop")
    return prompt, tokenizer(messages[-1]["content"], add_special_tokens=False)["input_ids"] + [tokenizer.eos_token_id]


def transformers_outputs(model, pairs):
    """The output of each pair in turn."""
    import torch

    for prompt, answer in pairs:
        with torch.inference_mode():
            yield model(torch.tensor([prompt + answer[:-1]], device=model.device)).logits[0].float().cpu()


def gguf_outputs(path, pairs):
    """The output of each pair in turn, by llama.cpp."""
    import llama_cpp
    import torch

    from mem0_slm import hardware

    longest = max(len(prompt) + len(answer) for prompt, answer in pairs)
    threads = hardware.threads()
    llama = llama_cpp.Llama(
        str(path),
        n_ctx=longest,
        n_batch=longest,
        logits_all=True,
        n_threads=threads,
        n_threads_batch=threads,
        verbose=False,
    )
    try:
        for prompt, answer in pairs:
            llama.reset()
            llama.eval(prompt + answer[:-1])
            yield torch.tensor(llama.scores[: llama.n_tokens])
    finally:
        llama.close()


def compare_outputs(outputs, pairs, reference=None) -> dict:
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
        found["max_logit_difference"] = round(
            torch.stack(differences).max().item(), 5
        )  # tensors' max() passes NaN on, Python's may not
        found["same_next_token_share"] = round(torch.cat(same).float().mean().item(), 5)
    return found


def gaps(outputs, pairs) -> list[float]:
    """By how much the model prefers another token where its greedy answer first leaves the pair's; 0.0 where it is the same.

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


def compare(found: list[str], reference: list[str]) -> dict:
    """Shares of answers that equal the reference's, that decide alike whether to store, and that are well-formed."""
    share = lambda values: round(sum(values) / len(found), 4)  # noqa: E731
    read, wanted = [answers.classify(a) for a in found], [answers.classify(a) for a in reference]
    return {
        "same_text_as_merged": share(a == b for a, b in zip(found, reference, strict=True)),
        "same_decision_to_store": share(
            bool(a.memories) == bool(b.memories) for a, b in zip(read, wanted, strict=True)
        ),
        "well_formed": share(a.well_formed for a in read),
    }


def require_quality(
    name, found: dict, perplexity: float, max_increase: float, min_agreement: float, section: str
) -> None:
    """Raise DataError if a form lost more than the section of params.yaml allows. Sets found["perplexity_increase"]."""
    found["perplexity_increase"] = round(found["perplexity"] / perplexity - 1, 5)
    if not found["perplexity_increase"] <= max_increase:
        raise io.DataError(
            f"{name}: perplexity on validation answers is {found['perplexity']} against {perplexity}, {found['perplexity_increase']:+.1%}; "
            f"{section}.max_perplexity_increase allows {max_increase:+.1%}. Leave this form out, or raise the limit."
        )
    if not found["same_decision_to_store"] >= min_agreement:
        raise io.DataError(
            f"{name}: decides as the merged model does whether to store in {found['same_decision_to_store']:.0%} of extractions, "
            f"{section}.min_agreement asks for {min_agreement:.0%}. Leave this form out, or lower the minimum."
        )
