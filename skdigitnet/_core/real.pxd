"""The precisions that everything is compiled for."""

ctypedef fused real:
    float
    double
