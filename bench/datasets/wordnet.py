"""Reads the WordNet 3.0 database files of Debian's package wordnet-base (formats: wndb(5WN))."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

DEFAULT_FOLDER = Path("/usr/share/wordnet")

# Position = the digit that WordNet's Prolog files put before the offset (prologdb(5WN)), less one.
PARTS_OF_SPEECH = (("noun", "noun"), ("verb", "verb"), ("adj", "adjective"), ("adv", "adverb"))
ID_STEP = 100_000_000  # offsets have at most eight digits

# lexnames(5WN): the position is the file number in data.*.
LEX_NAMES = (
    "adj.all adj.pert adv.all noun.Tops noun.act noun.animal noun.artifact noun.attribute "
    "noun.body noun.cognition noun.communication noun.event noun.feeling noun.food noun.group "
    "noun.location noun.motive noun.object noun.person noun.phenomenon noun.plant "
    "noun.possession noun.process noun.quantity noun.relation noun.shape noun.state "
    "noun.substance noun.time verb.body verb.change verb.cognition verb.communication "
    "verb.competition verb.consumption verb.contact verb.creation verb.emotion verb.motion "
    "verb.perception verb.possession verb.social verb.stative verb.weather adj.ppl"
).split()

# The examples of a gloss are quoted and follow the definition: `a cat; "the cat sat"`.
_EXAMPLES = re.compile(r'\s*[;:,]?\s*"[^"]*"(?=\s*(?:[;,.]|$|-))')
_MARKER = re.compile(r"\((?:a|p|ip)\)$")  # syntactic marker of an adjective: `galore(ip)`


@dataclass
class Synset:
    """One set of synonyms with one definition."""

    id: int  # part-of-speech digit * 100,000,000 + byte offset in data.*
    part_of_speech: str
    lex_file: int
    words: list[str]  # in WordNet's order, spaces for underscores
    definition: str
    usage: list[int] = field(default_factory=list)  # ids of the usage domains, such as "slang"
    # For each word, its sense number (1 = first) and how often it was tagged in the corpora.
    sense_numbers: list[int] = field(default_factory=list)
    tag_counts: list[int] = field(default_factory=list)

    def head(self) -> int:
        """Returns the position in `words` of the word tagged most often; the first one on ties."""
        return max(range(len(self.words)), key=lambda i: (self.tag_counts[i], -i))

    def record(self) -> dict:
        """Returns the row for base.jsonl. The definition itself is left out."""
        return {
            "id": self.id,
            "payload": {
                "word": self.words[self.head()],
                "words": self.words,
                "pos": self.part_of_speech,
                "lexname": LEX_NAMES[self.lex_file],
                "lex_file": self.lex_file,
                "synonyms": len(self.words),
                "length": len(self.definition),
            },
        }


def _definition(gloss: str) -> str:
    text = _EXAMPLES.split(gloss)[0] if gloss.startswith('"') else _EXAMPLES.sub("", gloss)
    return text.strip(" ;:,\n") or gloss.strip()


def _parse_synset(line: str, digit: int, name: str) -> Synset:
    head, gloss = line.split(" | ", 1)
    fields = head.split()
    word_count = int(fields[3], 16)
    words = [_MARKER.sub("", w).replace("_", " ") for w in fields[4 : 4 + 2 * word_count : 2]]
    pointers = fields[5 + 2 * word_count :]
    count = int(fields[4 + 2 * word_count])
    digits = {"n": 1, "v": 2, "a": 3, "s": 3, "r": 4}
    usage = [digits[pointers[i + 2]] * ID_STEP + int(pointers[i + 1])
             for i in range(0, 4 * count, 4) if pointers[i] == ";u"]
    return Synset(digit * ID_STEP + int(fields[0]), name, int(fields[1]), words,
                  _definition(gloss), usage)


def _read_tag_counts(folder: Path) -> dict[tuple[str, int, int], int]:
    """Returns cntlist.rev as (lower-case lemma, part-of-speech digit, sense number) -> count."""
    digits = {"1": 1, "2": 2, "3": 3, "4": 4, "5": 3}
    counts = {}
    with open(folder / "cntlist.rev", encoding="utf-8") as lines:
        for line in lines:
            key, sense, count = line.split()
            lemma, rest = key.rsplit("%", 1)
            counts[lemma, digits[rest[0]], int(sense)] = int(count)
    return counts


def _read_sense_numbers(folder: Path, suffix: str, digit: int) -> dict[tuple[str, int], int]:
    """Returns index.* as (lower-case lemma, synset id) -> sense number."""
    senses = {}
    with open(folder / f"index.{suffix}", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("  "):
                continue
            fields = line.split()
            for number, offset in enumerate(fields[-int(fields[2]) :], start=1):
                senses[fields[0], digit * ID_STEP + int(offset)] = number
    return senses


def read_synsets(folder: Path = DEFAULT_FOLDER) -> list[Synset]:
    """Returns every synset in the order of the files: noun, verb, adjective, adverb.

    Raises FileNotFoundError when the package wordnet-base is not installed.
    """
    counts = _read_tag_counts(folder)
    synsets = []
    for digit, (suffix, name) in enumerate(PARTS_OF_SPEECH, start=1):
        senses = _read_sense_numbers(folder, suffix, digit)
        with open(folder / f"data.{suffix}", encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("  "):  # the license notice
                    continue
                synset = _parse_synset(line, digit, name)
                for word in synset.words:
                    lemma = word.lower().replace(" ", "_")
                    number = senses.get((lemma, synset.id), 0)
                    synset.sense_numbers.append(number)
                    synset.tag_counts.append(counts.get((lemma, digit, number), 0))
                synsets.append(synset)
    return synsets
