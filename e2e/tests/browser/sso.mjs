// Through a provider of single sign-on and back; and what comes back wrongly signs nobody in and is told calmly.

import { assert, look, open, signIn, signUp, watch, world } from "./lib.mjs";

const browser = await open();
const found = [];
const complaints = [];

/** Somebody's browser that knows nobody yet. */
async function visit() {
  const context = await browser.newContext();
  const page = await context.newPage();
  watch(page, complaints);
  return { context, page };
}

const isAnswer = (url) => url.pathname.startsWith("/sso/");
const press = (page, name) => page.getByRole("button", { name, exact: true }).click();

async function beginAt(page, provider) {
  await page.goto(`${world.url}/sign-in`);
  await page.getByRole("link", { name: `Sign in with ${provider}` }).click();
}

/** Tells the provider who is there. */
async function be(page, account) {
  await page.getByLabel("Account").fill(account);
  await press(page, "Go on");
}

/** The page to sign in, with the reason, and nobody is signed in. */
async function isRefused({ context, page }, reason, name) {
  await page.getByRole("alert").filter({ hasText: reason }).waitFor();
  assert(await page.getByRole("link", { name: "Sign in with corp" }).isVisible(), `${reason}: no way to begin again`);
  const cookies = (await context.cookies()).map((cookie) => cookie.name);
  assert(!cookies.includes("pintle"), `${reason}: somebody is signed in`);
  if (name) found.push(...(await look(page, name)));
}

// There and back.
const grace = await visit();
await grace.page.goto(`${world.url}/sign-in`);
found.push(...(await look(grace.page, "sign-in-provider")));
const [answer] = await Promise.all([
  grace.page.waitForRequest((request) => isAnswer(new URL(request.url()))),
  beginAt(grace.page, "corp").then(() => be(grace.page, "grace")),
]);
await grace.page.getByRole("button", { name: "Sign out" }).waitFor();
assert(grace.page.url() === `${world.url}/`, `she is at ${grace.page.url()}`);
const cookies = (await grace.context.cookies(world.url)).map((cookie) => cookie.name);
assert(cookies.includes("pintle") && !cookies.includes("pintle_pending"), `cookies: ${cookies}`);
await grace.page.goto(`${world.url}/account`);
assert((await grace.page.content()).includes("grace@example.com"), "the account is not hers");

// The same address once more is an answer that was given already.
await press(grace.page, "Sign out");
await grace.page.getByText("You are signed out.").waitFor();
await grace.page.goto(answer.url());
await isRefused(grace, "was begun elsewhere");
await beginAt(grace.page, "corp");
await be(grace.page, "grace");
await grace.page.getByRole("button", { name: "Sign out" }).waitFor();

// Nobody takes their last way in away.
await grace.page.goto(`${world.url}/account`);
await press(grace.page, "Unlink corp");
await grace.page.getByRole("alert").filter({ hasText: "last way to sign in" }).waitFor();

// Somebody with a password links an identity, signs in with it, and unlinks it.
const ada = await visit();
await signUp(ada.page, "ada@example.com", "Ada Lovelace");
/** As far as the provider's page. */
async function beginLink() {
  await ada.page.goto(`${world.url}/account`);
  await press(ada.page, "Link corp");
  await ada.page.getByRole("heading", { name: "Link corp" }).waitFor();
}
await beginLink();
found.push(...(await look(ada.page, "identity-link")));
await ada.page.getByRole("link", { name: "Go to corp" }).click();
await press(ada.page, "Leave");
await ada.page.getByRole("alert").filter({ hasText: "did not let you in" }).waitFor();
await ada.page.getByRole("heading", { name: "Ada Lovelace" }).waitFor();
await beginLink();
await ada.page.getByRole("link", { name: "Go to corp" }).click();
await be(ada.page, "grace");
await ada.page.getByRole("alert").filter({ hasText: "linked with an account already" }).waitFor();
await beginLink();
await ada.page.getByRole("link", { name: "Go to corp" }).click();
const [linked] = await Promise.all([ada.page.waitForRequest((request) => isAnswer(new URL(request.url()))), be(ada.page, "ada")]);
await ada.page.getByText("From now on it signs you in, too.").waitFor();
await ada.page.getByText("Single sign-on by corp").waitFor();
assert((await ada.page.getByRole("button", { name: "Link corp", exact: true }).count()) === 0, "it is linked already");
found.push(...(await look(ada.page, "account-linked")));
const again = await ada.page.goto(linked.url());
assert(again.ok(), "an answer once more is no page");
await ada.page.getByRole("alert").filter({ hasText: "was begun elsewhere" }).waitFor();
await press(ada.page, "Sign out");
await ada.page.getByText("You are signed out.").waitFor();
await beginAt(ada.page, "corp");
await be(ada.page, "ada");
await ada.page.getByRole("link", { name: "Ada Lovelace" }).waitFor();
await ada.page.goto(`${world.url}/account`);
await press(ada.page, "Unlink corp");
await ada.page.getByText("It no longer signs you in.").waitFor();
await press(ada.page, "Sign out");
await ada.page.getByText("You are signed out.").waitFor();
await beginAt(ada.page, "corp");
await be(ada.page, "ada");
await isRefused(ada, "account with your e-mail address");
await signIn(ada.page, "ada@example.com");

// A link that Eve began is not finished by anybody else, and no page of another site begins one: it takes a form of ours.
assert((await ada.page.goto(`${world.url}/account/identities`)).status() === 405, "a link alone begins to link");

// Eve's answer arrives without the cookie of who asked; she has somebody else's browser bring it: he would work in her account.
const eve = await visit();
await beginAt(eve.page, "corp");
await eve.context.clearCookies({ name: "pintle_pending" });
const brought = eve.page.waitForRequest((request) => isAnswer(new URL(request.url())));
await be(eve.page, "eve");
const lure = (await brought).url();
await isRefused(eve, "was begun elsewhere");
const stranger = await visit();
await stranger.page.goto(lure);
await isRefused(stranger, "was begun elsewhere", "sign-in-begun-elsewhere");
await stranger.page.goto(`${world.url}/sign-in`);
await stranger.page.getByRole("link", { name: "Sign in with corp" }).click();
await stranger.page.getByLabel("Account").waitFor();
await stranger.page.goto(lure);
await isRefused(stranger, "was begun elsewhere");

// He who leaves at the provider, or whom it does not let in.
const leaver = await visit();
await beginAt(leaver.page, "corp");
await leaver.page.getByLabel("Account").waitFor();
await press(leaver.page, "Leave");
await isRefused(leaver, "did not let you in", "sign-in-declined");
assert(!(await leaver.page.content()).includes("said by the provider"), "words of the provider are on our page");

// A token that the provider did not sign, and no address at all.
const forged = await visit();
await beginAt(forged.page, "forger");
const asked = new URL(forged.page.url()).searchParams;
const forge = (nonce) => `${world.url}/sso/forger?${new URLSearchParams({ code: `key.${nonce}`, state: asked.get("state"), iss: new URL(forged.page.url()).origin })}`;
await forged.page.goto(forge(asked.get("nonce")));
await isRefused(forged, "did not confirm who you are", "sign-in-refused");
assert((await forged.page.goto(`${world.url}/sso/corp`)).status() === 200, "an answer without anything is no page");
await isRefused(forged, "was begun elsewhere");
assert((await forged.page.goto(`${world.url}/sign-in/sso/nobody`)).status() === 404, "a provider that is not there");

// Only the navigations to the providers leave our origin.
const unexpected = complaints.filter((complaint) => !/ asks http:\/\/127\.0\.0\.1:\d+$/.test(complaint));
assert(unexpected.length === 0, unexpected.join("\n"));
assert(found.length === 0, found.join("\n"));
await browser.close();
