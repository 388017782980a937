"""Values that are no Keras objects, and how a config holds them.

JSON knows no tuple, set, array or integer key. What Keras has a form for is stored in that form
(``{"class_name": "__numpy__", ...}``, see `keras.saving.serialize_keras_object`); the rest in
forms of the same shape.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras_registry.types.fields import ValueField, is_serialised, store_object

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "ANYTHING",
    "restore",
    "store",
    "store_array",
    "store_tensor",
    "take_array",
    "take_axis",
    "take_dtype",
    "take_shape",
    "take_tensor",
]

_ARRAY, _TENSOR = "__numpy__", "__tensor__"
_TUPLE, _SET, _FROZENSET, _ITEMS = "__tuple__", "__set__", "__frozenset__", "__items__"
_COLLECTIONS: dict[str, Callable[[Any], Any]] = {
    _TUPLE: tuple,
    _SET: set,
    _FROZENSET: frozenset,
    _ITEMS: dict,
}
_NAME_OF_COLLECTION = {kind: name for name, kind in _COLLECTIONS.items()}


def _is_form(value: Any, *names: str) -> bool:
    if not isinstance(value, dict) or "config" not in value:
        return False
    name = value.get("class_name")
    return isinstance(name, str) and name in names


def take_shape(value: Any) -> tuple[int | None, ...]:
    """A shape: a sequence of sizes, None for one that is not known and -1 for one to be found."""
    if hasattr(value, "as_list"):  # tf.TensorShape
        value = value.as_list()
    if isinstance(value, str | bytes | dict):
        raise TypeError
    sizes = tuple(None if size is None else _take_integer(size) for size in value)
    if any(size is not None and size < -1 for size in sizes):
        raise ValueError
    return sizes


def take_axis(value: Any) -> int | tuple[int, ...]:
    """One axis or several."""
    if isinstance(value, list | tuple):
        return tuple(map(_take_integer, value))
    return _take_integer(value)


def _take_integer(value: Any) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError
    return int(value.__index__())


def take_dtype(value: Any) -> str:
    """The name of a dtype, for a name, a numpy type or a backend's dtype."""
    import keras

    if value is None:
        raise TypeError
    return str(keras.backend.standardize_dtype(value))


def take_array(value: Any) -> Any:
    """A numpy array of numbers or booleans, with a shape of any rank."""
    import numpy as np

    if _is_form(value, _ARRAY, _TENSOR):
        return _array_of(value["config"])
    if hasattr(value, "numpy") or type(value).__module__.partition(".")[0] in {"jaxlib", "jax"}:
        import keras

        value = keras.ops.convert_to_numpy(value)
    if isinstance(value, str | bytes | dict | set):
        raise TypeError
    array = np.asarray(value)
    if not _is_storable(array.dtype):
        raise TypeError
    return array


def _is_storable(dtype: Any) -> bool:
    # ml_dtypes' bfloat16 and float8 are of kind V.
    return dtype.kind in "biuf" or (dtype.kind == "V" and "float" in dtype.name)


def _array_of(config: Any) -> Any:
    import ml_dtypes  # noqa: F401 - makes numpy know bfloat16 and float8
    import numpy as np

    if not isinstance(config, dict) or not {"value", "dtype"} <= config.keys():
        raise TypeError
    array = np.array(config["value"], dtype=config["dtype"])
    shape = config.get("shape")
    return array if shape is None else array.reshape(take_shape(shape))


def store_array(value: Any) -> dict[str, Any]:
    """An array in Keras's form: nested lists and the name of the dtype."""
    config = {"value": value.tolist(), "dtype": value.dtype.name}
    if value.size == 0:
        config["shape"] = list(value.shape)  # nested lists do not tell it
    return {"class_name": _ARRAY, "config": config}


def take_tensor(value: Any) -> Any:
    """A tensor of the running backend."""
    import keras

    return value if keras.ops.is_tensor(value) else keras.ops.convert_to_tensor(take_array(value))


def store_tensor(value: Any) -> dict[str, Any]:
    """A tensor in Keras's form: nested lists and the name of the dtype."""
    import keras

    return {**store_array(keras.ops.convert_to_numpy(value)), "class_name": _TENSOR}


def store(value: Any) -> Any:  # noqa: C901, PLR0911 - one case for each form
    """What a config holds of a value of no declared type.

    Raises:
        TypeError: No form of it would come back as the same.
    """
    kind = type(value)
    if value is None or kind in {bool, int, float, str}:
        return value
    if kind is list:
        return [store(item) for item in value]
    if kind is dict and all(type(name) is str for name in value) and "class_name" not in value:
        return {name: store(item) for name, item in value.items()}
    if kind is dict:
        value = value.items()
    if kind in _NAME_OF_COLLECTION:
        items = [store(list(item) if kind is dict else item) for item in value]
        if kind in {set, frozenset}:
            items.sort(key=repr)  # of what is stored: the order of a set's own repr is arbitrary
        return {"class_name": _NAME_OF_COLLECTION[kind], "config": items}
    if kind.__module__ == "numpy":
        import numpy as np

        array = np.asarray(value)
        if not _is_storable(array.dtype):
            raise TypeError
        form = store_array(array)
        return form if isinstance(value, np.ndarray) else {**form, "scalar": True}
    for plain in (list, dict, set):
        if isinstance(value, plain):  # as Keras tracks them
            return store(plain(value))
    import keras

    if keras.ops.is_tensor(value):
        return store_tensor(value)
    is_function = callable(value) and hasattr(value, "__name__")
    if isinstance(value, type) or not (is_function or hasattr(value, "get_config")):
        raise TypeError
    return store_object(value)


def restore(value: Any) -> Any:  # noqa: PLR0911 - one case for each form
    """The value of which `store` made what a config holds.

    Whatever a caller passes goes through here as well, and only the forms of `store` are changed:
    a dict of the user's own stays one.
    """
    if type(value) is list:
        return [restore(item) for item in value]
    if type(value) is tuple:  # as Keras makes it of the config in a `.h5` file
        return tuple(map(restore, value))
    if type(value) is not dict:
        return value
    if _is_form(value, *_COLLECTIONS) and value.keys() <= {"class_name", "config", "items"}:
        items = [restore(item) for item in value["config"]]
        return _COLLECTIONS[value["class_name"]](items)
    if _is_form(value, _ARRAY):
        array = _array_of(value["config"])
        return array[()] if value.get("scalar") is True else array
    if _is_form(value, _TENSOR):
        return take_tensor(value)
    if is_serialised(value) or _is_form(value, "__lambda__"):
        import keras

        return keras.saving.deserialize_keras_object(value)
    return {name: restore(item) for name, item in value.items()}


ANYTHING = ValueField(
    "any",
    "a value that a config can hold",
    takes_none=True,
    stored_as=("string", "object", "array", "number", "boolean"),
    take=restore,
    store=store,
    builds=True,
)
"""The field of an argument without a type: numbers, text, containers, arrays, Keras objects."""
