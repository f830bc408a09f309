"""What Mem0's other sections would bring: the observation date, the known memories, the last messages; quality against latency.

    python -m benchmarks.prompt_sections [--base models/merged] [--gguf models/gguf/model-q8_0.gguf] [--examples 600]
                                         [--forms messages date ...] [--threads 0]

The model reads the new messages alone. Here it is trained on, once per form of the prompt, with the same conversations in
the same order, and asked held-out conversations of the training data's authors (never the evaluation sets) in that form.
A form puts lines in front of the conversation (`FORMS`). Beside each form stands what a plain rule does to the same
answers: `resolve` writes dates for relative times, `unknown_to` drops what a known memory already says.

Writes benchmarks/prompt_sections.json, each form's figures as soon as they are there; a form that is asked for again is
replaced, the others stay.
"""

import argparse
import calendar
import datetime
import random
import re
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from mem0_slm import contract, io
from mem0_slm.answers import Extraction, classify
from pipeline import params, results
from pipeline.data.examples import as_memories
from pipeline.data.frames import Frame, read_frames
from pipeline.data.held_out import words
from pipeline.data.slots import MONTHS, WEEKDAYS, Values
from pipeline.paths import SOURCES

RESULT = Path("benchmarks/prompt_sections.json")
SEED = 11
KNOWN = 5
"""Known memories in a prompt; Mem0 sends up to ten, whatever lies nearest to the new messages."""
TRAINING = {
    "lora_r": 16,
    "lora_alpha": 32,
    "learning_rate": 4e-4,
    "epochs": 1.0,
    "batch_size": 8,
    "compile": "never",
    "save_steps": 20,
    "trainer": "peft",
}
"""What is set in place of params.yaml's section finetune: the base is a tuned model, which learns a form in few steps."""

# --- relative times ---------------------------------------------------------------------------------------------

COUNTS = {
    word: n for n, word in enumerate("a one two three four five six seven eight nine ten eleven twelve".split())
} | {"a": 1}
DAYS = {
    "today": 0,
    "tonight": 0,
    "this morning": 0,
    "this afternoon": 0,
    "this evening": 0,
    "tomorrow": 1,
    "yesterday": -1,
    "last night": -1,
    "the day after tomorrow": 2,
    "the day before yesterday": -2,
}
_COUNT = rf"(?P<%s>\d+|{'|'.join(COUNTS)})"
_DAY_NAMES, _MONTH_NAMES = "|".join(WEEKDAYS), "|".join(MONTHS)
RELATIVE = re.compile(
    r"\b(?:(?P<before>since|until|till|by|from|for|before|after) )?(?:"
    rf"(?P<day>{'|'.join(sorted(DAYS, key=len, reverse=True))})"
    rf"|(?P<which>next|last|this coming|this|on) (?P<weekday>{_DAY_NAMES})"
    rf"|(?P<side>next|last|this) (?P<unit>week|month|year|{_MONTH_NAMES})"
    rf"|in (?:a (?P<fortnight>fortnight)|{_COUNT % 'ahead'} (?P<ahead_unit>day|week|month|year)s?)"
    rf"|(?:a (?P<fortnight_ago>fortnight)|{_COUNT % 'behind'} (?P<behind_unit>day|week|month|year)s?) ago"
    r")\b",
    re.IGNORECASE,
)


def resolve(text: str, today: datetime.date) -> str:
    """`text` with each relative time as a date: "next Friday" becomes "on 27 November 2026", "last month" "in October 2026"."""
    return RELATIVE.sub(
        lambda m: f"{m['before']} {_date(m, today)[1]}" if m["before"] else " ".join(_date(m, today)), text
    )


def dates_in(text: str, today: datetime.date) -> list[str]:
    """What the relative times in `text` resolve to, without "on" or "in"."""
    return [_date(m, today)[1] for m in RELATIVE.finditer(text)]


def _date(m: re.Match, today: datetime.date) -> tuple[str, str]:
    """The preposition and the date that a match of `RELATIVE` stands for."""
    if m["day"]:
        return "on", spoken(today + datetime.timedelta(DAYS[m["day"].lower()]))
    if m["weekday"]:
        distance = (WEEKDAYS.index(m["weekday"].capitalize()) - today.weekday()) % 7 or 7  # the next one after today
        return "on", spoken(
            today + datetime.timedelta((distance - 7 or -7) if m["which"].lower() == "last" else distance)
        )
    if m["side"]:
        step, unit = {"next": 1, "last": -1, "this": 0}[m["side"].lower()], m["unit"].lower()
        if unit.capitalize() in MONTHS:
            month = MONTHS.index(unit.capitalize()) + 1
            return "in", f"{MONTHS[month - 1]} {today.year + (step if (month - today.month) * step <= 0 else 0)}"
        return _moved(today, step, unit, vague_week=True)
    if m["fortnight"] or m["fortnight_ago"]:
        return _moved(today, 2 if m["fortnight"] else -2, "week")
    count = m["ahead"] or m["behind"]
    n = int(count) if count.isdigit() else COUNTS[count.lower()]
    return _moved(today, n if m["ahead"] else -n, (m["ahead_unit"] or m["behind_unit"]).lower())


def _moved(today: datetime.date, n: int, unit: str, vague_week: bool = False) -> tuple[str, str]:
    if unit == "year":
        return "in", str(today.year + n)
    if unit == "month":
        months = today.year * 12 + today.month - 1 + n
        return "in", f"{MONTHS[months % 12]} {months // 12}"
    if unit == "week" and vague_week:
        return "in", f"the week of {spoken(today - datetime.timedelta(today.weekday() - 7 * n))}"
    return "on", spoken(today + datetime.timedelta(n * (7 if unit == "week" else 1)))


def spoken(date: datetime.date) -> str:
    return f"{date.day} {MONTHS[date.month - 1]} {date.year}"


# --- what is known ------------------------------------------------------------------------------------------------

STOP = frozenset(
    "user users s a an the is are was were has have had of in on at to for and or with by from as that which who it its their his her they them he she be been "
    "not no but so because than then now also called named".split()
)


def content(text: str) -> set[str]:
    return set(words(text)) - STOP


def unknown_to(known: list[str], texts: list[str]) -> list[str]:
    """The parts of memories that none of the known ones covers to three quarters."""
    parts = [part for text in texts for part in text.split("; ")]
    return [part for part in parts if not any(len(content(part) - content(k)) <= len(content(part)) / 4 for k in known)]


# --- the conversations ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A filled conversation with all that any form tells or expects of it."""

    kind: str
    """dates, known, dialogue (its first `earlier` messages are the last messages, the rest is new) or other"""
    messages: list[dict]
    memories: list[str]
    wanted: list[str]
    """the memories that the known ones do not make superfluous"""
    known: list[str]
    today: datetime.date
    earlier: int = 0


def kind_of(frame: Frame) -> str:
    if frame.known:
        return "known"
    if frame.topic.startswith("dates"):
        return "dates"
    before, after = (content(" ".join(text for _, text in turns)) for turns in (frame.turns[:-1], frame.turns[-1:]))
    answered = len(frame.turns) >= 3 and frame.turns[-1][0] == "user" and frame.memories
    return "dialogue" if answered and all(content(m) & (after - before) for m in frame.memories) else "other"


def case(frame: Frame, values: Values, random_: random.Random, others: list[str]) -> Case:
    """Fill a frame; `others` are memories from which those are taken that are known but beside the point."""
    turns = [text for _, text in frame.turns]
    filled, _ = values.fill(turns + frame.memories + list(frame.known))
    t, m = len(turns), len(turns) + len(frame.memories)
    known = filled[m:] + random_.sample(others, KNOWN - len(frame.known))
    random_.shuffle(known)
    kept = [text for text, raw in zip(filled[t:m], frame.memories) if raw not in frame.superfluous]
    kind = kind_of(frame)
    return Case(
        kind,
        [{"role": role, "content": text} for (role, _), text in zip(frame.turns, filled)],
        filled[t:m],
        kept,
        known,
        datetime.date(2023, 1, 1) + datetime.timedelta(random_.randrange(2000)),
        len(turns) - 1 if kind == "dialogue" else 0,
    )


def conversations(frames: list[Frame], examples: int) -> tuple[list[Case], list[Case]]:
    """(training, held out): a third of the frames that a section is for, 30 of the dialogues and 30 others are held out."""
    random_, values = random.Random(SEED), Values("train", SEED)
    by_kind = {kind: [f for f in frames if kind_of(f) == kind] for kind in ("dates", "known", "dialogue", "other")}
    for rows in by_kind.values():
        random_.shuffle(rows)
    slotless = [m for f in by_kind["other"] for m in f.memories if "{" not in m]
    held, train = [], []
    for kind, rows in by_kind.items():
        n = min(len(rows) // 3, 30)
        held += [
            (f, i) for f in rows[:n] for i in range(2 if kind in ("dates", "known") else 1)
        ]  # twice, with other values and dates
        share = examples // 4
        train += [(rows[n:] * (share // max(1, len(rows) - n) + 1))[i] for i in range(share)]
    training = [case(f, values, random_, slotless) for f in train]
    random_.shuffle(training)
    return training, [case(f, values, random_, slotless) for f, _ in held]


# --- the forms of the prompt ---------------------------------------------------------------------------------------

FORMS = {
    "messages": "the new messages alone, as the contract has it",
    "date": "date: Tuesday 24 November 2026",
    "iso_date": "date: 2026-11-24, as Mem0 writes it",
    "known": f"{KNOWN} lines known: a memory",
    "last": "the conversation's last messages, as lines earlier user: and earlier assistant:",
}


def asked(case: Case, form: str, training: bool = False) -> str:
    """The conversation's text in a form. Where a form does not tell the last messages, it is trained on whole
    conversations: a memory cannot be learnt from what was not read."""
    new = case.messages if training and form != "last" else case.messages[case.earlier :]
    lines = {
        "date": [f"date: {calendar.day_name[case.today.weekday()]} {spoken(case.today)}"],
        "iso_date": [f"date: {case.today.isoformat()}"],
        "known": [f"known: {memory}" for memory in case.known],
        "last": [f"earlier {m['role']}: {m['content']}" for m in case.messages[: case.earlier]],
    }.get(form, [])
    return "".join(f"{line}\n" for line in lines) + contract.conversation_of(new)


def expected(case: Case, form: str) -> list[str]:
    memories = case.wanted if form == "known" else case.memories
    return [resolve(m, case.today) for m in memories] if form in ("date", "iso_date") else memories


def example(case: Case, form: str, memory_words: int) -> dict:
    answer = contract.dump(as_memories(expected(case, form), memory_words))
    return {
        "kind": "extraction",
        "topic": case.kind,
        "messages": [*contract.prompt_for(asked(case, form, training=True)), {"role": "assistant", "content": answer}],
    }


# --- measuring -----------------------------------------------------------------------------------------------------


def share(found: list[bool]) -> dict:
    return {"share": round(sum(found) / len(found), 4) if found else None, "n": len(found)}


def recall(pairs) -> dict:
    """Of the words wanted (a set) those that an answer holds, over all pairs (wanted, answer's texts)."""
    pairs = [(wanted, content(" ".join(texts))) for wanted, texts in pairs]
    n = sum(len(wanted) for wanted, _ in pairs)
    return {"share": round(sum(len(wanted & got) for wanted, got in pairs) / n, 4) if n else None, "n": n}


DATE = re.compile(rf"\b\d{{1,2}} (?:{_MONTH_NAMES}) \d{{4}}\b")


def figures(cases: list[Case], answers: list[Extraction]) -> dict:
    """Shares over the held-out cases, each with its n; n of words and dates counts these, not cases."""
    rows = [(c, a.texts) for c, a in zip(cases, answers, strict=True)]
    dates, known, dialogues = (
        [(c, texts) for c, texts in rows if c.kind == kind] for kind in ("dates", "known", "dialogue")
    )
    due = [(date, c, texts) for c, texts in dates for m in c.memories for date in dates_in(m, c.today)]

    def again(c, texts, superfluous):
        own = content(superfluous) - set().union(*map(content, c.wanted)) if c.wanted else content(superfluous)
        return 2 * len(own & content(" ".join(texts))) >= len(own)

    superfluous = [
        (c, texts, m)
        for c, texts in known
        for m in c.memories
        if m not in c.wanted and content(m) - set().union(*map(content, c.wanted), set())
    ]
    by_rule = [(c, unknown_to(c.known, texts)) for c, texts in rows]
    known_by_rule = [(c, texts) for c, texts in by_rule if c.kind == "known"]
    from_earlier = [
        (
            content(" ".join(c.memories))
            & content(" ".join(m["content"] for m in c.messages[: c.earlier])) - content(c.messages[-1]["content"]),
            texts,
        )
        for c, texts in dialogues
    ]
    return {
        "well_formed": share([a.well_formed for a in answers]),
        "nothing_to_store_stored": share([bool(texts) for c, texts in rows if not c.memories]),
        "something_to_store_stored": share([bool(texts) for c, texts in rows if c.wanted]),
        "key_words_kept": recall(
            (content(" ".join(c.memories)) - _time_words(c), texts) for c, texts in rows if c.kind in ("other", "dates")
        ),
        "dates_resolved": share([date in " ".join(texts) for date, _, texts in due]),
        "dates_resolved_by_rule": share([date in resolve(" ".join(texts), c.today) for date, c, texts in due]),
        "dates_wrong": share(
            [date not in " ".join(expected(c, "date")) for c, texts in dates for date in DATE.findall(" ".join(texts))]
        ),
        "superfluous_stored_again": share([again(*row) for row in superfluous]),
        "superfluous_stored_again_by_rule": share(
            [again(c, unknown_to(c.known, texts), m) for c, texts, m in superfluous]
        ),
        "new_words_kept_beside_known": recall((content(" ".join(c.wanted)), texts) for c, texts in known if c.wanted),
        "new_words_kept_beside_known_by_rule": recall(
            (content(" ".join(c.wanted)), texts) for c, texts in known_by_rule if c.wanted
        ),
        "words_of_last_messages_kept": recall(from_earlier),
        "words_of_answers_kept": recall(
            (content(" ".join(c.memories)) & content(c.messages[-1]["content"]), texts) for c, texts in dialogues
        ),
    }


def _time_words(case: Case) -> set[str]:
    """Words that stand for a relative time in one form and not in another."""
    return {word for m in case.memories for match in RELATIVE.finditer(m) for word in words(match[0])}


def answers_of(model, tokenizer, prompts: list[list[dict]], max_tokens: int = 128, batch: int = 16) -> list[Extraction]:
    """The model's greedy answers, free of a schema."""
    import torch

    found = [None] * len(prompts)
    rows = [
        list(tokenizer.apply_chat_template(prompt, add_generation_prompt=True, return_dict=False)) for prompt in prompts
    ]
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        longest = max(len(rows[i]) for i in chosen)
        ids = torch.tensor([[tokenizer.eos_token_id] * (longest - len(rows[i])) + rows[i] for i in chosen])
        mask = torch.tensor([[0] * (longest - len(rows[i])) + [1] * len(rows[i]) for i in chosen])
        with torch.no_grad():
            out = model.generate(
                input_ids=ids,
                attention_mask=mask,
                max_new_tokens=max_tokens,
                do_sample=False,
                pad_token_id=tokenizer.eos_token_id,
            )
        for i, row in zip(chosen, out[:, longest:].tolist()):
            cut = tokenizer.eos_token_id not in row
            found[i] = classify(tokenizer.decode(row, skip_special_tokens=True), cut=cut)
    return found


def latency(gguf: Path, prompts: list[list[dict]], tokens: int = 32) -> dict:
    """Seconds of an extraction on llama.cpp with one thread, the answer's length held equal, so that the prompt makes the
    difference. Seconds of the processor, not of the clock: other work on the machine does not count."""
    from mem0_slm.engines import llama_cpp

    handle = llama_cpp.load(gguf, n_threads=1)
    try:
        llama_cpp.generate(handle, prompts[0], max_tokens=tokens, ignore_eos=True)
        seconds = []
        for prompt in prompts:
            started = time.process_time()
            llama_cpp.generate(handle, prompt, max_tokens=tokens, ignore_eos=True)
            seconds.append(time.process_time() - started)
        lengths = [len(llama_cpp.tokenize(handle, prompt)) for prompt in prompts]
    finally:
        llama_cpp.close(handle)
    return {
        "prompt_tokens_mean": round(statistics.mean(lengths), 1),
        "processor_seconds_median": round(statistics.median(seconds), 4),
        "answer_tokens": tokens,
        "prompts": len(seconds),
    }


def measure(
    form: str, training: list[Case], held: list[Case], base: Path, memory_words: int, threads: int, folder: Path
) -> dict:
    """Train the form, ask it, return its figures."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from pipeline.training import run
    from pipeline.training.settings import load_params

    folder.mkdir(parents=True, exist_ok=True)
    p = load_params().changed(**TRAINING, threads=threads)
    io.write_jsonl(folder / "train.jsonl", [example(c, form, memory_words) for c in training])
    io.write_jsonl(folder / "validation.jsonl", [example(c, form, memory_words) for c in held[:8]])
    trained = run.finetune(p, SEED, base, folder / "train.jsonl", folder / "validation.jsonl", folder / "adapter")
    tokenizer = AutoTokenizer.from_pretrained(base)
    model = (
        PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32), folder / "adapter")
        .merge_and_unload()
        .to(getattr(torch, trained.precision))
        .eval()
    )
    answers = answers_of(model, tokenizer, [contract.prompt_for(asked(c, form)) for c in held])
    io.write_jsonl(
        folder / "answers.jsonl",
        [
            {"kind": c.kind, "asked": asked(c, form), "expected": expected(c, form), "answer": a.texts}
            for c, a in zip(held, answers)
        ],
    )
    return {
        "form": FORMS[form],
        **figures(held, answers),
        "training": results.pick(trained.figures(), ("train_examples", "train_tokens", "seconds", "train_loss_last")),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, default=Path("models/merged"))
    parser.add_argument("--gguf", type=Path, default=Path("models/gguf/model-q8_0.gguf"))
    parser.add_argument("--examples", type=int, default=600)
    parser.add_argument("--forms", nargs="+", default=list(FORMS), choices=list(FORMS))
    parser.add_argument("--threads", type=int, default=0, help="0: all processors this process may use")
    arguments = parser.parse_args()
    frames = [f for path in sorted((SOURCES / "train").glob("*.txt")) for f in read_frames(path) if f.plain]
    training, held = conversations(frames, arguments.examples)
    counts = {kind: sum(c.kind == kind for c in held) for kind in ("dates", "known", "dialogue", "other")}
    print(f"{len(training)} conversations to train on, held out: {counts}")
    result = {"forms": {}} | (io.read_json(RESULT) if RESULT.exists() else {})
    result |= {
        "examples": len(training),
        "held_out": counts,
        "known_memories": KNOWN,
        "base_sha256": io.sha256(arguments.base),
        "host": results.host("torch", "transformers", "peft", "llama-cpp-python"),
    }
    memory_words = params.read()["generate_dataset"]["memory_words"]
    for form in arguments.forms:
        row = measure(
            form,
            training,
            held,
            arguments.base,
            memory_words,
            arguments.threads,
            Path(".scratch/prompt_sections") / form,
        )
        row |= {"latency": latency(arguments.gguf, [contract.prompt_for(asked(c, form)) for c in held[::6]])}
        result["forms"][form] = row
        io.write_json(RESULT, result)
        print(form, row, flush=True)


if __name__ == "__main__":
    main()
