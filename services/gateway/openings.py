"""A question to begin a talk with, for each topic, in case nobody knows what to say first.

Place in the flow: the topic and the id of an invitation -> **opening** -> what both read, each in their own language.
A question has to hurt nobody, whether they are alone, have lost somebody, have little money, cannot walk far or have no
work any more. So none asks about the family, a home, a price, "the last time" or what somebody can still do; each can
be answered from a chair, by anybody who likes the topic, without telling anything private.
"""

import hashlib

from matcher.invitation import ANY_TOPIC
from services.languages.speaking import N_, _

OPENINGS: dict[str, tuple[str, ...]] = {
    "animals": (
        N_("Which animal could you watch for hours?"),
        N_("If one animal could talk, which would you like to listen to?"),
    ),
    "baking": (
        N_("What smells best to you when it comes out of an oven?"),
        N_("Which cake or bread goes well with a rainy afternoon?"),
    ),
    "birds": (
        N_("Which bird do you like to hear best?"),
        N_("If you could fly for an hour like one bird, which would it be?"),
    ),
    "books": (
        N_("Which book or story have you never forgotten?"),
        N_("Whom out of a book would you like to have tea with?"),
    ),
    "cooking": (
        N_("Which smell from a kitchen makes you hungry at once?"),
        N_("Which simple dish never lets you down?"),
    ),
    "crafts": (
        N_("Which thing made by hand do you like to look at?"),
        N_("Wool, wood, paper or clay: which would you choose today, and for what?"),
    ),
    "cricket": (
        N_("Which cricketer do you most like to watch or hear about?"),
        N_("What makes a day of cricket a good one for you?"),
    ),
    "dancing": (
        N_("Which music makes your feet want to move?"),
        N_("Which dance do you like best, to watch or to dance?"),
    ),
    "family-history": (
        N_("What would you like to ask somebody who lived a hundred years ago?"),
        N_("Which trade of the old days would you like to have watched?"),
    ),
    "films": (
        N_("Which film could you watch again and again?"),
        N_("Which film has made you laugh most?"),
    ),
    "football": (
        N_("What makes a match a good one for you?"),
        N_("Which goal or match do you like to think back to?"),
    ),
    "gardening": (
        N_("What is growing outside your window just now?"),
        N_("If you could grow just one thing, what would it be?"),
    ),
    "history": (
        N_("Into which time would you like to look for a day?"),
        N_("Which old place would you like to know more about?"),
    ),
    "holidays": (
        N_("If you could wake up anywhere tomorrow, where would it be?"),
        N_("Sea, hills or a city: what draws you most?"),
    ),
    "knitting": (
        N_("Which colours of wool do you like best just now?"),
        N_("Which is the better pattern for you: quick and simple, or slow and clever?"),
    ),
    "local-life": (
        N_("What makes a street or a village a good place to live in?"),
        N_("Which sound in your street or village do you like to hear?"),
    ),
    "music": (
        N_("Which song cheers you up?"),
        N_("Which tune has been going round in your head lately?"),
    ),
    "nature": (
        N_("What do you notice outside at this time of the year?"),
        N_("By water, under trees or high up: where do you like it best?"),
    ),
    "news": (
        N_("Which good news would you put on the front page, however small?"),
        N_("How do you like to follow the news, and at what time of day?"),
    ),
    "pets": (
        N_("Cat, dog or something quite different: which do you get on with best?"),
        N_("What is the funniest thing that you have seen a pet do?"),
    ),
    "puzzles": (
        N_("Words, numbers or pieces: which puzzles do you like best?"),
        N_("What do you do when you are stuck with a puzzle?"),
    ),
    "radio": (
        N_("When in the day do you like the radio best?"),
        N_("Which voice on the radio do you like to listen to?"),
    ),
    "science": (
        N_("What would you ask somebody who knows all about the stars?"),
        N_("Which invention would you not want to be without?"),
    ),
    "singing": (
        N_("Which song do you know by heart, or nearly?"),
        N_("Where do you like to sing best, even if only quietly?"),
    ),
    "television": (
        N_("What do you like to watch in the evening?"),
        N_("Which programme would you like to see again from the beginning?"),
    ),
    "theatre": (
        N_("Which play, show or pantomime do you like to think back to?"),
        N_("To laugh, to be moved or to guess who did it: what do you like best in a play?"),
    ),
    "trains": (
        N_("Which railway line would you like to travel from end to end?"),
        N_("What do you like to look at from the window of a train?"),
    ),
    "walking": (
        N_("By water, through a wood or past people’s gardens: which path do you like best?"),
        N_("What do you like to come across on a walk?"),
    ),
    "weather": (
        N_("What is the weather doing where you are?"),
        N_("Which weather do you like best, and why?"),
    ),
    "work": (
        N_("Which work would you like to try for just one day?"),
        N_("Which kind of work do you like to watch when somebody does it well?"),
    ),
    ANY_TOPIC: (
        N_("Which time of the day do you like best?"),
        N_("What small thing do you never get tired of?"),
    ),
}  # fmt: skip
"""For each topic, and for two who like nothing in common that we know."""


def opening(topic: str, invitation: str) -> str:
    """The question for the two of this invitation, the same for both of them."""
    questions = OPENINGS.get(topic, OPENINGS[ANY_TOPIC])
    return _(questions[hashlib.sha256(invitation.encode()).digest()[0] % len(questions)])
