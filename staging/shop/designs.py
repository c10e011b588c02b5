"""Shoppers' own designs: a preview is drawn and kept where every replica finds it."""

import io
import secrets
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFilter, ImageFont
from sqlalchemy import select

from staging.database import Database
from staging.shop.schema import designs

WIDTH, HEIGHT = 320, 360
LONGEST_TEXT = 60
_CLOTH = {"black": (28, 28, 30), "white": (244, 244, 240), "navy": (30, 42, 82), "moss": (92, 108, 62)}
_INK = {"black": (250, 240, 210), "white": (40, 40, 44), "navy": (250, 240, 210), "moss": (24, 28, 16)}
_OUTLINE = (
    (96, 20), (224, 20), (310, 90), (268, 136), (244, 116), (244, 344), (76, 344), (76, 116), (52, 136), (10, 90),
)  # fmt: skip
_FONT = ImageFont.load_default(size=26)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A drawn preview: a PNG of 320 by 360 pixels."""

    design_id: str
    png: bytes


def draw(colour: str, text: str) -> bytes:
    """Return a PNG of a T-shirt in one of the catalogue's colours with `text` printed on it."""
    shirt = Image.new("RGB", (WIDTH, HEIGHT), (226, 226, 230))
    ImageDraw.Draw(shirt).polygon([(x + 6, y + 8) for x, y in _OUTLINE], fill=(150, 150, 158))
    shirt = shirt.filter(ImageFilter.GaussianBlur(7))
    pen = ImageDraw.Draw(shirt)
    pen.polygon(_OUTLINE, fill=_CLOTH[colour])
    pen.multiline_text((160, 170), _wrapped(text), fill=_INK[colour], font=_FONT, anchor="mm", align="center")
    shirt = shirt.filter(ImageFilter.UnsharpMask(radius=3, percent=120))
    file = io.BytesIO()
    shirt.save(file, "PNG", compress_level=4)
    return file.getvalue()


def _wrapped(text: str) -> str:
    return "\n".join(text[start : start + 12] for start in range(0, len(text), 12))


def make_design(database: Database, style: str, colour: str, text: str) -> Preview:
    """Draw a preview and keep it."""
    preview = Preview(design_id=f"des_{secrets.token_hex(8)}", png=draw(colour, text))
    row = designs.insert().values(design_id=preview.design_id, style=style, colour=colour, text=text, png=preview.png)
    with database.writing() as connection:
        connection.execute(row)
    return preview


def find_preview(database: Database, design_id: str) -> bytes | None:
    """Return the PNG of a design."""
    with database.reading() as connection:
        return connection.scalar(select(designs.c.png).where(designs.c.design_id == design_id))
