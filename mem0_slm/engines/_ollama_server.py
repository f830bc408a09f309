"""What an Ollama server is asked and how it refuses, in our words."""

import contextlib
import json
import re
from collections.abc import Generator
from typing import Any

import httpx

from mem0_slm.engines._http import explained, json_body, json_object, streamed
from mem0_slm.engines.answer import EngineError


class Refused(Exception):
    """The server answered with an error: its HTTP status and words, and the object that newer ones put inside."""

    def __init__(self, status: int, error: Any):
        self.status = status
        self.inner: dict = {}
        self.words = error if isinstance(error, str) else json.dumps(error)
        with contextlib.suppress(ValueError, TypeError, KeyError):
            inner = json.loads(self.words)["error"]
            if isinstance(inner, dict):
                self.inner, self.words = inner, str(inner.get("message") or self.words)
        super().__init__(f"{self.words} (status {status})")


def no_such_model(url: str, model: str) -> str:
    """What is said when the server does not have the model."""
    return (
        f"Ollama at {url} has no model {model!r}. Fetch it with `ollama pull {model}` (or load it with pull=True), "
        f"or make it with `ollama create {model} -f Modelfile`."
    )


def version_of(client: httpx.Client, url: str, timeout: float) -> str:
    """The server's version, such as "0.32.15". Raises EngineError where no Ollama server answers."""
    with explained(url, "Start Ollama with `ollama serve`, or name its address with host= or OLLAMA_HOST.", timeout):
        response = client.get("/api/version")
    try:
        return str(response.json()["version"])
    except (ValueError, KeyError, TypeError):
        raise EngineError(
            f"{url} answers, but not as an Ollama server does. "
            "Start one with `ollama serve`, or correct host= or OLLAMA_HOST."
        ) from None


def version_number(version: str) -> tuple | None:
    """(0, 32, 15) for "0.32.15"; None for what has no number, as "0.0.0" of a server built from source."""
    found = re.match(r"v?(\d+)\.(\d+)\.(\d+)", version)
    number = tuple(map(int, found.groups())) if found else None
    return number if number and any(number) else None


def _show(client: httpx.Client, url: str, model: str, timeout: float) -> dict | None:
    """What the server knows about a model; None if it does not have it."""
    with explained(url, "Start Ollama with `ollama serve`.", timeout):
        response = client.post("/api/show", **json_body({"model": model}))
    if response.status_code == 404:
        return None
    try:
        shown = response.json()
    except ValueError:
        shown = {"error": response.text[:300]}
    if response.status_code != 200:
        raise EngineError(
            f"Ollama at {url}, asked for model {model!r}: {Refused(response.status_code, shown.get('error', ''))}"
        )
    return shown


def find(client: httpx.Client, url: str, model: str, timeout: float, pull: bool) -> dict:
    """What the server knows about a model, which `pull` has it fetch first. Raises EngineError when it has none."""
    shown = _show(client, url, model, timeout)
    if shown is None and pull:
        _pull(client, url, model, timeout)
        shown = _show(client, url, model, timeout)
    if shown is None:
        raise EngineError(no_such_model(url, model))
    return shown


def _pull(client: httpx.Client, url: str, model: str, timeout: float) -> None:
    """Have the server fetch a model; shows its progress on a terminal. Raises EngineError when it cannot."""
    from tqdm import tqdm

    layers, status = {}, ""
    with tqdm(desc=f"ollama pull {model}", unit="B", unit_scale=True, disable=None) as bar:
        try:
            for line in chunks_of(client, url, "/api/pull", {"model": model}, timeout):
                status = line.get("status", "")
                if line.get("total"):
                    layers[line.get("digest")] = (line.get("completed", 0), line["total"])
                    bar.total = sum(total for _, total in layers.values())
                    bar.update(sum(done for done, _ in layers.values()) - bar.n)
        except Refused as refused:
            raise EngineError(
                f"Ollama at {url} cannot pull {model!r}: {refused}. Check the tag and the server's connection."
            ) from None
    if status != "success":
        raise EngineError(
            f"Ollama at {url}: pulling {model!r} broke off after {status!r}. Run `ollama pull {model}` again."
        )


def chunks_of(client: httpx.Client, url: str, path: str, body: dict, timeout: float) -> Generator[dict]:
    """Yield the JSON objects of a streamed answer. Raises Refused for an error, inside the stream or in its place."""
    for line in streamed(client, url, path, body, timeout, "Start Ollama with `ollama serve`.", _refused):
        value = json_object(url, line)
        if value.get("error"):
            raise Refused(200, value["error"])
        yield value


def _refused(status: int, text: str) -> Refused:
    try:
        return Refused(status, json.loads(text)["error"])
    except (ValueError, KeyError, TypeError):
        return Refused(status, text[:300])


def server_url(address: str) -> str:
    """A URL for what OLLAMA_HOST may hold: "host", "host:port", ":port" or a URL."""
    scheme, found, rest = address.strip().partition("://")
    if not found:
        scheme, rest = "http", address.strip()
    host, slash, path = rest.partition("/")
    if host.startswith(":"):
        host = "127.0.0.1" + host
    host = re.sub(r"^0\.0\.0\.0(?=:|$)", "127.0.0.1", host)  # what a server listens on is no address to call
    if not found and not re.search(r":\d+$", host):
        host += ":11434"
    return f"{scheme}://{host}{slash}{path}".rstrip("/")
