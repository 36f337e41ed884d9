"""Export to ONNX by skl2onnx; needs the extra ``onnx``."""

from __future__ import annotations

from skdigitnet._classifier import BackpropMLPClassifier

__all__ = ["register_converter"]


def register_converter() -> None:
    """Make BackpropMLPClassifier known to skl2onnx, for this process.

    After it ``skl2onnx.to_onnx`` and ``skl2onnx.convert_sklearn`` take fitted classifiers,
    alone or in a pipeline, a search or an ensemble, with the options that skl2onnx's own
    classifiers have: ``zipmap``, ``nocl``, ``output_class_labels`` and ``raw_scores``. To
    call it again changes nothing.

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

        from skdigitnet._onnx_graph import OPTIONS, add_graph, parse, set_output_types
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
