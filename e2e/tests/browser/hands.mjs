// One project in several hands: a key that the command line made and uploaded opens in the page; what the command line
// releases is seen live there; a passkey opens another key; roles see what they may.

import { readFileSync, writeFileSync } from "node:fs";
import { assert, look, open, pintle, signUp, watch, world } from "./lib.mjs";

const browser = await open();
const context = await browser.newContext({ acceptDownloads: true });
const page = await context.newPage();
const complaints = watch(page);
const found = [];
const press = (name) => page.getByRole("button", { name, exact: true }).click();
const follow = (name) => page.getByRole("link", { name, exact: true }).first().click();

// An authenticator in the browser.
const session = await context.newCDPSession(page);
await session.send("WebAuthn.enable");
let authenticator;
/** The one authenticator from now on. */
async function useAuthenticator(hasPrf) {
  if (authenticator) await session.send("WebAuthn.removeVirtualAuthenticator", { authenticatorId: authenticator.authenticatorId });
  const options = { protocol: "ctap2", ctap2Version: "ctap2_1", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, hasPrf, automaticPresenceSimulation: true };
  authenticator = await session.send("WebAuthn.addVirtualAuthenticator", { options });
}
await useAuthenticator(true);

// A passkey signs in.
await signUp(page, "grace@example.com", "Grace Hopper");
await page.goto(`${world.url}/account`);
await page.getByLabel("Name of the passkey").fill("laptop");
await press("Add");
await page.getByText("The passkey is added.").waitFor();
await follow("Rename passkey laptop");
await page.getByLabel("Name").fill("x".repeat(101));
await press("Rename");
await page.locator("#name-wrong").waitFor();
await page.getByLabel("Name").fill("desk");
await press("Rename");
await page.getByText("The passkey has its new name.").waitFor();
await page.getByText("Passkey “desk”").waitFor();
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
await page.getByText("Compared with release 2").waitFor();

// An API that lies about what is signed, each time in another way: nothing of it can be signed, and the page says why. Each lie
// is made of what the server just prepared, so that it is wrong in this one way alone.
const [, projectId] = project.match(/(prj_\w+)/);
const [PINNED, FOREIGN] = ["47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "pmWkWSBCL51Bfkhn79xPuKBKHz//H6B+mY6G9/eieuM="];
const LIES = {
  "a member that the page does not know": [(claims) => claims.replace("shop.example.com", 'shop.example.com","extra":"x'), "does not know"],
  "another release": [(claims) => claims.replace(/"ver":(\d+)/, (_, version) => `"ver":${Number(version) + 1}`), "another release"],
  "another project": [(claims) => claims.replaceAll(projectId, "prj_01jd0000000000000000000000"), "another project's"],
  "a pin behind another one": [(claims) => claims.replace(/"pins":\[/, `"pins":[{"type":"spki-sha256","digest":"${FOREIGN}"}],$&`), "the one way"],
  "a member twice": [(claims) => claims.replace(/"ver":\d+/, (member) => `"ver":1,${member}`), "the one way"],
  "members in another order": [(claims) => claims.replace(/("iss":"[^"]*"),("sub":"[^"]*")/, "$2,$1"), "the one way"],
  "letters spelt in another way": [(claims) => claims.replace("shop.example", "\\u0073hop.example"), "the one way"],
  "other bytes for the same": [(claims) => claims.replace(",", ", "), "the one way"],
  "more after the end": [(claims) => `${claims}\n`, "the one way"],
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
const prepareLie = (lie) =>
  prepareChanged((text) =>
    text.replace(/data-claims="([^"]*)"/, (whole, claims) => {
      const honest = Buffer.from(claims, "base64").toString();
      assert(lie(honest) !== honest, `${lie} is no lie`);
      return whole.replace(claims, Buffer.from(lie(honest)).toString("base64"));
    }),
  );
const refusesToSign = async (what) => assert(await page.getByRole("button", { name: "Sign and submit" }).isDisabled(), `the page signs ${what}`);
for (const [what, [lie, reason]] of Object.entries(LIES)) {
  await prepareLie(lie);
  await page.locator("#claims-wrong", { hasText: "This must not be signed." }).waitFor();
  const says = await page.locator("#claims-wrong").textContent();
  assert(says.includes(reason), `${what}: ${says}`);
  await refusesToSign(what);
}
// What it says apps have now: hidden in it is what changes.
const FORMERS = {
  "a release that nobody signed": (header, payload, signature) => `${header}.${Buffer.from(Buffer.from(payload, "base64url").toString().replace(PINNED, FOREIGN)).toString("base64url")}.${signature}`,
  "another project's": (header, payload, signature) => `${header}.${Buffer.from(Buffer.from(payload, "base64url").toString().replaceAll(projectId, "prj_01jd0000000000000000000000")).toString("base64url")}.${signature}`,
};
for (const [what, lie] of Object.entries(FORMERS)) {
  await prepareChanged((text) => text.replace(/data-former="([^"]*)"/, (_, former) => `data-former="${lie(...former.split("."))}"`));
  await page.getByText("not what this project's key signed before").waitFor();
  await refusesToSign(`beside ${what}`);
}
// Another pin than the draft's is written as it must be: a person sees it, and that the own one goes.
await prepareLie((claims) => claims.replace(PINNED, FOREIGN));
await page.locator("#claims-changes .added", { hasText: FOREIGN }).waitFor();
await page.locator("#claims-changes .removed", { hasText: PINNED }).waitFor();
await page.locator("#claims-domains", { hasText: FOREIGN }).waitFor();
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
const vault = page.url().split("/key")[0];
async function releaseVault(sign) {
  await page.goto(`${vault}/draft`);
  await page.getByRole("button", { name: /Prepare the release|Renew the dates/ }).click();
  await sign();
  await page.locator("#state", { hasText: "live" }).waitFor();
}
const byPasskey = () => press("Sign and submit");
await releaseVault(byPasskey);
async function keepSheet(button, done) {
  await press(button);
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download the recovery sheet" }).click();
  const sheet = readFileSync(await (await download).path(), "utf8");
  await page.getByLabel("I keep the sheet").check();
  await press("Register the key");
  await page.getByText(done).waitFor();
  return sheet;
}

// The passkey opens it for another key, which another passkey opens; and that one for a password.
await page.goto(`${vault}/key`);
await press("Go on to another key…");
await page.getByText("Your passkey opens the key first.").waitFor();
await page.getByLabel("A passkey").check();
const vaultSheet = await keepSheet("Make the new key", "The new key signs from now on.");
await releaseVault(byPasskey);

// A browser that knows passkeys without “prf”: it says so, and takes the password of the sheet.
await useAuthenticator(false);
await page.goto(`${vault}/draft`);
await press("Renew the dates of what is released");
await press("Sign and submit");
await page.getByText("No passkey answered").waitFor();
const [, sheetPassword] = vaultSheet.match(/keep it in a safe\.\n\n {2}(\S+)\n/);
await page.getByLabel("Password of the recovery sheet").fill(sheetPassword);
await press("Sign and submit");
await page.locator("#state", { hasText: "live" }).waitFor();
await page.goto(`${vault}/key`);
await press("Change the password…");
await page.getByLabel("A passkey").check();
await page.getByText("Without the passkey").click();
await page.getByLabel("Password of the recovery sheet").fill(sheetPassword);
await press("Encrypt it anew");
await page.getByText("lacks the WebAuthn extension “prf”").waitFor();
assert(await page.locator("#made").isHidden(), "a key was put under a passkey that cannot open it");
await page.getByLabel("A master password").check();
await page.getByLabel("Master password", { exact: true }).fill("slow rivers carry tin boats");
await page.getByLabel("The same once more").fill("slow rivers carry tin boats");
await keepSheet("Encrypt it anew", "encrypted anew");
await page.getByText("encrypted under the master password").waitFor();
await releaseVault(async () => {
  await page.getByLabel("Master password").fill("slow rivers carry tin boats");
  await press("Sign and submit");
});

// One that knows no passkeys offers none.
const plain = await context.newPage();
await plain.addInitScript(() => delete window.PublicKeyCredential);
await plain.goto(`${organization}/projects/new`);
await plain.getByLabel("App").fill("Plain");
await plain.getByRole("button", { name: "Create" }).click();
await plain.getByRole("link", { name: "Key", exact: true }).click();
await plain.getByLabel("Master password", { exact: true }).waitFor();
assert(!(await plain.getByLabel("A passkey").isVisible()), "a passkey is offered where there are none");
await plain.close();

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

// A copy, for apps that must follow another key.
await page.goto(`${vault}/settings`);
await follow("Copy…");
await page.getByLabel("Environment").fill("production");
await press("Copy");
await page.locator("#name-wrong").waitFor();
found.push(...(await look(page, "project-copy")));
await page.getByLabel("App").fill("Vault of tomorrow");
await press("Copy");
await page.getByText("The copy is there").waitFor();
assert(page.url().split("?")[0] !== vault, "the copy is the project itself");

await page.goto(`${world.url}/account`);
await follow("Rename passkey desk");
found.push(...(await look(page, "passkey-name")));

// Everything as one file: the page and the command line write the same lines, but for what writing them adds to the log.
await page.goto(`${organization}/settings`);
const everything = page.waitForEvent("download");
await press("Download everything");
const byPage = readFileSync(await (await everything).path(), "utf8").trim().split("\n");
pintle("orgs", "export", "everything.jsonl", "--org", "Hands");
const byCommand = readFileSync(`${world.folder}/everything.jsonl`, "utf8").trim().split("\n");
const kindOf = (line) => line.match(/^\{"kind":"(\w+)","value":/)[1];
const order = (lines) => lines.map(kindOf).filter((kind, at, all) => kind !== all[at - 1]).join(" ");
assert(order(byPage) === order(byCommand) && order(byPage).endsWith(" audit_event end"), `${order(byPage)}\nis not\n${order(byCommand)}`);
// A token tells when it was used last, and the end how many lines there are.
const steady = (lines) => lines.filter((line) => !["token", "audit_event", "end"].includes(kindOf(line)));
for (const [at, line] of steady(byCommand).entries()) assert(line === steady(byPage)[at], `${line}\nis not\n${steady(byPage)[at]}`);
for (const kind of ["member", "statement", "release", "key_ciphertext"]) assert(order(byPage).includes(kind), `no ${kind} was compared`);

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
assert(found.length === 0, found.join("\n"));
await browser.close();
