"""A chart as a part of a page: SVG whose texts are texts and whose colours follow the page.

A page's policy forbids styles in elements: matplotlib's become attributes. What a page has no use
for goes. Texts are escaped as the SVG is written out.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree as ET

from s3.report.charts import Map
from s3.report.drawing import COLOURS, RULE, SOFT, draw, style
from s3.storage import digest
from s3.text import sanitised

NAMESPACE = "http://www.w3.org/2000/svg"
SVG = f"{{{NAMESPACE}}}"
LINK = "{http://www.w3.org/1999/xlink}href"
USELESS = {f"{SVG}metadata", f"{SVG}style"}
# The page's own colours, which differ by day and night.
OF_PAGE = {colour: f"var(--c{place})" for place, colour in enumerate(COLOURS)}
OF_PAGE |= {SOFT: "var(--soft)", RULE: "var(--line)", "#ffffff": "none"}
REFERENCE = re.compile(r"#(\w+)")


def inline(chart: Any) -> Any:
    """Return a chart as SVG to stand in a page; each point of a map has its text as its title."""
    from markupsafe import Markup

    root = _drawn(chart)
    for above in list(root.iter()):
        for one in [one for one in above if one.tag in USELESS]:
            above.remove(one)
    if isinstance(chart, Map):
        for place, cloud in enumerate(chart.clouds):
            _name_points(root, f"cloud-{place}", cloud.texts)
    values = " ".join(value for one in root.iter() for value in one.attrib.values())
    used = set(REFERENCE.findall(values))
    for one in root.iter():
        _make_plain(one, used)
    kept = {"class": "chart", "role": "img", "fill": "currentColor"}
    root.attrib = {"viewBox": root.get("viewBox", ""), **kept, "aria-label": sanitised(chart.title)}
    return Markup(ET.tostring(root, encoding="unicode"))


def _drawn(chart: Any) -> ET.Element:
    """Return matplotlib's SVG of a chart; its marks' names are its own, whatever stands beside."""
    import matplotlib

    file = io.BytesIO()
    with style(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # the reader's fonts show it
        own: Any = {"svg.fonttype": "none", "svg.hashsalt": digest([chart.title])}
        matplotlib.rcParams.update(own)
        draw(chart).savefig(file, format="svg", metadata={"Date": None})
    ET.register_namespace("", NAMESPACE)
    return ET.fromstring(file.getvalue().decode())


def _name_points(root: ET.Element, group: str, texts: Sequence[str]) -> None:
    """Give each point of a group its text."""
    found = next(one for one in root.iter() if one.get("id") == group)
    points = list(found.iter(f"{SVG}use")) or list(found.iter(f"{SVG}path"))  # of few
    for point, text in zip(points, texts, strict=True):
        ET.SubElement(point, f"{SVG}title").text = sanitised(text)
    found.set("class", "cloud")


def _make_plain(one: ET.Element, used: set[str]) -> None:
    """Turn an element's style into attributes, and drop what nothing refers to."""
    for part in filter(None, one.attrib.pop("style", "").split(";")):
        name, _, value = part.partition(":")
        if name.strip() != "font-family":
            one.set(name.strip(), OF_PAGE.get(value.strip(), value.strip()))
    if one.get("id") not in used:
        one.attrib.pop("id", None)
    if LINK in one.attrib:
        one.set("href", one.attrib.pop(LINK))
    one.tail = None
    if one.tag != f"{SVG}text" and one.tag != f"{SVG}title":
        one.text = None
