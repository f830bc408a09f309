"""Evaluation sets of a user's own, for stages.retrieval_eval: a JSONL file, or LoCoMo's JSON file (`locomo10.json`).

A JSONL line is an item: `{"messages": [{"role": "user", "content": "..."}], "query": "...", "keys": ["...", ...]}`.
`keys` are the names, numbers and things that a memory must keep, the first of them the query's answer; a `query` of
null and no keys mark small talk, of which nothing should be stored. An `id` is optional.

LoCoMo is a list of samples. A turn of a session becomes one item, the session's date and the speaker's name in front
and the caption of its image behind; each question asks for the turns that its `evidence` names (`D1:3`). Its answers
are not used: numbers among them, and questions of category 5, which have an `adversarial_answer` instead, are nothing
special here. Evidence written in another way than `D1:3` that can be read (`D8:6; D9:17`, `D:11:26`, `D30:05`) is named
and counted.

What is malformed is left out, named and counted, never guessed.
"""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from mem0_slm import io
from pipeline.data.eval_items import EvalItem

DIALOG_ID = re.compile(r"D:?(\d+):(\d+)")
CATEGORIES = {"1": "multi_hop", "2": "temporal", "3": "open_domain", "4": "single_hop", "5": "adversarial"}
"""LoCoMo's kinds of questions. Adversarial ones ask about one speaker what the other said; their evidence misleads."""


@dataclass(frozen=True)
class Question:
    """A question about a sample's conversation that names where the answer was said."""

    user: str
    """The sample: whose memories are searched."""
    query: str
    evidence: list[str]
    """The ids of the items that hold the answer, each once."""
    category: str


@dataclass
class EvalSet:
    """Items to add; questions that name their evidence (LoCoMo alone); a line for each thing left out."""

    items: list[EvalItem] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    malformed: list[str] = field(default_factory=list)
    """A line for each thing that is left out."""
    repaired: list[str] = field(default_factory=list)
    """A line for each piece of evidence that was written in another way than its turn's id."""
    without_evidence: int = 0
    """Questions that name no evidence."""


def load(path) -> EvalSet:
    """Read a set by its file's ending, .jsonl or .json. Raises DataError for another ending, no file, no good item."""
    path = Path(path).expanduser()
    if path.suffix not in (".jsonl", ".json"):
        raise io.DataError(
            f"{path}: an evaluation set is a .jsonl file of items, or LoCoMo's .json file. Rename or convert it."
        )
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise io.DataError(f"{path}: no such file. Correct retrieval_eval.sets in params.yaml.") from None
    except UnicodeDecodeError as error:
        raise io.DataError(f"{path}: not UTF-8 text ({error}).") from None
    found = jsonl(path, text) if path.suffix == ".jsonl" else locomo(path, text)
    if not found.items:
        raise io.DataError(f"{path}: no usable item. {'; '.join(found.malformed[:3]) or 'The file is empty.'}")
    return found


def jsonl(path: Path, text: str) -> EvalSet:
    """The set of a JSONL file's text."""
    found, seen = EvalSet(), set()
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            item = json.loads(line)
        except ValueError as error:
            found.malformed.append(f"{path}:{number}: not JSON ({error})")
            continue
        wrong = why_malformed(item)
        identity = str(item.get("id", f"line{number}")) if not wrong else ""
        if identity in seen:
            wrong = f"id {identity!r} stands twice"
        if wrong:
            found.malformed.append(f"{path}:{number}: {wrong}")
            continue
        seen.add(identity)
        found.items.append(EvalItem(identity, item["messages"], item.get("query"), item.get("keys", [])))
    return found


def why_malformed(item) -> str:
    """What is wrong with an item of a JSONL set, or ""."""
    if not isinstance(item, dict):
        return "expected an object"
    messages = item.get("messages")
    if (
        not isinstance(messages, list)
        or not messages
        or not all(
            isinstance(m, dict) and isinstance(m.get("role"), str) and isinstance(m.get("content"), str)
            for m in messages
        )
    ):
        return "messages must be a list of {role, content}"
    query, keys = item.get("query"), item.get("keys", [])
    if query is not None and (not isinstance(query, str) or not query.strip()):
        return f"query must be a text or null, found {query!r}"
    if not isinstance(keys, list) or not all(isinstance(key, str) and key.strip() for key in keys):
        return f"keys must be a list of texts, found {keys!r}"
    if query and not keys:
        return "a query needs keys, the first of them its answer"
    return ""


def locomo(path: Path, text: str) -> EvalSet:
    """The set of the text of LoCoMo's file. Raises DataError where it is not JSON."""
    try:
        samples = json.loads(text)
    except ValueError as error:
        raise io.DataError(f"{path}: not JSON ({error}).") from None
    found, seen = EvalSet(), set()
    for index, sample in enumerate(samples if isinstance(samples, list) else [samples]):
        if not isinstance(sample, dict) or not isinstance(sample.get("conversation"), dict):
            found.malformed.append(f"{path}: sample {index}: no conversation")
            continue
        user = str(sample.get("sample_id", index))
        place = f"{path}: sample {user}"
        _add_turns(found, seen, user, place, sample["conversation"])
        for number, qa in enumerate(sample.get("qa") or []):
            _add_question(found, seen, user, f"{place}: qa[{number}]", qa)
    return found


def _add_turns(found: EvalSet, seen: set[str], user: str, place: str, conversation: dict) -> None:
    """Add each turn of a sample's conversation to `found` as an item, and its id to `seen`."""
    for turn_place, turn, date in turns_of(conversation):
        identity = f"{user}/{turn['dia_id']}" if wellformed(turn) else ""
        if not identity or identity in seen:
            wrong = f"{identity} stands twice" if identity else "speaker, dia_id and text must be texts"
            found.malformed.append(f"{place}: {turn_place}: {wrong}")
            continue
        seen.add(identity)
        said = f"{turn['speaker']}: {turn['text']}"
        said += f" [shows: {turn['blip_caption']}]" if turn.get("blip_caption") else ""
        said = f"({date}) {said}" if date else said
        found.items.append(EvalItem(identity, [{"role": "user", "content": said}], user=user))


def _add_question(found: EvalSet, seen: set[str], user: str, place: str, qa) -> None:
    """Add a question of a sample to `found`, if it names evidence among the turns whose ids are in `seen`."""
    if (
        not isinstance(qa, dict)
        or not isinstance(qa.get("question"), str)
        or not isinstance(qa.get("evidence", []), (list, str))
    ):
        found.malformed.append(f"{place}: question must be a text, evidence a list")
        return
    evidence, unreadable, repaired = evidence_of(qa.get("evidence", []))
    missing = unreadable + [identity for identity in evidence if f"{user}/{identity}" not in seen]
    if missing:
        found.malformed.append(f"{place}: evidence {', '.join(missing)} is no turn of the conversation")
    elif not evidence:
        found.without_evidence += 1
    else:
        found.repaired += [f"{place}: evidence {line}" for line in repaired]
        category = str(qa.get("category", "none"))
        ids = [f"{user}/{identity}" for identity in evidence]
        found.questions.append(Question(user, qa["question"], ids, CATEGORIES.get(category, category)))


def turns_of(conversation: dict):
    """The turns of a conversation's sessions in their order: where one stands, the turn, the session's date. (Some
    sessions of LoCoMo have a date and no turns.)"""
    numbers = sorted(int(m[1]) for m in (re.fullmatch(r"session_(\d+)", key) for key in conversation) if m)
    for number in numbers:
        session = conversation[f"session_{number}"]
        for place, turn in enumerate(session) if isinstance(session, list) else [("not a list", session)]:
            yield f"session_{number}[{place}]", turn, conversation.get(f"session_{number}_date_time", "")


def wellformed(turn) -> bool:
    """Whether a turn has what an item is made of."""
    return isinstance(turn, dict) and all(isinstance(turn.get(key), str) for key in ("speaker", "dia_id", "text"))


def evidence_of(listed: list | str) -> tuple[list[str], list[str], list[str]]:
    """The turns' ids that a question's evidence names, each once; entries without an id; a line for each repaired."""
    ids, unreadable, repaired = [], [], []
    for entry in [listed] if isinstance(listed, str) else map(str, listed):
        named = [f"D{int(session)}:{int(turn)}" for session, turn in DIALOG_ID.findall(entry)]
        if not named:
            unreadable.append(repr(entry))
        elif named != [entry]:
            repaired.append(f"{entry!r} read as {', '.join(named)}")
        ids += named
    return list(dict.fromkeys(ids)), unreadable, repaired
