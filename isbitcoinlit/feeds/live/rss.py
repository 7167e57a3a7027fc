"""RSS 2.0 becomes items; pure, and safe with whatever a server sends."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from isbitcoinlit.errors import FeedInvalid

MOST_ITEMS = 200
"""Feeds carry 10 to 50; more in one answer are not news, and cost time to score."""
LONGEST_TITLE = 300
LONGEST_LINK = 2_000
LONGEST_GUID = 300

_PIECE = 65_536
"""Bytes that the parser takes at once: some milliseconds of work."""
_TAG = re.compile(r"<[^<>]*>")


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a feed."""

    title: str
    link: str | None
    guid: str
    published: datetime
    """Aware UTC, whole milliseconds; it may lie in the future."""


def parse_rss(body: bytes, sender: str) -> list[Item]:
    """The items that have a title and a date, newest first.

    Raises `FeedInvalid` when the body is not XML, declares entities, or has no such item: a page
    that says "are you human" has none either, and no news feed is ever empty.
    """
    try:
        root = _parse(body)
    except DefusedXmlException:
        raise FeedInvalid(f"{sender} sent XML that declares entities, which is refused.") from None
    except (ParseError, ValueError, LookupError):
        raise FeedInvalid(f"{sender} sent something that is not RSS.") from None
    items = sorted(_items(root), key=lambda item: item.published, reverse=True)
    if not items:
        raise FeedInvalid(f"{sender} sent no items with a title and a date.")
    return items[:MOST_ITEMS]


def _parse(body: bytes) -> Element:
    """The document's root; in pieces, so that other threads get their turn between them."""
    parser = DefusedXMLParser(forbid_dtd=False, forbid_entities=True, forbid_external=True)
    for start in range(0, len(body), _PIECE):
        parser.feed(body[start : start + _PIECE])
    root: Element = parser.close()
    return root


def _items(root: Element) -> Iterator[Item]:
    for element in root.iter("item"):
        title = _title(element.findtext("title") or "")
        published = _date(element.findtext("pubDate") or "")
        if title and published:
            link = _link(element.findtext("link") or "")
            guid = (element.findtext("guid") or link or title).strip()[:LONGEST_GUID]
            yield Item(title, link, guid, published)


def _title(text: str) -> str:
    """A title as a person reads it; entities are escaped twice by some feeds."""
    plain = _TAG.sub("", html.unescape(html.unescape(text)))
    return " ".join("".join(filter(_shown, plain)).split())[:LONGEST_TITLE]


def _shown(character: str) -> bool:
    return character.isprintable() or character.isspace()


def _link(text: str) -> str | None:
    link = text.strip()
    try:
        good = urlsplit(link).scheme in {"http", "https"} and bool(urlsplit(link).hostname)
    except ValueError:
        return None
    return link if good and len(link) <= LONGEST_LINK and not re.search(r"\s", link) else None


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text.strip())
        # A date with the zone -0000 comes back naive; it means UTC.
        moment = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment.replace(microsecond=0)
