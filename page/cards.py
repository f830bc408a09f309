"""What the page shows: plain values made from the state of the chat, everything of a user's escaped."""

import datetime
import html
import textwrap

SOURCES = {"conversation": "from the conversation", "edited": "edited by you", "imported": "imported"}


SAID_LENGTH = 90
"""Most letters of a message beside the memory that came of it; the whole message shows under the pointer."""


ADDED = {
    "waiting": "Looking for something to remember …",
    "known": "Nothing new to remember",
    "nothing": "Nothing to remember",
    "forgotten": "Not remembered: all was deleted meanwhile",
}


def shown(text: str) -> str:
    """Text as it was written, for a place that takes HTML: nothing in it is markup."""
    return html.escape(text).replace("\n", "<br>")


def messages(turns) -> list[dict]:
    """Turns as messages of gr.Chatbot; what was used and what was stored are foldable lines of their own."""
    out = []
    for turn in turns:
        out.append({"role": "user", "content": shown(turn.message)})
        if turn.used:
            lines = "<br>".join(f"{shown(m['memory'])} <small>({m['score']:.2f})</small>" for m in turn.used)
            out.append(_line(f"Used {_count(len(turn.used), 'memory', 'memories')}", lines))
        if turn.state == "failed":
            out.append(
                {"role": "assistant", "content": f"<span class='failed'>The reply failed: {shown(turn.error)}</span>"}
            )
        elif turn.state == "writing" and not turn.reply:
            out.append({"role": "assistant", "content": "<i class='writing'>thinking …</i>"})
        else:
            ending = (
                " <small>(stopped)</small>"
                if turn.state == "stopped"
                else ""
                if turn.reply.strip()
                else "<small>(no words)</small>"
            )
            out.append({"role": "assistant", "content": shown(turn.reply.strip()) + ending})
        if turn.state != "writing":
            out.append(_added(turn))
    return out


def _added(turn) -> dict:
    lines = "<br>".join(shown(text) for text in [*turn.stored, *([turn.note] if turn.note else [])])
    if turn.added == "stored":
        return _line(f"Remembered {_count(len(turn.stored), 'memory', 'memories')}", lines)
    if turn.added == "failed":
        return _line("Not remembered: it failed", lines)
    return _line(ADDED[turn.added], lines, pending=turn.added == "waiting")


def _line(title: str, content: str, pending: bool = False) -> dict:
    return {
        "role": "assistant",
        "content": content,
        "metadata": {"title": title, "status": "pending" if pending else "done"},
    }


def _count(n: int, one: str, many: str) -> str:
    return f"{n} {one if n == 1 else many}"


def memory_cards(memories: list[dict], used: dict[str, float], query: str) -> str:
    """The list in the memory panel. `used`: scores of the memories in the last prompt, by id."""
    if not memories:
        text = (
            "No memory is like this."
            if query
            else "Nothing remembered yet. Say something about yourself: where you live, what you like, whom you know."
        )
        return f"<p class='empty'>{text}</p>"
    cards = []
    for m in memories:
        facts = [
            f"<time datetime='{html.escape(m['created_at'])}'>{_when(m['created_at'])}</time>",
            SOURCES.get(m["source"], html.escape(str(m["source"]))),
        ]
        if m["updated_at"] > m["created_at"]:
            facts[1] += f" {_when(m['updated_at'])}"
        said = (
            f"<q title='{html.escape(m['said'])}'>{html.escape(textwrap.shorten(m['said'], SAID_LENGTH, placeholder=' …'))}</q>"
            if m["said"]
            else ""
        )
        badges = f"<b class='used'>used for the last reply · {used[m['id']]:.2f}</b>" if m["id"] in used else ""
        badges += f"<b class='alike'>alike · {m['score']:.2f}</b>" if "score" in m else ""
        text, name = html.escape(m["memory"]), html.escape(m["memory"][:60], quote=True)
        cards.append(
            f"<li class='{'card is-used' if m['id'] in used else 'card'}'><p>{text}</p><small>{' · '.join(facts)}{said}</small>{badges}"
            f"<span class='acts'><button type='button' data-act='edit' data-id='{html.escape(m['id'])}' aria-label='Edit: {name}'>Edit</button>"
            f"<button type='button' data-act='delete' data-id='{html.escape(m['id'])}' aria-label='Delete: {name}'>Delete</button></span></li>"
        )
    return f"<ul class='cards' aria-label='Memories'>{''.join(cards)}</ul>"


def _when(iso: str) -> str:
    """A time as this machine's clock shows it."""
    try:
        when = datetime.datetime.fromisoformat(iso).astimezone()
    except ValueError:
        return "at an unknown time"
    today = when.date() == datetime.datetime.now().astimezone().date()
    return when.strftime("today %H:%M" if today else "%-d %b %Y %H:%M")
