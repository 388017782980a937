"""The calls of layers in functional models of Keras 2, in the form of Keras 3.

A call has a list for each tensor that the layer gets: the layer whose output it is, the number of
that layer's call, the number of the output, and the keyword arguments of the call. Keras 3 reads
this form, apart from two things: it does not look for tensors among the keyword arguments, and a
model inside another one has no call of its own any more, with which its others were counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = ["modern_calls"]

_CALLS = "inbound_nodes"
_WITH_KEYWORDS = 4
_OUTPUTS = "output_layers"


def modern_calls(node: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """A model whose layers call each other, or such a layer, and what was done.

    Args:
        node: Its node in a config. The same object comes back if nothing had to change.
    """
    inner = node["config"]
    done = []
    if isinstance(inner, dict) and isinstance(inner.get("layers"), list):
        models = {item["name"]: item["class_name"] for item in inner["layers"] if _is_model(item)}
        if models:
            node = {**node, "config": _recounted(inner, models)}
            done.append("calls of models inside others counted from 0")
    calls = node.get(_CALLS)
    if isinstance(calls, list) and any(map(_is_of_one, calls)):
        calls = [[call] if _is_of_one(call) else call for call in calls]
        node = {**node, _CALLS: calls}
    if isinstance(calls, list) and any(map(_has_tensors, calls)):
        revived = [_with_tensors(call) if _has_tensors(call) else call for call in calls]
        node = {**node, _CALLS: revived}
        done.append("tensors in keyword arguments as such")
    return node, done


def _is_model(layer: Any) -> bool:
    """Whether a layer of a functional model is a model of that kind itself."""
    config = layer.get("config") if isinstance(layer, dict) else None
    is_named = isinstance(config, dict) and isinstance(layer.get("name"), str)
    return is_named and isinstance(config, dict) and isinstance(config.get("layers"), list)


def _recounted(inner: Mapping[str, Any], models: Mapping[str, str]) -> dict[str, Any]:
    made = dict(inner)
    made["layers"] = [
        {**layer, _CALLS: _counted_down(layer[_CALLS], models)}
        if isinstance(layer, dict) and isinstance(layer.get(_CALLS), list)
        else layer
        for layer in inner["layers"]
    ]
    # Of the outputs Keras 3 counts down by itself, unless the model inside is a Sequential.
    sequential = {name for name, class_name in models.items() if class_name == "Sequential"}
    if _OUTPUTS in inner:
        made[_OUTPUTS] = _counted_down(inner[_OUTPUTS], sequential)
    return made


def _counted_down(value: Any, models: Collection[str], depth: int = 0) -> Any:
    """Calls in which those of models inside are counted from 0."""
    if _is_tensor(value[:3] if isinstance(value, list) else value):
        name, call, *others = value
        keywords = [_counted_down(other, models, depth + 1) for other in others]
        return [name, call - 1 if name in models and call > 0 else call, *keywords]
    if depth > _WITH_KEYWORDS:  # a list of lists, with a dict inside that holds one
        return value
    if isinstance(value, list):
        return [_counted_down(item, models, depth + 1) for item in value]
    if isinstance(value, dict):
        return {name: _counted_down(item, models, depth + 1) for name, item in value.items()}
    return value


def _is_tensor(value: Any) -> bool:
    """Whether a value is an output of a layer: its name, the number of the call, and its own."""
    return isinstance(value, list) and [type(part) for part in value] == [str, int, int]


def _is_of_one(call: Any) -> bool:
    """Whether a call has its one tensor by itself, not in a list: so Keras 2 wrote some layers'."""
    return isinstance(call, list) and _is_tensor(call[:3])


def _has_tensors(call: Any) -> bool:
    return isinstance(call, list) and any(
        isinstance(item, list)
        and len(item) == _WITH_KEYWORDS
        and isinstance(item[-1], dict)
        and any(map(_is_tensor, item[-1].values()))
        for item in call
    )


def _with_tensors(call: list[Any]) -> dict[str, Any]:
    inputs = [_tensor(item[:3]) for item in call]
    keywords = {
        name: _tensor(value) if _is_tensor(value) else value
        for item in call
        for name, value in (item[3] if len(item) == _WITH_KEYWORDS else {}).items()
    }
    return {"args": inputs if len(inputs) == 1 else [inputs], "kwargs": keywords}


def _tensor(history: list[Any]) -> dict[str, Any]:
    """The output of a layer as Keras 3 writes it, which looks it up by its history alone."""
    config = {"shape": [None], "dtype": "float32", "keras_history": history}
    return {"class_name": "__keras_tensor__", "config": config}
