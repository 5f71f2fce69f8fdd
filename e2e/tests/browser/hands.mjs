// One project in several hands: a key that the command line made and uploaded opens in the page; what the command line
// releases is seen live there; a passkey opens another key; roles see what they may.

import { writeFileSync } from "node:fs";
import { assert, open, pintle, signUp, watch, world } from "./lib.mjs";

const browser = await open();
const context = await browser.newContext({ acceptDownloads: true });
const page = await context.newPage();
const complaints = watch(page);
const press = (name) => page.getByRole("button", { name, exact: true }).click();
const follow = (name) => page.getByRole("link", { name, exact: true }).first().click();

// An authenticator in the browser.
const session = await context.newCDPSession(page);
await session.send("WebAuthn.enable");
await session.send("WebAuthn.addVirtualAuthenticator", {
  options: { protocol: "ctap2", ctap2Version: "ctap2_1", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, hasPrf: true, automaticPresenceSimulation: true },
});

// A passkey signs in.
await signUp(page, "grace@example.com", "Grace Hopper");
await page.goto(`${world.url}/account`);
await page.getByLabel("Name of the passkey").fill("laptop");
await press("Add");
await page.getByText("The passkey is added.").waitFor();
await press("Sign out");
await page.getByText("You are signed out.").waitFor();
await press("Sign in with a passkey");
await page.getByRole("button", { name: "Sign out" }).waitFor();

// The command line makes a project and its key, and has the server keep the key.
await page.goto(`${world.url}/account/tokens`);
await page.getByLabel("Name").fill("laptop");
for (const scope of ["Edit", "Release", "Admin"]) await page.getByLabel(new RegExp(`^${scope}:`)).check();
await press("Create");
writeFileSync(`${world.folder}/hand-token`, await page.locator("[role=status] code").first().textContent());
writeFileSync(`${world.folder}/upload-password`, "copper kettles sing low\n");
pintle("login", "--server", world.url, "--token-file", "hand-token");
pintle("orgs", "create", "Hands");
pintle("projects", "create", "shop");
pintle("keys", "generate");
pintle("keys", "register");
pintle("keys", "upload", "--new-password-file", "upload-password");
pintle("domains", "add", "shop.example.com", "--enforce", "report");
pintle("pins", "add", "shop.example.com", "--pin", "spki-sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
pintle("release", "--yes");
await page.goto(`${world.url}/`);
await follow("shop");
const project = page.url();
await page.goto(`${project}/releases/1`);
await page.locator("#state", { hasText: "live" }).waitFor();

// The page opens that key.
pintle("pins", "add", "shop.example.com", "--pin", "spki-sha256:LCa0a2j/xo/5m0U8HTBBNBNCLXBkg7+g+YpeiGJm564=");
await page.goto(`${project}/draft`);
await press("Prepare the release");
await page.getByLabel("Master password").fill("copper kettles sing low");
await press("Sign and submit");
await page.locator("#state", { hasText: "live" }).waitFor();
await page.goto(`${project}/releases/1`);
await press("Go back to this: release it again");
await page.getByLabel("Master password").waitFor();
assert(await page.getByText("Compared with release 2").isVisible(), "a way back says what it changes");

// An API that lies about what is signed, each time in another way: nothing of it can be signed.
const box = page.locator("#claims");
const honest = Buffer.from(await box.getAttribute("data-claims"), "base64").toString();
const [, projectId] = project.match(/(prj_\w+)/);
const LIES = {
  "a member that the page does not know": honest.replace("shop.example.com", 'shop.example.com","extra":"x'),
  "another release": honest.replace(/"ver":(\d+)/, (_, version) => `"ver":${Number(version) + 1}`),
  "another project": honest.replaceAll(projectId, "prj_01jd0000000000000000000000"),
  "a member twice": honest.replace(/"ver":\d+/, (member) => `${member},${member}`),
  "other bytes for the same": honest.replace(",", ", "),
  "more after the end": `${honest}\n`,
};
/** The page that signs, after `change` of what the server sent. */
async function prepareChanged(change) {
  await page.route("**/release", async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: change(await response.text()) });
  });
  await page.goto(`${project}/releases/1`);
  await press("Go back to this: release it again");
  await page.unroute("**/release");
}
for (const [lie, claims] of Object.entries(LIES)) {
  assert(claims !== honest, `${lie} is no lie`);
  await prepareChanged((text) => text.replace(/data-claims="[^"]*"/, `data-claims="${Buffer.from(claims).toString("base64")}"`));
  await page.getByText("This must not be signed.").waitFor();
  assert(await page.getByRole("button", { name: "Sign and submit" }).isDisabled(), `the page signs ${lie}`);
}
await prepareChanged((text) => text.replace(/data-kid="[^"]*"/, `data-kid="${"A".repeat(43)}"`));
await page.getByLabel("Master password").fill("copper kettles sing low");
await press("Sign and submit");
await page.getByText("prepared for another key").waitFor();
assert((await page.locator("input[name=jws]").inputValue()) === "", "it was signed for another key");

// A key that a passkey opens.
const organization = project.split("/projects/")[0];
await page.goto(`${organization}/projects/new`);
await page.getByLabel("App").fill("Vault");
await press("Create");
await follow("Key");
await page.getByLabel("A passkey").check();
await press("Make the key");
await page.getByRole("link", { name: "Download the recovery sheet" }).click();
await page.getByLabel("I keep the sheet").check();
await press("Register the key");
await page.getByText("encrypted under a passkey").waitFor();
await follow("Draft");
await press("Prepare the release");
await press("Sign and submit");
await page.locator("#state", { hasText: "live" }).waitFor();

// An auditor reads, and is offered nothing else.
await page.goto(`${organization}/members`);
await page.getByLabel("Role", { exact: true }).selectOption("auditor");
await press("Invite");
const code = await page.locator("[role=status] code").first().textContent();
const other = await browser.newContext();
const auditor = await other.newPage();
await signUp(auditor, "edith@example.com", "Edith Clarke");
await auditor.goto(`${world.url}/orgs/join`);
await auditor.getByLabel("Invitation code").fill(code);
await auditor.getByRole("button", { name: "Join" }).click();
await auditor.goto(project);
assert((await auditor.getByRole("link", { name: "Add a domain" }).count()) === 0, "an auditor is offered to edit");
await auditor.goto(`${project}/draft`);
assert((await auditor.getByRole("button", { name: /release/i }).count()) === 0, "an auditor is offered to release");
const token = await auditor.locator("input[name=form_token]").first().inputValue();
const refused = await auditor.request.post(`${project}/release`, { form: { form_token: token }, headers: { origin: world.url } });
assert(refused.status() === 403, `an auditor prepared a release: ${refused.status()}`);
await auditor.goto(`${organization}/audit`);
assert((await auditor.getByText("member.joined").count()) + (await auditor.getByText("invitation.accepted").count()) > 0, "an auditor reads the log");

// Deletion asks who it is, once the last proof is old; here it is young, and it asks for the name.
await page.goto(`${organization}/settings`);
await follow("Delete…");
await page.getByLabel("Type its name to go on").fill("Hand");
await press("Delete the organization");
await page.getByText("This is not the organization's name.").waitFor();
await page.getByLabel("Type its name to go on").fill("Hands");
await press("Delete the organization");
await page.getByText("Deleted.").waitFor();
assert((await page.goto(project)).status() === 404, "a deleted project is still there");
assert((await auditor.goto(project)).status() === 404, "a deleted project is still there for members");

assert(complaints.length === 0, complaints.join("\n"));
await browser.close();
