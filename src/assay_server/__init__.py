"""Assay's server: one package, one room per noun, floors checked by import-linter."""

__version__ = "0.1.0"
