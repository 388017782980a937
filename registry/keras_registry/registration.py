"""`@register`, and the registry of live objects."""

from __future__ import annotations

import functools
import inspect
import sys
import threading
import types
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, overload

from pydantic import BaseModel

from keras_registry.config import derive_schema, kind_of_class, schema_from_model, wrap_class
from keras_registry.errors import RegistrationError
from keras_registry.migrations import check_chain
from keras_registry.names import NAME_PATTERN, Kind, ObjectRef, is_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from keras_registry.config import ConfigSchema
    from keras_registry.migrations import Migration

    MigrateWeights = Callable[[dict[str, NDArray[Any]], int], dict[str, NDArray[Any]]]

__all__ = ["Registration", "Registry", "default_registry", "register"]

K = TypeVar("K", bound="Callable[..., Any]")


@dataclass(frozen=True, slots=True)
class Registration:
    """One live registered object.

    Attributes:
        key: Its key.
        kind: What it is used for.
        target: The class or function.
        schema: Its config schema; None for functions, and where Keras keeps the config.
        former_names: The names that the class had before.
        backends: The Keras backends that it runs on; None for all.
        migrate_weights: Makes the weights of this version of those of an older one.
    """

    key: str
    kind: Kind
    target: Callable[..., Any]
    schema: ConfigSchema | None = None
    former_names: tuple[str, ...] = ()
    backends: tuple[str, ...] | None = None
    migrate_weights: MigrateWeights | None = field(default=None, repr=False)

    @property
    def module(self) -> str:
        """The module that defines the object."""
        return self.target.__module__

    @property
    def origin(self) -> tuple[str, str]:
        """Where the object is defined: its module and qualified name."""
        return self.target.__module__, self.target.__qualname__

    @property
    def config_version(self) -> int:
        """The version of its config schema."""
        return 1 if self.schema is None else self.schema.config_version


@dataclass
class Registry:
    """The set of live registered objects. There is one default; a test can make its own."""

    _by_key: dict[str, Registration] = field(default_factory=dict)
    _listeners: list[Callable[[Registration], None]] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def add(self, registration: Registration) -> None:
        """Adds an object.

        The same object defined anew (a notebook cell that is run twice, a reloaded module)
        replaces the former one.

        Raises:
            RegistrationError: Another object has the key.
        """
        with self._lock:
            former = self._by_key.get(registration.key)
            if former is not None and former.origin != registration.origin:
                raise _taken(registration, former)
            for listener in self._listeners:
                listener(registration)
            self._by_key[registration.key] = registration

    def find(self, key: str) -> Registration | None:
        """The registration of a key, or None."""
        return self._by_key.get(key)

    def __iter__(self) -> Iterator[Registration]:
        """All registrations, in the order in which they were made."""
        return iter(tuple(self._by_key.values()))

    def subscribe(self, listener: Callable[[Registration], None]) -> Callable[[], None]:
        """Calls the listener for each registration from now on, before it takes effect.

        Returns:
            A function that ends the subscription.
        """
        with self._lock:
            self._listeners.append(listener)
        return functools.partial(self._listeners.remove, listener)


default_registry = Registry()


def _taken(new: Registration, former: Registration) -> RegistrationError:
    message = (
        f"the key {new.key!r} is taken by {'.'.join(former.origin)}, so {'.'.join(new.origin)} "
        "cannot have it. Give it another name, for example "
        f"@register({ObjectRef.parse(new.key).namespace!r}, name={new.target.__name__ + '2'!r})."
    )
    return RegistrationError(message)


@overload
def register(target: K, /) -> K: ...
@overload
def register(
    namespace: str | None = None,
    *,
    name: str | None = None,
    config: type[BaseModel] | None = None,
    version: int = 1,
    migrations: Sequence[Migration] = (),
    migrate_weights: MigrateWeights | None = None,
    backends: Sequence[str] | None = None,
    former_names: Sequence[str] = (),
) -> Callable[[K], K]: ...
def register(
    namespace: Any = None,
    *,
    name: str | None = None,
    config: type[BaseModel] | None = None,
    version: int = 1,
    migrations: Sequence[Migration] = (),
    migrate_weights: MigrateWeights | None = None,
    backends: Sequence[str] | None = None,
    former_names: Sequence[str] = (),
) -> Any:
    """Registers a Keras class or function, so that models that use it can be loaded.

    The class stays the class that it is: it is wrapped in place. Its constructor checks its
    arguments, and `get_config` and `from_config` are derived where it has none.

    Args:
        namespace: The first part of the key ``namespace>Name``; the top-level module's name if
            it is not given. Use the name of your distribution.
        name: The second part of the key; the object's own name if it is not given.
        config: The pydantic model of the config; derived from the signature of ``__init__`` if
            it is not given.
        version: The version of the config schema: a whole number that grows when old configs no
            longer fit.
        migrations: How configs of older versions become ones of this version, one
            `keras_registry.migrations.Migration` for each step.
        migrate_weights: Makes the weights of this version of those of an older one: takes a dict
            from the names under which the old object stored its arrays to the arrays, and the
            old config version; returns such a dict for the new object.
        backends: The Keras backends that it runs on, such as ``["tensorflow"]``; all if None.
        former_names: The names that the class had before: Keras builds the paths of weights from
            them.

    Returns:
        The same class or function.

    Raises:
        RegistrationError: It could not be loaded back; the message says what to write instead.

    Example:
        >>> @register("docs")
        ... def double(x):
        ...     return 2 * x
    """
    if namespace is not None and not isinstance(namespace, str):
        return _register(namespace, None, None, _Options())
    options = _Options(
        config, version, tuple(migrations), migrate_weights, backends, tuple(former_names)
    )

    def decorator(target: K) -> K:
        return _register(target, namespace, name, options)

    return decorator


@dataclass(frozen=True, slots=True)
class _Options:
    """What the author of an object said about it."""

    config: Any = None
    version: Any = 1
    migrations: tuple[Migration, ...] = ()
    migrate_weights: Any = None
    backends: Any = None
    former_names: tuple[str, ...] = ()


def _register(target: K, namespace: str | None, name: str | None, options: _Options) -> K:
    kind = _kind_of(target)
    key = _key_of(target, namespace, name)
    _check_options(target, kind, options)
    former = default_registry.find(key)
    if former is not None and former.target is target:
        return target
    registered = _find_key_of(target)
    if registered is not None:
        message = (
            f"{target.__qualname__} is registered already, under {registered!r}. An object has "
            "one key; a former key is an entry in the group keras_registry.aliases."
        )
        raise RegistrationError(message)
    schema = _schema_of(target, options) if inspect.isclass(target) else None
    registration = Registration(
        key,
        kind,
        target,
        schema,
        former_names=options.former_names,
        backends=None if options.backends is None else tuple(options.backends),
        migrate_weights=options.migrate_weights,
    )
    if former is not None and former.origin != registration.origin:
        raise _taken(registration, former)
    unwrap = (
        wrap_class(target, schema, options.migrate_weights) if inspect.isclass(target) else None
    )
    try:
        default_registry.add(registration)
    except RegistrationError:
        if unwrap is not None:
            unwrap()
        raise
    return target


def _schema_of(cls: type, options: _Options) -> ConfigSchema | None:
    version, migrations = options.version, options.migrations
    if options.config is None:
        schema = derive_schema(cls, config_version=version, migrations=migrations)
    else:
        schema = schema_from_model(
            cls, options.config, config_version=version, migrations=migrations
        )
    if schema is None and (version != 1 or migrations):
        message = (
            f"{cls.__qualname__} has no constructor of its own, so Keras keeps its config. "
            "Leave out version."
        )
        raise RegistrationError(message)
    known = None
    if schema is not None and schema.checks_config and schema.base_fields is not None:
        known = {*schema.fields, *schema.base_fields}
    check_chain(migrations, version=version, known=known, owner=cls.__qualname__)
    return schema


def _find_key_of(target: object) -> str | None:
    return next((r.key for r in default_registry if r.target is target), None)


def _key_of(target: Any, namespace: str | None, name: str | None) -> str:
    if namespace is None:
        namespace = str(target.__module__).partition(".")[0]
    key = f"{namespace}>{target.__name__ if name is None else name}"
    if not is_key(key):
        message = (
            f"{key!r} is not a key. The namespace and the name of {target.__qualname__} may have "
            f"letters, digits, '_', '.' and '-' only ({NAME_PATTERN}), "
            'for example @register("acme").'
        )
        raise RegistrationError(message)
    return key


def _check_options(target: Any, kind: Kind, options: _Options) -> None:
    config, version = options.config, options.version
    if type(version) is not int or version < 1:
        message = f"version={version!r} is no config version: give a whole number, 1 at first."
        raise RegistrationError(message)
    if config is not None and not (inspect.isclass(config) and issubclass(config, BaseModel)):
        message = (
            f"config={config!r} is no pydantic model. Give a subclass of pydantic.BaseModel with "
            f"a field for each argument of {target.__qualname__}."
        )
        raise RegistrationError(message)
    has_config = config is not None or version != 1 or bool(options.migrations)
    if kind is Kind.FUNCTION and (has_config or options.migrate_weights is not None):
        message = (
            f"{target.__qualname__} is a function, which has no config. Leave out config, version "
            "and migrations, or make it a class."
        )
        raise RegistrationError(message)
    if options.migrate_weights is not None and not callable(options.migrate_weights):
        message = (
            f"migrate_weights={options.migrate_weights!r} is no function. Give one that takes the "
            "arrays by name and the old config version, and returns the new arrays by name."
        )
        raise RegistrationError(message)
    if options.migrate_weights is not None and not hasattr(target, "load_own_variables"):
        message = f"{target.__qualname__} has no weights of its own. Leave out migrate_weights."
        raise RegistrationError(message)
    if options.migrate_weights is not None and version == 1:
        message = (
            f"{target.__qualname__} has migrate_weights, but its config_version is 1, so there "
            "are no older weights. Give version=2, and migrations=[Migration(1, 2, ...)]."
        )
        raise RegistrationError(message)
    stray = next((n for n in options.former_names if not str(n).isidentifier()), None)
    if stray is not None:
        message = f"former_names holds {stray!r}, which was never the name of a class."
        raise RegistrationError(message)
    unknown = [name for name in options.backends or () if name not in BACKENDS]
    if unknown:
        message = (
            f"backends={options.backends!r} is no list of Keras backends: {', '.join(BACKENDS)}."
        )
        raise RegistrationError(message)


BACKENDS = ("tensorflow", "jax", "torch", "openvino")
"""The backends that Keras has."""


def _kind_of(target: Any) -> Kind:
    if isinstance(target, types.FunctionType):
        if target.__name__ == "<lambda>":
            message = (
                "a lambda has no name under which it could be found again. Write it as a function: "
                "def my_function(x): ..."
            )
            raise RegistrationError(message)
        return Kind.FUNCTION
    if not inspect.isclass(target):
        shown = type(target).__qualname__
        message = (
            f"@register takes a class or a function; this is an object of type {shown}. Register "
            "its class: put @register above the class statement."
        )
        raise RegistrationError(message)
    families = {base.__module__.partition(".")[0] for base in target.__mro__}
    if "tf_keras" in families:
        message = (
            f"{target.__qualname__} is a class of tf_keras (Keras 2), whose saving keras-registry "
            "does not touch. Build it on keras.layers.Layer and the like, and unset "
            "TF_USE_LEGACY_KERAS."
        )
        raise RegistrationError(message)
    keras = sys.modules.get("keras")
    kind = kind_of_class(target) if keras is not None and "keras" in families else Kind.OBJECT
    if kind is Kind.OBJECT and not _can_have_config(target):
        message = (
            f"nothing says how to save a {target.__qualname__}: it has no get_config and no "
            "constructor of its own. Give it `def __init__(self, ...)` with typed arguments, or "
            "get_config and from_config, or build it on a class of Keras."
        )
        raise RegistrationError(message)
    return kind


def _can_have_config(target: type) -> bool:
    return hasattr(target, "get_config") or "__init__" in {
        name for base in target.__mro__[:-1] for name in vars(base)
    }
