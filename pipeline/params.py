"""params.yaml: one pydantic model a section, and every mistake named with its place, the value found and the remedy.

`dvc exp run -S` writes whatever was typed, and YAML guesses types ("2e-05" is a string to one reader, "on" a bool to
another), so every value is checked before any work starts.
"""

import contextlib
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mem0_slm.io import DataError

PARAMS_FILE = "params.yaml"

Count = Annotated[int, Field(ge=1)]
CountOrNone = Annotated[int, Field(ge=0)]
"""A number of things, of which there may be none."""
Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]


class ParamsError(ValueError):
    """params.yaml cannot be used: a line for each mistake, with file, key, value found and remedy."""


class Settings(BaseModel):
    """What the settings of every section have in common: exact types, no unknown keys, no change after the check.

    The docstring under a field says what it is, and stands in the message when its value is wrong.
    """

    model_config = ConfigDict(
        strict=True, frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )

    def changed(self, **changes) -> "Settings":
        """The same settings with these keys changed, checked like those of params.yaml. Raises ParamsError."""
        return build(type(self), self.model_dump() | changes, type(self).__name__)


def read(path=PARAMS_FILE) -> dict:
    """Read the whole file with YAML 1.2 rules (ruamel), the same ones that DVC writes by."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        value = YAML(typ="safe").load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ParamsError(f"{path}: no such file. Run the command in the repository's root.") from None
    except YAMLError as error:
        raise ParamsError(f"{path}: not YAML: {error}") from None
    if not isinstance(value, dict):
        raise ParamsError(f"{path}: expected sections, found {value!r}")
    return value


def load(model: type[Settings], section: str | None, path=PARAMS_FILE):
    """Return `section` of the file as `model`; None takes the file's top-level keys. Raises ParamsError."""
    everything = read(path)
    if section is None:
        return build(model, {key: everything[key] for key in model.model_fields if key in everything}, path)
    if section not in everything:
        keys = ", ".join(model.model_fields)
        raise ParamsError(f"{path}: section {section!r} is missing. Add it; its keys: {keys}")
    return build(model, everything[section], path, section)


def build(model: type[Settings], values, path, place: str = ""):
    """Return `values` (what YAML gave) as `model`. Raises ParamsError; its lines begin with `path` and `place`."""
    refuse(path, mistakes(model, values, place))
    return model.model_validate(values)


def refuse(path, lines: list[str]) -> None:
    """Raise ParamsError with these mistakes, if there are any."""
    if lines:
        raise ParamsError("\n".join(f"{path}: {line}" for line in lines))


def mistakes(model: type[Settings], values, place: str = "") -> list[str]:
    """Every mistake in `values` as settings of `model`, a line each: key (below `place`), value found, remedy."""
    try:
        model.model_validate(values)
    except ValidationError as error:
        schema, found = model.model_json_schema(), error.errors(include_url=False)
        renamed = {
            (*e["loc"][:-1], _new_name(schema, e)) for e in found
        }  # its old name is told, not that it is missing
        return [
            f"{_dotted(place, e['loc'])}: {_remedy(schema, e)}"
            for e in found
            if e["type"] != "missing" or e["loc"] not in renamed
        ]
    return []


def _new_name(schema: dict, error: dict) -> str | None:
    """Today's name of an unknown key that was one once (`renamed` in the model's config)."""
    if error["type"] != "extra_forbidden":
        return None
    return _at(schema, error["loc"][:-1]).get("renamed", {}).get(error["loc"][-1])


def _dotted(place: str, loc: tuple) -> str:
    """A key as people write it: models.mine.ollama[0]."""
    key = place
    for part in loc:
        if part != "[key]":  # pydantic's mark for a mistake in a name itself
            key += f"[{part}]" if isinstance(part, int) else f".{part}"
    return key.removeprefix(".")


def _remedy(schema: dict, error: dict) -> str:
    """What is wrong at a place, and what would be right there. error: one of pydantic's."""
    kind, loc, value = error["type"], error["loc"], error["input"]
    shown = repr(value) if len(repr(value)) <= 80 else repr(value)[:77] + "..."
    if kind == "value_error":
        return f"{shown} {error['ctx']['error']}"
    if new := _new_name(schema, error):
        return f"the key is now called {new} (value {shown}). Rename it."
    if kind in ("extra_forbidden", "invalid_key"):  # a number as a key is one that no model has
        names = ", ".join(_at(schema, loc[:-1])["properties"])
        what = "section" if len(loc) == 1 and isinstance(value, dict) else f"key (value {shown})"
        return f"unknown {what}. Remove it or use one of: {names}"
    node = _at(schema, loc)
    wanted = _in_words(schema, node)
    about = f" ({' '.join(node['description'].split()).rstrip('.')})" if "description" in node else ""
    if kind == "missing":
        return f"missing. Add it as {wanted}{about}."
    found = f"{shown} is text and" if isinstance(value, str) and kind not in ("literal_error", "model_type") else shown
    quote = " Put it in quotes." if kind == "string_type" and isinstance(value, int | float) else ""
    wanted = wanted.replace("a number", "a finite number") if kind == "finite_number" else wanted
    return f"{found} must be {wanted}{about}.{quote} Correct it there or with -S."


def _at(schema: dict, loc: tuple) -> dict:
    """The part of a model's JSON schema that describes the value at pydantic's location `loc`."""
    node = schema
    for part in loc:
        node = _resolved(schema, node)
        if part == "[key]":
            return {"type": "string"}
        if part in node.get("properties", {}):
            node = node["properties"][part]
        else:
            about = {"description": node["description"]} if "description" in node else {}
            node = about | (node["items"] if "items" in node else node["additionalProperties"])
    return _resolved(schema, node)


def _resolved(schema: dict, node: dict) -> dict:
    return schema["$defs"][node["$ref"].rsplit("/", 1)[-1]] if "$ref" in node else node


_KINDS = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "string": "text",
    "null": "null",
}
_BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "greater than",
    "maximum": "at most",
    "exclusiveMaximum": "less than",
}


def _in_words(schema: dict, node: dict) -> str:
    """What a JSON schema asks for, as people say it: "a whole number, at least 1"."""
    node = _resolved(schema, node)
    if "anyOf" in node:
        return " or ".join(_in_words(schema, choice) for choice in node["anyOf"])
    if "enum" in node:
        return "one of " + ", ".join(map(str, (value or '""' for value in node["enum"])))
    if "properties" in node:
        return "a section with the keys " + ", ".join(node["properties"])
    if node["type"] == "object":
        entry = node["additionalProperties"]
        return "entries by name" if entry is True else f"entries by name, each {_in_words(schema, entry)}"
    if node["type"] == "array":
        return f"a list, each item {_in_words(schema, node['items'])}"
    bounds = " and ".join(f"{words} {node[bound]:g}" for bound, words in _BOUNDS.items() if bound in node)
    return _KINDS[node["type"]] + (f", {bounds}" if bounds else "")


@contextlib.contextmanager
def set_by(key: str, error: type[Exception]):
    """Around work with the value of a key such as "app.qdrant": `error` becomes a DataError that names the key."""
    try:
        yield
    except error as found:
        raise DataError(f"{PARAMS_FILE}: {key}: {found}") from None
