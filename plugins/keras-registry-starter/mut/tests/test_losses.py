"""`PinballLoss`: its formula, shapes, reductions, masks and gradients."""

import json

import keras
import numpy as np
import pytest

from keras_registry_starter.losses import PinballLoss

LEVELS = (0.1, 0.5, 0.9)


def reference(y_true: np.ndarray, y_pred: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    """Compute the loss of each target with numpy, by the two cases of its definition."""
    error = y_true[..., None] - y_pred
    rate = np.where(error >= 0, np.array(levels), 1 - np.array(levels))
    return (rate * np.abs(error)).mean(axis=-1)


def make_batch(
    rng: np.random.Generator, shape: tuple[int, ...], dtype: str = "float32"
) -> tuple[np.ndarray, np.ndarray]:
    """Draw targets, and predictions of three quantiles for each."""
    return rng.normal(size=shape).astype(dtype), rng.normal(size=(*shape, 3)).astype(dtype)


@pytest.mark.parametrize("column", [False, True])
@pytest.mark.parametrize("shape", [(7,), (4, 5), (2, 3, 4)])
def test_loss_is_the_formula(
    rng: np.random.Generator, shape: tuple[int, ...], *, column: bool
) -> None:
    """Each target costs q or 1 - q a unit, averaged over quantiles, for every rank."""
    y_true, y_pred = make_batch(rng, shape)
    wanted = reference(y_true, y_pred, LEVELS)
    if column:
        y_true = y_true[..., None]

    each = PinballLoss(LEVELS, reduction="none")(y_true, y_pred)
    mean = PinballLoss(LEVELS)(y_true, y_pred)

    assert tuple(each.shape) == shape
    np.testing.assert_allclose(keras.ops.convert_to_numpy(each), wanted, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(float(mean), wanted.mean(), rtol=1e-5)


@pytest.mark.parametrize("dtype", ["float16", "float32", "int32"])
def test_any_dtype_is_taken(rng: np.random.Generator, dtype: str) -> None:
    """Half precision and whole numbers are computed in the dtype of the loss."""
    y_true, y_pred = (10 * part for part in make_batch(rng, (7,)))
    y_true, y_pred = y_true.astype(dtype), y_pred.astype(dtype)

    value = PinballLoss(LEVELS)(y_true, y_pred)

    assert keras.backend.standardize_dtype(value.dtype) == "float32"
    wanted = reference(y_true.astype("float64"), y_pred.astype("float64"), LEVELS).mean()
    np.testing.assert_allclose(float(value), wanted, rtol=1e-5)


def test_least_cost_is_at_the_quantile(rng: np.random.Generator) -> None:
    """Of all constant predictions, the empirical quantile costs least."""
    y_true = rng.exponential(size=101).astype("float32")
    candidates = np.sort(y_true)

    for level in LEVELS:
        loss = PinballLoss((level,))
        costs = [float(loss(y_true, np.full((101, 1), c, "float32"))) for c in candidates]
        assert candidates[int(np.argmin(costs))] == pytest.approx(np.quantile(y_true, level))


def test_sample_weights_weigh_targets(rng: np.random.Generator) -> None:
    """A sample weight multiplies the loss of its target."""
    y_true, y_pred = make_batch(rng, (4, 5))
    weights = rng.uniform(size=(4, 5)).astype("float32")

    value = PinballLoss(LEVELS, reduction="sum")(y_true, y_pred, sample_weight=weights)

    wanted = (weights * reference(y_true, y_pred, LEVELS)).sum()
    np.testing.assert_allclose(float(value), wanted, rtol=1e-5)


def test_gradient_is_the_level_minus_the_share_above(rng: np.random.Generator) -> None:
    """A step of gradient descent moves each quantile by its level less the share above targets."""
    y_true = rng.normal(size=(8,)).astype("float32")
    layer = keras.layers.Dense(3, kernel_initializer="zeros")
    model = keras.Sequential([keras.Input((1,)), layer])
    model.compile(keras.optimizers.SGD(1.0), loss=PinballLoss(LEVELS))

    model.train_on_batch(np.zeros((8, 1), "float32"), y_true)

    wanted = (np.array(LEVELS) - np.mean(y_true < 0)) / 3
    np.testing.assert_allclose(keras.ops.convert_to_numpy(layer.bias), wanted, atol=1e-6)


def test_config_round_trip_keeps_every_argument() -> None:
    """A loss made from a config, through JSON, has the same levels, name and reduction."""
    loss = PinballLoss((0.25, 0.75), name="spread", reduction="sum")
    config = json.loads(json.dumps(loss.get_config()))

    again = PinballLoss.from_config(config)

    assert again.quantiles == (0.25, 0.75)
    assert isinstance(again.quantiles, tuple)
    assert (again.name, again.reduction) == ("spread", "sum")
    assert again.get_config() == loss.get_config()


def test_name_has_a_default() -> None:
    """A loss without a name is called `pinball_loss`, every time."""
    assert {PinballLoss().name, PinballLoss().name} == {"pinball_loss"}


@pytest.mark.parametrize("levels", [(), (0.0, 0.5), (0.5, 1.0), (-0.1,), (float("nan"),)])
def test_levels_must_lie_strictly_between_0_and_1(levels: tuple[float, ...]) -> None:
    """No level, or one outside (0, 1), is refused when the loss is made."""
    with pytest.raises(ValueError, match="strictly between 0 and 1"):
        PinballLoss(levels)


@pytest.mark.parametrize(
    ("true_shape", "pred_shape"),
    [((4, 1), (4, 5, 3)), ((5,), (4, 3)), ((4, 3), (4, 3)), ((), (4, 3)), ((4, 1, 1), (4, 3))],
)
def test_shapes_that_would_broadcast_are_refused(
    true_shape: tuple[int, ...], pred_shape: tuple[int, ...]
) -> None:
    """Targets that belong to other predictions raise an error that shows both shapes."""
    loss = PinballLoss(LEVELS)
    with pytest.raises(ValueError, match=r"(?s)do not belong together.*wanted.*found"):
        loss(np.ones(true_shape, "float32"), np.ones(pred_shape, "float32"))


def test_a_scalar_prediction_is_refused() -> None:
    """A prediction without a quantile axis raises an error that says what is wanted."""
    with pytest.raises(ValueError, match="one axis or more"):
        PinballLoss((0.5,))(1.0, 1.0)


def test_the_number_of_quantiles_must_match() -> None:
    """A last axis that is not as long as the levels raises an error that shows both."""
    with pytest.raises(ValueError, match=r"(?s)wanted  3, .*found   2, in y_pred"):
        PinballLoss(LEVELS)(np.ones(4, "float32"), np.ones((4, 2), "float32"))
