"""A small module."""
