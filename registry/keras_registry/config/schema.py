"""A config schema: what a class's config may hold, as one pydantic model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from keras_registry.config.arguments import MISSING
from keras_registry.config.json_schema import fingerprint_properties, own_properties
from keras_registry.config.validators import validates_objects, without_validators
from keras_registry.migrations import Migration, migrate
from keras_registry.names import printable
from keras_registry.types.fields import FORM_ONLY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic_core import PydanticCustomError

__all__ = [
    "CONFIG_VERSION_FIELD",
    "ConfigProblem",
    "ConfigReading",
    "ConfigSchema",
    "problem_of_build",
    "problems_of",
    "read_config_version",
]

CONFIG_VERSION_FIELD = "keras_registry_config_version"


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """A value that a schema refuses.

    Attributes:
        field: The field, with the way into it, such as ``widths[2]``.
        wanted: What the schema says about it.
        found: The value, safe to print.
        location: The way to the value: names and indices.
    """

    field: str
    wanted: str
    found: str
    location: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True)
class ConfigReading:
    """What came of reading a saved config.

    Attributes:
        config: The config under the installed version, without the version's own field.
        saved_version: The version under which it was saved.
        steps: The migration steps that were taken, in words.
        problems: What the schema refuses.
        values: The validated values of the object's own fields, nothing in them built yet; None
            if only the constructor can validate them.
        error: What pydantic raised.
    """

    config: dict[str, Any]
    saved_version: int
    steps: tuple[str, ...] = ()
    problems: tuple[ConfigProblem, ...] = ()
    values: Mapping[str, Any] | None = None
    error: ValidationError | None = None


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
        is_complete: Whether each saved config has every field: not if `get_config` is
            hand-written.
        migrations: How older configs become ones of this version.
    """

    model: type[BaseModel]
    config_version: int = 1
    base_fields: frozenset[str] | None = frozenset()
    checks_config: bool = True
    is_complete: bool = True
    migrations: Sequence[Migration] = field(default=(), repr=False)

    @cached_property
    def fingerprint(self) -> str:
        """The hash of the schema's normal form, equal under every version of pydantic."""
        return fingerprint_properties(self.properties)

    @cached_property
    def properties(self) -> dict[str, Any]:
        """The object's own fields as JSON Schema: ``properties`` and ``required``."""
        return own_properties(self.model)

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """The names of the object's own fields."""
        return tuple(self.model.model_fields)

    @property
    def oldest_version(self) -> int:
        """The oldest config version that can still be read."""
        return self.migrations[0].source if self.migrations else self.config_version

    def migrate_config(self, config: Mapping[str, Any]) -> ConfigReading:
        """Brings a saved config to the installed version; it is not validated yet.

        Raises:
            MigrationError: A step of the migration failed.
        """
        saved = read_config_version(config)
        inner = {name: value for name, value in config.items() if name != CONFIG_VERSION_FIELD}
        if saved >= self.config_version or saved < self.oldest_version:
            return ConfigReading(inner, saved)
        migrated, steps = migrate(inner, self.migrations, saved_version=saved)
        return ConfigReading(migrated, saved, steps)

    def read_config(self, config: Mapping[str, Any]) -> ConfigReading:
        """Brings a saved config to the installed version and validates it; nothing is built.

        Args:
            config: The inner config of the object, as JSON gives it.

        Raises:
            MigrationError: A step of the migration failed.
        """
        migrated = self.migrate_config(config)
        inner, saved = migrated.config, migrated.saved_version
        if not self.checks_config or not self.oldest_version <= saved <= self.config_version:
            return migrated
        known = set(self.fields)
        problems = [
            ConfigProblem(printable(name), "no such field", _shown(inner[name]), (name,))
            for name in inner
            if name not in known and self.base_fields is not None and name not in self.base_fields
        ]
        own = {name: value for name, value in inner.items() if name in known}
        try:
            made = self._form.__pydantic_validator__.validate_python(own, context=FORM_ONLY)
        except ValidationError as error:
            problems.extend(problems_of(error, own))
            return ConfigReading(inner, saved, migrated.steps, tuple(problems), error=error)
        values = None if self._needs_objects else vars(made)
        return ConfigReading(inner, saved, migrated.steps, tuple(problems), values)

    @cached_property
    def _needs_objects(self) -> bool:
        return validates_objects(self.model)

    @cached_property
    def _form(self) -> type[BaseModel]:
        """The model; without its author's validators where they look at objects of Keras's."""
        return without_validators(self.model) if self._needs_objects else self.model


def problems_of(error: ValidationError, given: Mapping[str, Any]) -> list[ConfigProblem]:
    """The problems inside a pydantic error, one for each place.

    Args:
        error: The error.
        given: What was validated.
    """
    wanted: dict[tuple[str | int, ...], list[str]] = {}
    found: dict[tuple[str | int, ...], str] = {}
    for item in error.errors(include_url=False, include_context=False):
        is_missing = item["type"] == "missing"
        location = _real_location(item["loc"], given, is_missing=is_missing)
        messages = wanted.setdefault(location, [])
        if item["msg"] not in messages:
            messages.append(item["msg"])
        found.setdefault(location, "nothing" if is_missing else _shown(item["input"]))
    return [
        ConfigProblem(_field(location), _either(messages), found[location], location)
        for location, messages in wanted.items()
    ]


def _real_location(
    location: tuple[str | int, ...], given: Any, *, is_missing: bool
) -> tuple[str | int, ...]:
    """The way into a value without the members of unions, which pydantic puts into it."""
    steps: list[str | int] = []
    for i, step in enumerate(location):
        inner = _step_into(given, step)
        if inner is not MISSING:
            steps.append(step)
            given = inner
        elif is_missing and i == len(location) - 1:
            steps.append(step)
    return tuple(steps) or location


def _step_into(value: Any, step: str | int) -> Any:
    try:
        if isinstance(value, Mapping):
            return value[step] if step in value else value[str(step)]
        if isinstance(step, int):
            return value[step]
        return getattr(value, step) if hasattr(type(value), "__annotations__") else MISSING
    except (KeyError, IndexError, TypeError, AttributeError):
        return MISSING


def _either(messages: Sequence[str]) -> str:
    """The messages of a union's members as one."""
    first, *others = messages
    return " or ".join([first, *(text.removeprefix("Input should be ") for text in others)])


def problem_of_build(error: PydanticCustomError) -> ConfigProblem:
    """The problem of a value that cannot be made into an object."""
    context = error.context or {}
    location = context.get("location", ())
    return ConfigProblem(
        _field(location), error.message(), _shown(context.get("input")), tuple(location)
    )


def _field(location: Sequence[str | int]) -> str:
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
