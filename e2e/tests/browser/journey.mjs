// From nothing to an app that connects: an account, a project, a key made in the page, a live site pinned, a release signed
// in the page. Every page on the way is looked at; every request is searched for the password and the key.

import { writeFileSync, readFileSync } from "node:fs";
import { assert, crawl, look, open, pintle, signUp, watch, world } from "./lib.mjs";

const MASTER = "quiet otters fold maps daily";
const SITE = world.site;

const browser = await open();
const context = await browser.newContext({ acceptDownloads: true, locale: "en-GB", timezoneId: "Europe/Berlin" });
const page = await context.newPage();
const complaints = watch(page);
const found = [];
const see = async (name) => found.push(...(await look(page, name)));
const press = (name) => page.getByRole("button", { name, exact: true }).click();
const follow = (name) => page.getByRole("link", { name, exact: true }).first().click();

/** All that left the browser. */
const sent = [];
page.on("request", (request) => sent.push(`${request.url()} ${JSON.stringify(request.headers())} ${request.postData() ?? ""}`));

await page.goto(`${world.url}/`);
await see("welcome");
await page.goto(`${world.url}/sign-up`);
await see("sign-up");
await page.goto(`${world.url}/confirm`);
await see("confirm");
await page.goto(`${world.url}/sign-in`);
await see("sign-in");
await signUp(page, "ada@example.com", "Ada Lovelace");
await see("home-empty");

await follow("New organization");
await page.getByLabel("Name").fill("x".repeat(101));
await press("Create");
assert((await page.getByLabel("Name").inputValue()).length === 101, "what was typed stays");
assert(await page.getByText("Must be 1 to 100").isVisible(), "the reason stands beside the field");
await see("organization-refused");
await page.getByLabel("Name").fill("Acme");
await press("Create");
await see("organization-empty");
await follow("New project");
await see("project-new");
await page.getByLabel("App").fill("Shop");
await press("Create");
await see("project-new-steps");
const project = page.url().split("?")[0];
const [, organizationId, projectId] = project.match(/orgs\/(org_\w+)\/projects\/(prj_\w+)/);

// The key.
await follow("Key");
await see("key-none");
await page.getByLabel("Master password", { exact: true }).fill("short");
await page.getByLabel("The same once more").fill("short");
await press("Make the key");
assert(await page.getByText("At least 12 characters").isVisible(), "a short password is refused");
await page.getByLabel("Master password", { exact: true }).fill(MASTER);
await page.getByLabel("The same once more").fill(MASTER);
assert(await page.getByText("Strong.").isVisible(), "the meter says what it thinks");
await press("Make the key");
const download = page.waitForEvent("download");
await page.getByRole("link", { name: "Download the recovery sheet" }).click();
const sheet = readFileSync(await (await download).path(), "utf8");
await see("key-made");
await page.getByLabel("I keep the sheet").check();
await press("Register the key");
await page.getByText("It cannot open it").waitFor();
await see("key");
const pems = sheet.match(/-----BEGIN ENCRYPTED PRIVATE KEY-----[^]+?-----END ENCRYPTED PRIVATE KEY-----/g);
assert(pems.length === 2, "the sheet holds key and recovery key");
writeFileSync(`${world.folder}/sheet-key.pem`, `${pems[0]}\n`);
writeFileSync(`${world.folder}/sheet-recovery.pem`, `${pems[1]}\n`);

// A domain and its pins, from the live site.
await follow("Domains");
await see("domains-empty");
await follow("Add a domain");
await see("domain-new");
await page.getByLabel("Host", { exact: true }).fill("not a host");
await press("Add to the draft");
assert((await page.getByLabel("Host", { exact: true }).getAttribute("aria-invalid")) === "true", "a wrong host is said beside it");
await page.getByLabel("Host", { exact: true }).fill(SITE.host);
await page.getByLabel("Hosts that stand for it").fill(SITE.address);
await press("Add to the draft");
await see("pins-new");
await page.getByLabel("Host", { exact: true }).fill(SITE.address);
await press("Fetch");
await page.getByText("Compare before you pin").waitFor();
await page.getByLabel("Label").fill("today’s key");
await see("pins-found");
await press("Pin what is chosen");
await page.getByText("There is no backup").waitFor();
await see("domain-no-backup");
await follow("Add pins");
await page.getByLabel("PEM").fill("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----");
await page.getByRole("button", { name: "Read it" }).last().click();
await page.locator("#text-wrong").waitFor();
await page.getByLabel("File").setInputFiles(`${world.folder}/next.csr`);
await page.getByRole("button", { name: "Read it" }).first().click();
await page.getByText("The next key").first().waitFor();
await page.getByLabel("Label").fill("next key");
await press("Pin what is chosen");
await page.locator("li", { hasText: "next key" }).getByRole("link", { name: /^Change label and end/ }).click();
await page.getByLabel("Label").fill("y".repeat(101));
await press("Save in the draft");
await page.locator("#label-wrong").waitFor();
await page.getByLabel("Label").fill("next key");
await page.getByLabel("Counts until").fill(`${new Date().getUTCFullYear() + 2}-06-30`);
await see("pin");
await press("Save in the draft");
await page.getByText("Saved in the draft").waitFor();
assert((await page.locator(".state", { hasText: /^in \d+ days$/ }).count()) > 0, "the pin has no end");
await page.locator("li", { hasText: "next key" }).getByRole("link", { name: /^Change label and end/ }).click();
await page.getByLabel("Counts until").fill("");
await press("Save in the draft");
await page.getByText("Saved in the draft").waitFor();
await press("Look");
await page.getByText("pinned by spki-sha256").first().waitFor();
await see("domain");

// More domains, for the eye.
for (const [name, digest] of [["api.example.com", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="], ["**.cdn.example.net", "LCa0a2j/xo/5m0U8HTBBNBNCLXBkg7+g+YpeiGJm564="]]) {
  await page.goto(`${project}/domains/new`);
  await page.getByLabel("Host", { exact: true }).fill(name);
  await page.getByLabel("When no pin matches").selectOption("report");
  await press("Add to the draft");
  await page.getByLabel("Digest").fill(digest);
  await press("Pin it");
}
// What CT logs hold, as one who reads them tells.
await follow("Domains");
await follow("api.example.com");
await follow("Add pins");
await page.getByLabel("Host in CT logs").fill("nothing.example.com");
await press("Search");
await page.locator("#ct_host-wrong").waitFor();
await page.getByLabel("Host in CT logs").fill("api.example.com");
await press("Search");
await page.getByText("Pin only what you ordered.").waitFor();
await see("pins-logged");
await page.getByRole("checkbox", { name: /The server's key/ }).check();
await press("Pin what is chosen");
await page.getByText("found in CT logs").first().waitFor();
await follow("Domains");
await see("domains");
await follow("Overview");
await see("project-staged");

// The release, signed in the page.
await follow("Draft");
await see("draft");
await page.locator(".notice").getByRole("link", { name: "**.cdn.example.net" }).click();
await page.getByRole("heading", { name: "**.cdn.example.net", level: 1 }).waitFor();
await follow("Draft");
await follow("Change");
await page.getByLabel("A release is valid").selectOption({ label: "180 days" });
await see("draft-settings");
await press("Save in the draft");
await page.locator("p", { hasText: "a release is valid for 180 days" }).waitFor();
await press("Ask the guard");
await page.getByText("What the live servers say").waitFor();
await press("Prepare the release");
await page.getByLabel("Master password").waitFor();
await page.locator("#claims-domains").getByText(SITE.host).first().waitFor();
await see("sign");
await page.getByLabel("Master password").fill("not the password at all");
await press("Sign and submit");
await page.getByText("That is not the password of this key.").waitFor();
await page.getByLabel("Master password").fill(MASTER);
await press("Sign and submit");
await page.waitForURL(/\/releases\/1/);
await page.locator("#state", { hasText: "live" }).waitFor();
await see("release");

// What apps report: kept for some seconds before it is written.
const counts = [
  { domain: SITE.host, code: "pin_mismatch", version: 1, refused: 7, reported: 0 },
  { domain: "api.example.com", code: "pin_mismatch", version: 1, refused: 0, reported: 31 },
  { code: "domain_not_registered", version: 1, refused: 2, reported: 0 },
];
const report = { format: 1, organization: organizationId, project: projectId, counts };
const sentAt = Date.now();
assert((await fetch(`${world.url}/reports`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(report) })).status === 204, "a report was not taken");

// What left the browser: neither password nor key, in none of their spellings.
const keys = pems.map((pem) => pem.replaceAll(/-----[^-]+-----|\s/g, ""));
const secrets = [MASTER, encodeURIComponent(MASTER), MASTER.replaceAll(" ", "+"), Buffer.from(MASTER).toString("base64")];
for (const request of sent) for (const secret of secrets) assert(!request.includes(secret), `the password left the page: ${request.slice(0, 200)}`);
const registered = sent.filter((request) => decodeURIComponent(request.replaceAll("+", "%2B")).replaceAll(/\s/g, "").includes(keys[0].slice(0, 60)));
assert(registered.length === 1, "the ciphertext was sent once");
assert(!sent.some((request) => decodeURIComponent(request.replaceAll("%0A", "")).includes(keys[1].slice(0, 60))), "the recovery key was sent");

// The app's side: the root out of the page, the Rust SDK through the command line.
await follow("Set up");
await see("setup");
const bundle = page.waitForEvent("download");
await follow("Download pintle.json");
writeFileSync(`${world.folder}/pintle.json`, readFileSync(await (await bundle).path()));
const check = pintle("check", SITE.address, "--bundle", "pintle.json", "--ca", "ca.pem");
assert(/pin/.test(check), check);

// The sheet's keys are the project's, in other hands.
const plain = pintle("keys", "show", "--key", "sheet-key.pem", "--password-file", "master");
const kid = JSON.parse(readFileSync(`${world.folder}/pintle.json`, "utf8")).public_key;
assert(plain.includes(kid), `the command line reads another key: ${plain}`);

// The change of the server's key, as far as it goes within a minute.
await follow("Domains");
await follow(SITE.host);
await see("domain-released");
await follow("Domain settings");
await see("domain-settings");
await follow("Leave it");
await follow("Change the key…");
await see("rotation-new");
await page.locator("#next").selectOption({ label: await page.locator("#next option", { hasText: "next key" }).textContent() });
await page.getByLabel(/^today’s key/).check();
await page.getByLabel("How long an app may be offline").fill("400");
await press("Begin");
await page.locator("#away_days-wrong").waitFor();
await page.getByLabel("How long an app may be offline").fill("30");
await press("Begin");
await page.getByText("Wait; then install").waitFor();
await press("Look now");
await page.getByText("the old key").waitFor();
await see("rotation");

// A release at a time that somebody chooses: one is taken back, the other comes out while the rest is looked at.
/** Signs what apps have once more, for a moment in the reader's zone; to the page of the release. */
async function schedule(text) {
  await page.goto(`${project}/draft`);
  await page.getByRole("button", { name: /Prepare the release|Renew the dates/ }).click();
  await page.getByText("Publish it later").click();
  await page.getByLabel("Not before").fill(text);
  await page.getByLabel("Master password").fill(MASTER);
  await press("Sign and submit");
}
await schedule("2020-01-01T08:30");
await page.getByText("That time is over.").waitFor();
await see("sign-later");
await page.getByLabel("Not before").fill("2040-07-01T08:30");
await press("Sign and submit");
await page.getByText("must lie in the future, and before the release expires").waitFor();
const inAMonth = new Date(Date.now() + 30 * 86_400_000).toISOString().slice(0, 10);
await schedule(`${inAMonth}T08:30`);
await page.locator("#state", { hasText: "scheduled" }).waitFor();
const notBefore = await page.locator("dt", { hasText: "Not before" }).locator("xpath=following-sibling::dd/time").getAttribute("datetime");
const berlin = await page.evaluate((day) => new Date(`${day}T08:30`).toISOString(), inAMonth);
assert(notBefore === berlin.replace(".000", ""), `it comes out at ${notBefore}, and ${berlin} was chosen`);
await page.getByText("It goes out at the time that you chose.").waitFor();
await see("release-scheduled");
await press("Take it back");
await page.getByText("Nothing of it reached an app.").waitFor();
const minute = await page.evaluate(() => {
  const next = new Date(Math.ceil((Date.now() + 5_000) / 60_000) * 60_000);
  return new Date(next.getTime() - next.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
});
await schedule(minute);
await page.locator("#state", { hasText: "scheduled" }).waitFor();
const scheduled = page.url().split("?")[0];

// The other pages.
await page.goto(project);
await see("project");
await follow("Releases");
await see("releases");
await follow("Targets");
await see("targets");
await follow("Monitor");
await page.getByText("apps connect").first().waitFor();
while ((await page.getByText("9 connections refused").count()) === 0) {
  assert(Date.now() - sentAt < 60_000, "what apps report never came to be seen");
  await page.reload();
}
await see("monitor");
await page.locator("li", { hasText: "seen from this server" }).getByRole("link", { name: "api.example.com", exact: true }).click();
await page.getByRole("heading", { name: "api.example.com", level: 1 }).waitFor();
await follow("Monitor");
await follow("All changes");
await see("monitor-changes");
await follow("Settings");
await see("project-settings");
await follow("Acme");
await see("organization");
await follow("Members");
await press("Invite");
await page.getByText("pintle_invite_").first().waitFor();
await see("members");
await follow("Alerts");
await see("alerts");
await follow("What I am told");
await page.getByLabel("Once a day, together").check();
await press("Save");
await page.getByText("Saved.").waitFor();
await press("Make the calendar");
await page.locator("[role=status] code", { hasText: ".ics" }).waitFor();
await see("notifications");
await page.goto(`${world.url}/orgs/${organizationId}/webhooks`);
await page.getByLabel("URL").fill("https://ada:secret@hooks.example.com/pintle");
await press("Add");
await page.locator("#url-wrong").waitFor();
await page.getByLabel("URL").fill("https://hooks.example.com/pintle");
await press("Add");
await page.getByText("whsec_").first().waitFor();
await see("webhooks");
await follow("https://hooks.example.com");
await see("webhook");
await follow("Probe agents");
await page.getByLabel("Name").fill("Office");
await page.getByLabel("Its public key").fill(kid);
await press("Add");
await page.locator("#name-wrong").waitFor();
assert((await page.getByLabel("Its public key").inputValue()) === kid, "the key that was typed stays");
await see("agents");
await page.getByLabel("Name").fill("office-berlin");
await press("Add");
await page.getByText("never reported").waitFor();
await see("agents-one");
await press("Remove office-berlin");
await page.getByText("Nothing is believed on its word any more.").waitFor();
await follow("Audit log");
await page.getByLabel("What", { exact: false }).first().fill("release");
await press("Search");
await page.getByText("release.accepted").first().waitFor();
await see("audit");
const exported = page.waitForEvent("download");
await follow("Export all");
writeFileSync(`${world.folder}/audit.jsonl`, readFileSync(await (await exported).path()));
assert(pintle("audit", "verify", "audit.jsonl").length > 0, "the export verifies");
await page.goto(`${world.url}/account`);
await see("account");
await follow("Tokens");
await page.getByLabel("Name").fill("deploy");
await press("Create");
await page.getByText("shown this once").waitFor();
await see("tokens");
await page.goto(`${world.url}/tools/lookup?host=${SITE.address}`);
await see("lookup");
await page.goto(`${world.url}/tools/decode`);
const jws = await (await fetch(`${world.url}/cdn/${organizationId}/${projectId}/pins.jws`)).text();
await page.getByLabel("Signed file").fill(jws);
await page.getByLabel("Root of the app").fill(readFileSync(`${world.folder}/pintle.json`, "utf8"));
await press("Read it");
await page.getByText("accepts the file").waitFor();
await page.locator("#claims-domains").getByText(SITE.host).first().waitFor();
await see("decode");
await page.goto(scheduled);
await page.locator("#state", { hasText: "live" }).waitFor({ timeout: 90_000 });
assert(JSON.parse(Buffer.from((await (await fetch(`${world.url}/cdn/${organizationId}/${projectId}/pins.jws`)).text()).split(".")[1], "base64url")).ver === Number(scheduled.split("/").at(-1)), "apps have another release");
await page.goto(`${world.url}/nothing-here`);
await see("not-found");
await page.goto(`${world.url}/`);
await see("home");
found.push(...(await crawl(page, `${world.url}/`)));

assert(complaints.length === 0, complaints.join("\n"));
assert(found.length === 0, found.join("\n"));
await browser.close();
