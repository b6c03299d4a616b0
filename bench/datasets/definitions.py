"""Writes the definitions of WordNet, one a line, in the order of the data set `wordnet` before its queries are drawn.

    definitions.py OUT.txt

Needs Debian's package wordnet-base.
"""

import sys

import wordnet


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        for synset in wordnet.read_synsets():
            out.write(synset.definition.replace("\n", " ") + "\n")


if __name__ == "__main__":
    main()
