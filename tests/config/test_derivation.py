"""Deriving a config schema from the typed signature of a constructor."""

import warnings
from pathlib import Path, PurePosixPath
from typing import Any, Literal, Optional

import keras
import numpy as np
import pytest

from keras_registry import RegistrationError, register
from keras_registry import types as t
from keras_registry.config import derive_schema
from tests.support.golden import check_golden

BASE_ARGUMENTS = {"name", "dtype", "trainable", "activity_regularizer"}


def annotated(annotation, **default):
    """Return a plain class whose constructor takes one argument, `value`."""

    class Holder:
        def __init__(self, value=None):
            self.value = value

    Holder.__init__.__annotations__["value"] = annotation
    Holder.__init__.__defaults__ = tuple(default.values()) or None
    return Holder


def accepts(annotation, value):
    """Whether the schema derived for one argument of this type takes the value."""
    return not derive_schema(annotated(annotation)).read_config({"value": value}).problems


def test_each_argument_is_a_field():
    """Each argument of the constructor is a field of the schema, in the order of the signature."""

    class Gated(keras.layers.Layer):
        def __init__(self, units: t.PositiveInt, *, rate: float = 0.5, label: str = "", **kwargs):
            super().__init__(**kwargs)

    schema = derive_schema(Gated)

    assert schema.fields == ("units", "rate", "label")


def test_only_arguments_without_default_are_required():
    """An argument without a default is required, any other has the default of the signature."""

    class Gated(keras.layers.Layer):
        def __init__(self, units: int, rate: float = 0.5, **kwargs):
            super().__init__(**kwargs)

    fields = derive_schema(Gated).model.model_fields

    assert fields["units"].is_required()
    assert not fields["rate"].is_required()
    assert fields["rate"].default == 0.5


@pytest.mark.parametrize(
    ("annotation", "good", "bad"),
    [
        (int, 3, "3"),
        (float, 0.5, "0.5"),
        (str, "a", 1),
        (bool, True, "yes"),
        (int | None, None, "3"),
        (Optional[int], 3, 0.5),  # noqa: UP045 - the spelling under test
        (int | str, "3", 0.5),
        (Literal["same", "valid"], "same", "full"),
        (list[int], [1, 2], [1, "2"]),
        (list[list[float]], [[0.5], []], [0.5]),
        (tuple[int, int], (1, 2), (1, 2, 3)),
        (tuple[int, ...], (1, 2, 3), (1, "2")),
        (tuple[int, ...] | None, None, 1),
        (dict[str, float], {"a": 0.5}, {"a": "b"}),
        (dict[str, list[int]], {"a": [1]}, {"a": [[1]]}),
        (list, ["a", 1], "a"),
        (dict, {"a": 1}, ["a"]),
        (t.PositiveInt, 1, 0),
        (list[t.PositiveInt], [1, 2], [1, 0]),
        (t.PositiveInt | None, None, -1),
    ],
    ids=str,
)
def test_types(annotation, good, bad):
    """A schema takes the values of the annotated type and no others."""
    assert accepts(annotation, good)
    assert not accepts(annotation, bad)


def test_argument_without_annotation_takes_anything():
    """An argument that has no annotation is a field that takes any value."""

    class Loose(keras.layers.Layer):
        def __init__(self, anything, **kwargs):
            super().__init__(**kwargs)

    schema = derive_schema(Loose)

    for value in (1, "a", [None], {"a": 1}):
        assert schema.read_config({"anything": value}).problems == ()


def test_default_of_none_allows_none():
    """An argument whose default is None takes None, as people write `units: int = None`."""

    class Lazy(keras.layers.Layer):
        def __init__(self, units: int = None, **kwargs):  # noqa: RUF013 - the habit under test
            super().__init__(**kwargs)

    schema = derive_schema(Lazy)

    assert schema.read_config({}).problems == ()
    assert schema.read_config({"units": None}).problems == ()
    assert schema.read_config({"units": 3}).problems == ()
    assert schema.read_config({"units": "3"}).problems


def test_kwargs_let_the_arguments_of_all_parents_in():
    """With `**kwargs`, the config may hold whatever the parents' constructors take."""

    class Base(keras.layers.Layer):
        def __init__(self, units: int, use_bias: bool = True, **kwargs):
            super().__init__(**kwargs)

    class Scaled(Base):
        def __init__(self, gain: float = 1.0, **kwargs):
            super().__init__(**kwargs)

    schema = derive_schema(Scaled)

    assert schema.fields == ("gain",)
    assert {"units", "use_bias", *BASE_ARGUMENTS} <= schema.base_fields
    assert schema.read_config({"gain": 1.0, "units": 3, "surprise": 1}).problems


def test_what_a_layer_of_keras_keeps_is_left_to_keras():
    """A subclass of one of Keras's layers may have whatever that layer writes into its config."""

    class Scaled(keras.layers.Dense):
        def __init__(self, gain: float = 1.0, **kwargs):
            super().__init__(**kwargs)

    schema = derive_schema(Scaled)

    assert schema.fields == ("gain",)
    assert schema.base_fields is None
    assert schema.read_config({"gain": 1.0, "units": 3, "quantization_config": None}).problems == ()
    assert schema.read_config({"gain": "1", "units": 3}).problems


def test_without_kwargs_only_base_arguments_are_let_in():
    """Without `**kwargs`, the config may hold besides its fields only what Keras's bases keep."""

    class Fixed(keras.layers.Layer):
        def __init__(self, units: int):
            super().__init__()

    schema = derive_schema(Fixed)

    assert schema.base_fields >= BASE_ARGUMENTS
    assert schema.read_config({"units": 3, "name": "fixed", "trainable": False}).problems == ()
    assert schema.read_config({"units": 3, "surprise": 1}).problems


def test_base_arguments_are_no_fields():
    """Name, dtype and trainable stay with Keras's base classes, also where they are written out."""

    class Named(keras.layers.Layer):
        def __init__(self, units: int, name: str | None = None, dtype: Any = None, trainable=True):
            super().__init__(name=name, dtype=dtype, trainable=trainable)

    assert derive_schema(Named).fields == ("units",)


def test_class_without_constructor_has_no_schema():
    """A class that leaves its constructor to Keras leaves its config to Keras too."""

    class Plain(keras.layers.Layer):
        pass

    assert derive_schema(Plain) is None


def test_constructor_of_an_ancestor_counts():
    """A class that inherits its author's constructor has the schema of that constructor."""

    class Base(keras.layers.Layer):
        def __init__(self, units: int, **kwargs):
            super().__init__(**kwargs)

    class Derived(Base):
        pass

    assert derive_schema(Derived).fields == ("units",)
    assert derive_schema(Derived).fingerprint == derive_schema(Base).fingerprint


def test_subclass_of_a_registered_class():
    """A subclass has its own arguments as fields, and lets those of the registered parent in."""

    @register("acme")
    class Base(keras.layers.Layer):
        def __init__(self, units: int, **kwargs):
            super().__init__(**kwargs)

    class Derived(Base):
        def __init__(self, rate: float, **kwargs):
            super().__init__(**kwargs)

    schema = derive_schema(Derived)

    assert schema.fields == ("rate",)
    assert "units" in schema.base_fields


def test_keyword_only_arguments_are_fields():
    """Arguments behind a bare `*` are fields like any other."""

    class Strict(keras.layers.Layer):
        def __init__(self, *, units: int, rate: float = 0.5):
            super().__init__()

    assert derive_schema(Strict).fields == ("units", "rate")


class Unknown:
    """A class that no config can hold."""


def refusal_of(cls):
    """Return the text with which a class is refused."""
    with pytest.raises(RegistrationError) as caught:
        derive_schema(cls)
    return str(caught.value).replace(cls.__qualname__, cls.__name__)


def test_positional_only_arguments_are_refused():
    """An argument that can be passed only by position is refused, with the line to write."""

    class Positional(keras.layers.Layer):
        def __init__(self, units: int, /):
            super().__init__()

    check_golden("config/positional-only", refusal_of(Positional))


def test_star_arguments_are_refused():
    """`*args` is refused, with the line to write."""

    class Starred(keras.layers.Layer):
        def __init__(self, *sizes: int):
            super().__init__()

    check_golden("config/star-arguments", refusal_of(Starred))


def test_unreadable_annotation_is_refused():
    """An annotation whose name does not exist at run time is refused, with what to do about it."""

    class Guarded(keras.layers.Layer):
        def __init__(self, units: "OnlyForTheTypeChecker"):  # noqa: F821 - that is the point
            super().__init__()

    check_golden("config/unreadable-annotation", refusal_of(Guarded))


def test_unknown_annotation_is_refused():
    """An annotation that has no form in a config is refused, with the line to write."""

    class Nested(keras.layers.Layer):
        def __init__(self, inner: Unknown):
            super().__init__()

    check_golden("config/unknown-annotation", refusal_of(Nested))


@pytest.mark.parametrize(
    "annotation", [Unknown, list[Unknown], Unknown | None, dict[str, tuple[Unknown, int]], 5]
)
def test_what_no_config_can_hold_is_refused(annotation):
    """A type without a known form is refused wherever it stands in the annotation."""
    with pytest.raises(
        RegistrationError, match="no config can be derived for the argument 'value'"
    ):
        derive_schema(annotated(annotation))


@pytest.mark.parametrize("annotation", [complex, bytes, Path, PurePosixPath], ids=str)
@pytest.mark.parametrize("wrap", [lambda it: it, lambda it: list[it] | None], ids=["bare", "list"])
def test_what_json_cannot_hold_is_refused(annotation, wrap):
    """A type that pydantic knows and JSON cannot hold is refused at once, not at the save."""
    with pytest.raises(
        RegistrationError, match="no config can be derived for the argument 'value'"
    ):
        derive_schema(annotated(wrap(annotation)))


@pytest.mark.parametrize("annotation", [complex, bytes, Path, dict[tuple[int, int], str]], ids=str)
def test_the_refusal_says_what_to_take_instead(annotation):
    """The refusal of a type says why a config cannot hold it, and which type will do."""
    name = getattr(annotation, "__origin__", annotation).__name__.lower()

    check_golden(f"config/refused-{name}", refusal_of(annotated(annotation)))


@pytest.mark.parametrize(
    ("annotation", "good", "bad"),
    [
        (set[int], [1, 2], [1, "2"]),
        (frozenset[str], ["a"], "a"),
        (np.ndarray, [[1, 2]], "a"),
        (keras.layers.Layer, keras.layers.ReLU(), "relu"),
    ],
    ids=str,
)
def test_what_json_does_not_know_and_a_field_type_stores(annotation, good, bad):
    """Sets, arrays and classes of Keras are stored by our own field types."""
    assert accepts(annotation, good)
    assert not accepts(annotation, bad)


@pytest.mark.parametrize("default", [{}, {"default": None}], ids=["required", "None"])
def test_annotation_that_is_no_type_is_refused(default):
    """`f: callable` is a common slip: it is refused as an annotation without a known form."""
    with pytest.raises(
        RegistrationError, match="no config can be derived for the argument 'value'"
    ):
        derive_schema(annotated(callable, **default))


def test_argument_that_begins_with_an_underscore_is_refused():
    """An argument that no config field can be named after is refused by its name."""

    class Private(keras.layers.Layer):
        def __init__(self, _units: int):
            super().__init__()

    with pytest.raises(RegistrationError, match=r"'_units' of .*underscore"):
        derive_schema(Private)


@pytest.mark.parametrize("name", ["copy", "json", "schema", "dict", "validate", "model_dump"])
def test_any_argument_name_is_fine(name):
    """An argument may be called like an attribute of pydantic's models, without a warning."""
    namespace: dict[str, Any] = {"__name__": __name__}
    source = f"class Held:\n    def __init__(self, {name}: int = 1):\n        self.x = {name}\n"
    exec(source, namespace)  # noqa: S102 - the names are those above

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        schema = derive_schema(namespace["Held"])

    assert schema.fields == (name,)
    assert schema.read_config({name: "1"}).problems


@pytest.mark.parametrize("name", ["model_config", "model_fields"])
def test_an_argument_that_pydantic_reserves_is_never_lost(name):
    """An argument that pydantic reserves is a field, or is refused: it does not drop out."""
    namespace: dict[str, Any] = {"__name__": __name__}
    source = f"class Held:\n    def __init__(self, {name}: int = 1):\n        self.x = {name}\n"
    exec(source, namespace)  # noqa: S102 - the names are those above

    try:
        schema = derive_schema(namespace["Held"])
    except RegistrationError as error:
        assert name in str(error)  # noqa: PT017 - either answer will do
    else:
        assert schema.fields == (name,)


class TestHandWritten:
    """A class whose author wrote `get_config` need not explain its arguments."""

    @pytest.mark.parametrize("annotation", [Unknown, np.ndarray, callable, "Missing", 5])
    @pytest.mark.parametrize("default", [{}, {"default": None}], ids=["required", "None"])
    def test_any_annotation_will_do(self, annotation, default):
        """With a hand-written `get_config`, an argument of unknown type takes any object."""
        cls = annotated(annotation, **default)
        cls.get_config = lambda self: {}
        value = object()

        assert derive_schema(cls).fields == ("value",)
        assert register("acme")(cls)(value).value is value

    def test_positional_only_arguments_will_do(self):
        """With a hand-written `get_config`, arguments may be positional; there is no schema."""

        class Starred:
            def __init__(self, *sizes):
                self.sizes = sizes

            def get_config(self):
                return {}

        assert derive_schema(Starred) is None

    def test_known_annotations_still_count(self):
        """With a hand-written `get_config`, an argument of a known type is checked all the same."""

        class Checked:
            def __init__(self, units: int):
                self.units = units

            def get_config(self):
                return {"units": self.units}

        with pytest.raises(ValueError, match="units: Input should be a valid integer"):
            register("acme")(Checked)("3")

    def test_inherited_from_keras_does_not_count(self):
        """Keras's own `get_config` is not hand-written by the author: the arguments are derived."""

        class Scaled(keras.layers.Dense):
            def __init__(self, gain: Unknown, **kwargs):
                super().__init__(**kwargs)

        with pytest.raises(RegistrationError, match="'gain'"):
            derive_schema(Scaled)


def test_config_version_is_carried():
    """The schema has the config version that it was derived under."""
    assert derive_schema(annotated(int), config_version=3).config_version == 3
