// The very module that the page runs, and OpenSSL, on each other's keys.

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { assert, world } from "./lib.mjs";

const { fromBase64, makeKey, openKey } = await import(`${world.assets}/key.js`);
const openssl = (...words) => execFileSync("openssl", words, { cwd: world.folder });
const refused = async (act) => act().then(() => "accepted", (error) => error.code ?? String(error));

const made = await makeKey("quiet otters fold mäps");
writeFileSync(`${world.folder}/made.pem`, made.pem);
const told = openssl("pkey", "-in", "made.pem", "-passin", "pass:quiet otters fold mäps", "-pubout", "-outform", "DER");
assert(told.toString("base64") === made.publicKey, "OpenSSL reads another key");

const write = (name, ...how) => openssl("pkcs8", "-topk8", "-in", "plain.pem", "-passout", "pass:hello hello 12", "-out", name, ...how);
openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "plain.pem");
write("theirs.pem", "-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA256", "-iter", "600000");
const theirs = readFileSync(`${world.folder}/theirs.pem`, "utf8");
const spki = new Uint8Array(openssl("ec", "-in", "plain.pem", "-pubout", "-outform", "DER"));
const opened = await openKey(theirs, "hello hello 12", spki);
assert((await opened.sign(new TextEncoder().encode("x"))).length === 64, "a signature has 64 bytes");

for (let round = 0; round < 8; round++) assert((await refused(() => openKey(theirs, `wrong ${round}`, spki))) === "password", "a wrong password is told as one");
assert((await refused(async () => (await openKey(theirs, "hello hello 12", fromBase64(made.publicKey))).sign(new Uint8Array(1)))) === "other-key", "another key signs nothing");
write("cheap.pem", "-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA256", "-iter", "2048");
assert((await refused(() => openKey(readFileSync(`${world.folder}/cheap.pem`, "utf8"), "hello hello 12", spki))) === "form", "too few rounds are refused");
write("old.pem", "-v1", "PBE-SHA1-3DES");
assert((await refused(() => openKey(readFileSync(`${world.folder}/old.pem`, "utf8"), "hello hello 12", spki))) === "form", "another scheme is refused");
for (let cut = 1; cut < made.der.length; cut += 7) {
  const pem = `-----BEGIN ENCRYPTED PRIVATE KEY-----\n${Buffer.from(made.der.slice(0, cut)).toString("base64")}\n-----END ENCRYPTED PRIVATE KEY-----\n`;
  assert((await refused(() => openKey(pem, "quiet otters fold mäps", spki))) === "form", `a key cut at ${cut} is refused`);
}
