"""Makes the site of this documentation in `build/docs/html`: `nox -s docs`, or `python -m docs.site`.

pages of the repository, pages made from code -> `build/docs/source` -> Sphinx -> `build/docs/html` -> links are checked

Sphinx with MyST was chosen in December 2026: it is released several times a year, reads the pages as GitHub shows
them, and fails on a link or an anchor that leads nowhere. MkDocs has had no release since August 2024, and Material for
MkDocs gets security fixes only; Zensical, its successor, is at 0.1 and its plugins are still to come. The theme Furo
needs no file from elsewhere. Nothing in the pages depends on any of them.
"""
