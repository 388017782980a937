"""The validated constructor of a registered class."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from keras_registry.config.arguments import copied, keep_arguments
from keras_registry.config.faults import config_error
from keras_registry.config.left_out import keep_passed_on
from keras_registry.config.prepared import Validated, expecting, take_expected
from keras_registry.config.schema import problem_of_build, problems_of
from keras_registry.types.fields import build

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keras_registry.config.derivation import Constructor
    from keras_registry.config.schema import ConfigSchema

__all__ = ["label_of", "wrap_init"]

_EMPTY = inspect.Parameter.empty


def label_of(cls: type) -> str:
    """The name under which an object keeps the arguments of a class."""
    return f"{cls.__module__}.{cls.__qualname__}"


def wrap_init(cls: type, schema: ConfigSchema, constructor: Constructor) -> None:
    """Makes a class's constructor check its arguments and keep them with the object.

    Args:
        cls: The class; changed in place.
        schema: Its config schema.
        constructor: The constructor as its author wrote it.
    """
    original = constructor.function
    own = frozenset(schema.fields)
    positional = tuple(
        p.name for p in constructor.parameters if p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    )
    required, defaults = _required_and_defaults(schema, constructor)
    check = schema.model.__pydantic_validator__.validate_python
    label = label_of(cls)
    inherits = None if "__init__" in vars(cls) else getattr(original, _CLASS, None)

    @functools.wraps(original)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        expected = take_expected(cls)
        given = dict(zip(positional, args, strict=False))
        passed = {name: kwargs[name] for name in own if name in kwargs}
        passed.update((name, value) for name, value in given.items() if name in own)
        complete = required <= (passed.keys() | defaults.keys())
        if not complete or len(args) > len(positional) or not kwargs.keys().isdisjoint(given):
            original(self, *args, **kwargs)  # raises Python's own error
            return
        validated = None if expected is None else expected.for_arguments(passed)
        try:
            if validated is None:
                validated = vars(check({**defaults, **passed}))
            values = {name: copied(build(value, (name,))) for name, value in validated.items()}
        except ValidationError as error:
            given = {**defaults, **passed}
            raise config_error(cls, problems_of(error, given)) from error
        except PydanticCustomError as error:
            raise config_error(cls, [problem_of_build(error)]) from error
        arguments = {**kwargs, **given, **values}
        record, is_outermost = keep_arguments(self)
        record.values[label] = {name: copied(value) for name, value in values.items()}
        if is_outermost:
            others = {name: value for name, value in arguments.items() if name not in own}
            record.passed_on = keep_passed_on(others)
        if inherits is None:
            original(self, **arguments)
        else:
            with expecting(Validated(inherits, arguments, values)):
                original(self, **arguments)
        if is_outermost:
            record.close(self)

    # Keras reads the signature of every constructor; this also makes that reading fast.
    __init__.__signature__ = inspect.signature(original)  # type: ignore[attr-defined]
    setattr(__init__, _CLASS, cls)
    cls.__init__ = __init__  # type: ignore[misc]


_CLASS = "__keras_registry_class__"


def _required_and_defaults(
    schema: ConfigSchema, constructor: Constructor
) -> tuple[frozenset[str], Mapping[str, Any]]:
    fields = schema.model.model_fields
    required = frozenset(name for name, field in fields.items() if field.is_required())
    defaults = {
        name: field.default
        for name, field in fields.items()
        if not field.is_required() and field.default_factory is None
    }
    in_signature = {p.name: p.default for p in constructor.parameters}
    defaults |= {
        name: in_signature[name]
        for name in required
        if in_signature.get(name, _EMPTY) is not _EMPTY
    }
    return required, defaults
