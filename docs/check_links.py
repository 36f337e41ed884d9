"""Check that every link within a built site leads to a file and to an anchor that exist.

    python docs/check_links.py docs/_build/html

Links to other sites are not followed. Every broken one is named, and the exit status is then 1.
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The links and the anchors of one page."""

    def __init__(self, path: Path):
        super().__init__()
        self.links: list[str] = []
        self.anchors = {"", "top"}  # what "#" and "#top" lead to, the top, needs no element
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what an element links to, and what it can be linked by."""
        for name, value in attrs:
            if name in ("href", "src") and value is not None:
                self.links.append(value)
            elif name == "id" or (tag == "a" and name == "name"):
                self.anchors.add(value or "")


def broken_links(site: Path) -> list[str]:
    """Say of each link within the site that leads nowhere on which page it is."""
    files = (path for path in sorted(site.rglob("*.html")) if "_static" not in path.parts)
    pages = {path.resolve(): Page(path) for path in files}
    broken = []
    for path, page in pages.items():
        for link in page.links:
            url = urlsplit(link)
            if url.scheme or url.netloc:
                continue
            target = (path.parent / unquote(url.path)).resolve() if url.path else path
            if target.is_dir():
                target /= "index.html"
            missing_anchor = (
                target in pages and unquote(url.fragment) not in pages[target].anchors
            )
            if not target.exists() or missing_anchor:
                broken.append(f"{path.relative_to(site.resolve())}: {link}")
    return broken


def main() -> None:
    """Check the site in the folder that the command line names."""
    if len(sys.argv) != 2:
        sys.exit("usage: python docs/check_links.py FOLDER")
    site = Path(sys.argv[1])
    if not (site / "index.html").exists():
        sys.exit(f"{site} has no index.html: build the site there first.")
    broken = broken_links(site)
    if broken:
        sys.exit("\n".join([*broken, f"{len(broken)} links lead nowhere."]))


if __name__ == "__main__":
    main()
