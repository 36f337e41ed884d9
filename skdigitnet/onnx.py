"""Export to ONNX by skl2onnx; needs the extra ``onnx``, which is imported where it is used."""

from __future__ import annotations

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skdigitnet._classifier import BackpropMLPClassifier
from skdigitnet._problem.arguments import plain
from skdigitnet._problem.output_layer import OutputLayer
from skdigitnet._problem.prediction import output_layer_of

__all__ = ["register_converter"]

OPTIONS = {
    "zipmap": [True, False, "columns"],
    "nocl": [True, False],
    "output_class_labels": [False, True],
    "raw_scores": [True, False],
}
ACTIVATIONS = {"logistic": "Sigmoid", "tanh": "Tanh", "relu": "Relu"}


def register_converter() -> None:
    """Register BackpropMLPClassifier with skl2onnx, for this process.

    ``skl2onnx.to_onnx`` and ``skl2onnx.convert_sklearn`` then take fitted classifiers,
    alone or in a pipeline, a search or an ensemble, with the options that skl2onnx's own
    classifiers have: ``zipmap``, ``nocl``, ``output_class_labels`` and ``raw_scores``.
    Calling it again changes nothing.

    Raises
    ------
    ImportError
        Without skl2onnx.

    Examples
    --------
    >>> from skl2onnx import to_onnx
    >>> from sklearn.datasets import load_digits
    >>> from skdigitnet import BackpropMLPClassifier
    >>> from skdigitnet.onnx import register_converter
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = BackpropMLPClassifier(random_state=0).fit(X / 16, y)
    >>> register_converter()
    >>> model = to_onnx(clf, X[:1], options={"zipmap": False})
    >>> [output.name for output in model.graph.output]
    ['label', 'probabilities']
    """
    try:
        from skl2onnx import update_registered_converter
    except ImportError as error:
        raise ImportError(
            'register_converter needs skl2onnx: pip install "skdigitnet[onnx]"'
        ) from error
    update_registered_converter(
        BackpropMLPClassifier,
        "SkdigitnetBackpropMLPClassifier",
        set_output_types,
        add_graph,
        parser=parse,
        options=OPTIONS,
    )


def parse(scope, model, inputs, custom_parsers=None):
    """skl2onnx's parser: declare the outputs, as for each of its own classifiers."""
    from skl2onnx._parse import _parse_sklearn_classifier

    check_is_fitted(model)
    outputs = _parse_sklearn_classifier(scope, model, inputs, custom_parsers=custom_parsers)
    if scope.get_options(model, {"output_class_labels": False})["output_class_labels"]:
        # by itself skl2onnx takes them from classes_, and knows int64 and strings only
        labels = class_labels(model, scope)
        (operator,) = outputs[-1].operators_outputs_
        operator.classes = labels
        outputs[-1].set_type(label_type(labels)([len(labels)]))
    return outputs


def set_output_types(operator) -> None:
    """skl2onnx's shape calculator: types and shapes of the two outputs."""
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType
    from skl2onnx.common.utils import check_input_and_output_numbers

    check_input_and_output_numbers(operator, input_count_range=1, output_count_range=2)
    classifier = operator.raw_operator
    rows, (predicted, probabilities) = operator.inputs[0], operator.outputs
    labels = class_labels(classifier, operator.scope_inst)
    n_rows = rows.get_first_dimension()
    shape = [n_rows, len(labels)]
    multilabel = output_layer_of(classifier).multilabel
    predicted.set_type(label_type(labels)(shape if multilabel else [n_rows]))
    # onnxruntime makes dictionaries of float32 only
    zipped = any(user.type == "SklearnZipMap" for user in probabilities.operators_inputs_)
    double = isinstance(rows.type, DoubleTensorType) and not zipped
    probabilities.set_type((DoubleTensorType if double else FloatTensorType)(shape))


def add_graph(scope, operator, container) -> None:
    """skl2onnx's converter: the nodes from the rows to the labels and probabilities."""
    from skl2onnx.common.data_types import DoubleTensorType

    classifier = operator.raw_operator
    layer = output_layer_of(classifier)
    rows, (predicted, probabilities) = operator.inputs[0], operator.outputs
    graph = Graph(scope, container)
    dtype = precision(classifier, rows)
    scores = add_scores(graph, classifier, graph.cast(rows.full_name, dtype), dtype)
    if layer.multilabel:
        on = graph.node("Greater", scores, graph.constant(np.zeros(1, dtype)))
        graph.cast(on, np.dtype(np.int64), output=predicted.full_name)
    else:
        labels = graph.constant(class_labels(classifier, scope))
        largest = graph.node("ArgMax", scores, axis=1, keepdims=0)
        graph.node("Gather", labels, largest, output=predicted.full_name)
    if not scope.get_options(classifier, {"raw_scores": False})["raw_scores"]:
        scores = add_probabilities(graph, layer, scores, n_classes=len(classifier.classes_))
    double = isinstance(probabilities.type, DoubleTensorType)
    out_dtype = np.dtype(np.float64 if double else np.float32)
    graph.cast(scores, out_dtype, output=probabilities.full_name)


class Graph:
    """Adds to skl2onnx's container; every method returns the name of what it added."""

    def __init__(self, scope, container):
        self._scope = scope
        self._container = container

    def constant(self, array: np.ndarray) -> str:
        from onnx.helper import np_dtype_to_tensor_dtype

        name = self._scope.get_unique_variable_name("constant")
        onnx_type = np_dtype_to_tensor_dtype(array.dtype)
        self._container.add_initializer(name, onnx_type, array.shape, array.ravel())
        return name

    def node(self, op_type: str, *inputs: str, output: str | None = None, **attributes) -> str:
        if output is None:
            output = self._scope.get_unique_variable_name(op_type.lower())
        name = self._scope.get_unique_operator_name(op_type)
        self._container.add_node(op_type, list(inputs), output, name=name, **attributes)
        return output

    def cast(self, value: str, dtype: np.dtype, output: str | None = None) -> str:
        from onnx.helper import np_dtype_to_tensor_dtype

        return self.node("Cast", value, output=output, to=np_dtype_to_tensor_dtype(dtype))


def class_labels(classifier, scope) -> np.ndarray:
    """The classes as a graph can hold them: int64, or strings as objects.

    Raises
    ------
    ValueError
        If they are neither strings nor whole numbers.
    """
    classes = classifier.classes_
    if scope.get_options(classifier, {"nocl": False})["nocl"]:
        return np.arange(len(classes))
    if classes.dtype.kind in "OUT":
        return classes.astype(object)
    with np.errstate(invalid="ignore"):
        labels = classes.astype(np.int64)
    if not np.array_equal(labels, classes):
        raise ValueError(
            f"classes_={classes.tolist()}: the labels of an ONNX graph are strings or int64."
            " Train on such labels, or set the option nocl=True, which gives their indices."
        )
    return labels


def label_type(labels: np.ndarray) -> type:
    from skl2onnx.common.data_types import Int64TensorType, StringTensorType

    return StringTensorType if labels.dtype == object else Int64TensorType


def precision(classifier, rows) -> np.dtype:
    """The precision in which the classifier computes: that of rows and weights together."""
    from skl2onnx.common.data_types import FloatTensorType

    row_type = np.float32 if isinstance(rows.type, FloatTensorType) else np.float64
    parts = (*classifier.coefs_, *classifier.intercepts_)
    return np.result_type(row_type, *(part.dtype for part in parts))


def add_scores(graph: Graph, classifier, a: str, dtype: np.dtype) -> str:
    """The decision function, a column for each class; minus and plus it for two classes.

    The prediction is the class of the largest score, the first if several are equal.
    """
    activation = plain(classifier.activation)
    coefs = [W.astype(dtype) for W in classifier.coefs_]
    intercepts = [b.astype(dtype) for b in classifier.intercepts_]
    for W, b in zip(coefs[:-1], intercepts[:-1], strict=True):
        a = graph.node("Gemm", a, graph.constant(W), graph.constant(b))
        if activation != "identity":
            a = graph.node(ACTIVATIONS[activation], a)
    W, b = score_weights(output_layer_of(classifier), coefs[-1], intercepts[-1])
    return graph.node("Gemm", a, graph.constant(W), graph.constant(b))


def score_weights(
    layer: OutputLayer, W: np.ndarray, b: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The weights that give the scores, from those that give the outputs z."""
    n_outputs = len(b)
    if layer.out_activation == "identity" and (layer.multilabel or n_outputs == 1):
        b = b - b.dtype.type(0.5)  # targets are 0 and 1
    if layer.multilabel or n_outputs > 2:
        return W, b
    if n_outputs == 2:
        W, b = W[:, 1:] - W[:, :1], b[1:] - b[:1]
    return np.hstack([-W, W]), np.hstack([-b, b])


def add_probabilities(graph: Graph, layer: OutputLayer, scores: str, n_classes: int) -> str:
    """The probabilities of these scores; for identity outputs, which have none, the scores."""
    if layer.out_activation == "identity":
        return scores
    if layer.multilabel or n_classes == 2:  # softmax of two is that of their difference
        return graph.node("Sigmoid", scores)
    if layer.out_activation == "logistic":
        # normalised through logarithms: log sigmoid(z) = log sigmoid(|z|) - max(-z, 0)
        of_size = graph.node("Log", graph.node("Sigmoid", graph.node("Abs", scores)))
        below_zero = graph.node("Relu", graph.node("Neg", scores))
        scores = graph.node("Sub", of_size, below_zero)
    return graph.node("Softmax", scores, axis=1)
