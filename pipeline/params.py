"""Typed parameters: one frozen dataclass a stage, read from the section of the same name in params.yaml.

`dvc exp run -S` writes whatever was typed, and YAML guesses types ("2e-05" is a string to one reader, "on" a bool to
another), so every value is checked against the dataclass before any work starts.
"""

import contextlib
import dataclasses
import math
import types
import typing
from pathlib import Path

from mem0_slm.io import DataError

PARAMS_FILE = "params.yaml"


class ParamsError(ValueError):
    """A parameter is unknown, missing or of the wrong type. The message names file, key, value and remedy."""


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


def load(cls, section: str | None, path=PARAMS_FILE):
    """Return `cls` (a dataclass) filled from `section` of the file; None takes the file's top-level keys.

    Raises ParamsError for a missing section, unknown, missing or wrongly typed keys, and whatever `cls.__post_init__`
    refuses with a ValueError.
    """
    everything = read(path)
    if section is not None and section not in everything:
        raise ParamsError(f"{path}: section {section!r} is missing. Add it; its keys: {', '.join(_names(cls))}")
    values = everything[section] if section is not None else {k: everything[k] for k in _names(cls) if k in everything}
    return build(cls, values, path, section or "")


def build(cls, values, path, prefix):
    """Fill the dataclass `cls` from the dict `values`; `prefix` is the dotted place that error messages name."""
    if not isinstance(values, dict):
        raise ParamsError(f"{path}: {prefix}: expected keys {', '.join(_names(cls))}, found {values!r}")
    names = _names(cls)
    dotted = prefix + "." if prefix else ""
    for key in values:
        if key not in names:
            raise ParamsError(
                f"{path}: {dotted}{key}: unknown key (value {values[key]!r}). Remove it or use one of: {', '.join(names)}"
            )
    hints = typing.get_type_hints(cls)
    filled = {}
    for field in dataclasses.fields(cls):
        key = dotted + field.name
        if field.name not in values:
            if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
                raise ParamsError(f"{path}: {key}: missing. Add it as {_type_name(hints[field.name])}.")
            continue
        filled[field.name] = _convert(values[field.name], hints[field.name], path, key)
    try:
        return cls(**filled)
    except ParamsError:
        raise
    except ValueError as error:
        raise ParamsError(f"{path}: {prefix}: {error}") from None


def require(condition: bool, key: str, value, remedy: str) -> None:
    """For `__post_init__`: raise ValueError naming key, value and remedy unless `condition` holds."""
    if not condition:
        raise ValueError(f"{key}: {value!r} {remedy}")


def _names(cls) -> list[str]:
    return [field.name for field in dataclasses.fields(cls)]


def _type_name(hint) -> str:
    return str(hint) if typing.get_origin(hint) else hint.__name__


def _convert(value, hint, path, key):
    """Check `value` against a type hint: int, float, bool, str, list[...], dict[str, ...], X | None, a dataclass."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    wrong = ParamsError(
        f"{path}: {key}: expected {_type_name(hint)}, found {type(value).__name__} {value!r}. Correct it there or with -S."
    )
    if origin in (types.UnionType, typing.Union):
        if value is None and type(None) in arguments:
            return None
        return _convert(value, next(a for a in arguments if a is not type(None)), path, key)
    if origin is list:
        if not isinstance(value, list):
            raise wrong
        return [_convert(item, arguments[0], path, f"{key}[{i}]") for i, item in enumerate(value)]
    if origin is dict:
        if not isinstance(value, dict):
            raise wrong
        return {name: _convert(item, arguments[1], path, f"{key}.{name}") for name, item in value.items()}
    if dataclasses.is_dataclass(hint):
        return build(hint, value, path, key)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise wrong
    if hint is float and not math.isfinite(value):
        raise wrong
    return value


@contextlib.contextmanager
def set_by(key: str, error: type[Exception]):
    """Around work with the value of a key of params.yaml, such as "app.qdrant": `error` becomes a DataError that names the key."""
    try:
        yield
    except error as found:
        raise DataError(f"{PARAMS_FILE}: {key}: {found}") from None
