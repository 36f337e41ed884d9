"""The compiled core: a network's passes and updates in Cython and C."""
