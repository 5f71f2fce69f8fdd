// Signs a prepared release in the page: shows the claims, opens the key, submits the signature as an ordinary form.
// @ts-check

import { field, find, tell } from "./dom.js";
import { KeyError, fromBase64, fromBase64Url, isSignedBy, openKey, thumbprintOf, toBase64Url, toUtf8 } from "./key.js";
import { askPassword } from "./prf.js";
import { payloadOf, readClaims, show } from "./read.js";

/** A password that nobody submits does not stay in a page that was left open. */
const IDLE_MILLIS = 120_000;

const box = find("claims").dataset;
const bytes = fromBase64(box.claims ?? "");

const { kid = "", publicKey = "", former = "" } = box;

/** @param {any} claims */
const isOurs = (claims) => claims.iss === box.organization && claims.sub === box.project;

async function showClaims() {
  const claims = readClaims(bytes);
  if (!isOurs(claims) || String(claims.ver) !== box.version) throw new Error("It is another project's, or another release.");
  if (!former) return show(claims, undefined);
  const before = readClaims(payloadOf(former));
  const [header, payload, signature] = former.split(".");
  // A server that lies about what apps have would hide what changes. What an earlier key signed cannot be verified here.
  const isByThisKey = JSON.parse(new TextDecoder().decode(fromBase64Url(header))).kid === kid;
  const isGenuine = !isByThisKey || (await isSignedBy(fromBase64(publicKey), fromBase64Url(signature), toUtf8(`${header}.${payload}`)));
  if (!isGenuine || !isOurs(before) || before.ver >= claims.ver) throw new Error("What the server says apps have now is not what this project's key signed before.");
  show(claims, before, isByThisKey ? "" : "Signed by an earlier key: this page cannot verify that apps have it.");
}

/** @param {HTMLFormElement} form @param {string} password */
async function sign(form, password) {
  const { key = "" } = form.dataset;
  const spki = fromBase64(publicKey);
  if ((await thumbprintOf(spki)) !== kid) throw new KeyError("other-key", "The release is prepared for another key than the project's.");
  const opened = await openKey(key, password, spki);
  const succession = [...form.querySelectorAll("input.statement")].map((input) => /** @type {HTMLInputElement} */ (input).value);
  const header = { alg: "ES256", typ: "pintle-config+jwt", kid, ...(succession.length ? { succ: succession } : {}) };
  const signed = `${toBase64Url(toUtf8(JSON.stringify(header)))}.${toBase64Url(bytes)}`;
  return `${signed}.${toBase64Url(await opened.sign(toUtf8(signed)))}`;
}

const form = /** @type {HTMLFormElement | null} */ (document.getElementById("signing"));
try {
  await showClaims();
  if (form) arm(form);
} catch (error) {
  tell("claims-wrong", `This must not be signed. ${error instanceof Error ? error.message : error}`);
}

/** @param {HTMLFormElement} form */
function arm(form) {
  const button = /** @type {HTMLButtonElement} */ (find("sign"));
  const password = /** @type {HTMLInputElement} */ (find("master-password"));
  const says = button.textContent;
  button.disabled = false;
  let idle = 0;
  password.addEventListener("input", () => {
    tell("password-wrong", "");
    clearTimeout(idle);
    idle = window.setTimeout(() => {
      password.value = "";
      tell("password-wrong", "Cleared: nothing happened for two minutes.");
    }, IDLE_MILLIS);
  });
  const again = () => {
    button.disabled = false;
    button.textContent = says;
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    clearTimeout(idle);
    button.disabled = true;
    button.textContent = "Opening the key…";
    try {
      const [jws, publishAt] = ["jws", "publish_at"].map((name) => /** @type {HTMLInputElement} */ (form.elements.namedItem(name)));
      const later = field("later").value;
      tell("later-wrong", later && new Date(later).getTime() <= Date.now() ? "That time is over. Choose a later one, or none." : "");
      if (!find("later-wrong").hidden) return again();
      // What was typed is of the reader's zone, what is sent is UTC.
      publishAt.value = later ? new Date(later).toISOString().slice(0, 16) : "";
      const { credentialId = "", prfSalt = "" } = form.dataset;
      jws.value = await sign(form, password.value || !credentialId ? password.value : await askPassword(credentialId, prfSalt));
      password.value = "";
      form.submit();
    } catch (error) {
      tell("password-wrong", error instanceof Error ? error.message : String(error));
      for (const other of form.querySelectorAll("details.instead")) other.setAttribute("open", "");
      if (error instanceof KeyError && error.code === "password") password.select();
      again();
    }
  });
}
