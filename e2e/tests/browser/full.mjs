// A project as it is after years: hundreds of domains, names as long as they may be and in other scripts; and how it looks to
// somebody who may only read.

import { assert, look, open, signUp, watch, world } from "./lib.mjs";

const HOSTS = 256;
const LONG = `${"x".repeat(63)}.${"y".repeat(63)}.example.com`;
const browser = await open();
const context = await browser.newContext({ locale: "en-GB", timezoneId: "Europe/Berlin" });
const page = await context.newPage();
const complaints = watch(page);
const found = [];
const see = async (name, on = page) => found.push(...(await look(on, name)));
const press = (name) => page.getByRole("button", { name, exact: true }).click();
const follow = (name) => page.getByRole("link", { name, exact: true }).first().click();

await signUp(page, "hedy@example.com", "Hedy Lamarr, born Hedwig Eva Maria Kiesler in the city of Vienna");
await page.goto(`${world.url}/orgs/new`);
await page.getByLabel("Name").fill("W".repeat(64));
await press("Create");
const organization = page.url().split("?")[0];
await page.goto(`${organization}/projects/new`);
await page.getByLabel("App").fill("An app whose name is as long as anybody would care to type it in");
await press("Create");
const project = page.url().split("?")[0];
await page.goto(`${world.url}/account/tokens`);
await page.getByLabel("Name").fill("a token whose name says at length what it is good for, and for whom");
for (const scope of ["Edit", "Release", "Admin"]) await page.getByLabel(new RegExp(`^${scope}:`)).check();
await page.getByLabel("Where", { exact: true }).selectOption({ index: 1 });
await press("Create");
const token = await page.locator("[role=status] code").first().textContent();
await see("full-tokens");

/** What the command line does, many times. */
const [, path] = project.match(/\/orgs\/(.+)/);
async function add(name, pins = []) {
  const call = async (under, body) => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const address = `${world.url}/api/v1/organizations/${path}/domains${under}`;
    const answer = await fetch(address, { method: "POST", headers, body: JSON.stringify(body) });
    assert(answer.ok, `${name}: ${answer.status} ${await answer.clone().text()}`);
    return answer.json();
  };
  const { id } = await call("", { name, enforce: "report" });
  for (const pin of pins) await call(`/${id}/pins`, pin);
  return id;
}
const pin = (byte, more) => ({ type: "spki-sha256", digest: Buffer.alloc(32, byte).toString("base64"), ...more });
const soon = Math.floor(Date.now() / 1000) + 9 * 86_400;
await add(LONG, [pin(1, { label: "k".repeat(64) }), pin(2, { label: "a key", expires_at: soon }), { ...pin(3), type: "spki-sha512", digest: Buffer.alloc(64, 3).toString("base64") }]);
await add("bücher.example", [pin(4), pin(5)]);
await add("**.例え.テスト", [pin(6)]);
await add("2001:db8::17", [pin(7)]);
for (let number = 0; number < HOSTS; number++) await add(`host${number}.example.com`);

await page.goto(project);
await see("full-overview");
await follow("Domains");
await see("full-domains");
let names = 0;
const typed = new Set(["bücher.example", "**.例え.テスト", "2001:db8::17", LONG]);
for (;;) {
  const shown = await page.locator(".items > li a.whole").allTextContents();
  names += shown.length;
  for (const name of shown) typed.delete(name);
  const more = page.getByRole("link", { name: "More", exact: true });
  if ((await more.count()) === 0) break;
  await more.click();
}
assert(names === HOSTS + 4 && typed.size === 0, `${names} domains are listed, and not ${[...typed]} as it was typed`);
await page.goto(`${project}/domains`);
await page.getByLabel("Find a domain").fill("BÜCHER");
await press("Find");
await page.getByRole("link", { name: "bücher.example" }).waitFor();
assert((await page.locator(".items > li").count()) === 1, "more is found than was looked for");
await page.getByLabel("Find a domain").fill("x".repeat(63));
await press("Find");
await page.getByRole("link", { name: LONG }).click();
await see("full-domain");

// The draft: every change is counted, found and reached.
await follow("Draft");
const total = Number((await page.getByText(/\d+ changes staged/).textContent()).match(/\d+/)[0]);
await see("full-draft");
let seen = await page.locator(".diff li").count();
assert(seen === 50 && total > 260, `${seen} of ${total} changes are shown at first`);
// Hundreds of warnings of a kind are one, which unfolds; the page is read to its end.
const rest = page.locator("details", { hasText: /\d{3} more/ });
assert(!(await rest.getByText("host200.example.com").isVisible()), "hundreds of findings are unfolded");
await page.setViewportSize({ width: 1360, height: 800 });
const height = await page.evaluate(() => document.documentElement.scrollHeight);
assert(height < 6_000, `the draft is ${height} px long`);
await rest.locator("summary").click();
await rest.getByText("host150.example.com").waitFor();
while ((await page.getByRole("link", { name: "The next ones" }).count()) > 0) {
  await follow("The next ones");
  seen += await page.locator(".diff li").count();
}
assert(seen === total, `${seen} of ${total} changes are reached`);
await page.getByLabel(`Find in ${total} changes`).fill("bücher");
await press("Find");
await page.getByText("No change names").waitFor();
await page.getByLabel(`Find in ${total} changes`).fill("xn--bcher-kva");
await press("Find");
await page.getByText(`of ${total} in all`).waitFor();
await see("full-draft-found");

// Somebody who may only read.
await page.goto(`${organization}/members`);
await page.getByLabel("Role", { exact: true }).selectOption("auditor");
await press("Invite");
const code = await page.locator("[role=status] code").first().textContent();
const other = await browser.newContext({ locale: "en-GB" });
const auditor = await other.newPage();
watch(auditor, complaints);
await signUp(auditor, "vera@example.com", "Vera Rubin");
await auditor.goto(`${world.url}/orgs/join`);
await auditor.getByLabel("Invitation code").fill(code);
await auditor.getByRole("button", { name: "Join" }).click();
await see("auditor-organization", auditor);
for (const [name, address] of [["overview", ""], ["draft", "/draft"], ["draft-settings", "/draft/settings"], ["key", "/key"], ["targets", "/targets"], ["releases", "/releases"], ["settings", "/settings"], ["setup", "/setup"]]) {
  await auditor.goto(`${project}${address}`);
  await see(`auditor-${name}`, auditor);
}
await auditor.goto(`${organization}/members`);
await see("auditor-members", auditor);
await page.reload();
await see("full-members");

assert(complaints.length === 0, complaints.join("\n"));
assert(found.length === 0, found.join("\n"));
await browser.close();
