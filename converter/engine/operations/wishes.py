"""What people want, before they know by which operation: data that the workshop groups its cards by.

A preset names its wish, or stands under its operation's; an operation that names none stands under `OWN`. So a new
operation needs no line here to be offered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

OWN = "own"
"""The wish of everything that names none, and of every operation by its own numbers."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A group of cards. `words` are what people search for when they mean any of them; `first_for` the kinds of media it comes first for."""

    title: str
    summary: str
    words: tuple[str, ...] = ()
    first_for: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Limit:
    """What somebody else's service takes: `bytes_` at most. `confirmed` says whether the page at `source` was read and says so."""

    where: str
    bytes_: int
    source: str
    confirmed: bool

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {"where": self.where, "bytes": self.bytes_, "source": self.source, "confirmed": self.confirmed}


WISHES: Mapping[str, Wish] = {
    "gif": Wish("A GIF or a background", "Loops as a picture, for chats, for Chrome, for a page.", ("gif", "animated", "wallpaper")),
    "send": Wish(
        "Small enough to send", "Under the limit of wherever it goes.", ("send", "share", "limit", "fit", "attachment", "upload", "smaller")
    ),
    "smaller": Wish("Smaller", "Fewer bytes, as good as it can be.", ("smaller", "small", "compress", "shrink", "reduce", "size")),
    "plays": Wish("Plays everywhere", "Another format, for players that don't take this one.", ("convert", "format", "play", "compatible", "change")),
    "sound": Wish("The sound", "Taken out, made even, freed of pauses.", ("audio", "sound", "music", "voice", "extract"), frozenset({"audio"})),
    "part": Wish("A part of it", "Cut out as exactly as you want.", ("cut", "trim", "clip", "shorten", "section")),
    "round": Wish("Goes round without a jump", "The best seam, cut, faded or played there and back.", ("loop", "seamless", "repeat", "endless")),
    "picture": Wish(
        "Pictures", "Still ones, from a film or from a picture.", ("picture", "image", "photo", "still", "thumbnail"), frozenset({"image"})
    ),
    "web": Wish("For a web page", "What browsers show by themselves, and load quickly.", ("web", "website", "page", "html", "browser")),
    "edit": Wish(
        "To edit or to keep", "Light copies to cut with, and ones that lose nothing.", ("edit", "editing", "archive", "keep", "master", "lossless")
    ),
    "know": Wish("Know more about it", "What is in it, as a report.", ("analyse", "analyze", "report", "info", "inspect")),
    OWN: Wish("By your own numbers", "Every operation with all it can be told.", ("custom", "own", "settings", "advanced")),
}
"""Every wish by its name, in the order in which they are shown."""

# Looked up on 21 November 2026.
DISCORD = Limit("Discord", 10_000_000, "https://support.discord.com/hc/en-us/articles/25444343291031-File-Attachments-FAQ", confirmed=False)
"""10 MiB without Nitro since January 2025. Its API reference is quoted with 20 MiB since September 2026; what fits in less goes through both."""
WHATSAPP = Limit("WhatsApp", 16_000_000, "https://www.twilio.com/docs/whatsapp/guidance-whatsapp-media-messages", confirmed=True)
"""As its business interface takes them (Meta's own page of December 2025: MP4 with H.264 and AAC, 16 MB); the app may take more."""
MAIL_GROWTH = 78 / 57
"""How much larger an attachment is on its way: base64 makes a line of 76 characters and its end of 57 bytes (RFC 2045, 6.8)."""
GMAIL = Limit("Gmail", 25_000_000, "https://support.google.com/mail/answer/6584", confirmed=False)
"""Counted as it travels, so about 18.2 MB of file."""
MAIL = Limit("iCloud Mail", 20_000_000, "https://support.apple.com/102198", confirmed=True)
"""Of a whole message, in and out, so about 14.6 MB of file. Outlook.com is said to take as much."""
