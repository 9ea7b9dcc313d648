"""The configuration file: theme, lock time, keys. TOML in the user's configuration folder; it never names a person."""

from __future__ import annotations

import difflib
import os
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

LOCK_CHOICES = (1, 2, 5, 10, 15)
LOCK_DEFAULT, LOCK_MOST = 5, 15
_KNOWN = ("theme", "lock_minutes", "mouse", "note_format", "backup_folder", "backup_hours", "keys", "viewers")
BACKUP_HOURS, BACKUP_MOST = 24, 168


@dataclass(frozen=True, slots=True)
class Config:
    """What the file says; `problems` are sentences about what was not understood."""

    theme: str = ""
    lock_minutes: int = LOCK_DEFAULT
    mouse: bool | None = None
    note_format: str = ""
    backup_folder: str = ""
    backup_hours: int = BACKUP_HOURS
    keys: dict[str, str] = field(default_factory=dict)
    viewers: dict[str, tuple[str, ...]] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def path() -> Path:
    """Where the file is, or would be."""
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    return Path(base) / "iop-tui" / "config.toml"


def shown_path() -> str:
    """The path as people write it."""
    text, home = str(path()), os.path.expanduser("~")
    return "~" + text[len(home) :] if text.startswith(home + os.sep) else text


def load(file: Path | None = None) -> Config:
    """The configuration; a missing, damaged or partly wrong file gives defaults and sentences, never a failure."""
    place = file or path()
    try:
        data = tomllib.loads(place.read_text("utf-8"))
    except FileNotFoundError:
        return Config()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        return Config(problems=(f"{place.name} cannot be read ({type(error).__name__}); the defaults are used.",))
    return _checked(data, place.name)


def _checked(data: dict[str, Any], name: str) -> Config:
    problems = [_unknown(key, name) for key in data if key not in _KNOWN]
    found = Config()
    for key, kind in (("theme", str), ("lock_minutes", int), ("mouse", bool), ("note_format", str),
                      ("backup_folder", str), ("backup_hours", int)):  # fmt: skip
        value = data.get(key)
        if type(value) is kind:
            known: dict[str, Any] = {key: value}
            found = replace(found, **known)
        elif value is not None:
            problems.append(f"{name}: {key} must be {_words(kind)}; the default is used.")
    if not 1 <= found.lock_minutes <= LOCK_MOST:
        problems.append(f"{name}: lock_minutes must be 1 to {LOCK_MOST}; {LOCK_DEFAULT} is used.")
        found = replace(found, lock_minutes=LOCK_DEFAULT)
    if not 1 <= found.backup_hours <= BACKUP_MOST:
        problems.append(f"{name}: backup_hours must be 1 to {BACKUP_MOST}; {BACKUP_HOURS} is used.")
        found = replace(found, backup_hours=BACKUP_HOURS)
    keys = data.get("keys", {})
    if isinstance(keys, dict):
        found = replace(found, keys={str(action): str(key) for action, key in keys.items()})
    viewers = data.get("viewers", {})
    if isinstance(viewers, dict):
        good = {kind: tuple(words) for kind, words in viewers.items() if _is_command(words)}
        problems += [f"{name}: the viewer of {kind} must be a list of words." for kind in viewers if kind not in good]
        found = replace(found, viewers=good)
    return replace(found, problems=tuple(problems))


def _is_command(words: object) -> bool:
    return isinstance(words, list) and bool(words) and all(isinstance(word, str) and word for word in words)


def _words(kind: type) -> str:
    return {str: "text in quotes", int: "a whole number", bool: "true or false"}[kind]


def _unknown(key: str, name: str) -> str:
    near = difflib.get_close_matches(key, _KNOWN, 1)
    return f"{name}: there is no setting {key!r}." + (f" Did you mean {near[0]!r}?" if near else "")


def save(config: Config, file: Path | None = None) -> None:
    """Write what differs from the defaults. Raises `OSError`."""
    place = file or path()
    lines = [f'theme = "{config.theme}"'] if config.theme else []
    lines += [f"lock_minutes = {config.lock_minutes}"] if config.lock_minutes != LOCK_DEFAULT else []
    lines += [f"mouse = {str(config.mouse).lower()}"] if config.mouse is not None else []
    lines += [f'note_format = "{config.note_format}"'] if config.note_format else []
    lines += [f'backup_folder = "{_quoted(config.backup_folder)}"'] if config.backup_folder else []
    lines += [f"backup_hours = {config.backup_hours}"] if config.backup_hours != BACKUP_HOURS else []
    if config.keys:
        lines += ["", "[keys]", *(f'"{action}" = "{_quoted(key)}"' for action, key in sorted(config.keys.items()))]
    if config.viewers:
        lines += ["", "[viewers]", *(_command(kind, command) for kind, command in sorted(config.viewers.items()))]
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = place.with_suffix(".new")
    fresh.write_text("\n".join(lines) + "\n", "utf-8")
    os.replace(fresh, place)


def _command(kind: str, command: tuple[str, ...]) -> str:
    return f'"{_quoted(kind)}" = [' + ", ".join(f'"{_quoted(word)}"' for word in command) + "]"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
