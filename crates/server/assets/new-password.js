// What a key is put under, and what is kept of it: the fields of a new master password or passkey, the recovery sheet, and the
// form that hands the ciphertext to the server.
// @ts-check

import { element, field, find, tell } from "./dom.js";
import { KeyError, toBase64, toUtf8 } from "./key.js";
import { isPossible, makePassword } from "./prf.js";

/** @typedef {import("./key.js").SealedKey} SealedKey */
/** @typedef {{ password: string, credentialId?: string, salt?: string }} Opener */

const MIN_CHARACTERS = 12;

/** Bits that a guesser has to go through, roughly and rather too few: what repeats or counts up adds little.
 * @param {string} password */
export function estimateBits(password) {
  const kinds = /** @type {[RegExp, number][]} */ ([[/[a-z]/, 26], [/[A-Z]/, 26], [/[0-9]/, 10], [/[^a-zA-Z0-9]/, 33]]);
  const pool = kinds.reduce((size, [pattern, count]) => size + (pattern.test(password) ? count : 0), 0);
  let surprising = 0;
  for (let at = 0; at < password.length; at++) {
    const step = password.charCodeAt(at) - password.charCodeAt(at - 1);
    const isNew = password.indexOf(password.slice(Math.max(0, at - 2), at + 1)) >= at - 2;
    surprising += at > 0 && Math.abs(step) <= 1 ? 0.25 : isNew ? 1 : 0.25;
  }
  const words = password.split(/[\s-]+/).filter((word) => word.length >= 3).length;
  // Whoever guesses words does not guess letters.
  const byLetters = surprising * Math.log2(pool || 1);
  return words >= 3 ? Math.min(byLetters, words * 13) : Math.min(byLetters, surprising * 4.2);
}

/** @param {number} bits */
function judge(bits) {
  if (bits < 36) return "Weak: who steals the server's copy opens it in hours.";
  if (bits < 50) return "Fair. Four or five unrelated words are better, and easier to keep.";
  return "Strong.";
}

/** Which of the two opens the key. @param {HTMLFormElement} form */
const chosen = (form) => /** @type {HTMLInputElement | null} */ (form.querySelector("input[name=opener]:checked"))?.value ?? "password";

/** Shows what needs a script, and has the fields tell how good the password is. @param {HTMLFormElement} form */
export function arm(form) {
  for (const part of document.querySelectorAll("[data-needs-script]")) /** @type {HTMLElement} */ (part).hidden = false;
  const [password, meter] = [field("master-password"), /** @type {HTMLMeterElement} */ (/** @type {unknown} */ (find("strength")))];
  password.addEventListener("input", () => {
    const bits = estimateBits(password.value);
    meter.value = Math.min(bits, 80);
    find("strength-says").textContent = password.value ? judge(bits) : "";
    tell("password-wrong", "");
  });
  find("opener").hidden = !isPossible();
  form.addEventListener("change", () => {
    find("opened-by-password").hidden = chosen(form) !== "password";
  });
}

/** What was chosen; a passkey is made for it. Fields are emptied by [`forget`].
 * @param {HTMLFormElement} form @param {string} name @returns {Promise<Opener>} */
export async function choose(form, name) {
  if (chosen(form) !== "password") return makePassword(`${name} signing key`);
  const password = field("master-password").value;
  if (password.length < MIN_CHARACTERS) throw new KeyError("form", `At least ${MIN_CHARACTERS} characters.`);
  if (password !== field("master-password-again").value) throw new KeyError("form", "The two are not the same.");
  return { password };
}

/** Nothing that was typed stays. @param {HTMLFormElement} form */
export function forget(form) {
  for (const input of form.querySelectorAll("input[type=password], textarea")) /** @type {HTMLInputElement} */ (input).value = "";
}

/** What is printed and put into a safe.
 * @param {DOMStringMap} place @param {SealedKey} key @param {Opener} opener @param {string} recovery what stands for the recovery key */
function writeSheet({ organization = "", project = "", name = "" }, key, opener, recovery) {
  const password = opener.credentialId
    ? `What is encrypted below is under the password that your passkey makes. It stands here, so that a lost passkey is no lost
key. WHOEVER HAS THIS SHEET CAN SIGN: keep it in a safe.

  ${opener.password}`
    : `What is encrypted below is under your master password. Without it nobody opens it, not even whoever runs the server; and
without this and it, nobody signs for this project again. Write the password here by hand, or keep it elsewhere:

  ____________________________________________________________`;
  return `PINTLE RECOVERY SHEET

Project       ${name}
Organization  ${organization}
Project id    ${project}
Server        ${location.origin}
Made          ${new Date().toISOString().slice(0, 19)}Z

${password}

1. SIGNING KEY (kid ${key.kid})
   Also on the server. Saved as key.pem it signs from any machine:  pintle release --key key.pem

${key.pem}
${recovery}`;
}

/** Shows what was made, with the sheet, and fills the form that hands it in.
 * @param {DOMStringMap} place of whom the key is @param {SealedKey} key @param {Opener} opener
 * @param {string} recovery text of the sheet @param {Record<string, string>} more fields */
export async function offer(place, key, opener, recovery, more) {
  const register = /** @type {HTMLFormElement} */ (find("register"));
  const digest = toBase64(await crypto.subtle.digest("SHA-256", new Uint8Array(key.der)));
  const message = `pintle encrypted key\n${place.organization}\n${place.project}\n${digest}\n`;
  const proof = toBase64(await key.sign(toUtf8(message)));
  const fields = { public_key: key.publicKey, pem: key.pem, credential_id: opener.credentialId ?? "", prf_salt: opener.salt ?? "", proof, ...more };
  for (const [name, value] of Object.entries(fields)) {
    const input = /** @type {HTMLInputElement | null} */ (register.elements.namedItem(name));
    if (input) input.value = value;
  }
  find("kid").textContent = key.kid;
  const sheet = new Blob([writeSheet(place, key, opener, recovery)], { type: "text/plain" });
  const link = element("a", { class: "button", download: `pintle-recovery-sheet-${place.project}.txt`, href: URL.createObjectURL(sheet) }, "Download the recovery sheet");
  link.addEventListener("click", () => {
    field("kept").disabled = false;
  });
  find("sheet").replaceChildren(link);
  field("kept").addEventListener("change", () => {
    /** @type {HTMLButtonElement} */ (find("register-key")).disabled = !field("kept").checked;
  });
  // Whoever leaves now has a sheet of a key that nobody knows.
  const warn = (/** @type {Event} */ event) => event.preventDefault();
  addEventListener("beforeunload", warn);
  register.addEventListener("submit", () => removeEventListener("beforeunload", warn));
  find("made").hidden = false;
  find("made").focus();
}

/** Does `work` when the form is sent, and says beside the fields why it failed.
 * @param {HTMLFormElement} form @param {string} says what the button says meanwhile @param {() => Promise<void>} work */
export function onSubmit(form, says, work) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = /** @type {HTMLButtonElement} */ (form.querySelector("button.primary"));
    const before = button.textContent;
    button.disabled = true;
    button.textContent = says;
    tell("password-wrong", "");
    try {
      await work();
      forget(form);
      form.hidden = true;
    } catch (error) {
      tell("password-wrong", error instanceof KeyError ? error.message : `That did not work: ${error instanceof Error ? error.message : error}`);
    }
    button.disabled = false;
    button.textContent = before;
  });
}
