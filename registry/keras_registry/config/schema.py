"""A config schema: what a class's config may hold, as one pydantic model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from keras_registry.config.fingerprint import fingerprint_model
from keras_registry.names import printable
from keras_registry.types import FORM_ONLY

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CONFIG_VERSION_FIELD", "ConfigProblem", "ConfigSchema", "read_config_version"]

CONFIG_VERSION_FIELD = "keras_registry_config_version"


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """A value that a schema refuses.

    Attributes:
        field: The field, with the way into it, such as ``widths[2]``.
        wanted: What the schema says about it.
        found: The value, safe to print.
    """

    field: str
    wanted: str
    found: str


@dataclass(frozen=True)
class ConfigSchema:
    """What an object's config may hold.

    Attributes:
        model: The pydantic model; its fields are the object's own.
        config_version: The version of the schema.
        base_fields: Names that the config may hold besides, because the class's parents take
            them; None if any name may stand there.
        checks_config: Whether configs are checked: not if `from_config` is hand-written, since
            then only that method knows what a config may hold.
    """

    model: type[BaseModel]
    config_version: int = 1
    base_fields: frozenset[str] | None = frozenset()
    checks_config: bool = True

    @cached_property
    def fingerprint(self) -> str:
        """The hash of the schema's normal form, equal under every version of pydantic."""
        return fingerprint_model(self.model)

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """The names of the object's own fields."""
        return tuple(self.model.model_fields)

    def validate_config(self, config: Mapping[str, Any]) -> tuple[ConfigProblem, ...]:
        """What the schema refuses in a saved config; nothing is built or imported.

        Args:
            config: The inner config of the object, as JSON gives it.
        """
        if not self.checks_config:
            return ()
        known = set(self.fields)
        extra = [name for name in config if name not in known and name != CONFIG_VERSION_FIELD]
        unknown = [n for n in extra if self.base_fields is not None and n not in self.base_fields]
        problems = [
            ConfigProblem(printable(name), "no such field", _shown(config[name]))
            for name in unknown
        ]
        own = {name: value for name, value in config.items() if name in known}
        try:
            self.model.__pydantic_validator__.validate_python(own, context=FORM_ONLY)
        except ValidationError as error:
            problems.extend(problems_of(error))
        return tuple(problems)


def problems_of(error: ValidationError) -> list[ConfigProblem]:
    """The problems inside a pydantic error."""
    return [
        ConfigProblem(
            _field(item["loc"]),
            item["msg"],
            "nothing" if item["type"] == "missing" else _shown(item["input"]),
        )
        for item in error.errors(include_url=False, include_context=False)
    ]


def _field(location: tuple[str | int, ...]) -> str:
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{printable(part)}" if text else printable(part)
    return text


def _shown(value: Any) -> str:
    return printable(repr(value), limit=60)


def read_config_version(config: Mapping[str, Any]) -> int:
    """The version of the schema under which a config was written; 1 if it does not say."""
    found = config.get(CONFIG_VERSION_FIELD, 1)
    return found if type(found) is int and found > 0 else 1
