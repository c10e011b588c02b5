"""Search by the words of the styles' names."""

from staging.shop.catalogue import Catalogue, Style

MOST_RESULTS = 24
LONGEST_QUERY = 200


class SearchIndex:
    """An index in memory, from each word's beginnings to the styles that have it in their name."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._styles = catalogue.styles
        self._beginnings: dict[str, set[str]] = {}
        for style in catalogue.styles.values():
            for word in style.name.lower().split():
                for length in range(1, len(word) + 1):
                    self._beginnings.setdefault(word[:length], set()).add(style.style)

    def find(self, query: str) -> list[Style]:
        """Return at most 24 styles, by name, that have a word beginning with each word of `query`."""
        matches = [self._beginnings.get(word, set()) for word in query.lower().split()]
        found = set.intersection(*matches) if matches else set()
        return sorted((self._styles[key] for key in found), key=lambda style: style.name)[:MOST_RESULTS]
