"""What Sphinx is told. `python -m docs.site` hands it the directory with the pages."""

from resonate_scaffold import __version__

project = "resonate-scaffold"
version = release = __version__
extensions = ["myst_parser"]
root_doc = "index"
nitpicky = True

# Anchors of headings, as GitHub names them.
myst_heading_anchors = 4

html_theme = "furo"
html_title = f"resonate-scaffold {__version__}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_copyright = False
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
pygments_style = "friendly"
pygments_dark_style = "monokai"
