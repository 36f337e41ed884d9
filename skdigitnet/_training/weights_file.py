"""A network's weights in a file of their own, to predict with or to train further."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from skdigitnet._core.plan import ACTIVATIONS
from skdigitnet._problem.arguments import plain
from skdigitnet._problem.labels import Labels
from skdigitnet._problem.network import Network, make_network
from skdigitnet._system.files import read_record, write_record
from skdigitnet._training.published import published_attributes
from skdigitnet._training.state import TrainingState

KIND = "weights file"


@dataclass(frozen=True)
class Weights:
    """All that prediction depends on, from a file or an estimator.

    Attributes
    ----------
    coefs, intercepts : list of ndarray
    classes : ndarray of shape (n_classes,)
    multilabel : bool
    activation, out_activation, loss : str
    feature_names : ndarray of shape (n_features,) or None
    """

    coefs: list[np.ndarray]
    intercepts: list[np.ndarray]
    classes: np.ndarray
    multilabel: bool
    activation: str
    out_activation: str
    loss: str
    feature_names: np.ndarray | None

    @classmethod
    def of(cls, estimator) -> Weights:
        """The weights of a fitted estimator."""
        return cls(
            coefs=[np.ascontiguousarray(W) for W in estimator.coefs_],
            intercepts=[np.ascontiguousarray(b) for b in estimator.intercepts_],
            classes=estimator.classes_,
            multilabel=estimator._multilabel,
            activation=plain(estimator.activation),
            out_activation=estimator.out_activation_,
            loss=plain(estimator.loss),
            feature_names=getattr(estimator, "feature_names_in_", None),
        )

    def record(self) -> dict[str, Any]:
        """The content of the file, with NumPy's strings instead of Python's."""
        names = self.feature_names
        are_objects = self.classes.dtype == object
        return {
            "classes": _as_strings("classes_", self.classes) if are_objects else self.classes,
            "classes_are_objects": are_objects,
            "multilabel": self.multilabel,
            "activation": self.activation,
            "out_activation": self.out_activation,
            "loss": self.loss,
            "feature_names": None if names is None else _as_strings("feature_names_in_", names),
            **{f"coefs_{i}": W for i, W in enumerate(self.coefs)},
            **{f"intercepts_{i}": b for i, b in enumerate(self.intercepts)},
        }

    @classmethod
    def of_record(cls, record: dict[str, Any]) -> Weights:
        """The inverse of :meth:`record`; may raise anything for another record."""
        n_layers = sum(name.startswith("coefs_") for name in record)
        classes, names = record["classes"], record.get("feature_names")
        return cls(
            coefs=[record[f"coefs_{i}"] for i in range(n_layers)],
            intercepts=[record[f"intercepts_{i}"] for i in range(n_layers)],
            classes=classes.astype(object) if record["classes_are_objects"] else classes,
            multilabel=record["multilabel"],
            activation=record["activation"],
            out_activation=record["out_activation"],
            loss=record["loss"],
            feature_names=None if names is None else names.astype(object),
        )

    def network(self) -> Network:
        """The network that these weights belong to.

        Raises
        ------
        ValueError
            If there is none, or if a file cannot hold them.
        """
        self._check_classes()
        self._check_features()
        self._check_numbers()
        if type(self.multilabel) is not bool or self.activation not in ACTIVATIONS:
            raise ValueError(f"multilabel={self.multilabel!r}, activation={self.activation!r}")
        network = make_network(
            self.coefs[0].shape[0],
            Labels(self.classes, self.multilabel),
            hidden_layer_sizes=[W.shape[1] for W in self.coefs[:-1]],
            activation=self.activation,
            loss=self.loss,
            output_activation=self.out_activation,
        )
        shapes = [part.shape for part in (*self.coefs, *self.intercepts)]
        expected = [*network.coef_shapes, *network.intercept_shapes]
        if shapes != expected or self.out_activation != network.out_activation:
            raise ValueError(
                f"coefs_ and intercepts_ have shapes {shapes}; {len(self.classes)} classes and"
                f" output_activation={self.out_activation!r} want {expected}"
            )
        return network

    def attributes(self, network: Network) -> dict[str, Any]:
        """The attributes of an estimator with these weights that has not trained yet."""
        features: dict[str, Any] = {"n_features_in_": network.layer_sizes[0]}
        if self.feature_names is not None:
            features["feature_names_in_"] = self.feature_names
        dtype = np.result_type(*self.coefs, *self.intercepts)
        state = TrainingState(network.pack(self.coefs, self.intercepts, dtype))
        labels = Labels(self.classes, self.multilabel)
        return {
            **published_attributes(features, labels, network, state, has_scores=False),
            "hidden_layer_sizes": network.layer_sizes[1:-1],
            "activation": network.activation,
            "loss": self.loss,
            "output_activation": network.out_activation,
        }

    def _check_classes(self) -> None:
        classes = self.classes
        labels = classes.tolist()
        is_number = classes.dtype.kind in "biuf" and classes.dtype.itemsize <= 8
        is_string = classes.dtype.kind == "U" or all(type(label) is str for label in labels)
        if not (is_number or is_string):
            raise ValueError(
                f"classes_ are of {classes.dtype}, such as {labels[0]!r:.40}; a weights file"
                " can hold numbers of up to 64 bits, booleans and strings. Fit with such"
                " labels, for example y.astype(str)."
            )
        if len(classes) < 2 or not np.array_equal(classes, np.unique(classes)):
            raise ValueError(f"classes_ must be two or more, sorted; they are {labels!r:.200}")

    def _check_features(self) -> None:
        names, n_features = self.feature_names, self.coefs[0].shape[0]
        if names is None:
            return
        if names.shape != (n_features,) or not all(type(name) is str for name in names):
            raise ValueError(
                f"feature_names_in_ must be {n_features} strings; they are {names!r:.200}"
            )

    def _check_numbers(self) -> None:
        for part in (*self.coefs, *self.intercepts):
            if part.dtype not in (np.float32, np.float64):
                raise ValueError(f"coefs_ and intercepts_ must be floats, not {part.dtype}")
            if part.size == 0 or not np.isfinite(part).all():
                raise ValueError("coefs_ and intercepts_ must be finite numbers")


def _as_strings(name: str, objects: np.ndarray) -> np.ndarray:
    """Python's strings as NumPy's, which lose a NUL at the end."""
    strings = objects.astype(str)
    if strings.tolist() != objects.tolist():
        raise ValueError(f"{name} has strings that end in NUL, which a file cannot hold.")
    return strings


def write_weights(path: Path, estimator) -> None:
    """Write the weights of a fitted estimator.

    Raises
    ------
    ValueError
        If a file cannot hold them.
    """
    weights = Weights.of(estimator)
    weights.network()
    write_record(path, KIND, weights.record())


def read_weights(path: Path) -> dict[str, Any]:
    """The attributes of an estimator with them; the inverse of :func:`write_weights`.

    Raises
    ------
    ValueError
        If the file is damaged, of another kind or of a newer version.
    """
    record = read_record(path, KIND)
    try:
        weights = Weights.of_record(record)
        network = weights.network()
    except Exception as error:  # a foreign file may raise anything
        raise ValueError(f"{path} is a damaged {KIND}: {error!r}.") from error
    return weights.attributes(network)
