"use strict";
const byId = (id) => document.getElementById(id);
const content = byId("content").textContent;
const { rows, about } = JSON.parse(content);
const store = `judgements ${content}`; // answers are kept by place, so of these very rows alone
let kept = {}; // the winners by judge, in the order of the judge's rows
try { kept = JSON.parse(localStorage.getItem(store)) || {}; } catch { /* then a reload begins anew */ }
let judge = "", mine = [], at = 0;

function save() {
  try { localStorage.setItem(store, JSON.stringify(kept)); } catch { /* as above */ }
}
function show() {
  const said = kept[judge], done = at >= mine.length;
  const left = said.filter((one) => !one).length;
  byId("pair").hidden = done;
  byId("done").hidden = !done;
  byId("place").textContent = done ? "All pairs are seen." : `Pair ${at + 1} of ${mine.length}`;
  byId("bar").max = mine.length;
  byId("bar").value = at;
  byId("back").disabled = at === 0;
  byId("leave").disabled = done;
  byId("left").textContent = left ? `${left} of ${mine.length} pairs are without an answer.` : "Every pair has an answer.";
  if (done) return byId("download").focus();
  for (const side of ["a", "b"]) {
    const name = mine[at][`task_${side}`];
    byId(side).querySelector(".name").textContent = name;
    byId(side).querySelector(".about").textContent = about[name];
    byId(side).setAttribute("aria-pressed", String(said[at] === side));
  }
}
function answer(said) {
  if (at >= mine.length) return;
  kept[judge][at] = said;
  at += 1;
  save();
  show();
}
function back() {
  at = Math.max(0, at - 1);
  show();
}
function begin() {
  judge = byId("judge").value;
  mine = rows.filter((row) => row.judge === judge);
  kept[judge] = kept[judge] || mine.map(() => "");
  const open = kept[judge].indexOf("");
  at = open < 0 ? mine.length : open;
  byId("judging").hidden = false;
  byId("judging").scrollIntoView();
  show();
  if (at < mine.length) byId("place").focus();
}
function download() {
  const cell = (text) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const names = ["judge", "task_a", "task_b", "winner"];
  const filled = mine.map((row, place) => ({ ...row, winner: kept[judge][place] }));
  const lines = [names, ...filled.map((row) => names.map((name) => row[name]))];
  const text = lines.map((line) => line.map(cell).join(",") + "\n").join("");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  link.download = `judgements-${judge}.csv`;
  link.click();
}
byId("begin").addEventListener("click", begin);
byId("a").addEventListener("click", () => answer("a"));
byId("b").addEventListener("click", () => answer("b"));
byId("back").addEventListener("click", back);
byId("leave").addEventListener("click", () => answer(""));
byId("download").addEventListener("click", download);
document.addEventListener("keydown", (event) => {
  if (byId("judging").hidden || event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
  if (event.target.tagName === "SELECT") return;
  const keys = { 1: "a", a: "a", ArrowLeft: "a", 2: "b", b: "b", ArrowRight: "b" };
  if (event.key in keys) answer(keys[event.key]);
  else if (event.key === "Backspace") back();
  else return;
  event.preventDefault();
});
