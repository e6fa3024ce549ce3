"""How Sphinx builds these pages; `make docs` does it, with warnings as errors."""

from viraljs import __version__

project = "ViralJS for Flask"
author = "ViralJS maintainers"
copyright = f"2026, {author}"
release = __version__

exclude_patterns = ["_build"]
nitpicky = True
default_role = "any"

html_theme = "furo"
html_title = f"ViralJS for Flask {release}"
html_static_path = ["_static"]
html_copy_source = False
