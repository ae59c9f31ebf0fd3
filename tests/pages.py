"""Pages of reports, as tests look at them."""

import re
from html.parser import HTMLParser

VOID = {"meta", "img", "input", "br"}


class Outline(HTMLParser):
    """Checks nesting, and notes scripts, addresses and identifiers."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.scripts: list[dict[str, str | None]] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.addresses += [found[name] for name in ("src", "href") if found.get(name)]
        self.ids += [found["id"]] if "id" in found else []
        if tag == "script":
            self.scripts.append(found)
        assert "style" not in found, "the policy forbids style attributes"
        assert not any(name.startswith("on") for name in found), "the policy forbids handlers"
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def outline(page: str) -> Outline:
    """Return the outline of a page."""
    found = Outline()
    found.feed(page)
    return found


def check_asks_for_nothing(page: str) -> None:
    """Check that a page is well formed and needs nothing else, and that its policy says so."""
    found = outline(page)
    assert found.open == []
    assert len(found.ids) == len(set(found.ids))
    inside = {one.removeprefix("#") for one in found.addresses if not one.startswith("data:")}
    assert inside <= set(found.ids)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page).group(1)
    assert policy.startswith("default-src &#39;none&#39;; img-src data:")
    assert "unsafe" not in policy
