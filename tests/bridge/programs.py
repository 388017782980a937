"""Programs and parts of programs that the tests of the bridge run in processes of their own."""

from __future__ import annotations

from textwrap import dedent

__all__ = ["LIVE", "PRELUDE", "SCALE_SOURCE", "as_program"]

PRELUDE = '''\
import json, os, sys, warnings
warnings.simplefilter("error")
# TensorFlow's, whenever Keras turns one of its variables into an array under NumPy 2.
warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)


def answer(**values):
    """Hand values to the test, as the last line of what is printed."""
    print(json.dumps(values, default=str))


def small_model(*between, loss=None, metrics=(), seed=7, name="small"):
    """A model of Keras's own layers, or with others in the middle."""
    import keras
    keras.utils.set_random_seed(seed)
    layers = [keras.layers.Input((4,)), *between, keras.layers.Dense(2, name="head")]
    model = keras.Sequential(layers, name=name)
    if loss is not None:
        model.compile("adam", loss=loss, metrics=list(metrics))
        model.optimizer.build(model.trainable_variables)
    return model


def caught(function, *args, **kwargs):
    """The error that a call raises."""
    try:
        function(*args, **kwargs)
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def warned(function, *args, **kwargs):
    """What a call returns, and the findings of which it warned."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = function(*args, **kwargs)
    return result, [w.message.finding for w in caught if hasattr(w.message, "finding")]


def codes(findings):
    """The codes of findings, in order."""
    return [item.code for item in findings]


def manifest_of(path):
    """The manifest in a file, or None."""
    import zipfile
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("metadata.json")).get("keras_registry")
'''
"""What each program begins with: warnings are errors, and a few short hands."""


SCALE_SOURCE = '''\
"""A layer that multiplies."""

import keras

from keras_registry import register


@register("acme")
class Scale(keras.layers.Layer):
    """`x * scale * factor`."""

    made_by = "the plugin"

    def __init__(self, factor: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def build(self, input_shape):
        self.scale = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="scale")

    def call(self, inputs):
        return inputs * self.scale * self.factor
'''


LIVE = """
import keras
import keras_registry


def make_scale(made_by):
    '''A class that can stand for acme>Scale.'''
    class Scale(keras.layers.Layer):
        def __init__(self, factor=1.0, **kwargs):
            super().__init__(**kwargs)
            self.factor = factor
        def build(self, input_shape):
            self.scale = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="scale")
        def call(self, inputs):
            return inputs * self.scale * self.factor
        def get_config(self):
            return {**super().get_config(), "factor": self.factor}
    Scale.made_by = made_by
    return Scale


def tell_of(model):
    '''Which class came out, and what was noted.'''
    report = keras_registry.report(model)
    return {"made_by": model.get_layer("scale").made_by, "codes": codes(report.findings),
            "sources": [str(item.source) for item in report.objects], "verified": report.verified}
"""
"""A program's own classes in place of the plugin's."""


def as_program(*parts: str) -> str:
    """Return a program of the prelude and other parts, each of which may be indented."""
    return "\n".join([PRELUDE, *map(dedent, parts)])
