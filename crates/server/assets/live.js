// How far a release is, shown as it goes.
// @ts-check

const state = document.getElementById("state");
const MOODS = /** @type {Record<string, string>} */ ({ live: "good", failed: "bad", superseded: "past" });

/** @param {Element} element @param {string} word */
function show(element, word) {
  element.textContent = word.replaceAll("_", " ");
  element.className = `state state-${MOODS[word] ?? "soon"}`;
}

async function ask() {
  const response = await fetch(state?.dataset.live ?? "", { headers: { accept: "application/json" } });
  if (!response.ok) return;
  const release = await response.json();
  if (state) show(state, release.state);
  for (const target of release.targets ?? []) {
    for (const element of document.querySelectorAll("[data-target]")) {
      if (element instanceof HTMLElement && element.dataset.target === target.target) show(element, target.state);
    }
  }
  if (["accepted", "publishing"].includes(release.state)) setTimeout(ask, 1000);
  else if (release.targets?.length && !document.getElementById("targets")) location.reload();
}

setTimeout(ask, 500);
