"""How `make docs` builds the documentation."""

project = "api_guard"
author = "The api_guard developers"
project_copyright = f"2026, {author}"
extensions = ["myst_parser", "sphinx.ext.graphviz"]
graphviz_output_format = "svg"
myst_heading_anchors = 3
html_theme = "furo"
html_title = "api_guard"
exclude_patterns = ["_build"]
