"""What Keras raises while it builds, compiles or fills a model, as a finding that names the cause.

It names the object that could not be made, where that is, whose line raised the error, what was
saved with which versions, and what to do.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from keras_registry.artifact import describe_place, find_use, iter_objects, scan_config
from keras_registry.bridge.damaged_files import damage_findings
from keras_registry.bridge.faults import chain_of, find_fault, first_line, is_compiling
from keras_registry.errors import KerasRegistryError
from keras_registry.findings import Level, Need, finding
from keras_registry.names import printable
from keras_registry.resolution import lambda_findings

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from keras_registry.artifact.scan import Path
    from keras_registry.bridge.faults import Fault
    from keras_registry.bridge.progress import Progress
    from keras_registry.bridge.restored import WeightsFile
    from keras_registry.findings import Finding
    from keras_registry.resolution import ObjectResolution, Resolution

__all__ = ["explain_failure"]

_UNLOADED = re.compile(r"Example error message for object (.+?):\n\n(.+?)(?:\n\n|$)", re.DOTALL)
"""How `keras.src.saving.saving_lib._raise_loading_failure` words what could not be filled."""

_LAYER = re.compile(r"<(?P<name>\w+) name=(?P<title>[^,>]+), built=\w+>$")
_OBJECT = re.compile(r"<(?:\w+\.)*(?P<name>\w+) object at 0x[0-9a-f]+>$")
_NO_ACTIVATION = "Could not interpret activation function identifier: {'value': "
_CALLS = frozenset(
    {"__call__", "call", "compute_mask", "compute_output_shape", "compute_output_spec"}
)


def explain_failure(
    error: Exception,
    progress: Progress,
    resolution: Resolution,
    config: Any,
    weights_file: WeightsFile | None,
) -> Sequence[Finding]:
    """The findings for an error that came while Keras loaded a model.

    Args:
        error: What Keras raised.
        progress: How far Keras came.
        resolution: The resolution of the model.
        config: Its config.
        weights_file: The file that it is loaded from, if it is one.
    """
    refused = {
        "K107": "lambda" in str(error),
        "K114": any(_NO_ACTIVATION in str(found) for found in chain_of(error)),
    }
    for item in lambda_findings(scan_config(config), config, resolution.policy):
        if refused[item.code]:
            return [item]
    unloaded = _UNLOADED.search(str(error))
    if unloaded is not None:
        return [_unloaded_finding(unloaded, resolution, config)]
    chain = list(chain_of(error))
    failures = (failure for failure in progress.failures if isinstance(failure[0], dict))
    made = next(((node, e) for node, e in failures if e in chain), None)
    if made is None and weights_file is not None:
        damages = damage_findings(weights_file)
        if damages:
            return damages
    return [_Failure(error, made, progress, resolution, config).finding()]


def _unloaded_finding(found: re.Match[str], resolution: Resolution, config: Any) -> Finding:
    """The finding for an object whose own code could not take the weights of the file."""
    layer, other = _LAYER.match(found[1]), _OBJECT.match(found[1])
    title = printable(other["name"] if other else found[1], limit=100)
    node = None
    if layer is not None:
        title = f'{layer["name"]} "{printable(layer["title"], limit=60)}"'
        node = next(_nodes_called(layer["title"], {layer["name"]}, config), None)
    return finding(
        "K106",
        resolution.policy,
        f"the weights of {title} could not be restored",
        needs=() if node is None else (Need(_title(node[1]), 1, describe_place(config, node[0])),),
        wanted="a load_own_variables() that takes what save_own_variables() wrote",
        found=printable(found[2].partition("\n")[0], limit=300),
        hint="see load_own_variables() and build() of its class",
    )


class _Failure:
    """An error and what is known about it."""

    def __init__(
        self,
        error: Exception,
        made: tuple[Any, Exception] | None,
        progress: Progress,
        resolution: Resolution,
        config: Any,
    ) -> None:
        inner = error if made is None else made[1]
        chain = list(chain_of(inner))
        ours = (found for found in chain if isinstance(found, KerasRegistryError))
        self.cause = next(ours, chain[-1])
        self.fault = find_fault(inner)
        self.resolution, self.config = resolution, config
        self.node: Any = None if made is None else made[0]
        self.path = None if made is None else _find_path(made[0], config)
        self.compiles = not self.path and (progress.is_compiling or is_compiling(error))
        if not self.compiles:
            self._look_inside()
        self.item = _find_resolution(self.node, resolution)

    def _look_inside(self) -> None:
        """Finds the object in whose method the error came up, inside the one that Keras made."""
        owner = self.fault.owner
        name = getattr(owner, "_name", None) or getattr(owner, "name", None)
        for path, node in _nodes_called(name, {type(owner).__name__}, self.config):
            if path[: len(self.path or ())] == (self.path or ()):
                self.path, self.node = path, node
                return

    def finding(self) -> Finding:
        """What is said of it."""
        title = "the model" if self.node is None or self.compiles else _title(self.node)
        done = "compiled" if self.compiles else _done(self.fault)
        place = "" if self.path is None else describe_place(self.config, self.path)
        line = "" if self.fault.line is None else f", {self.fault.line}"
        plugin = None if self.item is None else self.item.plugin
        return finding(
            "K105",
            self.resolution.policy,
            f"{title} could not be {done}",
            needs=(Need(title, 1, place),) if place and not self.compiles else (),
            location=printable(_pointer(self.path), limit=500) if self.path else None,
            distribution=None if plugin is None else plugin.distribution,
            wanted=self._wanted(),
            found=f"{_words_of(self.cause)}{line}",
            hint=self._hint(),
        )

    def _wanted(self) -> str | None:
        """The versions that saved the model, as far as they are known."""
        saved, plugin = self.resolution.saved_with, self.item and self.item.plugin
        parts = [f"keras {saved}"] if saved else []
        recorded = self._recorded_version()
        if plugin and recorded is not None:
            parts.append(f"{plugin.distribution} {recorded}")
        return f"what {' and '.join(parts)} saved" if parts else None

    def _recorded_version(self) -> str | None:
        plugin, manifest = self.item and self.item.plugin, self.resolution.manifest
        record = manifest.find_distribution(plugin.distribution) if plugin and manifest else None
        return None if record is None else record.version

    def _hint(self) -> str:
        if self.compiles:
            return "load it with compile=False, and call model.compile yourself"
        item, plugin = self.item, self.item and self.item.plugin
        if plugin:
            name, installed = plugin.distribution, plugin.distribution_version
            recorded = self._recorded_version()
            is_other = recorded is not None and recorded != installed
            hint = f"tell the author of {name} {installed}, with these lines"
            hint = f'pip install "{name}=={recorded}"' if is_other else hint
        elif item:
            owner, method = self.fault.owner, self.fault.method
            name = owner.__name__ if isinstance(owner, type) else type(owner).__name__
            where = f"{printable(name)}.{method}" if owner is not None else item.needs.key
            hint = f"mend {where}, or pass another class in custom_objects"
        else:
            hint = self._hint_for_keras()
        if any(found.code == "K102" for found in self.resolution.findings):
            saved = self.resolution.manifest and self.resolution.manifest.environment
            hint = f"set KERAS_BACKEND={saved and saved.backend}; if it fails there too: {hint}"
        is_compiled = item is not None and all(use.in_compile_config for use in item.uses)
        return f"{hint}; or load it with compile=False" if is_compiled else hint

    def _hint_for_keras(self) -> str:
        import keras

        saved = self.resolution.saved_with
        if saved is None or saved == keras.__version__:
            return "copy or save the model again: Keras cannot make it of this description"
        return f'pip install "keras=={saved}"'


def _words_of(cause: BaseException) -> str:
    """An error in one line; of one of ours, such as that of a load within, also its findings."""
    words = f"{type(cause).__name__}: {first_line(cause) or 'no text'}"
    if isinstance(cause, KerasRegistryError):
        errors = (item for item in cause.findings if item.level is Level.ERROR)
        words += "".join(f"; {item.code} {item.summary}" for item in errors)
    return words


def _done(fault: Fault) -> str:
    """What could not be done with an object."""
    return "called" if fault.method in _CALLS else "built" if fault.method == "build" else "made"


def _title(node: Any) -> str:
    use = find_use(node)
    return printable(node.get("class_name") if use is None else use.key, limit=100)


def _pointer(path: Path) -> str:
    return "".join(f"/{str(t).replace('~', '~0').replace('/', '~1')}" for t in path)


def _nodes_called(
    name: Any, classes: Collection[str], config: Any
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The places of a config that have an object of this name, of one of some classes."""
    for path, node in iter_objects(config):
        inner = node.get("config")
        is_called = isinstance(inner, dict) and inner.get("name") == name
        if is_called and str(node["class_name"]).rpartition(">")[2] in classes:
            yield path, node


def _find_path(node: Any, config: Any) -> Path | None:
    """Where an object is in the config; Keras may have changed its node."""
    alike = [(path, other) for path, other in iter_objects(config) if _is_like(other, node)]
    exact = [path for path, other in alike if other == node]
    return next(iter(exact or [path for path, _ in alike]), None)


def _is_like(one: Any, other: Any) -> bool:
    """Whether two configs are those of one object; Keras may have changed one of them."""
    is_alike = one.get("class_name") == other.get("class_name")
    return bool(is_alike and _name_of(one) == _name_of(other))


def _name_of(node: Any) -> Any:
    inner = node.get("config")
    return inner.get("name") if isinstance(inner, dict) else None


def _find_resolution(node: Any, resolution: Resolution) -> ObjectResolution | None:
    use = find_use(node) if isinstance(node, dict) else None
    return next((i for i in resolution.objects if use is not None and i.key == use.key), None)
