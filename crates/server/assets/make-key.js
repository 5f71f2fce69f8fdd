// Makes a project's key in the page, under a master password that stays there.
// @ts-check

import { element, field, find, tell } from "./dom.js";
import { makeKey, toBase64, toUtf8 } from "./key.js";
import { isPossible, makePassword } from "./prf.js";

/** @typedef {Awaited<ReturnType<typeof makeKey>>} Made */

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

const form = /** @type {HTMLFormElement} */ (find("make"));
const { organization = "", project = "", name = "" } = form.dataset;
const [password, again] = [field("master-password"), field("master-password-again")];
const meter = /** @type {HTMLMeterElement} */ (/** @type {unknown} */ (find("strength")));

for (const part of document.querySelectorAll("[data-needs-script]")) /** @type {HTMLElement} */ (part).hidden = false;

password.addEventListener("input", () => {
  const bits = estimateBits(password.value);
  meter.value = Math.min(bits, 80);
  find("strength-says").textContent = password.value ? judge(bits) : "";
  tell("password-wrong", "");
});

/** Which of the two opens the key. */
const chosen = () => /** @type {HTMLInputElement | null} */ (form.querySelector("input[name=opener]:checked"))?.value ?? "password";
find("opener").hidden = !isPossible();
form.addEventListener("change", () => {
  find("opened-by-password").hidden = chosen() !== "password";
});

/** What is printed and put into a safe.
 * @param {Made} key @param {Made | undefined} recovery @param {string | undefined} passkeyPassword */
function writeSheet(key, recovery, passkeyPassword) {
  const password = passkeyPassword
    ? `Both keys below are encrypted with the password that your passkey makes. It stands here, so that a lost passkey is no lost
key. WHOEVER HAS THIS SHEET CAN SIGN: keep it in a safe.

  ${passkeyPassword}`
    : `Both keys below are encrypted with your master password. Without it nobody opens them, not even whoever runs the server;
and without them or it, nobody signs for this project again. Write the password here by hand, or keep it elsewhere:

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
2. RECOVERY KEY${recovery ? ` (kid ${recovery.kid})` : ""}
   ${recovery ? "Only here. If the signing key is stolen, it alone shuts the thief out:  pintle keys recover" : "None was made."}

${recovery ? recovery.pem : ""}`;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const isPassword = chosen() === "password";
  if (isPassword && password.value.length < MIN_CHARACTERS) return tell("password-wrong", `At least ${MIN_CHARACTERS} characters.`);
  if (isPassword && password.value !== again.value) return tell("password-wrong", "The two are not the same.");
  const button = /** @type {HTMLButtonElement} */ (find("make-key"));
  button.disabled = true;
  button.textContent = "Making the key…";
  try {
    const passkey = isPassword ? undefined : await makePassword(`${name} signing key`);
    const secret = passkey?.password ?? password.value;
    const key = await makeKey(secret);
    const recovery = field("with-recovery").checked ? await makeKey(secret) : undefined;
    password.value = again.value = "";
    await offer(key, recovery, passkey);
    form.hidden = true;
  } catch (error) {
    tell("password-wrong", `That did not work: ${error instanceof Error ? error.message : error}`);
    button.disabled = false;
    button.textContent = "Make the key";
  }
});

/** @param {Made} key @param {Made | undefined} recovery @param {Awaited<ReturnType<typeof makePassword>> | undefined} passkey */
async function offer(key, recovery, passkey) {
  const register = /** @type {HTMLFormElement} */ (find("register"));
  const set = (/** @type {string} */ name, /** @type {string} */ value) => {
    /** @type {HTMLInputElement} */ (register.elements.namedItem(name)).value = value;
  };
  const digest = toBase64(await crypto.subtle.digest("SHA-256", new Uint8Array(key.der)));
  const message = `pintle encrypted key\n${organization}\n${project}\n${digest}\n`;
  set("public_key", key.publicKey);
  set("recovery_key", recovery?.publicKey ?? "");
  set("pem", key.pem);
  set("credential_id", passkey?.credentialId ?? "");
  set("prf_salt", passkey?.salt ?? "");
  set("proof", toBase64(await key.sign(toUtf8(message))));
  find("kid").textContent = key.kid;
  const sheet = new Blob([writeSheet(key, recovery, passkey?.password)], { type: "text/plain" });
  const link = element("a", { class: "button", download: `pintle-recovery-sheet-${project}.txt`, href: URL.createObjectURL(sheet) }, "Download the recovery sheet");
  link.addEventListener("click", () => {
    field("kept").disabled = false;
  });
  find("sheet").replaceChildren(link);
  field("kept").addEventListener("change", () => {
    /** @type {HTMLButtonElement} */ (find("register-key")).disabled = !field("kept").checked;
  });
  find("own").hidden = true;
  find("made").hidden = false;
  find("made").focus();
}
