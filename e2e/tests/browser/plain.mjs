// Without JavaScript: all but signing. The key is elsewhere, the command line signs.

import { writeFileSync } from "node:fs";
import { assert, crawl, open, pintle, signUp, watch, world } from "./lib.mjs";

const browser = await open();
const context = await browser.newContext({ javaScriptEnabled: false });
const page = await context.newPage();
const complaints = watch(page);
const press = (name) => page.getByRole("button", { name, exact: true }).click();
const follow = (name) => page.getByRole("link", { name, exact: true }).first().click();
// Chromium that is driven reads `noscript` as text, whether scripts run or not.
const tells = async (text) => assert((await page.content()).includes(text), `${page.url()} does not say “${text}”`);
const says = (text) => page.getByText(text).first().waitFor();

await signUp(page, "mary@example.com", "Mary Somerville");
await follow("New organization");
await page.getByLabel("Name").fill("Plain");
await press("Create");
await follow("New project");
await page.getByLabel("App").fill("shop");
await press("Create");
const project = page.url().split("?")[0];
await follow("Key");
await tells("Making a key in the page needs JavaScript");
assert(!(await page.getByRole("button", { name: "Make the key" }).isVisible()), "a key cannot be made here");
await page.goto(`${project}/key/import`);
await tells("the command line does the same");

await page.goto(`${world.url}/account/tokens`);
await page.getByLabel("Name").fill("laptop");
for (const scope of ["Edit", "Release", "Admin"]) await page.getByLabel(new RegExp(`^${scope}:`)).check();
await press("Create");
writeFileSync(`${world.folder}/mary-token`, await page.locator("[role=status] code").first().textContent());
pintle("login", "--server", world.url, "--token-file", "mary-token");
const [, organizationId] = project.match(/orgs\/(org_\w+)/);
pintle("keys", "generate", "--out", "mary.pem");
await page.goto(`${project}/key`);
const publicKey = pintle("keys", "show", "--key", "mary.pem").match(/MFkw[A-Za-z0-9+/=]+/)[0];
await page.getByLabel("Public key", { exact: true }).fill(publicKey);
await press("Register");
await says("The key is registered.");

await follow("Domains");
await follow("Add a domain");
await page.getByLabel("Host", { exact: true }).fill("shop.example.com");
await page.getByLabel("When no pin matches").selectOption("report");
await press("Add to the draft");
await page.getByLabel("File").setInputFiles(`${world.folder}/next.csr`);
await page.getByRole("button", { name: "Read it" }).first().click();
await says("The next key");
await press("Pin what is chosen");
await says("There is no backup");
await follow("Draft");
await press("Prepare the release");
await tells("Signing happens in the page and needs JavaScript");
await says("pintle release --project shop/production");
pintle("release", "--org", "Plain", "--project", "shop/production", "--key", "mary.pem", "--yes");
// Number 1 is the preparation that nobody signed.
await page.goto(`${project}/releases/2`);
await page.locator("#state", { hasText: "live" }).waitFor();
await page.goto(`${project}/monitor`);
await says("Servers");
await page.goto(`${world.url}/orgs/${organizationId}/notifications`);
await page.getByLabel("No mail").check();
await press("Save");
assert(await page.getByLabel("No mail").isChecked(), "the choice is kept");
await page.goto(`${world.url}/tools/decode`);
const [, , projectId] = project.match(/orgs\/(org_\w+)\/projects\/(prj_\w+)/);
await page.getByLabel("Signed file").fill(await (await fetch(`${world.url}/cdn/${organizationId}/${projectId}/pins.jws`)).text());
await page.getByLabel("Root of the app").fill(await (await page.request.get(`${project}/pintle.json`)).text());
await press("Read it");
await says("accepts the file");
const found = await crawl(page, `${world.url}/`);
assert(found.length === 0, found.join("\n"));
await page.goto(`${world.url}/`);
await press("Sign out");
await says("You are signed out.");

assert(complaints.length === 0, complaints.join("\n"));
await browser.close();
