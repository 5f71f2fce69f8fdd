// A password that a passkey makes: the WebAuthn extension `prf` gives 32 bytes that only this authenticator can make, and
// only after it knows its owner. Spelt as `docs/spec` has it for keys of projects.
// @ts-check

import { fromBase64Url, toBase64Url, toUtf8 } from "./key.js";

const random = () => crypto.getRandomValues(new Uint8Array(32));

/** Whether there is a chance that it works: whether it does shows when the passkey is made. */
export const isPossible = () => "PublicKeyCredential" in window && !/^[\d.]+$|^\[/.test(location.hostname);

/** @param {ArrayBuffer} result */
async function derivePassword(result) {
  const secret = await crypto.subtle.importKey("raw", result, "HKDF", false, ["deriveBits"]);
  const how = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(0), info: toUtf8("pintle key password") };
  return toBase64Url(await crypto.subtle.deriveBits(how, secret, 256));
}

/** What a browser says when somebody said no, is of no use to people. @template T @param {Promise<T>} asked @returns {Promise<T>} */
const answered = (asked) =>
  asked.catch((error) => {
    if (error instanceof DOMException && error.name === "NotAllowedError") throw new Error("No passkey answered: it was cancelled, or is not on this device.");
    throw error;
  });

/** @param {any} credential @returns {ArrayBuffer | undefined} */
const resultOf = (credential) => credential?.getClientExtensionResults().prf?.results?.first;

/** Makes a passkey for one key. @param {string} name what the authenticator calls it */
export async function makePassword(name) {
  const salt = random();
  const user = { id: random(), name, displayName: name };
  const credential = /** @type {any} */ (
    await answered(
      navigator.credentials.create({
        publicKey: /** @type {any} */ ({
          challenge: random(),
          rp: { id: location.hostname, name: "Pintle" },
          user,
          pubKeyCredParams: [-7, -8, -257].map((alg) => ({ type: "public-key", alg })),
          authenticatorSelection: { residentKey: "preferred", userVerification: "required" },
          extensions: { prf: { eval: { first: salt } } },
        }),
      }),
    )
  );
  const credentialId = toBase64Url(credential.rawId);
  // Some authenticators make it at once, others when they are asked the next time.
  const password = resultOf(credential) ? await derivePassword(/** @type {ArrayBuffer} */ (resultOf(credential))) : await askPassword(credentialId, toBase64Url(salt));
  return { password, credentialId, salt: toBase64Url(salt) };
}

/** The same password again. @param {string} credentialId @param {string} salt both in base64url */
export async function askPassword(credentialId, salt) {
  if (!isPossible()) throw new Error("This browser knows no passkeys here. Use a password in its place, or another browser.");
  const credential = await answered(
    navigator.credentials.get({
      publicKey: /** @type {any} */ ({
        challenge: random(),
        rpId: location.hostname,
        allowCredentials: [{ type: "public-key", id: fromBase64Url(credentialId) }],
        userVerification: "required",
        extensions: { prf: { eval: { first: fromBase64Url(salt) } } },
      }),
    }),
  );
  const result = resultOf(credential);
  if (!result) throw new Error("This browser or authenticator cannot open keys (it lacks the WebAuthn extension “prf”). Use a password in its place, or another authenticator.");
  return derivePassword(result);
}
