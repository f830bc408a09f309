"""HTTP for the engines that are servers: a client, what goes wrong in our words, streamed answers line by line."""

import contextlib
import ipaddress
import json
from collections.abc import Callable, Generator, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx

from mem0_slm.engines.answer import EngineError


def http_client(url: str, timeout: float, connect_timeout: float, headers: dict | None = None) -> httpx.Client:
    """A client for as many requests at once as asked; for this machine itself no proxy is used."""
    try:
        name = urlsplit(url).hostname or ""
        local = name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        local = False
    try:
        return httpx.Client(
            base_url=url,
            timeout=httpx.Timeout(timeout, connect=connect_timeout),
            trust_env=not local,
            headers=headers,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=None),
        )
    except (httpx.InvalidURL, ValueError) as error:
        raise EngineError(f"{url!r} is not the address of a server ({error}).") from None


def json_body(value: Any) -> dict:
    """A request's JSON body. Halves of surrogate pairs, which UTF-8 cannot hold, become question marks."""
    return {
        "content": json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace"),
        "headers": {"Content-Type": "application/json"},
    }


@contextlib.contextmanager
def explained(url: str, remedy: str, timeout: float) -> Iterator[None]:
    """Turn what httpx raises into EngineError."""
    try:
        yield
    except RuntimeError as error:
        if isinstance(error, EngineError) or "closed" not in str(error):
            raise
        raise EngineError(f"{url}: the engine is closed.") from None
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol) as error:
        raise EngineError(f"no server answers at {url} ({error}). {remedy}") from None
    except httpx.TimeoutException:
        raise EngineError(
            f"the server at {url} was silent for {timeout:g} s. "
            "Load the model with a longer timeout=, or look into its log."
        ) from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise EngineError(
            f"the connection to {url} broke ({type(error).__name__}: {error}). Look into the server's log."
        ) from None


def byte_lines(response: httpx.Response) -> Generator[bytes]:
    """The lines of a streamed body, as they come. (httpx also splits at U+2028 and U+0085, which JSON may hold.)"""
    rest = b""
    for piece in response.iter_bytes():
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            if line.strip():
                yield line
    if rest.strip():
        yield rest


def streamed(
    client: httpx.Client,
    url: str,
    path: str,
    body: dict,
    timeout: float,
    remedy: str,
    refusal: Callable[[int, str], Exception],
) -> Generator[bytes]:
    """Yield the lines of a streamed answer to a POST. `refusal(status, text)` makes the exception for an error."""
    with explained(url, remedy, timeout), client.stream("POST", path, **json_body(body)) as response:
        if response.status_code != 200:
            raise refusal(response.status_code, response.read().decode("utf-8", "replace"))
        yield from byte_lines(response)


def json_object(url: str, line: bytes) -> dict:
    """The JSON object that a line of a server's answer is. Raises EngineError when it is none."""
    with contextlib.suppress(ValueError):
        value = json.loads(line)
        if isinstance(value, dict):
            return value
    raise EngineError(f"{url}: a line of its answer is not a JSON object: {line[:80]!r}")
