// How far a release is, shown as it goes: the server sends it until every target has it.
// @ts-check

import { find } from "./dom.js";

/** @typedef {{ state: string, mood: string, is_settled: boolean, targets: { target: string, state: string, mood: string, says: string, width: number }[] }} Progress */

const state = find("state");
const events = new EventSource(state.dataset.events ?? "");

/** @param {Element} element @param {{ state: string, mood: string }} shown */
function show(element, shown) {
  element.textContent = shown.state;
  element.className = `state state-${shown.mood}`;
}

events.addEventListener("message", (event) => {
  /** @type {Progress} */
  const progress = JSON.parse(event.data);
  const rows = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[data-target]")]);
  // It got on its way, or to other places: the page has no rows for that yet.
  const known = rows.map((row) => row.dataset.target).join("\n");
  if (known !== progress.targets.map((target) => target.target).join("\n")) {
    events.close();
    return location.reload();
  }
  for (const [at, target] of progress.targets.entries()) {
    const row = rows[at];
    for (const pill of row.querySelectorAll(".state")) show(pill, target);
    for (const says of row.querySelectorAll(".says")) says.textContent = target.says;
    for (const picture of row.querySelectorAll("svg")) picture.setAttribute("aria-label", `${target.target}: ${target.state}, ${target.says}`);
    for (const bar of row.querySelectorAll("rect")) {
      bar.setAttribute("width", String(target.width));
      bar.setAttribute("class", `bar-${target.mood}`);
    }
  }
  if (!progress.is_settled) return show(state, progress);
  events.close();
  // What comes next, and the way back, stand on the page of a release that arrived.
  location.reload();
});

events.addEventListener("error", () => {
  // A stream that was only cut comes again by itself.
  if (events.readyState !== EventSource.CLOSED) return;
  const note = find("not-live");
  note.textContent = "This page is not told of news any more. Load it again to see them.";
  note.hidden = false;
});
