// Keys in the page: P-256 by WebCrypto, and the standard encrypted PKCS#8 that OpenSSL and the command line read:
// PBES2 with PBKDF2-HMAC-SHA-256 and AES-256-CBC (RFC 8018, RFC 5958). A dozen lines of DER, no library.
// @ts-check

/** About half a second on a phone of today; who steals a ciphertext needs as long for each guess. */
const ITERATIONS = 1_000_000;
const MIN_ITERATIONS = 600_000;
const MAX_ITERATIONS = 20_000_000;

const OID = {
  pbes2: [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d],
  pbkdf2: [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c],
  hmacSha256: [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x09],
  aes256Cbc: [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a],
};
const SEQUENCE = 0x30;
const INTEGER = 0x02;
const OCTETS = 0x04;
const NULL = 0x05;
const OBJECT = 0x06;

/** Why a key does not open: `password`, or what is wrong with the file. */
export class KeyError extends Error {
  /** @param {"password" | "form" | "other-key"} code @param {string} message */
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

// ── DER ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** @param {...Uint8Array} parts */
export function join(...parts) {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** @param {number} tag @param {...Uint8Array} contents */
function write(tag, ...contents) {
  const content = join(...contents);
  const size = content.length;
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return join(Uint8Array.from([tag, ...length]), content);
}

/** @param {number} number */
function writeInteger(number) {
  const bytes = [];
  for (let rest = number; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return write(INTEGER, Uint8Array.from(bytes[0] >= 0x80 ? [0, ...bytes] : bytes));
}

/** @param {number[]} oid */
const writeOid = (oid) => write(OBJECT, Uint8Array.from(oid));

/** Reads elements one after the other; what is not as expected is an error, so a file means one thing. */
class Reader {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  get isAtEnd() {
    return this.at === this.bytes.length;
  }

  next() {
    if (this.at >= this.bytes.length) throw new KeyError("form", "The key ends early.");
    return this.bytes[this.at++];
  }

  /** @param {number} tag */
  read(tag) {
    if (this.next() !== tag) throw new KeyError("form", "This is no encrypted key of the kind that this page knows.");
    let size = this.next();
    if (size === 0x81) size = this.next();
    else if (size === 0x82) size = this.next() * 256 + this.next();
    else if (size >= 0x80) throw new KeyError("form", "The key has a form that this page does not know.");
    if (this.at + size > this.bytes.length) throw new KeyError("form", "The key ends early.");
    const content = this.bytes.subarray(this.at, this.at + size);
    this.at += size;
    return content;
  }

  /** @param {number} tag */
  enter(tag) {
    return new Reader(this.read(tag));
  }

  /** @param {number[]} expected */
  expectOid(expected) {
    const found = this.read(OBJECT);
    if (!isEqual(found, Uint8Array.from(expected))) {
      throw new KeyError("form", "The key is encrypted in a way that browsers do not know. Encrypt it anew: “pintle keys change-password --key server:”.");
    }
  }

  readInteger() {
    return this.read(INTEGER).reduce((number, byte) => number * 256 + byte, 0);
  }
}

/** @param {Uint8Array} one @param {Uint8Array} other */
export function isEqual(one, other) {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}

// ── Encodings ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** @param {Uint8Array | ArrayBuffer} bytes */
export function toBase64(bytes) {
  return btoa(Array.from(new Uint8Array(bytes), (byte) => String.fromCharCode(byte)).join(""));
}

/** @param {string} text */
export function fromBase64(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** @param {Uint8Array | ArrayBuffer} bytes */
export function toBase64Url(bytes) {
  return toBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** @param {string} text */
export function fromBase64Url(text) {
  const plain = text.replaceAll("-", "+").replaceAll("_", "/");
  return fromBase64(plain.padEnd(Math.ceil(plain.length / 4) * 4, "="));
}

/** @param {string} text */
export const toUtf8 = (text) => /** @type {Uint8Array<ArrayBuffer>} */ (new TextEncoder().encode(text));

const BEGIN = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
const END = "-----END ENCRYPTED PRIVATE KEY-----";

/** @param {Uint8Array} der */
function toPem(der) {
  return `${BEGIN}\n${toBase64(der).replace(/.{64}(?=.)/g, "$&\n")}\n${END}\n`;
}

/** The DER of an encrypted key in PEM. @param {string} pem */
export function fromPem(pem) {
  const text = pem.trim();
  if (!text.startsWith(BEGIN) || !text.endsWith(END)) throw new KeyError("form", `The key does not begin with “${BEGIN}”.`);
  return fromBase64(text.slice(BEGIN.length, -END.length).replaceAll(/\s/g, ""));
}

// ── Keys ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

const CURVE = { name: "ECDSA", namedCurve: "P-256" };

/** @param {string} password @param {Uint8Array<ArrayBuffer>} salt @param {number} iterations */
async function deriveCipher(password, salt, iterations) {
  // As command line and OpenSSL take it: the UTF-8 bytes as typed.
  const secret = await crypto.subtle.importKey("raw", toUtf8(password), "PBKDF2", false, ["deriveKey"]);
  const how = { name: "PBKDF2", hash: "SHA-256", salt, iterations };
  return crypto.subtle.deriveKey(how, secret, { name: "AES-CBC", length: 256 }, false, ["encrypt", "decrypt"]);
}

/** A key under a password: as a file, and as what signs and cannot be taken out of this page.
 * @typedef {{ pem: string, der: Uint8Array, publicKey: string, kid: string, sign: (message: Uint8Array<ArrayBuffer>) => Promise<Uint8Array> }} SealedKey */

/** @param {Uint8Array<ArrayBuffer>} plain PKCS#8, wiped afterwards @param {Uint8Array} spki @param {string} password
 * @returns {Promise<SealedKey>} */
async function seal(plain, spki, password) {
  const der = await encrypt(plain, password);
  plain.fill(0);
  // Opened again before anybody relies on it.
  const opened = await openKey(toPem(der), password, spki);
  return { pem: toPem(der), der, publicKey: toBase64(spki), kid: await thumbprintOf(spki), sign: opened.sign };
}

/** A new key, encrypted. @param {string} password */
export async function makeKey(password) {
  const pair = await crypto.subtle.generateKey(CURVE, true, ["sign", "verify"]);
  const plain = new Uint8Array(await crypto.subtle.exportKey("pkcs8", pair.privateKey));
  return seal(plain, new Uint8Array(await crypto.subtle.exportKey("spki", pair.publicKey)), password);
}

/** A key out of a file, under a password of its own from now on.
 * @param {string} pem PKCS#8, encrypted or not @param {string} itsPassword @param {string} password */
export async function importKey(pem, itsPassword, password) {
  const plain = await readPlain(pem, itsPassword);
  const key = await crypto.subtle.importKey("pkcs8", plain, CURVE, true, ["sign"]).catch(() => {
    throw new KeyError("form", "In it is no key of the curve P-256, or the password is another.");
  });
  // Not all that write keys put the public half beside them; the browser derives it.
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", key);
  const publicKey = await crypto.subtle.importKey("jwk", { kty, crv, x, y }, CURVE, true, ["verify"]);
  return seal(plain, new Uint8Array(await crypto.subtle.exportKey("spki", publicKey)), password);
}

/** The same key under another password.
 * @param {string} pem @param {string} oldPassword @param {string} password @param {Uint8Array} expected public key */
export async function resealKey(pem, oldPassword, password, expected) {
  return seal(await decrypt(parseEncrypted(fromPem(pem)), oldPassword), expected, password);
}

/** @param {string} pem @param {string} password @returns {Promise<Uint8Array<ArrayBuffer>>} */
async function readPlain(pem, password) {
  const text = pem.trim();
  if (text.startsWith(BEGIN)) return decrypt(parseEncrypted(fromPem(text), 1), password);
  const plain = text.match(/^-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END PRIVATE KEY-----$/);
  if (plain) return fromBase64(plain[1].replaceAll(/\s/g, ""));
  throw new KeyError("form", "It begins with neither “-----BEGIN PRIVATE KEY-----” nor the encrypted kind. OpenSSL writes that: “openssl pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA256 -in key.pem”.");
}

/** @param {Uint8Array<ArrayBuffer>} plain @param {string} password */
async function encrypt(plain, password) {
  const salt = crypto.getRandomValues(new Uint8Array(16));
  const iv = crypto.getRandomValues(new Uint8Array(16));
  const cipher = await deriveCipher(password, salt, ITERATIONS);
  const encrypted = new Uint8Array(await crypto.subtle.encrypt({ name: "AES-CBC", iv }, cipher, plain));
  const prf = write(SEQUENCE, writeOid(OID.hmacSha256), write(NULL));
  const derivation = write(SEQUENCE, writeOid(OID.pbkdf2), write(SEQUENCE, write(OCTETS, salt), writeInteger(ITERATIONS), prf));
  const scheme = write(SEQUENCE, writeOid(OID.aes256Cbc), write(OCTETS, iv));
  const algorithm = write(SEQUENCE, writeOid(OID.pbes2), write(SEQUENCE, derivation, scheme));
  return write(SEQUENCE, algorithm, write(OCTETS, encrypted));
}

/** @param {Uint8Array} der @param {number} minIterations */
function parseEncrypted(der, minIterations = MIN_ITERATIONS) {
  const outer = new Reader(der);
  const info = outer.enter(SEQUENCE);
  const algorithm = info.enter(SEQUENCE);
  algorithm.expectOid(OID.pbes2);
  const parameters = algorithm.enter(SEQUENCE);
  const derivation = parameters.enter(SEQUENCE);
  derivation.expectOid(OID.pbkdf2);
  const pbkdf2 = derivation.enter(SEQUENCE);
  const salt = pbkdf2.read(OCTETS);
  const iterations = pbkdf2.readInteger();
  if (pbkdf2.bytes[pbkdf2.at] === INTEGER) pbkdf2.readInteger();
  pbkdf2.enter(SEQUENCE).expectOid(OID.hmacSha256);
  const scheme = parameters.enter(SEQUENCE);
  scheme.expectOid(OID.aes256Cbc);
  const iv = scheme.read(OCTETS);
  const encrypted = info.read(OCTETS);
  if (!outer.isAtEnd || !info.isAtEnd) throw new KeyError("form", "Something follows the key.");
  // A server that asks for few rounds would have a password guessed cheaply; one that asks for many hangs the page.
  if (iterations < minIterations || iterations > MAX_ITERATIONS) throw new KeyError("form", `The key is encrypted with ${iterations} rounds; that is too few or too many.`);
  const copy = (/** @type {Uint8Array} */ bytes) => new Uint8Array(bytes);
  return { salt: copy(salt), iterations, iv: copy(iv), encrypted: copy(encrypted) };
}

const wrongPassword = () => new KeyError("password", "That is not the password of this key.");

/** @param {ReturnType<typeof parseEncrypted>} file @param {string} password @returns {Promise<Uint8Array<ArrayBuffer>>} PKCS#8 */
async function decrypt({ salt, iterations, iv, encrypted }, password) {
  const cipher = await deriveCipher(password, salt, iterations);
  const plain = await crypto.subtle.decrypt({ name: "AES-CBC", iv }, cipher, encrypted).catch(() => {
    throw wrongPassword();
  });
  return new Uint8Array(plain);
}

/** Opens a key: what it gives back signs, and cannot be taken out of this page.
 * @param {string} pem @param {string} password @param {Uint8Array} expected public key, SubjectPublicKeyInfo in DER
 * @returns {Promise<{ sign: (message: Uint8Array<ArrayBuffer>) => Promise<Uint8Array> }>} */
export async function openKey(pem, password, expected) {
  const plain = await decrypt(parseEncrypted(fromPem(pem)), password);
  // One wrong password of 256 leaves a padding that fits: then there is no key in it.
  const key = await crypto.subtle.importKey("pkcs8", plain, CURVE, false, ["sign"]).catch(() => {
    throw wrongPassword();
  });
  plain.fill(0);
  const publicKey = await crypto.subtle.importKey("spki", new Uint8Array(expected), CURVE, false, ["verify"]);
  const sign = async (/** @type {Uint8Array<ArrayBuffer>} */ message) => {
    const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, key, message);
    // A server that brings another key would have something signed that apps refuse.
    const fits = await crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, publicKey, signature, message);
    if (!fits) throw new KeyError("other-key", "What the server keeps is another key than the project's.");
    return new Uint8Array(signature);
  };
  return { sign };
}

/** @param {Uint8Array} spki @param {Uint8Array} signature @param {Uint8Array<ArrayBuffer>} message */
export async function isSignedBy(spki, signature, message) {
  const key = await crypto.subtle.importKey("spki", new Uint8Array(spki), CURVE, false, ["verify"]);
  return crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, new Uint8Array(signature), message);
}

/** RFC 7638. @param {CryptoKey} publicKey */
export async function thumbprint(publicKey) {
  const { crv, kty, x, y } = await crypto.subtle.exportKey("jwk", publicKey);
  const text = JSON.stringify({ crv, kty, x, y });
  return toBase64Url(await crypto.subtle.digest("SHA-256", toUtf8(text)));
}

/** @param {Uint8Array} spki */
export async function thumbprintOf(spki) {
  return thumbprint(await crypto.subtle.importKey("spki", new Uint8Array(spki), CURVE, true, ["verify"]));
}
