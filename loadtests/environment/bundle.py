"""Which files belong to a locustfile: modules beside it that it imports, data that it names, what is declared.

They are copied into the run directory and go to workers elsewhere; nothing but the copies is played.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from loadtests.environment.own_code import OwnCode, OwnFile
from loadtests.environment.own_module import MAX_BYTES
from loadtests.environment.storefront_targets import Locustfile
from slo.documents import BadInput, read_text

MOST_FILES, MOST_BYTES = 200, 8 << 20
_LOOKED_AT = 5000
_NOT_LOOKED_INTO = frozenset({"__pycache__", "node_modules", "venv", "site-packages", "runs", "tries", "leases"})
# What a worker elsewhere takes.
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


def files_of(own: OwnCode | str) -> Iterator[tuple[str, bytes]]:
    """Return the files that a storefront is played from, by their paths below its folder; raises BadInput."""
    if isinstance(own, OwnFile):
        yield Path(own.file).name, read_text(Path(own.file), MAX_BYTES).encode()
    elif isinstance(own, Locustfile):
        yield from bundle_of(Path(own.locustfile), own.files).read()


def beside(folder: Path, name: str) -> Path | None:
    """Return the file of a module of that dotted name below `folder`, or its folder where it has no file."""
    place = folder.joinpath(*name.split("."))
    for file in (place / "__init__.py", place.with_name(f"{place.name}.py")):
        if file.is_file():
            return file
    return place if place.is_dir() and next(place.rglob("*.py"), None) is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """A module of the locustfile's: its file, its path below the folder, and its source."""

    file: Path
    name: str
    tree: ast.Module = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """The files of a locustfile: by their paths below its folder, the locustfile's own first."""

    file: Path
    modules: tuple[Module, ...]
    data: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """Where they lie."""
        return self.file.parent

    @property
    def names(self) -> tuple[str, ...]:
        """All of their paths below the folder."""
        return (*(one.name for one in self.modules), *self.data)

    def read(self) -> Iterator[tuple[str, bytes]]:
        """Return each file's path and content; raises BadInput for what is too much."""
        total = 0
        for name in self.names:
            content = (self.folder / name).read_bytes()
            total += len(content)
            if total > MOST_BYTES:
                raise BadInput(
                    f"{self.file}: its files hold over {MOST_BYTES >> 20} MiB, {name} among them: a run takes them to"
                    " every worker; keep the data smaller, or give it as `data` of the environment"
                )
            yield name, content


def bundle_of(file: Path, files: Sequence[str] = ()) -> Bundle:
    """Return the files that belong to a locustfile; `files` are patterns of more. Raises BadInput."""
    modules = _modules(file)
    data = dict.fromkeys(_named_data(file.parent, modules))
    for pattern in files:
        found = _matching(file, pattern)
        data |= dict.fromkeys(found)
    own = {one.name for one in modules}
    kept = tuple(name for name in data if name not in own)
    if len(own) + len(kept) > MOST_FILES:
        raise BadInput(f"{file}: over {MOST_FILES} files belong to it: name fewer in `files`")
    for name in (*own, *kept):
        if not all(NAME.fullmatch(part) for part in PurePosixPath(name).parts):
            raise BadInput(f"{file.parent / name}: its name may hold letters, digits and ._- only: rename it")
    return Bundle(file=file, modules=modules, data=kept)


def _modules(file: Path) -> tuple[Module, ...]:
    """Return the locustfile and every module below its folder that one of them imports."""
    folder, left = file.parent, [file]
    found: dict[str, Module] = {}
    while left:
        path = left.pop(0)
        name = path.relative_to(folder).as_posix()
        if name in found:
            continue
        if len(found) >= MOST_FILES:
            raise BadInput(f"{file}: it imports over {MOST_FILES} modules beside it")
        found[name] = Module(file=path, name=name, tree=_parsed(path))
        for imported in _imported(found[name]):
            left += _files_of(folder, imported)
    return tuple(found.values())


def _parsed(path: Path) -> ast.Module:
    text = read_text(path, MAX_BYTES)
    try:
        return ast.parse(text, str(path))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f"line {error.lineno}: " if isinstance(error, SyntaxError) and error.lineno else ""
        raise BadInput(f"{path}: {line}{getattr(error, 'msg', None) or type(error).__name__}") from error


def _imported(module: Module) -> Iterator[str]:
    """Return the dotted names of what a module imports, as from the locustfile's folder."""
    package = PurePosixPath(module.name).parent.parts
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from ([base] if base else [])
            yield from (f"{base}.{one.name}".lstrip(".") for one in node.names)


def _files_of(folder: Path, dotted: str) -> list[Path]:
    """Return the files of a module below the folder, those of the packages that it is in included."""
    parts = dotted.split(".")
    found = [beside(folder, ".".join(parts[: count + 1])) for count in range(len(parts))]
    return [one for one in found if one is not None and one.is_file()]


def _named_data(folder: Path, modules: Sequence[Module]) -> Iterator[str]:
    """Return the files below the folder that a text in the source names, by their path or by the end of it."""
    named = {
        node.value.strip().removeprefix("./").lstrip("/")
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and 0 < len(node.value) < 256  # noqa: PLR2004
    }
    there = [name for name in _below(folder) if not name.endswith(".py")]
    whole = named.intersection(there)
    ends = [one for one in named - whole if "." in one]
    yield from (name for name in there if name in whole or any(name.endswith(f"/{one}") for one in ends))


def _below(folder: Path) -> list[str]:
    """Return the files below a folder, hidden ones and those of environments left out; a bounded number."""
    found: list[str] = []
    left = [folder]
    while left and len(found) < _LOOKED_AT:
        here = left.pop(0)
        for path in sorted(here.iterdir()):
            if path.name.startswith(".") or path.name in _NOT_LOOKED_INTO:
                continue
            if path.is_dir() and not path.is_symlink():
                left.append(path)
            elif path.is_file():
                found.append(path.relative_to(folder).as_posix())
    return found


def _matching(file: Path, pattern: str) -> list[str]:
    if PurePosixPath(pattern).is_absolute() or ".." in PurePosixPath(pattern).parts:
        raise BadInput(f"{file}: files: {pattern!r} must be below the locustfile's folder")
    found = [path.relative_to(file.parent).as_posix() for path in sorted(file.parent.glob(pattern)) if path.is_file()]
    if not found:
        raise BadInput(f"{file}: files: nothing matches {pattern!r} below {file.parent}")
    return found
