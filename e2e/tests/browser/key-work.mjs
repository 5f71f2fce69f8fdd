// What becomes of a key: brought in out of a file, put under another password, followed by the next one, replaced by means of
// the recovery key; and the day on which everything is withdrawn.

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { assert, look, open, pintle, signUp, watch, world } from "./lib.mjs";

const OLD = "copper kettles sing low";
const NEW = "slow rivers carry tin boats";
const browser = await open();
const context = await browser.newContext({ acceptDownloads: true });
const page = await context.newPage();
const complaints = watch(page);
const found = [];
const see = async (name) => found.push(...(await look(page, name)));
const press = (name) => page.getByRole("button", { name, exact: true }).click();
const follow = (name) => page.getByRole("link", { name, exact: true }).first().click();
const openssl = (...words) => execFileSync("openssl", words, { cwd: world.folder });

/** All that left the browser. */
const sent = [];
page.on("request", (request) => sent.push(`${request.url()} ${request.postData() ?? ""}`));

await signUp(page, "lise@example.com", "Lise Meitner");
await page.goto(`${world.url}/account/tokens`);
await page.getByLabel("Name").fill("laptop");
for (const scope of ["Edit", "Release", "Admin"]) await page.getByLabel(new RegExp(`^${scope}:`)).check();
await press("Create");
writeFileSync(`${world.folder}/lise-token`, await page.locator("[role=status] code").first().textContent());
pintle("login", "--server", world.url, "--token-file", "lise-token");
pintle("orgs", "create", "Works");
pintle("projects", "create", "shop");
await page.goto(`${world.url}/`);
await follow("shop");
const project = page.url();

// Two keys of OpenSSL: the second is the recovery key.
const publicOf = (name) => openssl("pkey", "-in", name, "-pubout", "-outform", "DER").toString("base64");
for (const name of ["first", "recovery"]) {
  openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", `${name}.sec1`);
  openssl("pkcs8", "-topk8", "-nocrypt", "-in", `${name}.sec1`, "-out", `${name}.pem`);
}
await page.goto(`${project}/key`);
await page.getByLabel("Public key", { exact: true }).fill(publicOf("first.pem"));
await page.getByLabel("Public recovery key").fill(publicOf("recovery.pem"));
await press("Register");
await page.getByText("The key is registered.").waitFor();

/** The fields of what opens the key from now on, and the sheet. */
async function seal(button, password) {
  await page.getByLabel("Master password", { exact: true }).fill(password);
  await page.getByLabel("The same once more").fill(password);
  await press(button);
}
async function keepSheet(done) {
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download the recovery sheet" }).click();
  const sheet = readFileSync(await (await download).path(), "utf8");
  await page.getByLabel("I keep the sheet").check();
  await press("Register the key");
  await page.getByText(done).waitFor();
  return sheet;
}

// Brought in: another key than the project's is refused in the page, the right one is kept.
await follow("Keep it here, encrypted…");
await see("key-import");
await page.getByLabel("Or as text").fill(readFileSync(`${world.folder}/recovery.pem`, "utf8"));
await seal("Read and encrypt it", OLD);
await page.getByText("another key than the project's").waitFor();
await page.getByLabel("The key, as a file").setInputFiles(`${world.folder}/first.sec1`);
await seal("Read and encrypt it", OLD);
await page.getByText("It begins with neither").waitFor();
await page.getByLabel("The key, as a file").setInputFiles(`${world.folder}/first.pem`);
await seal("Read and encrypt it", OLD);
await see("key-sealed");
const first = await keepSheet("encrypted anew");
assert(first.includes("BEGIN ENCRYPTED PRIVATE KEY"), "the sheet has the key");

// Another password: the old one no longer opens what the server keeps.
await press("Change the password…");
await page.getByLabel("Master password now").fill("not that one");
await seal("Encrypt it anew", NEW);
await page.getByText("That is not the password of this key.").waitFor();
await page.getByLabel("Master password now").fill(OLD);
await seal("Encrypt it anew", NEW);
await keepSheet("encrypted anew");

async function release(password) {
  await page.goto(`${project}/draft`);
  await page.getByRole("button", { name: /Prepare the release|Renew the dates/ }).click();
  await page.getByLabel("Master password").waitFor();
  await page.getByLabel("Master password").fill(password);
  await press("Sign and submit");
}
pintle("domains", "add", "shop.example.com", "--enforce", "report");
pintle("pins", "add", "shop.example.com", "--pin", "spki-sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
await release(OLD);
await page.getByText("That is not the password of this key.").waitFor();
await page.getByLabel("Master password").fill(NEW);
await press("Sign and submit");
await page.locator("#state", { hasText: "live" }).waitFor();

// The next key, named by this one; an app that has the first root accepts what it signs.
await page.goto(`${project}/key`);
await press("Go on to another key…");
await see("key-rotate");
await page.getByLabel("Master password now").fill(NEW);
await seal("Make the new key", OLD);
await keepSheet("The new key signs from now on.");
await page.getByText("named by the key before it").waitFor();
await release(OLD);
await page.locator("#state", { hasText: "live" }).waitFor();
writeFileSync(`${world.folder}/lise.json`, await (await page.request.get(`${project}/pintle.json`)).text());

// A thief has the key: the recovery key names another one.
await page.goto(`${project}/key`);
await follow("The key was stolen or lost…");
await see("key-recover");
await page.getByLabel("Or as text").fill(readFileSync(`${world.folder}/first.pem`, "utf8"));
await seal("Make the new key", NEW);
await page.getByText("That is not the project's recovery key.").waitFor();
await page.getByLabel("Or as text").fill(readFileSync(`${world.folder}/recovery.pem`, "utf8"));
await seal("Make the new key", NEW);
await keepSheet("The new key signs from now on.");
await page.getByText("named by the recovery key").waitFor();
await see("key-succession");
await release(NEW);
await page.locator("#state", { hasText: "live" }).waitFor();
const [, organizationId, projectId] = project.match(/orgs\/(org_\w+)\/projects\/(prj_\w+)/);
const published = async () => (await fetch(`${world.url}/cdn/${organizationId}/${projectId}/pins.jws`)).text();
writeFileSync(`${world.folder}/lise.jws`, await published());
const verdict = pintle("config", "verify", "lise.jws", "--bundle", "lise.json");
assert(/3/.test(verdict), verdict);

// Nothing of any private key left the page in the clear.
for (const name of ["first", "recovery"]) {
  const body = readFileSync(`${world.folder}/${name}.pem`, "utf8").replaceAll(/-----[^-]+-----|\s/g, "");
  for (const request of sent) assert(!decodeURIComponent(request.replaceAll("%0A", "")).includes(body.slice(40, 90)), `${name} left the page`);
}
for (const password of [OLD, NEW]) for (const request of sent) assert(!decodeURIComponent(request.replaceAll("+", " ")).includes(password), "a password left the page");

// The day on which nothing is to be trusted, and the day after.
await page.goto(`${project}/settings`);
await follow("Withdraw…");
await see("withdraw");
await page.getByLabel("Type the app's name").fill("shopp");
await press("Prepare the withdrawal");
await page.getByText("This is not the project's name.").waitFor();
await page.getByLabel("Type the app's name").fill("shop");
await press("Prepare the withdrawal");
await page.getByText("apps trust nothing until a later release").first().waitFor();
await see("sign-withdrawal");
await page.getByLabel("Master password").fill(NEW);
await press("Sign and submit");
await page.locator("#state", { hasText: "live" }).waitFor();
assert((await fetch(`${world.url}/cdn/${organizationId}/${projectId}/releases/1.jws`)).status === 410, "an earlier release is still there");
await page.goto(project);
await see("project-withdrawn");
await follow("Restore…");
await see("restore");
await press("Restore release 3");
await page.getByLabel("Master password").fill(NEW);
await press("Sign and submit");
await page.locator("#state", { hasText: "live" }).waitFor();
await page.goto(project);
assert((await page.getByText("Withdrawn").count()) === 0, "it is still withdrawn");

assert(complaints.length === 0, complaints.join("\n"));
assert(found.length === 0, found.join("\n"));
await browser.close();
