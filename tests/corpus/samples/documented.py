"""A documented module."""


def add(a, b):
    """Return the sum of the two arguments."""
    return a + b
