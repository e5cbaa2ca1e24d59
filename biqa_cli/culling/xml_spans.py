"""Where the elements of an XML file lie in its bytes, so that it can be edited as text.

A parser that writes a document anew changes prefixes, quotes, line ends or comments that belong to
other programs. Here the parts that change are replaced, and every other byte stays.
"""

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from xml.parsers import expat
from xml.sax.saxutils import escape

from biqa_cli.errors import SidecarError

Name = tuple[str, str]
"""A namespace and a name in it."""
Edit = tuple[int, int, str]
"""From byte, to byte, what comes there."""

MOST_BYTES = 16_000_000
"""Sidecars with drawn masks have a few million bytes."""
_DEEPEST = 100

_PREFIXES = {
    "xml": "http://www.w3.org/XML/1998/namespace",
    "xmlns": "http://www.w3.org/2000/xmlns/",
}
_ATTRIBUTE = rb"([^\s=/>]+)\s*=\s*(\"[^\"]*\"|'[^']*')"
# Of a tag that a parser has found to be well-formed.
_START_TAG = re.compile(rb"<[^\s/>]+(?:\s+" + _ATTRIBUTE + rb")*\s*(?P<empty>/?)>")
_ATTRIBUTES = re.compile(_ATTRIBUTE)
_DECLARED = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(slots=True)
class Element:
    """An element; its places are bytes of `Document.content`."""

    name: Name
    tag: str
    """As it is written, with its prefix."""
    start: int
    content_start: int
    empty: bool
    """Whether it is written as one tag that closes itself."""
    declared: dict[str, str]
    """The prefixes that it declares, with their namespaces."""
    outer: "Element | None"
    content_end: int = 0
    end: int = 0
    attributes: dict[Name, tuple[str, int, int]] = field(default_factory=dict)
    """The value, and from where to where it is written, quotes included."""
    pieces: list[str] = field(default_factory=list)
    children: list["Element"] = field(default_factory=list)

    @property
    def text(self) -> str:
        """What is written directly in it."""
        return "".join(self.pieces).strip()

    def walk(self) -> Iterator["Element"]:
        """Yield the element and all below it."""
        left = [self]
        while left:
            element = left.pop()
            yield element
            left.extend(reversed(element.children))

    def prefixes(self) -> dict[str, str]:
        """Return the prefixes that are known in the element, with their namespaces."""
        outer = _PREFIXES if self.outer is None else self.outer.prefixes()
        return {**outer, **self.declared}

    def prefix_of(self, namespace: str, *, of_attribute: bool = False) -> str | None:
        """Return a prefix for a namespace here, None where there is none.

        Names of elements may have none where it is the default; names of attributes may not.
        """
        known = (prefix for prefix, uri in self.prefixes().items() if uri == namespace)
        return next((prefix for prefix in known if prefix or not of_attribute), None)


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file."""

    content: bytes
    """In UTF-8, without a byte order mark."""
    root: Element
    encoding: str
    mark: bytes

    def edited(self, edits: Iterable[Edit]) -> bytes:
        """Return the file with some parts replaced, in the encoding that it had."""
        pieces, place = [], 0
        for start, end, text in sorted(edits, key=lambda edit: edit[:2]):
            pieces += [self.content[place:start], text.encode()]
            place = end
        whole = b"".join([*pieces, self.content[place:]]).decode()
        return self.mark + whole.encode(self.encoding, "xmlcharrefreplace")


def parse(data: bytes) -> Document:
    """Return the elements of a file and where they lie.

    Raises:
        SidecarError: If it is not well-formed XML, has a document type (which may define entities
            that grow without bound, or read other files), or is too large.
    """
    if len(data) > MOST_BYTES:
        msg = f"it has {len(data)} bytes, more than the {MOST_BYTES} that are read"
        raise SidecarError(msg)
    mark, encoding = _encoding(data)
    try:
        content = data[len(mark) :].decode(encoding).encode()
    except (UnicodeError, LookupError) as error:
        msg = f"it is not text in {encoding}"
        raise SidecarError(msg) from error
    builder = _Builder(content)
    try:
        builder.parse()
    except expat.ExpatError as error:
        msg = f"it is not well-formed XML ({error})"
        raise SidecarError(msg) from error
    return Document(content, builder.root, encoding, mark)


def _encoding(data: bytes) -> tuple[bytes, str]:
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return mark, encoding
    declared = _DECLARED.match(data)
    return b"", declared[1].decode("ascii") if declared else "utf-8"


class _Builder:
    """Collects what the parser reports."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._open: list[Element] = []
        self._root: Element | None = None
        # The encoding that the file declares is that of its bytes, which these are not any more.
        self._parser = expat.ParserCreate("utf-8")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.StartDoctypeDeclHandler = self._refuse

    @property
    def root(self) -> Element:
        if self._root is None:
            raise SidecarError("it has no elements")
        return self._root

    def parse(self) -> None:
        self._parser.Parse(self._content, True)

    def _refuse(self, *_: object) -> None:
        raise SidecarError("it has a document type (DTD), which no sidecar needs")

    def _start(self, tag: str, values: dict[str, str]) -> None:
        start = self._parser.CurrentByteIndex
        written = _START_TAG.match(self._content, start)
        if written is None:
            raise SidecarError("it is not written as XML is")
        if len(self._open) >= _DEEPEST:
            raise SidecarError("its elements are nested too deeply")
        places = {
            match[1].decode(): match.span(2)
            for match in _ATTRIBUTES.finditer(self._content, start, written.end())
        }
        element = Element(
            name=("", tag),
            tag=tag,
            start=start,
            content_start=written.end(),
            empty=bool(written["empty"]),
            declared={
                key.partition(":")[2]: value
                for key, value in values.items()
                if key == "xmlns" or key.startswith("xmlns:")
            },
            outer=self._open[-1] if self._open else None,
        )
        element.name = _resolved(element, tag, default=_namespace(element, "") or "")
        element.attributes = {
            _resolved(element, key, default=""): (value, *places[key])
            for key, value in values.items()
        }
        if self._open:
            self._open[-1].children.append(element)
        else:
            self._root = element
        self._open.append(element)

    def _end(self, _: str) -> None:
        element = self._open.pop()
        if element.empty:
            element.content_end = element.end = element.content_start
            return
        element.content_end = self._parser.CurrentByteIndex
        element.end = self._content.index(b">", element.content_end) + 1

    def _characters(self, text: str) -> None:
        self._open[-1].pieces.append(text)


def _resolved(element: Element, tag: str, *, default: str) -> Name:
    prefix, colon, local = tag.partition(":")
    if not colon:
        return default, tag
    namespace = _namespace(element, prefix)
    if namespace is None:
        msg = f"the prefix {prefix!r} has no namespace"
        raise SidecarError(msg)
    return namespace, local


def _namespace(element: Element, prefix: str) -> str | None:
    # Not by one table for each element: a hostile file could make them large and many.
    scope: Element | None = element
    while scope is not None:
        if prefix in scope.declared:
            return scope.declared[prefix]
        scope = scope.outer
    return _PREFIXES.get(prefix)


def append(element: Element, xml: str) -> Edit:
    """Return the edit that puts XML at the end of an element's content."""
    if element.empty:
        # "/>" becomes ">", and the element gets an end.
        return element.content_start - 2, element.content_start, f">{xml}</{element.tag}>"
    return element.content_end, element.content_end, xml


def with_content(element: Element, text: str) -> Edit:
    """Return the edit that gives an element another content, text alone."""
    if element.empty:
        return append(element, escape(text))
    return element.content_start, element.content_end, escape(text)


def with_attributes(element: Element, written: Iterable[str]) -> Edit:
    """Return the edit that gives an element further attributes."""
    place = element.content_start - (2 if element.empty else 1)
    return place, place, "".join(f"\n   {attribute}" for attribute in written)
