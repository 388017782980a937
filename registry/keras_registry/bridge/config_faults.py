"""What is wrong with the configs of a model that is being saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras_registry.artifact import describe_place, scan_config
from keras_registry.bridge.reports import log_findings, tell
from keras_registry.config import base_arguments
from keras_registry.errors import ConfigError
from keras_registry.findings import (
    CODES,
    Finding,
    Level,
    Need,
    finding,
    has_errors,
    render_findings,
)
from keras_registry.names import printable
from keras_registry.registration import default_registry
from keras_registry.settings import current_policy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keras_registry.artifact import ObjectUse
    from keras_registry.config import ConfigFault

__all__ = ["judge_faults"]


def judge_faults(faults: Sequence[ConfigFault], config: Any) -> None:
    """Tells of configs that would be loaded back wrong, or not at all, before anything is written.

    Args:
        faults: What the `get_config` methods of registered classes were found to return.
        config: The JSON document of the serialised model.

    Raises:
        ConfigError: The policy makes an error of one of them.
    """
    if not faults:
        return
    by_key = scan_config(config).by_key()
    findings = [_finding(fault, config, by_key) for fault in faults]
    if has_errors(findings):
        log_findings(findings)
        text = render_findings("the model was not saved", findings)
        raise ConfigError(text, findings=tuple(findings)) from _cause(faults)
    tell("save", findings)


def _cause(faults: Sequence[ConfigFault]) -> Exception | None:
    """What pydantic raised: one error, or all in a group."""
    errors = [fault.error for fault in faults if fault.error is not None]
    if len(errors) > 1:
        return ExceptionGroup("the configs of several objects are refused", errors)
    return errors[0] if errors else None


def _finding(
    fault: ConfigFault, config: Any, by_key: Mapping[str, tuple[ObjectUse, ...]]
) -> Finding:
    live = next((r for r in default_registry if r.target is fault.cls), None)
    key = fault.cls.__qualname__ if live is None else live.key
    use = _find_use(by_key.get(key, ()), config, fault.name)
    place = "" if use is None else describe_place(config, use.path)
    parts: dict[str, Any] = {
        "needs": (Need(printable(key), 1, place),),
        "location": None if use is None else f"{use.pointer}/config",
    }
    where = place or key
    if fault.omitted:
        names = ", ".join(name for name, _ in fault.omitted)
        shown = ", ".join(f"{n} = {printable(repr(v), limit=60)}" for n, v in fault.omitted)
        return finding(
            "S106",
            current_policy(),
            f"{where}: get_config leaves out {names}",
            wanted=f"every argument of {fault.cls.__qualname__}.__init__",
            found=f"no {names} in the config, though the object has {shown}",
            hint=f"add {_missing_part(fault)} to get_config of {fault.cls.__qualname__}, "
            "or leave get_config out: @register derives it",
            **parts,
        )
    # Where the policy makes a warning of it, the file is written all the same.
    is_refused = CODES["S107"].level(current_policy()) is Level.ERROR
    outcome = "the file was not touched" if is_refused else "this file cannot be loaded"
    return finding(
        "S107",
        current_policy(),
        "; ".join(f"{where}: {p.field}: {p.wanted}" for p in fault.problems),
        wanted=f"a config that {printable(key)} accepts",
        found="; ".join(f"{p.field} = {p.found}" for p in fault.problems),
        hint=f"set the attributes right and save again; {outcome}",
        **parts,
    )


def _missing_part(fault: ConfigFault) -> str:
    """What a `get_config` must return besides."""
    inherited = base_arguments(fault.cls)
    own = [name for name, _ in fault.omitted if name not in inherited]
    is_orphan = len(own) < len(fault.omitted)
    return " and ".join([*(["**super().get_config()"] if is_orphan else []), *own])


def _find_use(uses: Sequence[ObjectUse], config: Any, name: str | None) -> ObjectUse | None:
    """The place of an object of this name, else the first."""
    for use in uses:
        node = config
        for step in use.path:
            node = node[step]
        inner = node.get("config") if isinstance(node, dict) else None
        if isinstance(inner, dict) and inner.get("name") == name:
            return use
    return uses[0] if uses else None
