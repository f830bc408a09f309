"""What the page shows: plain values made from the state of the chat, everything of a user's escaped."""

import datetime
import html
import textwrap

SOURCES = {"conversation": "from the conversation", "edited": "edited by you", "imported": "imported"}
SAID_LENGTH = 90
"""Most characters of a message beside the memory that came of it; hovering shows the whole message."""
ADDED = {
    "waiting": "Looking for something to remember …",
    "known": "Nothing new to remember",
    "nothing": "Nothing to remember",
    "forgotten": "Not remembered: everything was deleted meanwhile",
}
WORDED = {"generated": "Put into words by the model.", "own_words": "In your own words."}
SPEAKERS = {"user": "You said:", "assistant": "The assistant said:"}
LOADING = "<p class='empty'>Looking for memories …</p>"
NONE_YET = "Nothing remembered yet. Say something about yourself: where you live, what you like, whom you know."
NONE_ALIKE = "No memory is like this."


def shown(text: str) -> str:
    """Text as it was written, for a place that takes HTML: nothing in it is markup."""
    return html.escape(text).replace("\n", "<br>")


def count(n: int, one: str, many: str) -> str:
    return f"{n} {one if n == 1 else many}"


def failed_to_read(error: Exception) -> str:
    """What stands in the place of the memories when the store cannot be read."""
    return f"<p class='empty failed' role='alert'>The memories cannot be read: {shown(str(error))}</p>"


# --- the conversation ---


def messages(turns) -> list[dict]:
    """Turns as messages of gr.Chatbot; what was used and what was stored are foldable lines of their own."""
    out = []
    for turn in turns:
        out.append({"role": "user", "content": shown(turn.message)})
        if turn.used:
            lines = "<br>".join(f"{shown(m['memory'])} <small>({m['score']:.2f})</small>" for m in turn.used)
            out.append(_line(f"Used {count(len(turn.used), 'memory', 'memories')}", lines))
        out.append({"role": "assistant", "content": _reply(turn)})
        if turn.state != "writing":
            out.append(_added(turn))
    return out


def _reply(turn) -> str:
    if turn.state == "failed":
        return f"<span class='failed'>The reply failed: {shown(turn.error)}</span>"
    if turn.state == "writing" and not turn.reply:
        return "<i class='writing'>thinking …</i>"
    reply = shown(turn.reply.strip())
    if turn.state == "stopped":
        return f"{reply} <small>(stopped)</small>"
    return reply or "<small>(no words)</small>"


def _added(turn) -> dict:
    lines = "<br>".join(shown(text) for text in [*turn.stored, *([turn.note] if turn.note else [])])
    if turn.added == "stored":
        return _line(f"Remembered {count(len(turn.stored), 'memory', 'memories')}", lines)
    if turn.added == "failed":
        return _line("Not remembered: it failed", lines)
    return _line(ADDED[turn.added], lines, pending=turn.added == "waiting")


def _line(title: str, content: str, pending: bool = False) -> dict:
    metadata = {"title": title, "status": "pending" if pending else "done"}
    return {"role": "assistant", "content": content, "metadata": metadata}


# --- the memories ---


def memory_cards(memories: list[dict], used: dict[str, float], query: str) -> str:
    """The list in the memory panel, as HTML.

    memories: as `Chat.memories` or `Chat.search` return them. used: scores of the memories in the last prompt, by id.
    """
    if not memories:
        return f"<p class='empty'>{NONE_ALIKE if query else NONE_YET}</p>"
    return f"<ul class='cards' aria-label='Memories'>{''.join(_card(m, used.get(m['id'])) for m in memories)}</ul>"


def _card(memory: dict, used: float | None) -> str:
    """One memory, where it comes from, and its buttons. used: its score in the last prompt, None if not in it."""
    badges = f"<b class='used'>used for the last reply · {used:.2f}</b>" if used is not None else ""
    badges += f"<b class='alike'>alike · {memory['score']:.2f}</b>" if "score" in memory else ""
    return (
        f"<li class='{'card' if used is None else 'card is-used'}'><p>{html.escape(memory['memory'])}</p>"
        f"<small>{_origin(memory)}</small>{badges}{_evidence(memory)}"
        f"<span class='acts'>{_button('Edit', memory)}{_button('Delete', memory)}</span></li>"
    )


def _evidence(memory: dict) -> str:
    """A line to open: each statement of the memory, who put it into words, and the words from which it follows."""
    if not memory["evidence"]:
        return ""
    several = len(memory["evidence"]) > 1
    lines = []
    for statement in memory["evidence"]:
        text = f"<dt>{html.escape(statement['text'])}</dt>" if several else ""
        said = "".join(f"{SPEAKERS.get(s['role'], '')}<q>{html.escape(s['words'])}</q>" for s in statement["said"])
        lines.append(f"{text}<dd>{WORDED.get(statement['origin'], '')} {said}</dd>")
    return f"<details><summary>Evidence</summary><dl>{''.join(lines)}</dl></details>"


def _origin(memory: dict) -> str:
    """When a memory was stored, from where, and the message it came of."""
    created = f"<time datetime='{html.escape(memory['created_at'])}'>{_when(memory['created_at'])}</time>"
    source = SOURCES.get(memory["source"], html.escape(str(memory["source"])))
    if memory["updated_at"] > memory["created_at"]:
        source += f" {_when(memory['updated_at'])}"
    said = html.escape(textwrap.shorten(memory["said"], SAID_LENGTH, placeholder=" …"))
    quote = f"<q title='{html.escape(memory['said'])}'>{said}</q>" if memory["said"] else ""
    return f"{created} · {source}{quote}"


def _button(label: str, memory: dict) -> str:
    name = html.escape(f"{label}: {memory['memory'][:60]}")
    id, action = html.escape(memory["id"]), label.lower()
    return f"<button type='button' data-act='{action}' data-id='{id}' aria-label='{name}'>{label}</button>"


def _when(iso: str) -> str:
    """A time as this machine's clock shows it."""
    try:
        when = datetime.datetime.fromisoformat(iso).astimezone()
    except ValueError:
        return "at an unknown time"
    today = when.date() == datetime.datetime.now().astimezone().date()
    return when.strftime("today %H:%M" if today else "%-d %b %Y %H:%M")
