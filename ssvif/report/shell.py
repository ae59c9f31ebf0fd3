"""What all pages of reports share: templates, style, script, and the policy that shuts them in."""

import base64
import hashlib
from collections.abc import Mapping
from importlib import resources

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from ssvif.report.terms import name_of, opening

_PACKAGE = "ssvif.report"
_TEMPLATES = "templates"


def render_page(
    template: str,
    sections: Mapping[str, object],
    *,
    package: str = _PACKAGE,
) -> str:
    """Render a self-contained page in the reports' look; every text is escaped.

    The template extends `base.html`, which takes `style`, `script` and `policy`, and may import the
    parts of the report.

    Args:
        template: Name of the page's template.
        sections: What it shows, by name.
        package: The package whose folder `templates` holds it.
    """
    environment = Environment(
        loader=ChoiceLoader(
            [PackageLoader(name, _TEMPLATES) for name in dict.fromkeys((package, _PACKAGE))]
        ),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # Macros of the parts name candidates.
    environment.filters.update({"name_of": name_of, "opening": opening})
    style, script = (_asset(name) for name in ("page.css", "page.js"))
    return environment.get_template(template).render(
        **sections, style=style, script=script, policy=_policy(style, script)
    )


def _asset(name: str) -> str:
    """Read one of our own files, which goes into the page as it is."""
    return (resources.files(_PACKAGE) / _TEMPLATES / name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """Forbid everything but the page's own style and script, and images inside it."""
    own_style, own_script = (
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for text in (style, script)
    )
    return (
        f"default-src 'none'; img-src data:; style-src {own_style}; script-src {own_script}; "
        "base-uri 'none'; form-action 'none'"
    )
