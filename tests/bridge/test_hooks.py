"""What is wrapped in Keras, how it comes out again, and what happens where it is not there."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.processes import Completed

CAPTURE = """
import keras
import keras._tf_keras.keras.models
import keras._tf_keras.keras.saving


def attributes():
    '''Everything in every module of Keras.'''
    return {
        (name, attribute): value
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] == "keras"
        for attribute, value in list(vars(module).items())
        if not attribute.startswith("__")
    }


def changed(before):
    now = attributes()
    return sorted(".".join(place) for place in before if now.get(place) is not before[place])
"""

DECLARED = """
def declared_by(internals):
    '''Every attribute of Keras that the bridge says it wraps.'''
    values = [v if isinstance(v, tuple) else (v,) for v in vars(internals).values()]
    return [a for some in values for a in some if isinstance(a, internals.Attribute)]
"""

SEAMS = {
    "save_model": "saving_lib",
    "_serialize_model_as_json": "saving_lib",
    "_load_model_from_fileobj": "saving_lib",
    "_model_from_config": "saving_lib",
    "_retrieve_class_or_fn": "serialization_lib",
}
"""Functions of Keras that are wrapped, and the modules in `keras.src.saving` that have them."""

OTHER_SEAMS = {
    "keras.src.export.export_saved_model",
    "keras.src.saving.saving_lib._load_model_from_dir",
    "keras.src.saving.saving_lib.deserialize_keras_object",
    "keras.src.saving.serialization_lib.deserialize_keras_object",
    "keras.src.legacy.saving.legacy_h5_format.save_model_to_hdf5",
    "keras.src.legacy.saving.legacy_h5_format.load_model_from_hdf5",
    "keras.src.legacy.saving.legacy_h5_format.load_weights_from_hdf5_group",
    "keras.src.legacy.saving.saving_utils.compile_args_from_training_config",
    "keras.src.legacy.saving.saving_utils.model_from_config",
    "keras.src.legacy.saving.saving_utils.try_build_compiled_arguments",
}
"""The seams of folders, of `.h5` files and of configs without a file."""

PUBLIC = {
    "keras.models.load_model",
    "keras.saving.load_model",
    "keras.saving.deserialize_keras_object",
}


def test_disable_puts_every_attribute_back(child):
    """`disable()` leaves each attribute of Keras the very object that it was before the hooks."""
    done = child(
        [
            CAPTURE,
            DECLARED,
            """
            before = attributes()
            import keras_registry
            from keras_registry.bridge import internals
            hooked = changed(before)
            keras_registry.disable()
            left = changed(before)
            keras_registry.disable()  # a second time is no harm
            keras_registry.enable()
            keras_registry.enable()
            enabled = changed(before)
            small_model().save("enabled.keras")
            keras_registry.disable()
            small_model().save("disabled.keras")
            answer(
                hooked=hooked, left=left, enabled=enabled, at_last=changed(before),
                declared=[str(a) for a in declared_by(internals) if (a.module, a.name) in before],
                manifests=[bool(manifest_of(f"{name}.keras")) for name in ("enabled", "disabled")],
            )
            """,
        ]
    )

    found = done.json()
    seams = {f"keras.src.saving.{module}.{name}" for name, module in SEAMS.items()} | OTHER_SEAMS
    hooked = set(found["hooked"])
    assert hooked >= seams | PUBLIC
    assert hooked == set(found["declared"])
    assert found["enabled"] == found["hooked"]
    assert found["left"] == []
    assert found["at_last"] == []
    assert found["manifests"] == [True, False]


def test_module_of_keras_that_is_imported_late(child):
    """A module that hands Keras's functions on is hooked when it is imported, and put back."""
    done = child(
        """
        import keras, keras_registry
        import keras._tf_keras.keras.models as late
        hooked = late.load_model is keras.models.load_model
        keras_registry.disable()
        back = late.load_model is keras.models.load_model is keras.src.saving.saving_api.load_model
        answer(hooked=hooked, back=back, plain=type(late.load_model).__name__)
        """
    )

    assert done.json() == {"hooked": True, "back": True, "plain": "function"}


def test_hooks_keep_the_face_of_what_they_wrap(child):
    """A hooked function has Keras's name, documentation and signature."""
    done = child(
        """
        import inspect, keras
        import keras.src.saving.saving_lib as saving_lib
        def face(function):
            return [function.__name__, function.__module__, function.__doc__,
                    str(inspect.signature(function))]
        before = [face(keras.saving.load_model), face(saving_lib.save_model)]
        import keras_registry
        answer(same=before == [face(keras.saving.load_model), face(saving_lib.save_model)])
        """
    )

    assert done.json() == {"same": True}


def test_hook_wrapped_by_someone_else_goes_inert(child):
    """What another library has wrapped around a hook stays, and the hook inside does nothing."""
    done = child(
        """
        import keras, keras_registry
        import keras.src.saving.saving_lib as saving_lib

        calls = []
        hooked = {name: getattr(saving_lib, name)
                  for name in ("save_model", "_serialize_model_as_json",
                               "_load_model_from_fileobj")}

        def wrapped_again(name):
            def outer(*args, **kwargs):
                calls.append(name)
                return hooked[name](*args, **kwargs)
            return outer

        outer = {name: wrapped_again(name) for name in hooked}
        for name, function in outer.items():
            setattr(saving_lib, name, function)
        keras_registry.disable()
        kept = all(getattr(saving_lib, name) is function for name, function in outer.items())
        small_model().save("saved.keras")
        model = keras.saving.load_model("saved.keras")
        answer(kept=kept, calls=calls, manifest=manifest_of("saved.keras"),
               report=keras_registry.report(model))
        """
    )

    assert done.json() == {
        "kept": True,
        "calls": ["save_model", "_serialize_model_as_json", "_load_model_from_fileobj"],
        "manifest": None,
        "report": None,
    }


WRAP_ALL_AGAIN = """
import functools
import logging
import pickle
import shutil

import h5py
import keras
import keras._tf_keras.keras.models
import keras._tf_keras.keras.utils
import keras_registry
from keras_registry.bridge import internals

logging.getLogger("absl").setLevel(logging.ERROR)  # that HDF5 is considered legacy
outer, called = {}, set()


def wrap_again(attribute):
    module = sys.modules.get(attribute.module)
    hook = getattr(module, attribute.name, None)
    if hook is not None:
        @functools.wraps(hook)
        def wrapper(*args, **kwargs):
            called.add(attribute.name)
            return hook(*args, **kwargs)
        outer[attribute] = wrapper
        setattr(module, attribute.name, wrapper)


for attribute in declared_by(internals):
    wrap_again(attribute)


def in_place():
    return all(vars(sys.modules[a.module])[a.name] is wrapper for a, wrapper in outer.items())


def attempt(function, *args, **kwargs):
    try:
        return function(*args, **kwargs)
    except Exception as error:
        return type(error).__name__


def has_report(model):
    return not isinstance(model, str) and keras_registry.report(model) is not None


def tell(plugin_file, plugin_json):
    '''What every way out of a process and back does.'''
    model = small_model()
    model.save("zip.keras")
    model.save("folder", zipped=False)
    model.save("legacy.h5")
    model.export("exported", verbose=False)
    with h5py.File("legacy.h5") as file:
        in_h5 = "keras_registry" in file
    with open("folder/metadata.json") as file:
        in_folder = "keras_registry" in json.load(file)
    with open(plugin_json) as file:
        config = file.read()
    paths = ("zip.keras", "folder", "legacy.h5")
    told = {
        "manifests": [bool(manifest_of("zip.keras")), in_folder, in_h5,
                      os.path.exists("exported/assets.extra")],
        "reports": [has_report(keras.saving.load_model(path)) for path in paths],
        "pickle": has_report(pickle.loads(pickle.dumps(model))),
        "plugin": type(attempt(keras.saving.load_model, plugin_file)).__name__,
        "json": type(attempt(keras.models.model_from_json, config)).__name__,
        "missing": attempt(keras.models.load_model, "missing.keras"),
    }
    shutil.rmtree("exported")
    return told
"""
"""Another library, which wraps all that is hooked."""


def test_every_hook_wrapped_by_someone_else_goes_inert(
    scale_child: Callable[..., Completed], scale_model: Path, tmp_path: Path
) -> None:
    """Wrapped by another library, no hook does anything after `disable`, and all after `enable`.

    What the other library put there stays there all the time.
    """
    with zipfile.ZipFile(scale_model) as archive:
        (tmp_path / "scale.json").write_bytes(archive.read("config.json"))

    done = scale_child(
        DECLARED,
        WRAP_ALL_AGAIN,
        """
        keras_registry.disable()
        inert, kept = tell(*sys.argv[1:]), [in_place()]
        keras_registry.enable()
        working = tell(*sys.argv[1:])
        keras_registry.disable()
        kept.append(in_place())
        at_last = {**tell(*sys.argv[1:]), "plugin": "str", "json": "str"}  # it is imported now
        answer(inert=inert, working=working, kept=kept, same=at_last == inert,
               called=len(called), wrapped=len({attribute.name for attribute in outer}))
        """,
        argv=[scale_model, tmp_path / "scale.json"],
    )

    found = done.json()
    assert found["inert"] == {
        "manifests": [False] * 4,
        "reports": [False] * 3,
        "pickle": False,
        "plugin": "str",
        "json": "str",
        "missing": "ValueError",
    }
    assert found["working"] == {
        "manifests": [True] * 4,
        "reports": [True] * 3,
        "pickle": True,
        "plugin": "Sequential",
        "json": "Sequential",
        "missing": "LoadValueError",
    }
    assert (found["kept"], found["same"]) == ([True, True], True)
    assert found["called"] > 10
    assert found["wrapped"] >= found["called"]


def test_hooks_put_around_a_buried_hook_act_once(child):
    """After `disable` and `enable`, a hook buried under another library's wrapper stays inert."""
    done = child(
        """
        import keras, keras_registry
        import keras.src.saving.saving_lib as saving_lib
        from keras_registry.bridge import saving

        hooked = saving_lib._serialize_model_as_json
        saving_lib._serialize_model_as_json = lambda *args: hooked(*args)
        keras_registry.disable()
        keras_registry.enable()

        made = []
        record_model = saving.record_model
        def counting(*args, **kwargs):
            made.append(1)
            return record_model(*args, **kwargs)
        saving.record_model = counting
        small_model().save("saved.keras")
        answer(manifests=len(made))
        """
    )

    assert done.json() == {"manifests": 1}


def test_model_saved_while_disabled_is_loaded_while_enabled(child):
    """A model saved with the hooks out is one without a manifest, and loads with them in."""
    done = child(
        """
        import keras, keras_registry
        keras_registry.disable()
        small_model().save("saved.keras")
        keras_registry.enable()
        report = keras_registry.report(keras.saving.load_model("saved.keras"))
        answer(codes=codes(report.findings), verified=report.verified)
        """
    )

    assert done.json() == {"codes": ["M101"], "verified": []}


RENAME = """
import types
import keras
import keras.src.saving.saving_api as saving_api
import keras.src.saving.saving_lib as saving_lib
import keras.src.saving.serialization_lib as serialization_lib


def rename(module, name):
    '''Make this a Keras in which a function has another name, for all who call it.'''
    setattr(module, f"{name}_2", vars(module).pop(name))
    callers = [saving_api.save_model] if name == "save_model" else vars(module).values()
    for caller in callers:
        code = getattr(caller, "__code__", None)
        if code is not None and name in code.co_names:
            names = tuple(f"{name}_2" if n == name else n for n in code.co_names)
            caller.__code__ = code.replace(co_names=names)
"""


@pytest.mark.parametrize(("name", "module"), SEAMS.items(), ids=SEAMS)
def test_keras_without_a_seam(acme_child, acme_model, acme_copy, module, name):
    """On a Keras without a seam: one warning K301, and the explicit functions do all the work."""

    def turn(file):
        kernel = file["layers/dense/vars/0"]
        kernel[...] = kernel[...][::-1]

    done = acme_child(
        RENAME,
        f"""
        rename({module}, "{name}")

        def imports():
            import keras_registry

        _, findings = warned(imports)
        import keras_registry
        import numpy as np

        good, tampered, known = sys.argv[1], sys.argv[2], np.load(sys.argv[3])
        model, load_findings = warned(keras_registry.load_model, good)
        keras_registry.save_model(model, "again.keras")
        again = keras_registry.load_model("again.keras")
        error = caught(keras_registry.load_model, tampered)
        missing = caught(keras_registry.load_model, "missing.keras")
        small_model().save("plain.keras")
        predictions = again.predict(known["x"], verbose=0)
        answer(
            codes=codes(findings),
            wanted=[f.wanted for f in findings],
            on_load=codes(load_findings),
            verified=keras_registry.report(again).verified,
            distributions=list(manifest_of("again.keras")["distributions"]),
            equal=bool(np.array_equal(predictions, known["predictions"])),
            errors=[codes(e.findings) for e in (error, missing)],
            plain=type(keras.saving.load_model("plain.keras")).__name__,
            left=[name for name in os.listdir() if name.startswith(".")],
        )
        """,
        argv=[acme_model.path, acme_copy("tampered.keras", weights=turn), acme_model.npz],
    )

    assert done.json() == {
        "codes": ["K301"],
        "wanted": [f"keras.src.saving.{module}.{name}"],
        "on_load": [],
        "verified": ["layers", "optimizer"],
        "distributions": ["acme-layers"],
        "equal": True,
        "errors": [["W102"], ["A101"]],
        "plain": "Sequential",
        "left": [],
    }


@pytest.mark.parametrize(("name", "module"), list(SEAMS.items())[2:], ids=list(SEAMS)[2:])
def test_explicit_load_tells_once_on_a_keras_without_a_seam(acme_child, acme_copy, module, name):
    """Where some hooks are in place and one is not, `load_model` does not do its work twice."""
    path = acme_copy(manifest=lambda m: m["distributions"]["acme-layers"].update(version="1.4.9"))
    done = acme_child(
        RENAME,
        f"""
        rename({module}, "{name}")

        def imports():
            import keras_registry

        warned(imports)
        import keras_registry
        _, findings = warned(keras_registry.load_model, sys.argv[1])
        answer(codes=codes(findings))
        """,
        argv=[path],
    )

    assert done.json() == {"codes": ["R202"]}


def test_hook_pickles_by_name(child):
    """`load_model` can be sent to a worker: it is found there by name, hooked or not."""
    done = child(
        """
        import keras, keras_registry, pickle
        pickled = {n: pickle.dumps(f, protocol=n) for n in range(pickle.HIGHEST_PROTOCOL + 1)
                   for f in [keras.saving.load_model]}
        same = [pickle.loads(data) is keras.saving.load_model for data in pickled.values()]
        answer(same=same, pickled=pickled[4].hex())
        """
    ).json()
    assert all(done["same"])

    worker = child(
        """
        import keras, pickle
        function = pickle.loads(bytes.fromhex(sys.argv[1]))
        answer(same=function is keras.saving.load_model, ours="keras_registry" in sys.modules)
        """,
        done["pickled"],
    )

    assert worker.json() == {"same": True, "ours": False}


def test_hook_copies_as_a_function_does(child):
    """A copy of something that holds `load_model`, deep or not, holds the same function."""
    done = child(
        """
        import copy, keras, keras_registry
        held = [keras.saving.load_model]
        answer(same=[make(held)[0] is held[0] for make in (copy.copy, copy.deepcopy)])
        """
    )

    assert done.json() == {"same": [True, True]}


def test_name_bound_to_a_hook_goes_inert(child):
    """A hook that a program imported by name does nothing more after `disable()`."""
    done = child(
        """
        import keras_registry
        from keras.saving import load_model
        hooked = caught(load_model, "missing.keras")
        keras_registry.disable()
        plain = caught(load_model, "missing.keras")
        answer(hooked=type(hooked).__name__, plain=type(plain).__name__)
        """
    )

    assert done.json() == {"hooked": "LoadValueError", "plain": "ValueError"}


def test_name_bound_before_the_hooks_still_pickles(child):
    """A `load_model` bound before the hooks can be sent to a worker, as without keras_registry."""
    done = child(
        """
        from keras.models import load_model
        import keras_registry, pickle
        answer(name=pickle.loads(pickle.dumps(load_model)).__name__)
        """
    )

    assert done.json() == {"name": "load_model"}


def test_hook_as_the_target_of_a_process(child, tmp_path):
    """`keras.saving.load_model` works as the target of a spawned process."""
    (tmp_path / "main.py").write_text(SPAWN, encoding="utf-8")

    done = child(
        """
        import runpy
        small_model().save("saved.keras")
        del sys.argv[0]
        runpy.run_path(sys.argv[0], run_name="__main__")
        """,
        tmp_path / "main.py",
        tmp_path / "saved.keras",
    )

    assert done.check().stdout == "0\n"


SPAWN = """\
import multiprocessing
import sys

if __name__ == "__main__":
    import keras
    import keras_registry

    worker = multiprocessing.get_context("spawn").Process(
        target=keras.saving.load_model, args=sys.argv[1:]
    )
    worker.start()
    worker.join()
    print(worker.exitcode)
"""
