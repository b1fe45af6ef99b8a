"""Edits of Python text: located by syntax tree, spliced, and read again. See :mod:`~resonate_scaffold.edit.source`."""
