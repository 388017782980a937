"""Objects of distributions of others, which know nothing of us, as the kit sees them.

They are installed as they are published: `nox -s third_party`. What an author would say of an
object is said here: arguments with which it is small and quick, and inputs where it takes nothing
usual.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_registry.contract.unregistered import subject_as_it_is

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from keras_registry.contract import Subject

__all__ = ["OBJECTS", "Foreign", "all_subjects"]


def _reals(*shape: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(7).uniform(0.1, 0.9, shape).astype("float32")


def _numbers(*shape: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(7).integers(0, 2, shape).astype("int32")


def _one_hot(*shape: int) -> np.ndarray[Any, Any]:
    return np.eye(*shape, dtype="float32")


@dataclass(frozen=True)
class Foreign:
    """What is known of an object.

    Attributes:
        example: Arguments with which it can be made, and quickly.
        inputs: Makes what it is called with; None for what the kit guesses.
    """

    example: Callable[[], Mapping[str, Any]] | None = None
    inputs: Callable[[], Any] | None = None


_AS_IT_IS = Foreign()


def _small(**example: Any) -> Foreign:
    return Foreign(lambda: example)


_ENCODER = {"intermediate_dim": 4, "num_heads": 2}


def _wiring() -> Any:
    return import_module("ncps").wirings.AutoNCP(8, 2, seed=3)


OBJECTS: Mapping[str, Mapping[str, Foreign]] = {
    "keras-tcn": {"tcn:TCN": _small(nb_filters=2, kernel_size=2, dilations=[1, 2])},
    "ncps": {
        "ncps.keras:CfC": _small(units=3, backbone_units=4),
        "ncps.keras:LTC": _small(units=3, ode_unfolds=2),
        "ncps.keras:LTCCell": Foreign(lambda: {"wiring": _wiring(), "ode_unfolds": 2}),
        "ncps.keras:WiredCfCCell": Foreign(lambda: {"wiring": _wiring()}),
    },
    "keras-rs": {
        "keras_rs.layers:DotInteraction": _AS_IT_IS,
        "keras_rs.layers:EmbedReduce": _AS_IT_IS,
        "keras_rs.layers:FeatureCross": _AS_IT_IS,
        "keras_rs.layers:HardNegativeMining": Foreign(
            lambda: {"num_hard_negatives": 1}, lambda: (_reals(2, 4), _one_hot(2, 4))
        ),
        "keras_rs.layers:RemoveAccidentalHits": Foreign(
            inputs=lambda: (_reals(2, 4), _one_hot(2, 4), _numbers(2, 4))
        ),
        "keras_rs.layers:SamplingProbabilityCorrection": Foreign(
            inputs=lambda: (_reals(2, 4), _reals(2, 4))
        ),
        "keras_rs.layers:BruteForceRetrieval": Foreign(
            lambda: {"candidate_embeddings": _reals(20, 4), "k": 3}
        ),
        **{
            f"keras_rs.losses:{name}": _AS_IT_IS
            for name in (
                "ListMLELoss",
                "PairwiseHingeLoss",
                "PairwiseLogisticLoss",
                "PairwiseMeanSquaredError",
                "PairwiseSoftZeroOneLoss",
            )
        },
        **{
            f"keras_rs.metrics:{name}": _AS_IT_IS
            for name in (
                "DCG",
                "MeanAveragePrecision",
                "MeanReciprocalRank",
                "NDCG",
                "PrecisionAtK",
                "RecallAtK",
            )
        },
    },
    "keras-mdn-layer": {"keras_mdn_layer:MDN": _small(output_dimension=2, num_mixtures=3)},
    "mingru-keras": {"mingru_keras:MinGRU": _small(units=3)},
    "keras-efficient-kan": {"keras_efficient_kan:KANLinear": _small(units=3)},
    "keras-hub": {
        "keras_hub.layers:AlibiBias": Foreign(inputs=lambda: _reals(2, 2, 5, 5)),
        "keras_hub.layers:CachedMultiHeadAttention": _small(num_heads=2, key_dim=3),
        "keras_hub.layers:FNetEncoder": _small(intermediate_dim=4),
        "keras_hub.layers:PositionEmbedding": _small(sequence_length=6),
        "keras_hub.layers:ReversibleEmbedding": _small(input_dim=9, output_dim=4),
        "keras_hub.layers:RMSNormalization": _small(input_dim=4),
        "keras_hub.layers:RotaryEmbedding": Foreign(inputs=lambda: _reals(2, 5, 4)),
        "keras_hub.layers:SinePositionEncoding": Foreign(inputs=lambda: _reals(2, 5, 4)),
        "keras_hub.layers:TokenAndPositionEmbedding": Foreign(
            lambda: {"vocabulary_size": 9, "sequence_length": 6, "embedding_dim": 4},
            lambda: _numbers(2, 5),
        ),
        "keras_hub.layers:TransformerEncoder": Foreign(lambda: _ENCODER, lambda: _reals(2, 5, 4)),
    },
    "hgq2": {
        "hgq.layers:QAdd": _AS_IT_IS,
        "hgq.layers:QDense": _small(units=3),
        "hgq.layers:QSoftmax": _AS_IT_IS,
        "hgq.layers:QSum": _AS_IT_IS,
    },
    "kgcnn": {
        "kgcnn.layers.activ:LeakySoftplus": _AS_IT_IS,
        "kgcnn.layers.activ:Swish": _AS_IT_IS,
        "kgcnn.layers.geom:BesselBasisLayer": Foreign(
            lambda: {"num_radial": 3, "cutoff": 5.0}, lambda: _reals(6, 1)
        ),
        "kgcnn.layers.geom:CosCutOffEnvelope": _small(cutoff=5.0),
        "kgcnn.layers.geom:EuclideanNorm": _AS_IT_IS,
        "kgcnn.layers.geom:GaussBasisLayer": Foreign(inputs=lambda: _reals(6, 1)),
        "kgcnn.layers.mlp:MLP": _small(units=3),
        "kgcnn.layers.modules:Embedding": _small(input_dim=9, output_dim=4),
        "kgcnn.layers.modules:ExpandDims": _small(axis=-1),
        "kgcnn.layers.update:GRUUpdate": Foreign(
            lambda: {"units": 3}, lambda: [_reals(6, 3), _reals(6, 3)]
        ),
    },
}
"""What is checked, by the name of the distribution."""


def all_subjects() -> Iterator[Subject]:
    """The objects of all distributions, as they are."""
    for objects in OBJECTS.values():
        for what, known in objects.items():
            module, _, name = what.partition(":")
            yield subject_as_it_is(
                getattr(import_module(module), name),
                key=what,
                examples=() if known.example is None else [known.example()],
                inputs=known.inputs,
            )
