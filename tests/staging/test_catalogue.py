"""The catalogue and its search."""

from staging.shop.catalogue import twisted_threads
from staging.shop.search import SearchIndex


def test_twenty_four_styles_in_five_sizes_and_four_colours_are_480_skus() -> None:
    catalogue = twisted_threads()
    skus = [sku.sku for style in catalogue.styles.values() for sku in style.skus]
    assert len(catalogue.styles) == 24
    assert len(set(skus)) == 480


def test_the_catalogue_is_the_same_each_time() -> None:
    assert twisted_threads().styles == twisted_threads().styles


def test_a_sku_is_its_style_size_and_colour() -> None:
    catalogue = twisted_threads()
    found = catalogue.find_sku("decafdenial-xl-moss")
    assert found is catalogue.styles["decafdenial"]
    assert catalogue.find_sku("decafdenial-xl-pink") is None


def test_every_word_of_every_name_finds_its_style() -> None:
    catalogue = twisted_threads()
    index = SearchIndex(catalogue)
    for style in catalogue.styles.values():
        for word in style.name.split():
            assert style in index.find(word)
        assert style in index.find(style.name.upper())


def test_words_that_no_name_has_and_no_words_find_nothing() -> None:
    index = SearchIndex(twisted_threads())
    assert index.find("llama decaf") == []
    assert index.find("  ") == []
