// What every journey of a browser needs: Chromium, somebody signed in, and eyes.

import { createRequire } from "node:module";
import { readFileSync, mkdirSync } from "node:fs";
import { spawnSync } from "node:child_process";

/** @type {{ url: string, tools: string, binary: string, folder: string, pictures?: string, site?: { host: string, address: string } }} */
export const world = JSON.parse(process.env.PINTLE_BROWSER_WORLD ?? "{}");

const require = createRequire(`${world.tools}/package.json`);
const { chromium } = require("playwright-core");
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

export const PASSWORD = "elf twigs hum so";

export function assert(condition, what) {
  if (!condition) throw new Error(what);
}

export async function open() {
  // The sandbox of Chromium needs rights that a container rarely gives; nothing foreign is opened.
  return chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-quic"] });
}

/** The built command line, in the folder of the server. */
export function pintle(...words) {
  // What a journey chose is no other's.
  const env = { ...process.env, PINTLE_CONFIG_DIR: `${world.folder}/config` };
  const run = spawnSync(world.binary, words, { cwd: world.folder, encoding: "utf8", env });
  if (run.status !== 0) throw new Error(`pintle ${words.join(" ")}: ${run.stderr}`);
  return run.stdout;
}

/** A new account, signed in. */
export async function signUp(page, email, name) {
  const code = pintle("admin", "link", email, "--data-dir", "data").match(/pintle_once_[0-9a-f]+/)[0];
  await page.goto(`${world.url}/confirm`);
  await page.getByLabel("Code").fill(code);
  await page.getByLabel("Your name").fill(name);
  await page.getByLabel("New password").fill(PASSWORD);
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByRole("button", { name: "Sign out" }).waitFor();
}

export async function signIn(page, email) {
  await page.goto(`${world.url}/sign-in`);
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("button", { name: "Sign out" }).waitFor();
}

/** Whatever a browser complains of is an error: a script that fails, and what the page's policy refuses. */
export function watch(page, complaints = []) {
  page.setDefaultTimeout(15_000);
  // What a journey waited for in vain often has its reason there.
  process.on("exit", (code) => code && console.error([`at ${page.url()}`, ...complaints].join("\n")));
  page.on("pageerror", (error) => complaints.push(`${page.url()}: ${error}`));
  page.on("console", (message) => {
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) complaints.push(`${page.url()}: ${message.text()}`);
  });
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol !== "data:" && url.origin !== new URL(world.url).origin) complaints.push(`${page.url()} asks ${url.origin}`);
  });
  return complaints;
}

export async function axe(page) {
  // Into a world of its own: the page's policy lets nobody add scripts.
  const session = await page.context().newCDPSession(page);
  const { frameTree } = await session.send("Page.getFrameTree");
  const { executionContextId } = await session.send("Page.createIsolatedWorld", { frameId: frameTree.frame.id, worldName: "axe" });
  const evaluate = async (expression) => {
    const { result, exceptionDetails } = await session.send("Runtime.evaluate", { expression, contextId: executionContextId, awaitPromise: true, returnByValue: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  };
  await evaluate(AXE);
  const found = await evaluate(`axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }).then(({ violations }) => violations.map(({ id, help, nodes }) => id + ": " + help + " " + nodes.map((node) => node.html.slice(0, 160)).join(" | ")))`);
  await session.detach();
  return found;
}

/** Follows every link of the server from `start` on, as whoever is signed in, and tells of each that leads nowhere: a page that is
 * not there, a place on a page that it lacks, another origin. Looks at other servers are not asked for. */
export async function crawl(page, start) {
  const [found, seen, waiting] = [[], new Map(), [[start, "the beginning"]]];
  const origin = new URL(world.url).origin;
  while (waiting.length) {
    const [address, from] = waiting.shift();
    const url = new URL(address);
    const anchor = url.hash.slice(1);
    url.hash = "";
    if (url.origin !== origin) {
      found.push(`${from} leads to ${address}`);
      continue;
    }
    if (!seen.has(url.href)) {
      const response = await page.request.get(url.href, { headers: { accept: "text/html" } });
      const text = (response.headers()["content-type"] ?? "").startsWith("text/html") ? await response.text() : "";
      if (!response.ok()) found.push(`${from} leads to ${url.href}: ${response.status()}`);
      if (text && text.match(/<h1[ >]/g)?.length !== 1) found.push(`${url.href} has not one heading of the first level`);
      seen.set(url.href, text);
      for (const [, href] of text.matchAll(/<a [^>]*?href="([^"]*)"/g)) {
        const next = new URL(href.replaceAll("&#38;", "&").replaceAll("&amp;", "&"), url.href);
        if (!next.search.includes("look=") && !next.search.includes("host=")) waiting.push([next.href, url.href]);
      }
    }
    if (anchor && !seen.get(url.href).includes(`id="${anchor}"`)) found.push(`${from} leads to ${address}, where there is no such place`);
  }
  if (seen.size < 20) found.push(`only ${seen.size} pages were found`);
  return found;
}

const WIDTHS = [["phone", 320], ["tablet", 820], ["wide", 1360]];

/** What of a page nobody can read, since a box cuts it off. */
function findCut() {
  const isCut = (/** @type {Element} */ box) =>
    box.scrollWidth > box.clientWidth + 1 && getComputedStyle(box).overflowX === "hidden" && !box.matches(".visually-hidden, legend, .brand span");
  return [...document.querySelectorAll("body *")].filter(isCut).map((box) => box.outerHTML.slice(0, 120));
}

/** The page at three widths, light and dark; what axe says of it. */
export async function look(page, name, { pictures = world.pictures } = {}) {
  const found = [];
  // A click ends when the next page has begun.
  await page.waitForLoadState();
  for (const scheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    for (const [size, width] of WIDTHS) {
      await page.setViewportSize({ width, height: 800 });
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (overflow > 0) found.push(`${name}, ${size}: ${overflow} px wider than the window`);
      for (const cut of await page.evaluate(findCut)) found.push(`${name}, ${size}: cut off: ${cut}`);
      if (pictures) {
        mkdirSync(pictures, { recursive: true });
        await page.screenshot({ path: `${pictures}/${name}-${size}-${scheme}.png`, fullPage: true });
      }
    }
    for (const violation of await axe(page)) found.push(`${name}, ${scheme}: ${violation}`);
  }
  return found;
}
