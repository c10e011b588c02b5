"""Loads a storefront from a user's file: one Python file with one subclass of `Shop`."""

import importlib.util
import linecache
import sys
import traceback
from pathlib import Path
from types import ModuleType

from loadtests.storefronts.shop import Shop
from loadtests.storefronts.storefront import Storefront
from slo.documents import BadInput, read_text

MAX_BYTES = 1 << 20


def load_storefront(path: Path) -> Storefront:
    """Run a storefront's file and return its storefront; raises BadInput, which names the line that is wrong."""
    shops = _classes(load_module(path), Shop)
    if len(shops) != 1:
        found = ", ".join(sorted(shop.__name__ for shop in shops)) or "none"
        raise BadInput(f"{path}: expected one class that is a Shop (class Mine(Shop):), found {found}")
    (shop,) = shops
    try:
        storefront = Storefront.of(path.stem, shop)
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from None
    if not storefront.journeys:
        raise BadInput(f"{path}: {shop.__name__} has no journey: mark a method with @journey")
    return storefront


def load_module(path: Path) -> ModuleType:
    """Run a Python file of the user's and return its module; raises BadInput with the file's own line."""
    text = read_text(path, MAX_BYTES)
    name = f"peakproof_user_{path.stem}"
    try:
        code = compile(text, str(path), "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        place = f"line {error.lineno}: " if isinstance(error, SyntaxError) and error.lineno else ""
        raise BadInput(f"{path}: {place}{getattr(error, 'msg', error)}") from error
    spec = importlib.util.spec_from_loader(name, loader=None, origin=str(path))
    assert spec is not None  # noqa: S101 - it was given a name
    module = importlib.util.module_from_spec(spec)
    module.__file__ = str(path)
    linecache.checkcache(str(path))
    sys.modules[name] = module
    try:
        exec(code, module.__dict__)  # noqa: S102 - the user's own file, named in their own targets.yaml
    except Exception as error:
        del sys.modules[name]
        raise BadInput(f"{path}: {place_of(error, path)}{type(error).__name__}: {error}") from error
    return module


def place_of(error: BaseException, path: Path) -> str:
    """Return `line N: ` for the last line of the file at `path` that an error came through, "" for none."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f"line {lines[-1]}: " if lines else ""


def _classes(module: ModuleType, base: type[Shop]) -> list[type[Shop]]:
    own = (one for one in vars(module).values() if isinstance(one, type) and one.__module__ == module.__name__)
    return [one for one in dict.fromkeys(own) if issubclass(one, base)]
