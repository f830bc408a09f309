"""Chat with memory, without a page: search, prompt, streamed reply, adding in the background, the memories of one user.

    chat = Chat(memory, "llama_cpp", handle, "memories")
    turn = chat.send(user_id("Ana"), "I moved to Lisbon")     # returns at once; `turn` fills as the reply is written
    chat.memories(user_id("Ana"))

`app.py` puts a page in front of it. Names keep users apart, they do not protect them: whoever can open the page may
enter any name.
"""

import contextlib
import itertools
import json
import logging
import queue
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from mem0_slm import contract, engines, io
from mem0_slm.extraction import Event
from mem0_slm.memory import watch
from page.evidence import evidence
from page.names import ChatError, name_of
from page.prompt import prompt

logger = logging.getLogger("mem0_slm")

EVERYTHING = 100_000
"""More memories than one user has; Mem0 lists 20 unless told otherwise."""
WHY = {
    "wrong_shape": "the model's answer does not have the shape that Mem0 reads",
    "unparsable": "the model's answer is not JSON",
    "truncated": "the model's answer stops before its end",
}


@dataclass
class Turn:
    """One message and what became of it; filled by other threads while it is shown."""

    id: str
    message: str
    reply: str = ""
    used: list[dict] = field(default_factory=list)
    """The memories in the prompt: id, memory, score."""
    state: str = "writing"
    """writing, done, stopped (by the user), failed."""
    error: str = ""
    first_token_s: float = 0.0
    """Seconds from the message to the first piece of the reply, the memory search included."""
    added: str = "waiting"
    """waiting, stored, known (all of it was stored before), nothing, failed, forgotten (all was deleted meanwhile)."""
    stored: list[str] = field(default_factory=list)
    note: str = ""
    """Why adding failed, or what was repaired."""
    stop: bool = False


@dataclass(frozen=True)
class Settings:
    reply_tokens: int = 160
    temperature: float = 0.0
    top_k: int = 5
    """Most memories in a prompt."""
    threshold: float = 0.1
    """Least score of a memory in a prompt."""
    history: int = 6
    """Most messages before the user's own in a prompt."""
    remember_replies: bool = True
    """Whether Mem0 is given the reply with the message."""


class Chat:
    """Conversations and memories of all users of one Mem0 store.

    A conversation lives in this process. What is still to be added is on disk until it is: after a kill the next start
    goes on with it. One thread adds, in the order of the messages.
    """

    def __init__(self, memory, engine: str, handle, folder, settings: Settings = Settings()):  # noqa: B008 (frozen)
        self.memory, self.engine, self.handle, self.settings = memory, engine, handle, settings
        self.pending = Path(folder) / "pending"
        self.pending.mkdir(parents=True, exist_ok=True)
        self._turns: dict[str, list[Turn]] = {}
        self._jobs: queue.SimpleQueue = queue.SimpleQueue()
        self._unadded: dict[str, tuple[str, Turn]] = {}
        """User and turn of all that is still to be added, by the turn's id."""
        self._numbers = itertools.count()
        self._sending, self._adding = threading.Lock(), threading.Lock()
        for file in sorted(self.pending.glob("*.json")):
            job = io.read_json(file)
            said = [m["content"] for m in job["messages"]]
            turn = Turn(file.stem, said[0], "".join(said[1:]), state="done" if said[1:] else "stopped")
            self._turns.setdefault(job["user"], []).append(turn)
            self._unadded[turn.id] = (job["user"], turn)
            self._jobs.put((job["user"], turn, job["messages"]))
        self._worker = threading.Thread(target=self._add_all, name="adding memories", daemon=True)
        self._worker.start()

    def close(self) -> None:
        """End the worker after the message that it is adding; what still waits is added after the next start."""
        with self._adding, contextlib.suppress(queue.Empty):
            while True:
                self._jobs.get_nowait()
        self._jobs.put(None)
        self._worker.join()

    def warm(self) -> float:
        """Use embedder, store and both models once; returns the seconds to a first token after that."""
        llm = self.memory.llm
        engines.module(llm.config.engine).generate(
            llm.handle, contract.prompt_for("user: Hello\n"), max_tokens=8, schema=contract.SCHEMA
        )
        message = "Hello there, where do I live?"
        for _ in range(2):  # the first round pays for what is loaded late
            started = time.perf_counter()
            self.search("warm-up", message)
            engines.module(self.engine).generate(self.handle, prompt(message, [], []), max_tokens=1)
        return time.perf_counter() - started

    # --- talking ---

    def turns(self, user: str) -> list[Turn]:
        return list(self._turns.get(user, ()))

    def new_conversation(self, user: str) -> None:
        """Leave the conversation behind; memories stay, and what is being added is added."""
        for turn in self._turns.pop(user, ()):
            turn.stop = True

    def send(self, user: str, message: str) -> Turn:
        """Take a message; a thread of its own writes the reply. Raises ChatError while the one before is written."""
        message = message.encode("utf-8", "replace").decode().strip()
        if not message:
            raise ChatError("Please write a message.")
        with self._sending:
            turns = self._turns.setdefault(user, [])
            if turns and turns[-1].state == "writing":
                raise ChatError("The reply before is still being written. Stop it, or wait until it ends.")
            before = [m for turn in turns for m in _messages(turn, with_reply=True)]
            history = before[max(0, len(before) - self.settings.history) :]
            turn = Turn(f"{time.time_ns()}-{next(self._numbers)}", message)
            self._keep(user, turn)
            self._unadded[turn.id] = (user, turn)
            turns.append(turn)
        threading.Thread(target=self._answer, args=(user, turn, history), name="reply", daemon=True).start()
        return turn

    def _answer(self, user: str, turn: Turn, history: list[dict]) -> None:
        started = time.perf_counter()

        def take(text: str):
            turn.first_token_s = turn.first_token_s or time.perf_counter() - started
            turn.reply += text
            if turn.stop:
                raise _Stopped

        try:
            turn.used = self.search(user, turn.message, self.settings.top_k, self.settings.threshold)
            self._generate(turn.message, [m["memory"] for m in turn.used], history, take)
            turn.state = "done"
        except Exception as error:  # shown with the message: nobody waits for this thread
            if turn.stop:
                turn.state = "stopped"
            else:
                logger.exception("reply failed")
                turn.error, turn.state = str(error) or type(error).__name__, "failed"
        try:
            self._keep(user, turn)
        except OSError:
            logger.exception("the reply is not on disk; after a kill now, the message would be added without it")
        self._jobs.put((user, turn, _messages(turn, self.settings.remember_replies)))

    def _generate(self, message, memories, history, take) -> None:
        run = engines.module(self.engine)
        while True:
            try:
                run.generate(
                    self.handle,
                    prompt(message, memories, history),
                    max_tokens=self.settings.reply_tokens,
                    temperature=self.settings.temperature,
                    on_text=take,
                )
                return
            except engines.ContextOverflow:
                if not history:
                    raise
                history = history[2:]  # the oldest message and its reply

    # --- adding ---

    def _keep(self, user: str, turn: Turn) -> None:
        job = {"user": user, "messages": _messages(turn, self.settings.remember_replies)}
        io.write_json(self.pending / f"{turn.id}.json", job)

    def _add_all(self) -> None:
        while (job := self._jobs.get()) is not None:
            with self._adding:
                user, turn, messages = job
                if turn.added == "waiting":
                    self._add(user, turn, messages)
                (self.pending / f"{turn.id}.json").unlink(missing_ok=True)
                self._unadded.pop(turn.id, None)

    def _add(self, user: str, turn: Turn, messages: list[dict]) -> None:
        """Hand the messages to Mem0 and write down how that ended: always in exactly one of Turn.added."""
        with watch() as events:
            try:
                metadata = {"source": "conversation", "said": turn.message}
                results = self.memory.add(messages, user_id=user, metadata=metadata)["results"]
            except Exception as error:
                turn.note, turn.added = str(error), "failed"
                return
        event = events[0]
        turn.stored = [r["memory"] for r in results]
        self._keep_evidence(results, event, messages)
        if event.outcome in WHY:
            turn.note = WHY[event.outcome] + ("; what could be read of it was kept" if results else "")
        if event.turns_dropped:
            turn.note = f"too long for the model: its first {event.turns_dropped} parts were left out"
        if results:
            turn.added = "stored"
        elif event.memories:
            turn.added = "known"
        else:
            turn.added = "nothing" if event.outcome == "nothing" else "failed"

    def _keep_evidence(self, results: list[dict], event: Event, messages: list[dict]) -> None:
        """Write beside each memory that was stored what it says and where the user said it.

        Mem0 knows its metadata before the extraction, and an update of its own would be a change of the memory: so it
        goes to the vector store alone. A memory whose evidence cannot be written stays.
        """
        for result in results:
            try:
                if said := evidence(event, result["memory"], messages):
                    self.memory.vector_store.update(result["id"], payload={"evidence": said})
            except Exception:
                logger.exception("the evidence of a memory could not be written")

    # --- the memories of one user ---

    def memories(self, user: str) -> list[dict]:
        """All memories of a user, the newest first.

        Keys: id, memory, created_at, updated_at (ISO 8601), source, said (the message that it came of), evidence
        (page/evidence.py; none of what was edited or imported).
        """
        found = self.memory.get_all(filters={"user_id": user}, top_k=EVERYTHING)["results"]
        return sorted((_entry(m) for m in found), key=lambda m: m["created_at"], reverse=True)

    def search(self, user: str, query: str, top_k: int = 20, threshold: float = 0.1) -> list[dict]:
        """Memories of a user by their likeness to `query`, the most alike first, each with its score."""
        found = self.memory.search(query, filters={"user_id": user}, top_k=top_k, threshold=threshold)["results"]
        return [_entry(m) | {"score": m["score"]} for m in found]

    def own(self, user: str, memory_id: str) -> dict:
        """A memory by its id, which came from a browser. Raises ChatError unless it is there and this user's."""
        found = self.memory.get(memory_id)
        if not found or found.get("user_id") != user:
            raise ChatError("This memory is not there any more.")
        return _entry(found)

    def edit(self, user: str, memory_id: str, text: str) -> None:
        text = text.encode("utf-8", "replace").decode().strip()
        if not text:
            raise ChatError("A memory cannot be empty. Delete it instead.")
        self.own(user, memory_id)
        # what was edited away is gone, from the message and the evidence beside the memory too
        self.memory.update(memory_id, text=text, metadata={"source": "edited", "said": "", "evidence": []})

    def forget(self, user: str, memory_id: str) -> None:
        self.own(user, memory_id)
        self.memory.delete(memory_id)

    def forget_all(self, user: str) -> int:
        """Delete all memories of a user, and drop what is still to be added. Returns how many memories there were."""
        with self._adding:  # an add that is under way ends first, so that nothing comes back
            for owner, turn in list(self._unadded.values()):
                if owner == user and turn.added == "waiting":
                    turn.added = "forgotten"
            n = len(self.memories(user))
            self.memory.delete_all(user_id=user)
            return n

    def export(self, user: str) -> str:
        """All memories of a user as JSON text."""
        return json.dumps({"name": name_of(user), "memories": self.memories(user)}, indent=2, ensure_ascii=False)


class _Stopped(Exception):
    """The user stopped the reply."""


def _messages(turn: Turn, with_reply: bool) -> list[dict]:
    messages = [{"role": "user", "content": turn.message}]
    if with_reply and turn.state == "done" and turn.reply.strip():
        messages.append({"role": "assistant", "content": turn.reply})
    return messages


def _entry(found: dict) -> dict:
    metadata = found.get("metadata") or {}
    return {
        "id": found["id"],
        "memory": found["memory"],
        "created_at": found["created_at"] or "",
        "updated_at": found["updated_at"] or "",
        "source": metadata.get("source", "imported"),
        "said": metadata.get("said", ""),
        "evidence": metadata.get("evidence", []),
    }
