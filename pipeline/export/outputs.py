"""What a form of the model says: its greedy answers to validation prompts, and its logits on known answers.

A pair is a prompt's token ids and its answer's, the token that ends the turn included. An "output" is the tensor
(tokens - 1, vocabulary) of logits from which each token of prompt + answer but the first is predicted, in float32.
"""

from collections.abc import Iterator
from pathlib import Path

MAX_TOKENS = 128
"""Of an answer."""


def pair(tokenizer, messages: list[dict], answer=None) -> tuple[list[int], list[int]]:
    """The pair of a training or validation example's messages.

    answer: an engine's `Answer`, to take the place of the example's own: the tokens that it wrote, since others may
    spell the same text. One that was cut off has no ending token.
    """
    prompt = list(tokenizer.apply_chat_template(messages[:-1], add_generation_prompt=True, return_dict=False))
    if answer:
        return prompt, answer.tokens + [tokenizer.eos_token_id] * (answer.finish_reason == "stop")
    return prompt, tokenizer(messages[-1]["content"], add_special_tokens=False)["input_ids"] + [tokenizer.eos_token_id]


def transformers_outputs(model, pairs) -> Iterator:
    """The output of each pair in turn, by a transformers model."""
    import torch

    for prompt, answer in pairs:
        with torch.inference_mode():
            yield model(torch.tensor([prompt + answer[:-1]], device=model.device)).logits[0].float().cpu()


def gguf_outputs(path: Path, pairs) -> Iterator:
    """The output of each pair in turn, by llama.cpp on the GGUF file `path`."""
    import llama_cpp
    import torch

    from mem0_slm import hardware

    longest = max(len(prompt) + len(answer) for prompt, answer in pairs)
    threads = hardware.threads()
    sizes = {"n_ctx": longest, "n_batch": longest, "n_threads": threads, "n_threads_batch": threads}
    llama = llama_cpp.Llama(str(path), logits_all=True, verbose=False, **sizes)
    try:
        for prompt, answer in pairs:
            llama.reset()
            llama.eval(prompt + answer[:-1])
            yield torch.tensor(llama.scores[: llama.n_tokens])
    finally:
        llama.close()


def transformers_answers(handle, examples: list[dict]) -> list[str]:
    """The greedy answers of a model that the transformers engine loaded, all in one batch."""
    import torch

    from mem0_slm.engines import transformers

    tokenizer = handle.tokenizer
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    ids = [transformers.tokenize(handle, example["messages"][:-1]) for example in examples]
    prompts = tokenizer.pad({"input_ids": ids}, padding_side="left", return_tensors="pt").to(handle.model.device)
    settings = {"max_new_tokens": MAX_TOKENS, "do_sample": False, "pad_token_id": tokenizer.pad_token_id}
    with torch.inference_mode():
        written = handle.model.generate(**prompts, **settings)
    return tokenizer.batch_decode(written[:, prompts["input_ids"].shape[1] :], skip_special_tokens=True)


def gguf_answers(path: Path, examples: list[dict]) -> list:
    """The greedy answers of a GGUF file, as the engine's `Answer`: one at a time, since in a shared batch rounding
    would depend on the others."""
    from mem0_slm.engines import llama_cpp

    handle = llama_cpp.load(path, n_ctx=1024, n_parallel=1)
    try:
        return [llama_cpp.generate(handle, e["messages"][:-1], max_tokens=MAX_TOKENS) for e in examples]
    finally:
        llama_cpp.close(handle)
