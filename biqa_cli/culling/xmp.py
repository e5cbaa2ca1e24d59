"""Ratings, labels and keywords in XMP: what is there already is merged, and foreign parts stay.

A rating or label that a person has given is never replaced. To know its own again, biqa writes it
a second time in a namespace of its own.

Reference:
    Adobe, "XMP Specification Part 1", 2012 (ISO 16684-1), sections 7.4 to 7.9.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

from biqa_cli.culling.xml_spans import (
    Document,
    Edit,
    Element,
    Name,
    append,
    parse,
    with_attributes,
    with_content,
)
from biqa_cli.errors import SidecarError

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
XMP = "http://ns.adobe.com/xap/1.0/"
DC = "http://purl.org/dc/elements/1.1/"
LIGHTROOM = "http://ns.adobe.com/lightroom/1.0/"
DIGIKAM = "http://www.digikam.org/ns/1.0/"
BIQA = "urn:biqa:cull:1.0/"
_PREFIXES = {RDF: "rdf", XMP: "xmp", DC: "dc", BIQA: "biqa"}

FLAW = "flaw: "
"""Keywords of flaws begin so; keywords that begin otherwise are never touched."""

_SUBJECT: Name = (DC, "subject")
# Programs that keep tags in a list of their own read that before dc:subject.
_OWN_LISTS: tuple[Name, ...] = ((DIGIKAM, "TagsList"), (LIGHTROOM, "hierarchicalSubject"))
_CONTAINERS = {(RDF, "Bag"), (RDF, "Seq"), (RDF, "Alt")}
_NOT_RATED = ("", "0")

_NEW = b"""<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="biqa">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""/>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>
"""


@dataclass(frozen=True, slots=True)
class Marks:
    """What is written into a sidecar."""

    rating: int | None = None
    """-1 for rejected, 1 to 5; None takes back what biqa has written."""
    label: str | None = None
    """The name of a colour, as Lightroom and digiKam know it; None as of a rating."""
    flaws: tuple[str, ...] | None = None
    """Their names; None where nothing is known of flaws, and keywords stay as they are."""
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Merged:
    """A sidecar with marks."""

    data: bytes
    kept: tuple[str, ...] = ()
    """What a person had written, and therefore was not: "rating", "label"."""


def merge(existing: bytes | None, marks: Marks) -> Merged:
    """Return a sidecar with marks in it; merged again it stays the same, byte for byte.

    Args:
        existing: The sidecar that there is, by any program; None for none.
        marks: What to write.

    Raises:
        SidecarError: If what there is cannot be read as XMP.
    """
    document = parse(_NEW if existing is None else existing)
    rdf = next((e for e in document.root.walk() if e.name == (RDF, "RDF")), None)
    if rdf is None:
        raise SidecarError("it has no rdf:RDF, so it is no XMP")
    about = [child for child in rdf.children if child.name == (RDF, "Description")]
    if not about:
        return merge(document.edited([append(rdf, _description_in(rdf))]), marks)
    editing = _Editing(document, about)
    kept = [
        name
        for name, value in (("Rating", marks.rating), ("Label", marks.label))
        if not editing.mark(name, None if value is None else str(value))
    ]
    if marks.score is not None:
        editing.set((BIQA, "Score"), f"{marks.score:g}")
    if marks.flaws is not None:
        editing.list_keywords([FLAW + flaw for flaw in marks.flaws])
    return Merged(editing.finished(), tuple(name.lower() for name in kept))


def rating_in(sidecar: bytes) -> int:
    """Return the rating that a person has given in a sidecar: -1 for rejected, 1 to 5, 0 for none.

    A rating that biqa has written itself is no person's.

    Raises:
        SidecarError: If it cannot be read as XMP.
    """
    document = parse(sidecar)
    about = [e for e in document.root.walk() if e.name == (RDF, "Description")]
    editing = _Editing(document, about)
    present, own = editing.value((XMP, "Rating")), editing.value((BIQA, "Rating"))
    if present in _NOT_RATED or _equal(present, own):
        return 0
    try:
        return min(max(round(float(present)), -1), 5)
    except ValueError:
        return 0


@dataclass(slots=True)
class _Editing:
    """The edits of one sidecar, as they come together."""

    document: Document
    about: list[Element]
    """All rdf:Description of the photo; programs write one or one for each namespace."""
    edits: list[Edit] = field(default_factory=list)
    attributes: dict[Name, str] = field(default_factory=dict)
    children: list[str] = field(default_factory=list)
    declared: dict[str, str] = field(default_factory=dict)

    def mark(self, local: str, value: str | None) -> bool:
        """Write a property of XMP, and return whether that could be: a person's stays."""
        present, own = self.value((XMP, local)), self.value((BIQA, local))
        if present not in _NOT_RATED and not _equal(present, own):
            return value is None
        if value is not None or own:
            self.set((XMP, local), value or "")
            self.set((BIQA, local), value or "")
        return True

    def value(self, name: Name) -> str:
        """Return a simple property, however it is written; empty where it is not there."""
        for element in self.about:
            if name in element.attributes:
                return element.attributes[name][0]
        return next((child.text for child in self.properties(name)), "")

    def properties(self, name: Name) -> Iterator[Element]:
        """Yield the elements of a property."""
        for element in self.about:
            yield from (child for child in element.children if child.name == name)

    def set(self, name: Name, value: str) -> None:
        """Give a simple property a value, where and how it is written already."""
        found = False
        for element in self.about:
            if name in element.attributes:
                present, start, end = element.attributes[name]
                found = True
                if present != value:
                    self.edits.append((start, end, quoteattr(value)))
        for child in self.properties(name):
            found = True
            if child.text != value:
                self.edits.append(with_content(child, value))
        if not found:
            self.attributes[name] = value

    def list_keywords(self, keywords: list[str]) -> None:
        """Put keywords of flaws into the lists of keywords; those of other flaws leave them."""
        lists = {name: list(self.properties(name)) for name in (_SUBJECT, *_OWN_LISTS)}
        for found in lists.values():
            for element in found[:1]:
                self._list_in(element, keywords)
        if not lists[_SUBJECT] and keywords:
            self.children.append(self._new_list(self.about[0], keywords))

    def _list_in(self, element: Element, keywords: list[str]) -> None:
        container = next((c for c in element.children if c.name in _CONTAINERS), None)
        if container is None:
            if keywords:
                bag = _tag(element, RDF, "Bag")
                items = _items(element, keywords)
                self.edits.append(append(element, f"<{bag}>{items}</{bag}>"))
            return
        present = {child.text for child in container.children}
        missing = [keyword for keyword in keywords if keyword not in present]
        if missing:
            self.edits.append(append(container, _items(container, missing)))
        self.edits.extend(
            (child.start, child.end, "")
            for child in container.children
            if child.text.startswith(FLAW) and child.text not in keywords
        )

    def _new_list(self, parent: Element, keywords: list[str]) -> str:
        tag, bag = f"{self._prefix(parent, DC)}:subject", _tag(parent, RDF, "Bag")
        return f"\n   <{tag}><{bag}>{_items(parent, keywords)}</{bag}></{tag}>\n  "

    def _prefix(self, element: Element, namespace: str) -> str:
        """Return a prefix for new names in an element, which is declared if it must be."""
        known = element.prefix_of(namespace, of_attribute=True) or self.declared.get(namespace)
        if known is not None:
            return known
        wanted = _PREFIXES[namespace]
        taken: Collection[str] = {*element.prefixes(), *self.declared.values()}
        others = (f"{wanted}{number}" for number in range(1, len(taken) + 2))
        chosen = next(p for p in (wanted, *others) if p not in taken)
        self.declared[namespace] = chosen
        return chosen

    def finished(self) -> bytes:
        """Return the sidecar."""
        first = self.about[0]
        written = [
            f"{self._prefix(first, namespace)}:{local}={quoteattr(value)}"
            for (namespace, local), value in self.attributes.items()
        ]
        declarations = [f'xmlns:{prefix}="{uri}"' for uri, prefix in self.declared.items()]
        edits = list(self.edits)
        if declarations or written:
            edits.append(with_attributes(first, [*declarations, *written]))
        if self.children:
            edits.append(append(first, "".join(self.children)))
        return self.document.edited(edits)


def _equal(one: str, other: str) -> bool:
    """Return whether two values mean the same: 3 and 3.0 do."""
    try:
        return float(one) == float(other)
    except ValueError:
        return one == other


def _description_in(rdf: Element) -> str:
    """Return an empty rdf:Description."""
    # rdf:about is an attribute, to which a default namespace does not apply.
    known = rdf.prefix_of(RDF, of_attribute=True)
    prefix, declared = (known, "") if known else ("rdf", f' xmlns:rdf="{RDF}"')
    return f'<{prefix}:Description{declared} {prefix}:about=""/>'


def _tag(element: Element, namespace: str, local: str) -> str:
    prefix = element.prefix_of(namespace)
    return f"{prefix}:{local}" if prefix else local


def _items(element: Element, keywords: Iterable[str]) -> str:
    tag = _tag(element, RDF, "li")
    return "".join(f"<{tag}>{escape(keyword)}</{tag}>" for keyword in keywords)
