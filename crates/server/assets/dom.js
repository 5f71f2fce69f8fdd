// Elements made of text: nothing that came from elsewhere becomes markup.
// @ts-check

/** @param {string} tag @param {Record<string, string>} attributes @param {...(Node | string)} children */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** @param {string} id @returns {HTMLElement} */
export function find(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`no #${id}`);
  return found;
}

/** @param {string} id @returns {HTMLInputElement} */
export const field = (id) => /** @type {HTMLInputElement} */ (find(id));

/** Shows a reason beside its field. @param {string} id @param {string} text */
export function tell(id, text) {
  const wrong = find(id);
  wrong.textContent = text;
  wrong.hidden = text === "";
}
