"""The files of the page: its own, and those that scripts/bootstrap builds from other people's."""

import gzip
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from html import escape
from pathlib import Path
from string import Template

_PAGE = Path(__file__).parent / "page"
_VENDOR = _PAGE / "vendor"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""What is served; templates and licences are not."""


@dataclass(frozen=True)
class Asset:
    """A file in the form in which nearly every client takes it."""

    packed: bytes
    """Compressed with gzip."""
    media_type: str

    @cached_property
    def plain(self) -> bytes:
        """The file for a client that takes no compression."""
        return gzip.decompress(self.packed)


class Assets:
    """Reads the files once, when the first of them is wanted."""

    def get(self, name: str) -> Asset | None:
        """Return a file by its name, if it is there."""
        return self._files.get(name)

    def template(self, name: str, **values: str) -> str:
        """Fill in one of the page's templates; values are text, and become safe in HTML here.

        Those whose name ends in `_html` are HTML already; the template names them without it.
        """
        safe = {
            key.removesuffix("_html"): value if key.endswith("_html") else escape(value)
            for key, value in values.items()
        }
        return self._templates[name].substitute(safe, assets=f"assets/{self.version}")

    @cached_property
    def version(self) -> str:
        """A name for the content of all files: what is under it never changes."""
        digest = blake2b(digest_size=6)
        for name, file in sorted(self._files.items()):
            digest.update(name.encode() + file.plain)
        return digest.hexdigest()

    @cached_property
    def _files(self) -> dict[str, Asset]:
        own = {path.name: gzip.compress(path.read_bytes()) for path in _PAGE.glob("*.*")}
        built = {path.stem: path.read_bytes() for path in _VENDOR.glob("*.gz")}
        return {
            name: Asset(packed, _TYPES[Path(name).suffix])
            for name, packed in (own | built).items()
            if Path(name).suffix in _TYPES
        }

    @cached_property
    def _templates(self) -> dict[str, Template]:
        return {path.name: Template(path.read_text("utf-8")) for path in _PAGE.glob("*.html")}
