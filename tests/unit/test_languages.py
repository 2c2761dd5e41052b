"""Whoever reads us reads their own language, and nothing that callers read stays out of the catalogues."""

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel import Locale
from babel.messages.catalog import Message
from babel.messages.pofile import read_po
from jinja2 import nodes

from matcher.person import LANGUAGES, TOPICS
from services.gateway.pages import words
from services.gateway.pages.render import HERE, STATIC, environment
from services.languages import gathering
from services.languages.speaking import NOT_READ, _, chosen, language, languages, read_language, speaking
from tests.gateway_desk import MORNING, Desk, Page, over
from tests.page_reader import Seen, look, press

GERMAN = {"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}
SOURCES = sorted(HERE.rglob("*.py"))
TEMPLATES = sorted((HERE / "templates").rglob("*.html"))
SCRIPTS = sorted([*STATIC.glob("*.js"), *(HERE / "templates").glob("*.js")])
HTMX = {"HX-Request": "true"}
FOR_PROGRAMS = re.compile(
    r"(The|A) field |The header |This Idempotency-Key |That is not JSON |Please give one of minutes and until|"
    r"At this address there can be no passkeys|IN IP"
)
"""What only somebody who writes a program or runs the gateway can bring about: it stays English."""
FOR_PEOPLE = ("content", "aria-label", "alt", "placeholder", "title", "data-said", "data-known", "data-held-back")
NOT_READ_OUT = re.compile(r'Partyline|[a-z-]+="[^"]*"|autofocus')
"""A name, and attributes that a macro puts into a tag of another."""
SENTENCE = re.compile(r"[A-Z][a-z’]*[,:]? ")
GETTEXT = ("_", "N_", "ngettext", "say")


def test_the_catalogues_are_whole_and_as_the_sources_are() -> None:
    wrong = gathering.complaints()
    assert wrong == [], f"run `{gathering.COMMAND}` and translate:\n" + "\n".join(wrong)


# --- nothing stays out of them ---


def _sentences_in(path: Path) -> Iterator[str]:
    """What looks like a sentence, or its beginning, and is neither a docstring nor given to gettext."""
    tree, known = ast.parse(path.read_text()), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in GETTEXT:
            known |= {id(one) for given in node.args for one in ast.walk(given)}
        elif isinstance(node, ast.Expr):
            known.add(id(node.value))
    others = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in known)
    return (text for text in others if isinstance(text, str) and SENTENCE.match(text))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(HERE)))
def test_whatever_the_gateway_says_to_people_is_in_the_catalogues(path: Path) -> None:
    assert [one for one in _sentences_in(path) if not FOR_PROGRAMS.match(one)] == []


class _Read(HTMLParser):
    """What people read of HTML: its text, and attributes that are shown or read out."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.read: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note attributes with words."""
        given = dict(attrs)
        if tag == "meta" and given.get("name") != "description":
            return
        self.read += [text or "" for name, text in attrs if name in FOR_PEOPLE or name.startswith("data-words")]

    def handle_data(self, data: str) -> None:
        """Note text."""
        self.read.append(data)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_whatever_a_template_says_is_in_the_catalogues(path: Path) -> None:
    tree = environment().parse(path.read_text())
    html = "".join(one.data for one in tree.find_all(nodes.TemplateData))
    left = [NOT_READ_OUT.sub("", text) for text in _Read(html).read]
    assert [text for text in left if re.search(r"[A-Za-z]{2}", text)] == []
    # What `_()` says is taken for HTML, so it must never be given something that came from outside.
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name in ("_", "gettext", "ngettext", "countdown"):
            assert any(isinstance(one, nodes.Const) for one in call.args), f"{path.name}:{call.lineno}"
            assert call.node.name != "_" or isinstance(call.args[0], nodes.Const), f"{path.name}:{call.lineno}"


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_script_has_sentences_of_its_own(path: Path) -> None:
    script = re.sub(r"//.*|\{\{.*?\}\}", "", path.read_text())  # a script that is a template may have them said
    assert [one for one in re.findall(r"[\"'`]([^\"'`\n]+)[\"'`]", script) if SENTENCE.match(one)] == []


def test_every_code_that_can_be_chosen_has_words() -> None:
    assert set(words.TOPIC_WORDS) == set(TOPICS)
    assert set(words.LANGUAGE_NAMES) == set(LANGUAGES)


@pytest.mark.parametrize(
    ("asked", "said", "wrong"),
    [
        ("Back", "Zurück", ""),
        ("Back", "", "no translation"),
        ("Hello %(name)s.", "Guten Tag.", "places"),
        ("Hello %(name)s.", "Guten Tag, %(nmae)s.", "places"),
        ("Back", "100 %", "HTML"),
        ("Back", "<b>Zurück</b>", "HTML"),
        ("Back", 'Zu"rück', "typographic"),
        (("%(number)s hour", "%(number)s hours"), ("%(number)s Stunde", ""), "all 2 forms"),
    ],
)
def test_a_translation_that_would_break_a_page_is_complained_of(
    asked: str | tuple[str, str], said: str | tuple[str, str], wrong: str
) -> None:
    complaints = list(gathering._complaints_of(Message(asked, said), 2))
    assert (wrong in complaints[0]) if wrong else complaints == []


def test_a_new_catalogue_has_every_sentence_and_says_that_nobody_has_read_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "CATALOGUES", tmp_path)
    (path,) = gathering.bring_up_to_date("cy")
    with path.open("rb") as file:
        begun = read_po(file)
    assert NOT_READ in begun.header_comment
    assert begun.language_team == NOT_READ
    assert begun.num_plurals > 2
    assert {one.id for one in begun} >= {"Back", "London: East", ("%(number)s hour", "%(number)s hours")}
    written = path.read_bytes()
    gathering.bring_up_to_date()
    assert path.read_bytes() == written


# --- which language ---


@pytest.mark.parametrize(
    ("cookie", "accepted", "code"),
    [
        (None, "", "en"),
        (None, "de", "de"),
        (None, "DE-at;q=0.8, fr", "de"),
        (None, "en;q=0.4, de;q=0.6", "de"),
        (None, "de;q=0, en", "en"),
        (None, "fr, *", "en"),
        (None, ";;;q=x, de;q=nonsense, ,", "en"),
        ("en", "de", "en"),
        ("de", "en", "de"),
        ("../de", "de", "de"),
    ],
)
def test_what_somebody_chose_counts_first_then_their_browser_then_english(
    cookie: str | None, accepted: str, code: str
) -> None:
    assert chosen(cookie, accepted).code == code


def test_each_request_is_answered_in_the_language_of_whoever_asks(gateway: Desk) -> None:
    page = gateway.page()
    german, english = look(page, **GERMAN), look(page)
    assert german.tags[0] == ("html", {"lang": "de", "dir": "ltr"})
    assert english.tags[0] == ("html", {"lang": "en", "dir": "ltr"})
    assert (german.heading, english.heading) == ("Jemand zum Reden", "Somebody to talk to")
    assert "Bitte melden Sie sich zuerst an." in page.get("/me", headers=GERMAN).text
    assert "Bitte geben Sie uns Ihre Telefonnummer" in press(page, german.form("/code"), HTMX | GERMAN, phone="").text


def _choose(page: Page, code: str) -> Seen:
    assert press(page, look(page, "/language").form("/page/language"), language=code).status_code == 303
    return look(page)


def test_a_chosen_language_stays_also_when_one_has_signed_out(gateway: Desk) -> None:
    page, _person = gateway.registered("Back")
    assert _choose(page, "de").heading == "Ich habe Zeit zum Reden, und zwar …"
    assert "Guten Tag, Back." in look(page).text  # what somebody typed is nobody's to translate
    press(page, look(page, "/settings").form("/sign-out"))
    assert look(page).heading == "Jemand zum Reden"


def test_a_language_that_we_do_not_have_changes_nothing(gateway: Desk) -> None:
    page = gateway.page()
    answer = press(page, look(page).form("/page/language"), language="../../tlh")
    assert answer.status_code == 422
    assert "set-cookie" not in answer.headers
    assert look(page).heading == "Somebody to talk to"


def test_who_has_read_a_language_is_said_where_it_is_chosen(gateway: Desk) -> None:
    page = gateway.page()
    unread = [one for one in languages().values() if not one.read]
    for one in unread:
        assert f"{one.name} (not yet read by a native speaker)" in look(page, "/language").text
    assert "English (" not in look(page, "/language", **GERMAN).text


def test_a_report_and_what_it_promises_are_in_their_language_too(gateway: Desk) -> None:
    page, person = gateway.registered()
    row = gateway.put_invitation(person, "p-other", **over())
    answer = page.post(f"/invitations/{row.invitation}/concern", {"what": "He shouted."}, headers=GERMAN)
    assert answer.json()["message"].startswith("Danke, dass Sie es uns gesagt haben.")
    gateway.outbox.away = True
    answer = page.post(f"/invitations/{row.invitation}/concern", {"what": "He shouted."}, headers=GERMAN)
    assert answer.json()["message"].endswith("rufen Sie bitte 999 an.")


# --- what a language does to numbers, dates and what it lacks ---


def test_a_sentence_that_a_catalogue_lacks_is_said_in_english() -> None:
    with speaking("de"):
        assert _("Nobody has translated this, %(name)s.", name="Ann") == "Nobody has translated this, Ann."
    with speaking("nonsense"):
        assert language().code == "en"


def test_numbers_dates_and_lists_are_written_as_the_language_does() -> None:
    with speaking("de"):
        assert (words.minutes_words(60), words.minutes_words(120)) == ("1 Minute", "2 Minuten")
        assert words.ago_words(7_200) == "vor 2 Stunden"
        assert words.day_words(MORNING) == "Mo., 23. November, 08:00"
        assert words.reason_words(["topic:radio", "topic:news", "topic:pets"]) == [
            "Das mögen Sie beide: Radio, Nachrichten und Haustiere."
        ]
    with speaking("en"):
        assert words.reason_words(["topic:radio", "topic:pets"]) == ["You both like the radio and pets."]


POLISH = """
msgid ""
msgstr "Language-Team: a test\\nContent-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : 2);\\n"

msgid "%(number)s minute"
msgid_plural "%(number)s minutes"
msgstr[0] "%(number)s minuta"
msgstr[1] "%(number)s minuty"
msgstr[2] "%(number)s minut"
"""


def test_a_language_with_more_than_two_forms_of_the_plural_uses_them_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pl.po").write_text(POLISH)
    polish = read_language(tmp_path / "pl.po")
    assert (polish.name, polish.locale, polish.read) == ("polski", Locale("pl"), True)
    monkeypatch.setitem(languages(), "pl", polish)
    with speaking("pl"):
        said = [words.minutes_words(60 * number) for number in (1, 2, 5, 12, 22)]
        assert said == ["1 minuta", "2 minuty", "5 minut", "12 minut", "22 minuty"]
        counted = words.countdown(22.5, "%(number)s minute", "%(number)s minutes")
    assert counted["forms"] == {"one": ["", " minuta"], "few": ["", " minuty"], "many": ["", " minut"]}
    assert (counted["number"], counted["after"]) == (22, " minuty")


def test_the_pages_style_knows_beginnings_and_ends_but_no_left_and_right_and_no_fixed_sizes() -> None:
    style = re.sub(r"/\*.*?\*/", "", (STATIC / "page.css").read_text(), flags=re.DOTALL)
    assert re.findall(r"[^;{}]*\b(?:left|right)\b[^;{}]*", style) == []
    four = re.findall(r"(?:margin|padding|inset): ([^\s;]+) ([^\s;]+) ([^\s;]+) ([^\s;]+);", style)
    assert [sides for sides in four if sides[1] != sides[3]] == []
    without_unseen = re.sub(r"\.unseen \{[^}]*\}", "", style)
    assert re.findall(r"[^;{}]*[1-9]px[^;{}]*", without_unseen) == []
