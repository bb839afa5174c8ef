"use strict";
const box = document.getElementById("search");
if (box) {
  const rows = Array.from(document.querySelectorAll("#searched tbody > tr"));
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const found = document.getElementById("found");
  box.addEventListener("input", () => {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    rows.forEach((row, place) => {
      row.hidden = !words.every((word) => texts[place].includes(word));
      count += row.hidden ? 0 : 1;
    });
    found.textContent = words.length ? `${count} of ${rows.length} errors` : `${rows.length} errors`;
  });
}
for (const map of document.querySelectorAll(".map")) {
  const points = Array.from(map.querySelectorAll("title")).map((title) => title.parentNode);
  const out = map.querySelector("output");
  const middle = (point) => {
    const { left, top, width, height } = point.getBoundingClientRect();
    return [left + width / 2, top + height / 2];
  };
  let at = null;
  const show = (point) => {
    if (at) at.classList.remove("at");
    at = point;
    at.classList.add("at");
    out.textContent = at.querySelector("title").textContent;
  };
  const pointed = (event) => points.find((point) => point.contains(event.target));
  for (const kind of ["pointerover", "click"]) {
    map.addEventListener(kind, (event) => { const point = pointed(event); if (point) show(point); });
  }
  const ways = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };
  map.addEventListener("keydown", (event) => {
    const way = ways[event.key];
    if (!way) return;
    event.preventDefault();
    if (!at) return show(points[0]);
    const [x, y] = middle(at);
    let best = null, least = Infinity;
    for (const point of points) {
      const [dx, dy] = middle(point).map((value, axis) => value - [x, y][axis]);
      const along = dx * way[0] + dy * way[1], aside = Math.abs(dx * way[1]) + Math.abs(dy * way[0]);
      if (along > 0.5 && along + 2 * aside < least) [best, least] = [point, along + 2 * aside];
    }
    if (best) show(best);
  });
}
