"""The command `partyline`: runs one process, plays the demo, and gives operators their tools.

What a command needs is imported when it is asked for, so that each process stays small.
"""

import argparse
import base64
import importlib
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from matcher.errors import PartylineError
from services.settings import Settings, read_settings

PROCESSES = {
    "processor": "services.stream.app",
    "notifier": "services.notifier.app",
    "gateway": "services.gateway.app",
    "bridge": "services.bridge.app",
    "archivist": "services.archivist.app",
    "dashboard": "services.dashboard.app",
}
BROKER_WAIT_S = 30.0
SHOWN_LIMIT = 2_000
"""Characters of a value that `dead-letters show` prints as text."""
NO_WORDS = "(tapped “This feels wrong”, said nothing more)"

Command = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; the exit code: 0 done, 2 not understood or not possible."""
    found = _parser().parse_args(arguments)
    command: Command = found.command
    try:
        return command(found)
    except PartylineError as error:
        print(f"partyline: {error.message}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="partyline", description="Pairs two people who are free to talk for a call.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = _add(commands, "run", _run, "run one process, with settings from PARTYLINE_*")
    run.add_argument("name", choices=sorted(PROCESSES))
    _add_demo(commands)
    _add_simulate(commands)
    _add(_group(commands, "topics", "the topics on Kafka"), "create", _create_topics, "create those that are missing")
    _add_dead_letters(commands)
    _add_bench(commands)
    _add(commands, "rebuild-views", _rebuild_views, "write all live views in Redis again from the rows in Kafka")
    _add_learn(commands)
    _add_eval(commands)
    _add_concerns(commands)
    _add_report(commands)
    _add_languages(commands)
    _add(commands, "push-key", _make_push_key, "make a key for PARTYLINE_PUSH_KEY, by which push services know you")
    return parser


def _add(commands: Any, name: str, command: Command, summary: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=summary, description=summary)
    parser.set_defaults(command=command)
    return parser


def _group(commands: Any, name: str, summary: str) -> Any:
    return commands.add_parser(name, help=summary).add_subparsers(required=True, metavar="COMMAND")


def _add_demo(commands: Any) -> None:
    from services.demo.options import add_arguments

    add_arguments(_add(commands, "demo", _demo, "play a whole town on this machine"))


def _add_report(commands: Any) -> None:
    from services.report.shown import moment

    report = _add(commands, "report", _report, "what the history tells of a time")
    report.add_argument("--json", action="store_true", help="one JSON object")
    report.add_argument("--history", type=Path, help="the folder that the archivist wrote; PARTYLINE_DATA/history")
    report.add_argument("--since", type=moment, help="what began at this time or later, such as 2026-11-25")
    report.add_argument("--until", type=moment, help="what began before this time")


def _add_learn(commands: Any) -> None:
    from services.learner.command import add_arguments

    add_arguments(_add(commands, "learn", _learn, "learn a model from the history, and promote it if it is not worse"))


def _add_eval(commands: Any) -> None:
    from services.evaluate.command import add_arguments

    judging = _group(commands, "eval", "judge the matching on data that is not our own")
    summary = "the speed-dating experiment: strangers, people half known, and full pairings"
    add_arguments(_add(judging, "speed-dating", _eval_speed_dating, summary))


def _add_languages(commands: Any) -> None:
    summary = "bring the catalogues of sentences up to date, and say what is not translated"
    languages = _add(commands, "languages", _languages, summary)
    languages.add_argument("new", nargs="?", help="begin a catalogue for one more language, by its tag, such as cy")
    languages.add_argument("--check", action="store_true", help="change nothing; 1 if something is to be done")


def _add_simulate(commands: Any) -> None:
    from services.simulate.options import add_arguments

    add_arguments(_add(commands, "simulate", _simulate, "live a town's days in virtual time, against a clairvoyant"))


def _add_bench(commands: Any) -> None:
    from services.bench.options import add_arguments, bench_match

    add_arguments(_add(_group(commands, "bench", "how fast it is"), "match", bench_match, "candidates, score, solver"))


def _add_concerns(commands: Any) -> None:
    concerns = _group(commands, "concerns", "safeguarding reports")
    listing = _add(concerns, "list", _list_concerns, "all that stand")
    listing.add_argument("--json", action="store_true", help="one JSON object a line")
    _add(concerns, "settle", _settle_concern, "one was looked into: let go of whom it holds").add_argument("id")


def _add_dead_letters(commands: Any) -> None:
    letters = _group(commands, "dead-letters", "events that could not be applied")
    listing = _add(letters, "list", _list_letters, "those that wait, or all")
    listing.add_argument("--all", action="store_true", help="also those that were replayed or discarded")
    listing.add_argument("--json", action="store_true", help="one JSON object a line")
    for name, command, summary in (
        ("show", _show_letter, "one letter with the event in it (which may hold personal data)"),
        ("replay", _replay_letter, "send the event again to where it came from"),
        ("discard", _discard_letter, "settle the letter without the event"),
    ):
        _add(letters, name, command, summary).add_argument("id")


# --- commands ---


def _run(found: argparse.Namespace) -> int:
    settings = read_settings()
    importlib.import_module(PROCESSES[found.name]).run(settings)
    return 0


def _demo(found: argparse.Namespace) -> int:
    from services.demo.options import options
    from services.demo.play import play

    return play(options(found))


def _learn(found: argparse.Namespace) -> int:
    from services.learner import service
    from services.learner.command import run

    return run(
        found,
        lambda: service.in_service(_with_kafka(), found.market),
        lambda made: service.promote(_with_kafka(), found.market, made),
    )


def _eval_speed_dating(found: argparse.Namespace) -> int:
    from services.evaluate.command import run

    return run(found)


def _simulate(found: argparse.Namespace) -> int:
    from services.simulate.options import options
    from services.simulate.run import simulate

    return simulate(options(found))


def _create_topics(_: argparse.Namespace) -> int:
    from services import topics

    settings = _with_kafka()
    topics.create(settings.broker, settings.topic_prefix, settings.embedded)
    print(f"{len(topics.ALL)} topics are there")
    return 0


def _rebuild_views(_: argparse.Namespace) -> int:
    counts = importlib.import_module("services.stream.rebuild").rebuild(_with_kafka(), lambda line: print(line))
    print(f"{sum(counts.values())} rows are in the views again")
    return 0


def _list_letters(found: argparse.Namespace) -> int:
    from services.adapters import dead_letters

    shown = [one for one in dead_letters.listed(_with_kafka().kafka).values() if found.all or one.mark is None]
    for one in shown:
        dead = one.letter
        row = {"id": dead.id, "state": one.state, "at": dead.at.isoformat(timespec="seconds")}
        row |= {"from": f"{dead.source_topic}/{dead.partition}/{dead.offset}", "error": dead.error}
        print(json.dumps(row) if found.json else "  ".join(row.values()))
    _say_if_none(shown, "no dead letters")
    return 0


def _show_letter(found: argparse.Namespace) -> int:
    from services.adapters import dead_letters

    one = dead_letters.find(_with_kafka().kafka, found.id)
    shown = one.letter.model_dump(mode="json", exclude={"key", "value"})
    shown |= {"state": one.state, "key": _text(one.letter.key), "value": _text(one.letter.value)}
    print(json.dumps(shown, indent=2, ensure_ascii=False))
    return 0


def _replay_letter(found: argparse.Namespace) -> int:
    from services.adapters import dead_letters
    from services.clock import SystemClock

    settings = _with_kafka()
    dead = dead_letters.replay(settings.kafka, found.id, SystemClock(settings).wall())
    print(f"{dead.id} was sent to {dead.source_topic} again")
    return 0


def _discard_letter(found: argparse.Namespace) -> int:
    from services.adapters import dead_letters
    from services.clock import SystemClock

    settings = _with_kafka()
    dead = dead_letters.discard(settings.kafka, found.id, SystemClock(settings).wall())
    print(f"{dead.id} was discarded")
    return 0


def _list_concerns(found: argparse.Namespace) -> int:
    from services.adapters.concerns import concerns

    shown = concerns(_with_kafka().kafka)
    for one in shown:
        row = {
            "concern": one.concern.concern,
            "at": one.concern.at.isoformat(timespec="seconds"),
            "reported": one.person,
            "by": one.concern.by,
            "invitation": one.concern.invitation,
            "what": one.concern.what,
        }
        told = row | {"what": one.concern.what or NO_WORDS}
        print(json.dumps(row, ensure_ascii=False) if found.json else "  ".join(map(_one_line, told.values())))
    _say_if_none(shown, "no concerns")
    return 0


def _settle_concern(found: argparse.Namespace) -> int:
    from services.adapters.concerns import settle
    from services.clock import SystemClock

    settings = _with_kafka()
    one, others = settle(settings.kafka, found.id, SystemClock(settings).wall())
    stays = f"is still held for {others} more" if others else "is held no longer"
    print(f"{one.concern.concern} is settled; {one.person} {stays}")
    return 0


def _report(found: argparse.Namespace) -> int:
    from services.archivist.files import HISTORY
    from services.report.figures import Time, figures
    from services.report.shown import table

    folder = found.history or read_settings().data / HISTORY
    told = figures(folder, Time(found.since, found.until))
    print(json.dumps(told) if found.json else table(told))
    return 0


def _languages(found: argparse.Namespace) -> int:
    from services.languages.gathering import bring_up_to_date, complaints

    for path in () if found.check else bring_up_to_date(found.new):
        print(f"{path} is up to date with the sources")
    wrong = complaints()
    print("\n".join(wrong), end="\n" if wrong else "")
    return 1 if wrong else 0


def _make_push_key(_: argparse.Namespace) -> int:
    from services.adapters.vapid import new_key

    print(new_key())
    return 0


# --- leaves ---


def _with_kafka() -> Settings:
    from services.topics import wait_for_broker

    settings = read_settings()
    wait_for_broker(settings.broker, BROKER_WAIT_S, lambda sentence: print(sentence, file=sys.stderr))
    return settings


def _say_if_none(shown: Sequence[object], sentence: str) -> None:
    if not shown:
        print(sentence, file=sys.stderr)


def _text(encoded: str | None) -> str | None:
    return None if encoded is None else base64.b64decode(encoded).decode(errors="replace")[:SHOWN_LIMIT]


def _one_line(text: str) -> str:
    # What people wrote may hold anything, a terminal's control sequences too.
    return "".join(letter if letter.isprintable() else " " for letter in text)


if __name__ == "__main__":
    sys.exit(main())
