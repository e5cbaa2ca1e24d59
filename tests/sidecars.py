"""Sidecars in the manner of four programs, and what of them is not biqa's."""

from xml.etree import ElementTree as ET

from biqa_cli.culling.xmp import BIQA, DC, XMP

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"

LIGHTROOM = """<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Adobe XMP Core 7.0-c000 1.000000">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
    xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/"
    xmlns:stEvt="http://ns.adobe.com/xap/1.0/sType/ResourceEvent#"
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:lr="http://ns.adobe.com/lightroom/1.0/"
    xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/"
   xmp:ModifyDate="2024-06-01T12:00:00.42"
   xmp:Rating="0"
   photoshop:Instructions="first line&#xA;second &lt;line&gt; &amp; 'more'"
   xmpMM:DocumentID="xmp.did:0b8f3c55"
   crs:Version="15.4"
   crs:Exposure2012="+0.35">
   <xmpMM:History>
    <rdf:Seq>
     <rdf:li stEvt:action="saved" stEvt:changed="/metadata"/>
    </rdf:Seq>
   </xmpMM:History>
   <dc:subject>
    <rdf:Bag>
     <rdf:li>wedding</rdf:li>
     <rdf:li>Zoë &amp; Max</rdf:li>
    </rdf:Bag>
   </dc:subject>
   <lr:hierarchicalSubject>
    <rdf:Bag>
     <rdf:li>people|Zoë &amp; Max</rdf:li>
     <rdf:li>wedding</rdf:li>
    </rdf:Bag>
   </lr:hierarchicalSubject>
   <crs:ToneCurvePV2012>
    <rdf:Seq>
     <rdf:li>0, 0</rdf:li>
     <rdf:li>255, 255</rdf:li>
    </rdf:Seq>
   </crs:ToneCurvePV2012>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
"""

DIGIKAM = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 4.4.0-Exiv2">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:digiKam="http://www.digikam.org/ns/1.0/"
    xmlns:MicrosoftPhoto="http://ns.microsoft.com/photo/1.0/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"
   digiKam:PickLabel="0"
   digiKam:ColorLabel="0">
   <digiKam:TagsList>
    <rdf:Seq>
     <rdf:li>Places/Garden</rdf:li>
    </rdf:Seq>
   </digiKam:TagsList>
   <MicrosoftPhoto:LastKeywordXMP>
    <rdf:Bag>
     <rdf:li>Places/Garden</rdf:li>
    </rdf:Bag>
   </MicrosoftPhoto:LastKeywordXMP>
   <dc:subject>
    <rdf:Bag/>
   </dc:subject>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""

DARKTABLE = """<?xml version="1.0" encoding="UTF-8"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 4.4.0-Exiv2">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:darktable="http://darktable.sf.net/"
   xmp:Rating="1"
   darktable:xmp_version="5"
   darktable:raw_params="0"
   darktable:history_end="1">
   <darktable:masks_history>
    <rdf:Seq/>
   </darktable:masks_history>
   <darktable:history>
    <rdf:Seq>
     <rdf:li
      darktable:num="0"
      darktable:operation="exposure"
      darktable:params="00000000000080b9a69b7f3f00004842000080c001000000"
      darktable:blendop_params="gz11eJxjYGBgkGAAgRNODESDBnsIHll8ANNSGQM="/>
    </rdf:Seq>
   </darktable:history>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
"""

CAPTURE_ONE = """<?xml version="1.0" encoding="UTF-8"?>
<!-- Created by Capture One -->
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 5.5.0">
  <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
    <rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/">
      <xmp:Rating>0</xmp:Rating>
      <xmp:Label></xmp:Label>
    </rdf:Description>
    <rdf:Description rdf:about="" xmlns:Iptc4xmpCore="http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/">
      <Iptc4xmpCore:Location><![CDATA[Town <Hall>]]></Iptc4xmpCore:Location>
    </rdf:Description>
    <rdf:Description rdf:about='' xmlns:photoshop='http://ns.adobe.com/photoshop/1.0/'>
      <photoshop:Urgency>3</photoshop:Urgency>
    </rdf:Description>
  </rdf:RDF>
</x:xmpmeta>
""".replace("\n", "\r\n")

PROGRAMS = {
    "lightroom": LIGHTROOM,
    "digikam": DIGIKAM,
    "darktable": DARKTABLE,
    "capture one": CAPTURE_ONE,
}


def foreign(data: bytes) -> list[object]:
    """Return all elements, attributes and texts but ratings, labels and what biqa has added."""
    builder = ET.TreeBuilder(insert_comments=True, insert_pis=True)
    root = ET.fromstring(data.decode("utf-8"), ET.XMLParser(target=builder))
    return _foreign(root)


def _foreign(element: ET.Element) -> list[object]:
    own = ("Rating", "Label")
    attributes = {
        key: value
        for key, value in element.attrib.items()
        if not key.startswith(f"{{{BIQA}}}") and key not in {f"{{{XMP}}}{name}" for name in own}
    }
    below = [
        _foreign(child)
        for child in element
        if child.tag not in {f"{{{XMP}}}{name}" for name in own}
        and not (child.tag == f"{{{_RDF}}}li" and (child.text or "").startswith("flaw: "))
        and not (child.tag == f"{{{DC}}}subject" and "wedding" not in "".join(child.itertext()))
    ]
    return [str(element.tag), attributes, (element.text or "").strip(), below]


def value(data: bytes, name: str) -> str | None:
    """Return a simple property of a sidecar by its name in a namespace, such as {uri}Rating."""
    for element in ET.fromstring(data.decode("utf-8")).iter():
        if name in element.attrib:
            return element.attrib[name]
        if element.tag == name:
            return element.text or ""
    return None


def keywords(data: bytes, name: str = f"{{{DC}}}subject") -> list[str]:
    """Return the items of a list in a sidecar."""
    return [
        item.text or ""
        for element in ET.fromstring(data.decode("utf-8")).iter(name)
        for item in element.iter(f"{{{_RDF}}}li")
    ]
