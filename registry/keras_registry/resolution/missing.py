"""Objects that nobody here has, or that more than one has."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from keras_registry.names import ObjectRef, is_key, printable
from keras_registry.resolution.model import Source
from keras_registry.resolution.words import install_line, wanted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from keras_registry.environment import InstalledDistribution, Plugin
    from keras_registry.findings import Finding, Need
    from keras_registry.resolution.model import ObjectResolution, Question

__all__ = ["missing_findings", "moved_finding", "rivals_finding"]


def missing_findings(question: Question, objects: Sequence[ObjectResolution]) -> Iterator[Finding]:
    """What is said of objects that nobody has: one finding for each distribution that lacks.

    Args:
        question: What `resolve_model` was asked.
        objects: All objects, resolved.
    """
    rivals = {
        item.key
        for item in objects
        if item.source is Source.MISSING and question.environment.find_plugins(item.key)
    }
    missing = [i for i in objects if i.source is Source.MISSING and i.key not in rivals]
    by_distribution: dict[str, list[ObjectResolution]] = {}
    for item in missing:
        name = None if item.record is None else item.record.distribution
        if name is not None:
            by_distribution.setdefault(name, []).append(item)
        elif item.uses[0].is_unpublished or (item.record and item.record.module == "__main__"):
            yield _unpublished_finding(question, item)
        else:
            yield _unknown_finding(question, item)
    for name, items in by_distribution.items():
        installed = question.environment.find_distribution(name)
        if installed is None:
            yield _not_installed_finding(question, name, items)
        else:
            yield _not_provided_finding(question, installed, items)


def _unpublished_finding(question: Question, item: ObjectResolution) -> Finding:
    return question.finding(
        "R107",
        f"{item.needs.key} was never published",
        needs=(item.needs,),
        wanted="its definition",
        found="it was defined in a script or notebook when the model was saved",
        hint=f"run its definition first, or {_pass_it(item.key)}{_or_uncompiled([item])}",
    )


def _unknown_finding(question: Question, item: ObjectResolution) -> Finding:
    module = item.uses[0].module
    known = [p.key for d in question.environment.iter_distributions() for p in d.plugins]
    same_name = [key for key in known if ObjectRef.parse(key).name == item.key]
    close = difflib.get_close_matches(item.key, known, n=3)
    near = list(dict.fromkeys([*same_name, *close]))[:3]
    found = "no installed distribution lists it, and Keras does not have it"
    if module not in {None, "builtins"}:  # what Keras writes for every function
        found += f"; the file says it was defined in {printable(module, limit=80)}"
    if near:
        hint = f"the nearest names here: {', '.join(near)}"
    else:
        hint = f"import the module that defines it, or {_pass_it(item.key)}"
    return question.finding(
        "R106",
        f"nothing here provides {item.needs.key}",
        needs=(item.needs,),
        wanted="a distribution that lists it",
        found=found,
        hint=f"{hint}{_or_uncompiled([item])}",
    )


def _or_uncompiled(items: Sequence[ObjectResolution]) -> str:
    """What else can be done where only the compiled state needs the objects."""
    if any(not use.in_compile_config for item in items for use in item.uses):
        return ""
    return "; to predict only, load it with compile=False"


def _pass_it(key: str) -> str:
    """How to pass an object; what is no key is not repeated as something to type."""
    if not is_key(key):
        return "pass it in custom_objects"
    return f"pass custom_objects={{{key.rpartition('>')[2]!r}: ...}}"


_TRUST = "it is the file that names it: install it only if you trust its source"


def _not_installed_finding(
    question: Question, name: str, items: Sequence[ObjectResolution]
) -> Finding:
    record = question.manifest and question.manifest.find_distribution(name)
    return question.finding(
        "R101",
        f"{name} is not installed",
        needs=tuple(item.needs for item in items),
        distribution=name,
        wanted=wanted(name, record or None),
        found="no such distribution",
        hint=f"{install_line(name, record or None)}    {_TRUST}{_or_uncompiled(items)}",
    )


def _not_provided_finding(
    question: Question, installed: InstalledDistribution, items: Sequence[ObjectResolution]
) -> Finding:
    name, version = installed.name, installed.distribution_version
    record = question.manifest and question.manifest.find_distribution(name)
    provided = [plugin.key for plugin in installed.plugins]
    near = [k for item in items for k in difflib.get_close_matches(item.key, provided, n=2)]
    shown = ", ".join(dict.fromkeys(near)) or ", ".join(provided[:3]) or "no objects"
    recorded = record.version if record else None
    if recorded is not None and recorded != version and installed.plugins:
        hint = f'pip install "{name}=={recorded}"    {_TRUST}'
    else:
        hint = f"ask the author of {name} where the object is, or pass it in custom_objects"
    return question.finding(
        "R102",
        f"{name} {version} does not provide {', '.join(item.needs.key for item in items)}",
        needs=tuple(item.needs for item in items),
        distribution=name,
        wanted=wanted(name, record or None),
        found=f"{name} {version}, which provides {shown}",
        hint=f"{hint}{_or_uncompiled(items)}",
    )


def moved_finding(question: Question, recorded: str, need: Need, plugin: Plugin) -> Finding:
    """What is said of an object that another distribution has than the manifest names.

    Args:
        question: What `resolve_model` was asked.
        recorded: The distribution that the manifest names.
        need: The object and its places.
        plugin: The plugin that has it.
    """
    found = f"{plugin.distribution} {plugin.distribution_version}"
    if plugin.key != need.key:
        found += f", as {plugin.key}"
    return question.finding(
        "R210",
        f"{need.key} comes from another distribution",
        needs=(need,),
        distribution=plugin.distribution,
        wanted=f"{recorded}, with which the model was saved",
        found=found,
        hint="save the model again, if that is where the object moved",
    )


def rivals_finding(question: Question, need: Need, claimants: Sequence[Plugin]) -> Finding:
    """What is said of an object that several distributions have, none of them named.

    Args:
        question: What `resolve_model` was asked.
        need: The object and its places.
        claimants: The plugins that have it.
    """
    names = ", ".join(f"{p.distribution} {p.distribution_version}" for p in claimants)
    return question.finding(
        "R104",
        f"{len(claimants)} distributions provide {need.key}",
        needs=(need,),
        wanted="one, or a manifest that names one",
        found=names,
        hint=f"uninstall all but one, or {_pass_it(need.key)}",
    )
