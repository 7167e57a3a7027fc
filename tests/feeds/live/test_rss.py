"""RSS as news sites send it, and as an attacker would."""

import re
import tracemalloc
from datetime import UTC, datetime

import pytest

from isbitcoinlit.errors import FeedInvalid
from isbitcoinlit.feeds.live.rss import MOST_ITEMS, parse_rss

PUBLISHED = "Sat, 01 Mar 2026 11:00:00 +0000"
TIME = datetime(2026, 3, 1, 11, tzinfo=UTC)
BOMB = (
    '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "lol">'
    + "".join(
        f'<!ENTITY {name} "{f"&{before};" * 10}">'
        for before, name in zip("abcdefghi", "bcdefghij", strict=True)
    )
    + "]><rss><channel><item><title>&j;</title></item></channel></rss>"
)


def feed(*items: str) -> bytes:
    """An RSS document with these items."""
    return (
        f"<rss version='2.0'><channel><title>News</title>{''.join(items)}</channel></rss>".encode()
    )


def item(title: str = "Bitcoin rises", published: str = PUBLISHED, more: str = "") -> str:
    """One item."""
    return f"<item><title>{title}</title><pubDate>{published}</pubDate>{more}</item>"


def test_a_plain_item() -> None:
    """Title, link, guid and date."""
    more = "<link>https://news.example/1</link><guid isPermaLink='false'>n-1</guid>"

    [found] = parse_rss(feed(item(more=more)), "news")

    assert (found.title, found.published) == ("Bitcoin rises", TIME)
    assert (found.link, found.guid) == ("https://news.example/1", "n-1")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("<![CDATA[Bitcoin rises]]>", "Bitcoin rises"),
        ("Bitcoin&#8217;s rise", "Bitcoin\u2019s rise"),
        ("<![CDATA[Bitcoin&#8217;s rise]]>", "Bitcoin\u2019s rise"),
        ("Bitcoin &amp;amp; gold", "Bitcoin & gold"),
        ("\n  Bitcoin\n rises  ", "Bitcoin rises"),
        ("Bitcoin \u202erises\x7f", "Bitcoin rises"),
        ("<![CDATA[<b>Bitcoin</b> rises]]>", "Bitcoin rises"),
        ("B" * 400, "B" * 300),
    ],
)
def test_a_title_is_what_a_person_reads(written: str, read: str) -> None:
    """Entities, CDATA, markup and invisible characters are gone, and no title is endless."""
    [found] = parse_rss(feed(item(written)), "news")

    assert found.title == read


@pytest.mark.parametrize(
    ("published", "time"),
    [
        ("Sat, 01 Mar 2026 12:00:00 +0100", TIME),
        ("Sat, 01 Mar 2026 11:00:00 GMT", TIME),
        ("Sat, 01 Mar 2026 11:00:00 -0000", TIME),
        ("Sat, 01 Mar 2026 11:00:00", TIME),
        ("01 Mar 2026 11:00 GMT", TIME),
    ],
)
def test_a_date_without_a_zone_is_utc(published: str, time: datetime) -> None:
    """Zones count, and none (or -0000, which is none) means UTC."""
    [found] = parse_rss(feed(item(published=published)), "news")

    assert found.published == time


@pytest.mark.parametrize("published", ["", "yesterday", "2026-03-01", "Sat, 99 Mar 2026 11:00:00"])
def test_an_item_without_a_date_is_skipped(published: str) -> None:
    """The others are taken."""
    body = feed(item("Undated", published), item("Dated"))

    assert [found.title for found in parse_rss(body, "news")] == ["Dated"]


@pytest.mark.parametrize(
    "link",
    ["javascript:alert(1)", "/relative", "", "https://", "https://a b/", "https://[", "data:,x"],
)
def test_only_web_addresses_are_links(link: str) -> None:
    """Whatever else stands in a link is no link."""
    [found] = parse_rss(feed(item(more=f"<link>{link}</link>")), "news")

    assert found.link is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00\xff",
        b"<html><title>Just a moment...</title></html>",
        b"<html><br></html>",
        b"{}",
        feed(),
        feed("<item><title>Undated</title></item>"),
        feed(item("")),
        b'<?xml version="1.0" encoding="nonsense"?><rss/>',
        feed(item("&nbsp;")),
    ],
)
def test_no_items_is_a_failure(body: bytes) -> None:
    """A page that is no feed, or has nothing in it, is never a quiet hour."""
    with pytest.raises(FeedInvalid):
        parse_rss(body, "news")


@pytest.mark.parametrize(
    "body",
    [
        BOMB.encode(),
        b'<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss>&x;</rss>',
        b'<!DOCTYPE rss [<!ENTITY % x SYSTEM "http://127.0.0.1/x"> %x;]><rss/>',
    ],
)
def test_entities_are_refused(body: bytes) -> None:
    """A billion laughs, and files of ours, stay where they are."""
    tracemalloc.start()
    with pytest.raises(FeedInvalid, match="entities"):
        parse_rss(body, "news")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 1_000_000


@pytest.mark.parametrize(
    "body",
    [b"<rss>" + b"<a>" * 600_000, b"<rss " + b"a" * 1_999_990 + b">", feed(item() * 20_000)],
)
def test_two_megabytes_of_anything_end(body: bytes) -> None:
    """Depth, length and number are bounded."""
    try:
        found = parse_rss(body, "news")
    except FeedInvalid:
        found = []

    assert len(found) <= MOST_ITEMS


def test_the_newest_come_first() -> None:
    """The order of the document does not matter."""
    later = re.sub("11:00", "11:30", PUBLISHED)

    found = parse_rss(feed(item("Earlier"), item("Later", later)), "news")

    assert [each.title for each in found] == ["Later", "Earlier"]
