"""How people reach whoever runs this: a telephone number or a mail address, in a sentence and as a link.

Place in the flow: settings -> **contact** -> whoever is held, and every refusal that asks them to get in touch.
"""

from dataclasses import dataclass

from markupsafe import Markup, escape

from matcher.errors import BadRequest
from services.languages.speaking import _
from services.settings import Settings

EXAMPLE = "help@partyline.example"
"""For a demo that names nobody: nobody reads it, and it says so."""


@dataclass(frozen=True, slots=True)
class Contact:
    """A telephone number or a mail address."""

    address: str
    is_example: bool = False

    def said(self) -> str:
        """The address as it stands in a sentence."""
        if self.is_example:
            return _("%(address)s (only an example: this is a demo)", address=self.address)
        return self.address

    @property
    def link(self) -> str:
        """What a tap opens."""
        return f"mailto:{self.address}" if "@" in self.address else "tel:" + self.address.replace(" ", "")


def contact_of(settings: Settings) -> Contact:
    """Whom these settings name. Raises BadRequest if that is nobody, but for a demo: who is held needs somebody."""
    if settings.contact:
        return Contact(settings.contact)
    if not settings.demo:
        raise BadRequest(
            "PARTYLINE_CONTACT is not set: give a telephone number or a mail address, for whoever has to get in touch"
        )
    return Contact(EXAMPLE, is_example=True)


def linked(text: str, contact: Contact) -> Markup:
    """The text for a page: the address in it can be tapped, and everything else stays text."""
    link = Markup('<a href="{}" dir="ltr">{}</a>').format(contact.link, contact.address)
    return escape(text).replace(escape(contact.address), link)
