// The heart of the journey without a mouse: whoever signs in, pins a server and releases meets every control with Tab, sees
// where they are, and is held nowhere. Then what a page does with habits: a second click, the way back, leaving too early.

import { assert, open, signUp, watch, world } from "./lib.mjs";

const MASTER = "quiet otters fold maps daily";
/** More stops than any page of a small project has. */
const MOST_STOPS = 120;

const browser = await open();
const context = await browser.newContext({ acceptDownloads: true, locale: "en-GB", viewport: { width: 640, height: 400 } });
const page = await context.newPage();
const complaints = watch(page);
const { keyboard } = page;
const type = (text) => keyboard.type(text);

/** What has the focus: its name, whether it is seen to have it, and whether it lies within the window. */
const focused = () =>
  page.evaluate(() => {
    const at = document.activeElement;
    if (!at || at === document.body) return { name: "", path: "the page" };
    const { outlineStyle, outlineWidth } = getComputedStyle(at);
    const { top, bottom, left, right } = at.getBoundingClientRect();
    const label = at.getAttribute("aria-label") ?? /** @type {HTMLInputElement} */ (at).labels?.[0]?.innerText ?? /** @type {HTMLElement} */ (at).innerText;
    return {
      name: label.replace(/\s+/g, " ").trim(),
      path: `${at.tagName.toLowerCase()} “${label.trim()}”`,
      isShown: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2,
      isWithin: bottom > 0 && top < innerHeight && right > 0 && left < innerWidth,
      isInMain: at.closest("main") !== null,
    };
  });

/** Presses Tab until what is named has the focus. */
async function tabTo(name) {
  const stops = [];
  for (let stop = 0; stop < MOST_STOPS; stop++) {
    await keyboard.press("Tab");
    const at = await focused();
    stops.push(at.path);
    if (!at.name) continue;
    assert(at.isShown, `${page.url()}: nobody sees that ${at.path} has the focus`);
    assert(at.isWithin, `${page.url()}: ${at.path} has the focus outside of the window`);
    if (typeof name === "string" ? at.name === name : name.test(at.name)) return;
  }
  throw new Error(`${page.url()}: Tab never comes to ${name}, but to ${stops.join(", ")}`);
}

async function enter(name) {
  await tabTo(name);
  await keyboard.press("Enter");
}

await signUp(page, "kay@example.com", "Kay McNulty");
await enter("Sign out");
await page.getByText("You are signed out.").waitFor();

// In, past the frame.
await page.goto(`${world.url}/sign-in`);
await keyboard.press("Tab");
while ((await focused()).name !== "Skip to the page") await keyboard.press("Tab");
await keyboard.press("Enter");
await keyboard.press("Tab");
assert((await focused()).isInMain, "the skip link skips nothing");
await page.goto(`${world.url}/sign-in`);
await tabTo("E-mail address");
await type("kay@example.com");
await tabTo("Password");
await type("elf twigs hum so");
await keyboard.press("Enter");
await page.getByRole("button", { name: "Sign out" }).waitFor();

await enter("New organization");
await page.waitForURL(/orgs\/new/);
await tabTo("Name");
await type("Keys");
await keyboard.press("Enter");
await page.getByText("The organization is there.").waitFor();
await enter("New project");
await page.waitForURL(/projects\/new/);
await tabTo("App");
await type("Shop");
await keyboard.press("Enter");
await page.getByText("The project is there.").waitFor();
const project = page.url().split("?")[0];

// The key. Whoever goes before it is registered is asked.
await enter("Make the signing key");
await page.waitForURL(/\/key/);
await tabTo("Master password");
await type(MASTER);
await tabTo("The same once more");
await type(MASTER);
await keyboard.press("Enter");
await page.locator("#made").waitFor();
assert(await page.evaluate(() => document.activeElement?.id === "made"), "what was made does not have the focus");
const asked = page.waitForEvent("dialog");
const left = page.goto(project).catch(() => "stayed");
const dialog = await asked;
assert(dialog.type() === "beforeunload", `a dialog of another kind: ${dialog.type()}`);
await dialog.dismiss();
assert((await left) === "stayed" && page.url().includes("/key"), "the page was left all the same");
const download = page.waitForEvent("download");
await enter("Download the recovery sheet");
await download;
await tabTo(/^I keep the sheet/);
await keyboard.press("Space");
await enter("Register the key");
await page.getByText("It cannot open it").waitFor();

// A domain and its pins.
await enter("Domains");
await page.waitForURL(/\/domains$/);
await enter("Add the first one");
await page.waitForURL(/\/domains\/new/);
await tabTo("Host");
await type(world.site.host);
await tabTo(/^Hosts that stand for it/);
await type(world.site.address);
await enter("Add to the draft");
await page.waitForURL(/\/pins/);
await tabTo("Host");
await keyboard.press("Control+A");
await type(world.site.address);
await keyboard.press("Enter");
await page.getByText("Compare before you pin").waitFor();
// What answers a form is loaded again as the page that the form stands on.
const posts = [];
page.on("request", (request) => request.method() === "POST" && posts.push(request.url()));
await page.waitForLoadState();
await page.reload();
await page.getByRole("button", { name: "Fetch" }).waitFor();
assert(posts.length === 0, `loading again sent the form again: ${posts}`);
await tabTo("Host");
await keyboard.press("Control+A");
await type(world.site.address);
await keyboard.press("Enter");
await page.getByText("Compare before you pin").waitFor();
await tabTo(/^This one certificate/);
await keyboard.press("Space");
assert(await page.getByRole("checkbox", { name: /^This one certificate/ }).isChecked(), "Space chooses nothing");
await enter("Pin what is chosen");
await page.getByText("Pinned in the draft.").waitFor();

// The release.
await enter("Draft");
await page.waitForURL(/\/draft$/);
const prepare = async () => {
  await enter("Prepare the release");
  await page.locator("#claims-domains").getByText(world.site.host).first().waitFor();
};
await prepare();
posts.length = 0;
await page.waitForLoadState();
await page.reload();
await page.getByRole("heading", { name: "Draft" }).waitFor();
assert(posts.length === 0, "loading the page that signs again prepared another release");
await prepare();
await tabTo("Publish it later");
await keyboard.press("Space");
await tabTo(/^Not before/);
await keyboard.press("Shift+Tab");
await keyboard.press("Space");
await keyboard.press("Shift+Tab");
assert((await focused()).name === "Master password", `Shift and Tab lead to ${(await focused()).path}`);
await type(MASTER);
await keyboard.press("Enter");
await page.waitForURL(/\/releases\//);
await page.locator("#state", { hasText: "live" }).waitFor();
await page.goBack();
await page.goForward();
await page.locator("#state", { hasText: "live" }).waitFor();

// A second click makes no second one.
await page.goto(`${world.url}/account/tokens`);
await page.getByLabel("Name").fill("once");
let [sent, arrive, goOn] = [0, () => {}, () => {}];
const arrived = new Promise((resolve) => (arrive = resolve));
const again = new Promise((resolve) => (goOn = resolve));
await page.route(`${world.url}/account/tokens`, async (route) => {
  if (route.request().method() === "POST") {
    sent += 1;
    arrive();
    await again;
  }
  // Of two, the browser gives the first one up.
  await route.continue().catch(() => {});
});
await page.getByRole("button", { name: "Create", exact: true }).focus();
await keyboard.press("Enter");
await arrived;
await keyboard.press("Enter");
// The key after it is told of once the browser has done what that one asks.
await keyboard.press("Shift");
goOn();
await page.getByText("shown this once").waitFor();
assert(sent === 1, `the form was sent ${sent} times`);
await page.unroute(`${world.url}/account/tokens`);
await page.waitForLoadState();
await page.reload();
await page.getByText("once", { exact: true }).waitFor();
assert((await page.getByText("shown this once").count()) === 0 && (await page.getByText("once", { exact: true }).count()) === 1, "loading again made another token");

assert(complaints.length === 0, complaints.join("\n"));
await browser.close();
