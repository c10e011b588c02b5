"""Previews of shoppers' designs."""

import io

from PIL import Image

from staging.database import Database
from staging.shop.designs import HEIGHT, WIDTH, draw, find_preview, make_design


def test_a_preview_shows_the_text_on_the_shirt() -> None:
    blank, printed = draw("navy", " "), draw("navy", "HELLO")
    with Image.open(io.BytesIO(printed)) as image:
        assert (image.format, image.size) == ("PNG", (WIDTH, HEIGHT))
    assert blank != printed


def test_a_design_is_kept_in_the_database(database: Database) -> None:
    made = make_design(database, "tearex", "moss", "Roar")
    assert find_preview(database, made.design_id) == made.png
    assert find_preview(database, "des_0") is None
