"use strict";
const rows = Array.from(document.querySelectorAll(".doubt"));
const progress = document.getElementById("progress"), failed = document.getElementById("failed");
const end = document.getElementById("end");
let at = Math.max(rows.findIndex((row) => !row.dataset.decision), 0);
let saving = false;
const show = () => {
  rows.forEach((row, place) => { row.hidden = place !== at; });
  for (const row of rows) {
    for (const button of row.querySelectorAll("button")) {
      const same = button.dataset.decision === row.dataset.decision;
      button.setAttribute("aria-pressed", same && (button.dataset.label || "") === row.dataset.label);
    }
  }
  const done = rows.filter((row) => row.dataset.decision).length;
  progress.textContent = `${done} of ${rows.length} decided`;
  end.hidden = done < rows.length;
};
const go = (step) => { at = Math.min(Math.max(at + step, 0), rows.length - 1); show(); };
const decide = async (decision, label, step) => {
  if (saving) return;
  saving = true;
  const row = rows[at];
  try {
    const said = { id: row.dataset.id, decision, label, note: row.querySelector(".remark").value };
    const answer = await fetch("decide", {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(said),
    });
    if (!answer.ok) throw new Error(await answer.text());
    row.dataset.decision = decision;
    row.dataset.label = label;
    failed.hidden = true;
    go(step);
  } catch (error) {
    failed.textContent = `Not saved: ${error.message}`;
    failed.hidden = false;
  }
  saving = false;
};
document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-decision]");
  if (button) decide(button.dataset.decision, button.dataset.label || "", 1);
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  const row = rows[at];
  if (event.target.matches(".remark")) {
    if (event.key === "Escape") event.target.blur();
    if (event.key !== "Enter") return;
    event.preventDefault();
    event.target.blur();
    return decide(row.dataset.decision || "note", row.dataset.label, 0);
  }
  const moves = { ArrowRight: 1, j: 1, ArrowLeft: -1, u: -1 };
  if (event.key in moves) return go(moves[event.key]);
  if (event.key === "n") { event.preventDefault(); return row.querySelector(".remark").focus(); }
  const kinds = { k: "keep", d: "drop" };
  if (event.key in kinds) return decide(kinds[event.key], "", 1);
  const button = /^[1-9]$/.test(event.key) && row.querySelector(`[data-key="${event.key}"]`);
  if (button) decide("relabel", button.dataset.label, 1);
});
if (rows.length) show();
