"""Tests of the exceptions."""

from __future__ import annotations

import copy
import json
import pickle
import warnings
import zipfile

import pytest

from keras_registry import errors
from keras_registry.errors import (
    ConfigError,
    KerasRegistryError,
    KerasRegistryWarning,
    LoadError,
    RegistrationError,
    SettingsError,
    load_error_like,
)
from keras_registry.findings import Need, Policy, finding

FINDINGS = (
    finding("R101", Policy.STRICT, "acme-layers is not installed", needs=(Need("acme>A"),)),
    finding("R203", Policy.STRICT, "acme-losses is newer"),
)
MESSAGE = 'churn.keras cannot be loaded: 1 error\n  R101 it\'s "missing"'

KERAS_CLASSES = [
    ValueError,
    TypeError,
    KeyError,
    OSError,
    FileNotFoundError,
    IsADirectoryError,
    AttributeError,
    ImportError,
    RuntimeError,
    zipfile.BadZipFile,
]
CLASSES = [
    KerasRegistryError,
    SettingsError,
    RegistrationError,
    ConfigError,
    LoadError,
    *map(load_error_like, KERAS_CLASSES),
]


def name_of(value: type) -> str:
    """The name of a class, for the test's own name."""
    return value.__name__


@pytest.mark.parametrize("cls", CLASSES, ids=name_of)
class TestEveryError:
    """What holds for all of them."""

    def test_has_the_one_root(self, cls: type[KerasRegistryError]) -> None:
        """Whoever catches the root catches all."""
        with pytest.raises(KerasRegistryError):
            raise cls(MESSAGE)

    def test_says_its_message_and_nothing_else(self, cls: type[KerasRegistryError]) -> None:
        """The text is the message as it is: not quoted, as that of a KeyError would be."""
        assert str(cls(MESSAGE)) == MESSAGE

    def test_carries_its_findings(self, cls: type[KerasRegistryError]) -> None:
        """What is wrong is there as data; there may be nothing of that sort."""
        assert cls(MESSAGE, findings=FINDINGS).findings == FINDINGS
        assert cls(MESSAGE).findings == ()

    @pytest.mark.parametrize("protocol", range(3, pickle.HIGHEST_PROTOCOL + 1))
    def test_comes_back_from_a_pickle(self, cls: type[KerasRegistryError], protocol: int) -> None:
        """Another process gets the same class, text and findings."""
        error = cls(MESSAGE, findings=FINDINGS)

        same = pickle.loads(pickle.dumps(error, protocol))  # noqa: S301 - our own

        assert type(same) is cls
        assert str(same) == MESSAGE
        assert same.findings == FINDINGS

    def test_can_be_copied(self, cls: type[KerasRegistryError]) -> None:
        """Test runners and loggers copy exceptions."""
        for same in (
            copy.copy(cls(MESSAGE, findings=FINDINGS)),
            copy.deepcopy(cls(MESSAGE, findings=FINDINGS)),
        ):
            assert (type(same), str(same), same.findings) == (cls, MESSAGE, FINDINGS)


@pytest.mark.parametrize("keras_class", KERAS_CLASSES, ids=name_of)
def test_load_error_is_also_an_error_of_keras(keras_class: type[Exception]) -> None:
    """Code that catches what plain Keras raises catches ours, too."""
    with pytest.raises(keras_class) as caught:
        raise load_error_like(keras_class)(MESSAGE)

    assert isinstance(caught.value, LoadError)


def test_load_error_of_a_class_is_one_class() -> None:
    """Asked twice, it is the same class, so that errors compare by class."""
    assert load_error_like(KeyError) is load_error_like(KeyError)
    assert load_error_like(KeyError) is not load_error_like(ValueError)
    assert load_error_like(KeyError).__name__ == "LoadKeyError"


@pytest.mark.parametrize("keras_class", [json.JSONDecodeError, UnicodeDecodeError], ids=name_of)
def test_load_error_can_be_one_that_wants_more_than_a_message(keras_class: type) -> None:
    """Plain Keras raises JSONDecodeError where a file's JSON is broken; ours is one as well."""
    error = load_error_like(keras_class)(MESSAGE, findings=FINDINGS)

    assert isinstance(error, keras_class)
    assert str(error) == MESSAGE


@pytest.mark.parametrize("cls", [SettingsError, RegistrationError, ConfigError], ids=name_of)
def test_wrong_use_is_a_value_error(cls: type[Exception]) -> None:
    """A wrong argument is what Python calls a ValueError."""
    assert issubclass(cls, ValueError)


def test_all_errors_are_public() -> None:
    """Every exception of the module is in its `__all__`."""
    raised = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, BaseException) and name[0] != "_"
    }

    assert raised <= set(errors.__all__)


def test_warning_carries_its_finding() -> None:
    """A warning can be told by the code of its finding, and comes back from a pickle."""
    with pytest.warns(KerasRegistryWarning, match="too old") as caught:
        warnings.warn(KerasRegistryWarning("too old", finding=FINDINGS[0]), stacklevel=1)

    warning = caught[0].message
    assert isinstance(warning, KerasRegistryWarning)
    assert warning.finding is FINDINGS[0]
    same = pickle.loads(pickle.dumps(warning))  # noqa: S301 - our own
    assert (type(same), str(same), same.finding) == (KerasRegistryWarning, "too old", FINDINGS[0])


def test_warning_can_be_silenced_by_its_class() -> None:
    """The class alone filters all of our warnings, and it is a UserWarning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", KerasRegistryWarning)
        warnings.warn(KerasRegistryWarning("too old"), stacklevel=1)
    assert issubclass(KerasRegistryWarning, UserWarning)
    assert KerasRegistryWarning("too old").finding is None
