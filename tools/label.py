"""Have statements of a model labelled by readers: write down those that nobody has read yet, and merge two readings.

    python -m tools.label todo reports/items_finetuned.jsonl reading/new --natural
    python -m tools.label merge reading/new.jsonl first.jsonl second.jsonl [third.jsonl] --natural

`todo` takes what a model stored and wrote: reports/items_<candidate>.jsonl, or any JSONL of {"id", "memories"}. It
writes NAME.txt, the statements without a label numbered beside their conversations, and NAME.jsonl, which says what
each number is. With --parts there are that many texts, NAME-1.txt and so on, for as many readers.

A reader writes a line for each number: {"n": 1, "label": "true"}, {"n": 2, "label": "false", "kind": "polarity"}.
Two people read, neither knows the other's labels. `merge` puts both into the label file; while they differ and there is
no third look it writes NAME-differences.txt instead. The third look's lines are of the numbers that differ, no others.

Without --natural labels are of data/labels/conversations.jsonl and stand in data/labels/statements.jsonl; with it they
are of data/natural.jsonl and stand in data/labels/natural.jsonl.
"""

import argparse
import sys
from pathlib import Path

from mem0_slm import io
from pipeline.data import labels
from pipeline.data.labels import Label
from pipeline.evaluation.truth import stored, written
from pipeline.paths import GGUF

NATURAL_SET = Path("data/natural.jsonl")
MODEL = GGUF / "model-q8_0.gguf"
HASH = 12
"""Letters of a model's hash that stand in a label."""


def unlabelled(rows: list[dict], conversations: dict[str, list[dict]], known: list[Label], path: Path) -> list[dict]:
    """The statements of items that have no label, each once: {conversation, statement}.

    Raises DataError for an item of a conversation that is not among `conversations`, or has other messages there.
    """
    seen, found = {label.key for label in known}, []
    for row in rows:
        messages = conversations.get(row["id"])
        if messages is None or row.get("messages", messages) != messages:
            what = "has other messages" if messages else "is not"
            raise io.DataError(
                f"{path}: conversation {row['id']!r} {what} among those that labels are of. Add it there."
            )
        for statement in [*stored(row), *written(row)]:
            if statement.strip() and (row["id"], statement) not in seen:
                seen.add((row["id"], statement))
                found.append({"conversation": row["id"], "statement": statement})
    return found


def guide() -> str:
    """What a reader is told."""
    lines = [f"  {name}: {text}" for name, text in labels.LABELS.items()]
    lines += ["Of one that is false or garbled, its kind:", *(f"  {k}: {text}" for k, text in labels.KINDS.items())]
    how = "Label each numbered statement by the conversation above it, and by nothing else. In doubt it is not true."
    form = '{"n": 1, "label": "true"}\n{"n": 2, "label": "false", "kind": "polarity"}'
    return "\n".join([how, *lines, "Write one line of JSON for each number:", form])


def as_text(statements: list[dict], conversations: dict[str, list[dict]], beside: dict[int, str] | None = None) -> str:
    """Numbered statements under their conversations. beside: what stands behind a statement, by its number."""
    lines, conversation = [guide()], None
    for s in statements:
        if s["conversation"] != conversation:
            conversation = s["conversation"]
            said = [f"{m['role']}: {m['content']}" for m in conversations[conversation]]
            lines += ["", f"=== {conversation}", *said, ""]
        lines.append(f"[{s['n']}] {s['statement']}" + (f"   ({beside[s['n']]})" if beside else ""))
    return "\n".join(lines) + "\n"


def in_parts(statements: list[dict], parts: int) -> list[list[dict]]:
    """Statements in so many lists of about one length, a conversation in one of them; fewer where there are few."""
    found: list[list[dict]] = [[]]
    for i, s in enumerate(statements):
        full = i >= len(statements) * len(found) / parts
        if full and found[-1] and s["conversation"] != found[-1][-1]["conversation"]:
            found.append([])
        found[-1].append(s)
    return found


def read_reading(path: Path, numbers: set[int]) -> dict[int, tuple[str, str]]:
    """A reader's labels and kinds by number. Raises DataError unless each of `numbers` has one that fits, no other."""
    found: dict[int, tuple[str, str]] = {}
    for row in io.read_jsonl(path, {"n": int, "label": str}):
        n, label, kind = row["n"], row["label"], row.get("kind", "")
        if n not in numbers or n in found:
            what = "stands twice" if n in found else "was not asked for"
            raise io.DataError(f"{path}: number {n} {what}. Delete it.")
        wrong = "" if label in labels.LABELS else f"'label' must be one of {', '.join(labels.LABELS)}, found {label!r}"
        if wrong := wrong or labels.wrong_kind(label, kind):
            raise io.DataError(f"{path}: number {n}: {wrong}")
        found[n] = (label, kind)
    if missing := sorted(numbers - found.keys()):
        raise io.DataError(f"{path}: {len(missing)} have no label, the first is number {missing[0]}. Add them.")
    return found


def merged(statements: list[dict], first: dict, second: dict, third: dict) -> list[Label]:
    """The labels of two readings, with the third look's where they differ."""
    found = []
    for s in statements:
        n = s["n"]
        label, kind = third.get(n) or first[n]
        found.append(
            Label(s["conversation"], s["statement"], label, kind, first[n][0], second[n][0], n in third, s["model"])
        )
    return found


def todo(items: Path, name: Path, natural: bool, model: str, parts: int) -> str:
    """Write the statements of `items` that have no label; returns what was written."""
    conversations, file = _places(natural)
    rows = io.read_jsonl(items, {"id": str, "memories": list})
    rows = [row for row in rows if row.get("set", "natural") == "natural"]  # labels are of no generated conversation
    found = unlabelled(rows, conversations, labels.read_labels(file, conversations), items)
    model = io.sha256(model)[:HASH] if Path(model).exists() else model
    statements = [s | {"n": n, "model": model} for n, s in enumerate(found, 1)]
    io.write_jsonl(f"{name}.jsonl", statements)
    texts = in_parts(statements, parts)
    for i, part in enumerate(texts, 1):
        io.write_text(f"{name}-{i}.txt" if parts > 1 else f"{name}.txt", as_text(part, conversations))
    return f"{name}: {len(statements)} statements of {len(rows)} conversations to read, in {len(texts)} texts"


def merge(asked: Path, first: Path, second: Path, third: Path | None, natural: bool) -> str:
    """Add the labels of two readings, and a third look, to the label file; returns what was added.

    Raises DataError for what does not fit, and where the two differ and nobody has decided.
    """
    conversations, file = _places(natural)
    statements = io.read_jsonl(asked, {"n": int, "conversation": str, "statement": str, "model": str})
    a, b = (read_reading(path, {s["n"] for s in statements}) for path in (first, second))
    differ = {n for n in a if a[n][0] != b[n][0]}
    if differ and third is None:
        text = asked.with_name(f"{asked.stem}-differences.txt")
        beside = {n: f"{a[n][0]} or {b[n][0]}?" for n in differ}
        io.write_text(text, as_text([s for s in statements if s["n"] in differ], conversations, beside))
        raise io.DataError(
            f"{first} and {second} differ at {len(differ)} of {len(statements)}: {text} has them for a third look. "
            "Merge again with its labels."
        )
    new = merged(statements, a, b, read_reading(third, differ) if third else {})
    known = labels.read_labels(file, conversations)
    if twice := sorted({label.key for label in known} & {label.key for label in new}):
        raise io.DataError(f"{file}: {twice[0][1]!r} of {twice[0][0]} has a label already. Write the todo anew.")
    if lost := sorted({label.conversation for label in new} - set(conversations)):
        raise io.DataError(f"{asked}: conversation {lost[0]!r} is not among those that labels are of. Add it there.")
    labels.write_labels(file, known + new)
    return f"{file}: {len(new)} labels added, {len(known) + len(new)} in all; {len(differ)} decided by a third look"


def _places(natural: bool) -> tuple[dict[str, list[dict]], Path]:
    """The conversations that labels are of, and the file of the labels."""
    if natural:
        return labels.read_conversations(NATURAL_SET), labels.NATURAL
    return labels.read_conversations(), labels.STATEMENTS


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.label", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("todo", help="write the statements that have no label")
    one.set_defaults(run=todo)
    one.add_argument("items", type=Path, help="what was stored: JSONL of {id, memories}, or reports/items_*.jsonl")
    one.add_argument("name", type=Path, help="what the files that are written are called, without ending")
    one.add_argument("--model", default=str(MODEL), help="the model's file or folder, or its short hash")
    one.add_argument("--parts", type=int, default=1, help="in how many texts (default: 1)")
    other = commands.add_parser("merge", help="put two readings into the label file")
    other.set_defaults(run=merge)
    other.add_argument("asked", type=Path, help="the .jsonl that todo wrote")
    for name in ("first", "second"):
        other.add_argument(name, type=Path, help=f"the {name} reader's lines")
    other.add_argument("third", type=Path, nargs="?", help="the third look's, where the two differ")
    for command in (one, other):
        command.add_argument("--natural", action="store_true", help="of the natural evaluation set")
    arguments = vars(parser.parse_args())
    try:
        print(arguments.pop("run")(**arguments))
    except io.DataError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
