// What is done with a key that is there: brought into the page out of a file, put under another password, followed by another
// key, or replaced by means of the recovery key. The server gets ciphertext and signatures.
// @ts-check

import { field, find } from "./dom.js";
import { KeyError, fromBase64, importKey, makeKey, openKey, resealKey, thumbprintOf, toBase64Url, toUtf8 } from "./key.js";
import { arm, choose, offer, onSubmit } from "./new-password.js";
import { askPassword } from "./prf.js";

const form = /** @type {HTMLFormElement} */ (find("work"));
const place = form.dataset;
const { act = "", kept = "", publicKey = "", recoveryKey = "" } = place;
arm(form);

/** Of the key that the server keeps. */
async function oldPassword() {
  const typed = field("old-password").value;
  if (typed || !place.credentialId) return typed;
  return askPassword(place.credentialId, place.prfSalt ?? "").catch((error) => {
    for (const other of form.querySelectorAll("details.instead")) other.setAttribute("open", "");
    throw error;
  });
}

/** A file or a text with a key in it. */
async function givenPem() {
  const file = field("key-file").files?.[0];
  return file ? file.text() : /** @type {HTMLTextAreaElement} */ (/** @type {unknown} */ (find("key-text"))).value;
}

/** A succession statement (P-5.1). @param {{ sign: (message: Uint8Array<ArrayBuffer>) => Promise<Uint8Array> }} signer
 * @param {string} signerKey public, in base64 @param {string} next public, in base64 */
async function makeStatement(signer, signerKey, next) {
  const header = { alg: "ES256", typ: "pintle-succession+jwt", kid: await thumbprintOf(fromBase64(signerKey)) };
  const claims = { iss: place.organization, sub: place.project, seq: Number(place.seq), iat: Math.floor(Date.now() / 1000), key: next };
  const signed = [header, claims].map((part) => toBase64Url(toUtf8(JSON.stringify(part)))).join(".");
  return `${signed}.${toBase64Url(await signer.sign(toUtf8(signed)))}`;
}

const SAME_RECOVERY = "2. RECOVERY KEY\n   On the sheet of the project's first key: it stays the same.\n";

/** Each opens first what is there, so that nothing is made for a wrong password.
 * @type {Record<string, () => Promise<void>>} */
const ACTS = {
  async password() {
    const old = await oldPassword();
    await openKey(kept, old, fromBase64(publicKey));
    const opener = await choose(form, place.name ?? "");
    await offer(place, await resealKey(kept, old, opener.password, fromBase64(publicKey)), opener, SAME_RECOVERY, {});
  },
  async import() {
    const opener = await choose(form, place.name ?? "");
    const key = await importKey(await givenPem(), field("key-password").value, opener.password);
    if (publicKey && key.publicKey !== publicKey) throw new KeyError("other-key", "That is another key than the project's.");
    await offer(place, key, opener, publicKey ? SAME_RECOVERY : "2. RECOVERY KEY\n   None was made here.\n", {});
  },
  async rotate() {
    const signer = await openKey(kept, await oldPassword(), fromBase64(publicKey));
    const opener = await choose(form, place.name ?? "");
    const next = await makeKey(opener.password);
    await offer(place, next, opener, SAME_RECOVERY, { jws: await makeStatement(signer, publicKey, next.publicKey) });
  },
  async recover() {
    const opener = await choose(form, place.name ?? "");
    // Under the password of the sheet for as long as this takes.
    const recovery = await importKey(await givenPem(), field("key-password").value, opener.password);
    if (recovery.publicKey !== recoveryKey) throw new KeyError("other-key", "That is not the project's recovery key. On the sheet it is the second one.");
    const next = await makeKey(opener.password);
    await offer(place, next, opener, SAME_RECOVERY, { jws: await makeStatement(recovery, recoveryKey, next.publicKey) });
  },
};

onSubmit(form, "Working…", ACTS[act]);
