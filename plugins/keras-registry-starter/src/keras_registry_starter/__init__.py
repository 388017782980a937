"""A gated dense layer, a quantile loss and an interval-coverage metric for Keras.

The objects live in `layers`, `losses` and `metrics`. This module imports none of them, so that
loading a model brings in only the one module that the model needs.
"""
