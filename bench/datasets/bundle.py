"""Chooses the words of the bundled set wordnet5k, and holds its example queries."""

from __future__ import annotations

import math
import re
from collections import Counter

from wordnet import LEX_NAMES, Synset

# The rows of the set by lexical category; the best known words of each are taken. Concrete things
# get more than their share of the language, since they make the most telling searches.
QUOTAS = {
    "noun.animal": 270, "noun.food": 230, "noun.artifact": 900, "noun.plant": 130,
    "noun.body": 130, "noun.object": 110, "noun.location": 170, "noun.substance": 140,
    "noun.person": 390, "noun.phenomenon": 60, "noun.time": 80, "noun.act": 240,
    "noun.communication": 190, "noun.cognition": 110, "noun.attribute": 150, "noun.group": 100,
    "noun.feeling": 75, "noun.event": 60, "noun.state": 110, "noun.possession": 40,
    "noun.shape": 40, "noun.quantity": 45,
}
# What the quotas leave goes to the other categories (verbs, adjectives, adverbs, ...) by score.
_CAPITALISED = {"noun.location", "noun.time"}  # Paris, Monday
_UNWANTED_USAGE = {"obscenity", "vulgarism", "ethnic slur", "disparagement", "dirty word"}
_UNWANTED_TEXT = re.compile(
    r"\b(obscen|offensive\b|vulgar|slurs?\b|disparag|derogat|sexual|prostitut|brothel|genital|penis"
    r"|vagina|vulva|scrotum|copulat|semen\b|excrement|feces|faeces|urin|buttock|anus\b|rectum"
    r"|breasts?\b|nipple|crotch|racial|slaves?\b|slavery|rape)", re.IGNORECASE)


def choose(synsets: list[Synset], count: int) -> list[Synset]:
    """Returns the `count` synsets with the best known single words, in the order of `synsets`.

    Every one is the first sense of its word, and no word occurs twice. A word is the better known
    the more often WordNet's corpora were tagged with it and the more definitions use it.
    """
    uses = Counter(token for s in synsets for token in re.findall(r"[a-z]+", s.definition.lower()))
    by_id = {s.id: s for s in synsets}

    def is_wanted(s: Synset) -> bool:
        head = s.head()
        word, category = s.words[head], LEX_NAMES[s.lex_file]
        if not re.fullmatch(r"[a-z]{3,14}", word):
            if category not in _CAPITALISED or not re.fullmatch(r"[A-Z][a-z]{2,13}", word):
                return False
        usage = {word for u in s.usage for word in by_id[u].words}
        if usage & _UNWANTED_USAGE or _UNWANTED_TEXT.search(f"{word} {s.definition}"):
            return False
        return s.sense_numbers[head] == 1 and len(s.definition) >= 12

    def score(s: Synset) -> float:
        word = s.words[s.head()].lower()
        used = uses[word] + uses[word + "s"]
        return 1.5 * math.log1p(s.tag_counts[s.head()]) + math.log1p(used)

    def preference(s: Synset) -> tuple:
        # A thing is a better row than the verb made from its name: the telescope, to telescope.
        bonus = 3 if s.part_of_speech == "noun" else 0
        return -s.tag_counts[s.head()] - bonus, -score(s), s.id

    ranked = sorted((s for s in synsets if is_wanted(s)), key=preference)
    first_of_word = {}
    for s in ranked:
        first_of_word.setdefault(s.words[s.head()].lower(), s)
    ranked = sorted(first_of_word.values(), key=lambda s: (-score(s), s.id))

    left = dict(QUOTAS)
    chosen, others = [], []
    for s in ranked:
        category = LEX_NAMES[s.lex_file]
        if left.get(category, 0) > 0:
            left[category] -= 1
            chosen.append(s)
        elif category not in QUOTAS:
            others.append(s)
    chosen += others[: count - len(chosen)]
    if len(chosen) != count:
        raise ValueError(f"{len(chosen)} words were found for the {count} of the bundled set")
    return sorted(chosen, key=lambda s: s.id)


# Our own descriptions, not WordNet's. The forms of `filter` are described in README.md.
EXAMPLE_QUERIES = (
    {"text": "a large body of salt water"},
    {"text": "the star at the centre of our solar system"},
    {"text": "a vehicle with two wheels that you pedal"},
    {"text": "a sweet food made by bees"},
    {"text": "a place where collections of old art are on show"},
    {"text": "somebody who flies an aeroplane"},
    {"text": "a stringed instrument played with a bow"},
    {"text": "deep sadness because someone has died"},
    {"text": "water that falls in drops from the clouds"},
    {"text": "frozen water"},
    {"text": "furniture to sleep on"},
    {"text": "to move fast on foot", "filter": {"equals": {"pos": "verb"}}},
    {"text": "having a very low temperature", "filter": {"equals": {"pos": "adjective"}}},
    {"text": "a beverage made from roasted beans", "filter": {"equals": {"lexname": "noun.food"}}},
    {"text": "an animal that carries its young in a pouch",
     "filter": {"equals": {"lexname": "noun.animal"}}},
    {"text": "a place to sleep", "filter": {"range": {"key": "length", "lt": 60}}},
    {"text": "the capital city of France", "exact": True},
    {"text": "a violent storm with strong winds", "exact": True},
    {"text": "a person who writes books", "filter": {"equals": {"lexname": "noun.person"}},
     "exact": True},
)
