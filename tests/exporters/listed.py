"""Whether what a scrape holds is listed in exporters/names: for the tests of every subject."""

from prometheus_client.parser import text_string_to_metric_families

from exporters.names.catalogue import FAMILIES
from exporters.names.family import Family, Health

_OF_A_HISTOGRAM = {"le"}


def unlisted(text: str, *subjects: str) -> list[str]:
    """Return what an exposition in text format has and the catalogue hasn't: a family, its kind, its help or a label.

    `subjects` are those whose health may be in it.
    """
    known = {family.name: family for families in FAMILIES.values() for family in families}
    known |= {family.name: family for subject in subjects for family in Health(subject=subject).families}
    found: list[str] = []
    for family in text_string_to_metric_families(text):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        if (listed := known.get(name)) is None:
            found.append(f"{name}: not listed")
        elif (family.type, family.documentation) != (listed.kind, listed.help):
            found.append(f"{name}: listed as {listed.kind}: {listed.help}")
        else:
            found += _labels(listed, {label for sample in family.samples for label in sample.labels})
    return found


def _labels(listed: Family, found: set[str]) -> list[str]:
    own = found - (_OF_A_HISTOGRAM if listed.kind == "histogram" else set())
    return [f"{listed.name}: the label {label} is not listed" for label in sorted(own - set(listed.labels))]
