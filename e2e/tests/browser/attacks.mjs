// What must fail in a real browser: text that would like to be markup, forms of other origins, frames, a page that lies about
// what is signed.

import { createServer } from "node:http";
import { spawnSync } from "node:child_process";
import { assert, open, signUp, watch, world } from "./lib.mjs";

const SCRIPT = `"'><img src=x onerror="window.hacked=1"><script>window.hacked=1</script>`;

const browser = await open();
const context = await browser.newContext();
const page = await context.newPage();
const complaints = watch(page);
page.on("dialog", () => complaints.push("a dialog opened"));
const press = (name) => page.getByRole("button", { name, exact: true }).click();
const follow = (name) => page.getByRole("link", { name, exact: true }).first().click();

/** Nothing that was typed came to be more than text. */
async function isUnharmed(where) {
  const harm = await page.evaluate(() => ({ hacked: window.hacked, images: document.querySelectorAll("img").length, scripts: document.querySelectorAll("script:not([src])").length }));
  assert(harm.hacked === undefined && harm.images === 0 && harm.scripts === 0, `${where}: ${JSON.stringify(harm)}`);
}

// Text in every field, and the pages that show it.
await signUp(page, "mallory@example.com", `M ${SCRIPT}`.slice(0, 100));
await isUnharmed("home");
await page.goto(`${world.url}/orgs/new`);
await page.getByLabel("Name").fill(`O ${SCRIPT}`);
await press("Create");
await isUnharmed("organization");
const organization = page.url().split("?")[0];
await page.goto(`${organization}/projects/new`);
await page.getByLabel("App").fill(`P ${SCRIPT}`);
await page.getByLabel("Environment").fill(SCRIPT);
await press("Create");
await isUnharmed("a refused environment");
await page.getByLabel("Environment").fill("production");
await press("Create");
await isUnharmed("project");
const project = page.url().split("?")[0];
await page.goto(`${project}/domains/new`);
await page.getByLabel("Host", { exact: true }).fill(SCRIPT);
await page.getByLabel("Hosts that stand for it").fill(SCRIPT);
await press("Add to the draft");
await isUnharmed("a refused domain");
await page.getByLabel("Host", { exact: true }).fill("shop.example.com");
await page.getByLabel("Hosts that stand for it").fill("");
await press("Add to the draft");
const certificate = spawnSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "/dev/null", "-subj", `/CN=${SCRIPT.replaceAll("/", "\\/").slice(0, 60)}`, "-addext", "subjectAltName=DNS:shop.example.com"], { encoding: "utf8" }).stdout;
assert(certificate.includes("BEGIN CERTIFICATE"), "openssl made a certificate");
await page.getByLabel("PEM").fill(certificate);
await page.getByRole("button", { name: "Read it" }).last().click();
assert((await page.getByText("onerror").count()) > 0, "the subject is shown, as text");
await isUnharmed("a certificate's subject");
await page.getByLabel("Label").fill(SCRIPT);
await press("Pin what is chosen");
await isUnharmed("domain");
await page.goto(`${organization}/members`);
await page.getByLabel("E-mail address").fill(`"<script>hacked=1</script>"@example.com`);
await press("Invite");
await isUnharmed("members");
await page.goto(`${organization}/audit?action=${encodeURIComponent(SCRIPT)}&target=${encodeURIComponent(SCRIPT)}`);
await isUnharmed("audit, refused");
await page.goto(`${organization}/audit`);
await isUnharmed("audit");
await page.goto(`${world.url}/account/tokens`);
await page.getByLabel("Name").fill(SCRIPT);
await press("Create");
await isUnharmed("tokens");
for (const path of ["/account", "/", `/?done=${encodeURIComponent(SCRIPT)}`, `/tools/lookup?host=${encodeURIComponent(SCRIPT)}`, `/sign-in?next=${encodeURIComponent(`javascript:${SCRIPT}`)}`, `/${encodeURIComponent(SCRIPT)}`]) {
  await page.goto(`${world.url}${path}`);
  await isUnharmed(path);
}
for (const path of ["", "/domains", "/draft", "/releases", "/key", "/targets", "/setup", "/settings", "/delete"]) {
  await page.goto(`${project}${path}`);
  await isUnharmed(path);
}
await page.goto(`${world.url}/tools/decode`);
const claims = { fmt: 1, iss: SCRIPT, sub: "x", ver: 1, iat: 1, domains: [] };
await page.getByLabel("Signed file").fill(`e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.e30`);
await press("Read it");
await page.locator("#claims-facts").getByText("onerror").waitFor();
await isUnharmed("decode");

// The policy itself: what an injected script would try.
const blocked = await page.evaluate(() => {
  const attempts = {};
  const attempt = (name, act) => {
    try {
      act();
      attempts[name] = "worked";
    } catch {
      attempts[name] = "refused";
    }
  };
  attempt("innerHTML", () => (document.body.innerHTML += "<b>x</b>"));
  return attempts;
});
assert(blocked.innerHTML === "refused", JSON.stringify(blocked));
const inline = await page.evaluate(() => {
  const script = document.createElement("script");
  script.setAttribute("src", "data:text/javascript,window.hacked=1");
  document.head.append(script);
  return new Promise((settle) => setTimeout(() => settle(window.hacked), 300));
}).catch(() => undefined);
assert(inline === undefined, "a script without the nonce ran");
complaints.length = 0; // The browser told of each of these, which is what the policy is for.

// Another origin: of the same site, so that the cookie comes along and only our own checks stand in the way.
const names = (await (await page.goto(`${world.url}/`)) && (await page.locator("h2").allTextContents()));
const evil = createServer((request, response) => {
  response.setHeader("content-type", "text/html");
  if (request.url === "/frame") response.end(`<iframe id="f" src="${world.url}/"></iframe>`);
  else response.end(`<form id="f" method="post" action="${world.url}/orgs/new"><input name="name" value="Stolen"></form><script>document.getElementById("f").submit()</script>`);
});
await new Promise((settle) => evil.listen(0, "127.0.0.1", settle));
const port = evil.address().port;
for (const host of ["localhost", "127.0.0.1"]) {
  const visitor = await context.newPage();
  await visitor.goto(`http://${host}:${port}/`);
  await visitor.waitForURL(`${world.url}/orgs/new`);
  assert((await visitor.getByText("form_foreign").count()) === 1, `a form of ${host}:${port} was taken`);
  await visitor.goto(`http://${host}:${port}/frame`);
  const frame = await (await visitor.waitForSelector("#f")).contentFrame();
  assert(!(await frame?.content())?.includes("Pintle"), "the dashboard let itself be framed");
  await visitor.close();
}
evil.close();
await page.goto(`${world.url}/`);
assert(JSON.stringify(await page.locator("h2").allTextContents()) === JSON.stringify(names), "no form of another origin did anything");

// The cookie is for no script.
assert((await page.evaluate(() => document.cookie)) === "", "a script can read the cookie");

assert(complaints.filter((complaint) => !complaint.includes("Refused to") && !complaint.includes("violates")).length === 0, complaints.join("\n"));
await browser.close();
