// What a configuration says, read out of its very bytes. A page shows what stands here and nothing else, so that nobody
// signs what they did not see: what is read is written again, and must be the same bytes.
// @ts-check

const MILLIS = 1000;

/** Members that a configuration may have, in the order in which they are written. */
const MEMBERS = {
  claims: ["fmt", "iss", "sub", "ver", "iat", "nbf", "exp", "on_stale", "refresh", "domains", "deny", "ct_logs", "ct_logs_as_of", "withdrawn"],
  domain: ["name", "enforce", "trust", "pins", "ct"],
  pin: ["type", "digest", "match", "expires_at"],
  ct: ["policy", "min", "logs"],
  log: ["id", "key", "operator", "usable_until"],
};

/** The members of `object` in their order; one that nobody knows is an error.
 * @param {any} object @param {string[]} members @param {Record<string, (value: any) => any>} inner */
function arrange(object, members, inner = {}) {
  for (const name of Object.keys(object)) {
    if (!members.includes(name)) throw new Error(`It says “${name}”, which this page does not know.`);
  }
  const present = members.filter((name) => object[name] !== undefined);
  return Object.fromEntries(present.map((name) => [name, inner[name] ? inner[name](object[name]) : object[name]]));
}

/** @param {any} claims */
function arrangeClaims(claims) {
  const pin = (/** @type {any} */ found) => arrange(found, MEMBERS.pin);
  const domain = (/** @type {any} */ found) => arrange(found, MEMBERS.domain, { pins: (pins) => pins.map(pin), ct: (ct) => arrange(ct, MEMBERS.ct) });
  return arrange(claims, MEMBERS.claims, {
    domains: (domains) => domains.map(domain),
    ct_logs: (logs) => logs.map((/** @type {any} */ log) => arrange(log, MEMBERS.log)),
  });
}

/** @param {Uint8Array} bytes the payload of a configuration
 * @returns {any} */
export function readClaims(bytes) {
  const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  const claims = JSON.parse(text);
  if (JSON.stringify(arrangeClaims(claims)) !== text) throw new Error("It is not written the one way in which it may be.");
  if (claims.fmt !== 1) throw new Error(`It has format ${claims.fmt}, which this page does not know.`);
  return claims;
}

/** @param {number} seconds */
export const moment = (seconds) => `${new Date(seconds * MILLIS).toISOString().replace("T", " ").slice(0, 19)} UTC`;

const UNITS = /** @type {[number, string][]} */ ([[86_400, "day"], [3600, "hour"], [60, "minute"]]);

/** In the largest unit that tells it exactly. @param {number} seconds */
function showSpan(seconds) {
  const [unit, name] = UNITS.find(([unit]) => seconds % unit === 0) ?? [1, "second"];
  return `${seconds / unit} ${name}${seconds === unit ? "" : "s"}`;
}

const WHERE = /** @type {Record<string, string>} */ ({ leaf: "the server's own certificate", issuer: "a certificate above the server's", any: "any certificate of the path" });

/** @param {any} enforce */
function showEnforce(enforce) {
  if (enforce === undefined || enforce === "always" || enforce === 100) return "refuses what no pin matches";
  return enforce === "report" || enforce === 0 ? "only reports" : `refuses in ${enforce} % of installations`;
}

/** A domain in lines that say all that stands there. @param {any} domain @returns {string[]} */
export function describeDomain(domain) {
  const lines = [showEnforce(domain.enforce)];
  if (domain.trust === "pins") lines.push("by pins alone, whatever certificate authorities say");
  for (const pin of domain.pins) {
    const until = pin.expires_at === undefined ? "" : `, until ${moment(pin.expires_at)}`;
    lines.push(`pin ${pin.type} ${pin.digest} on ${WHERE[pin.match ?? "leaf"]}${until}`);
  }
  if (domain.ct) {
    const logs = domain.ct.logs ? ` of the logs ${domain.ct.logs.join(", ")}` : "";
    lines.push(`Certificate Transparency ${domain.ct.policy}, ${domain.ct.min ?? 2} logs${logs}`);
  }
  return lines;
}

/** What holds for the whole file, as pairs of a word and what it says. @param {any} claims @returns {[string, string][]} */
export function describeFile(claims) {
  /** @type {[string, string][]} */
  const facts = [
    ["Organization", claims.iss],
    ["Project", claims.sub],
    ["Release", String(claims.ver)],
    ["Dated", moment(claims.iat)],
  ];
  if (claims.nbf !== undefined) facts.push(["Not before", moment(claims.nbf)]);
  const stale = claims.on_stale === "fail" ? "then refused" : "then still used, and reported";
  facts.push(["Valid", claims.exp === undefined ? "without end" : `until ${moment(claims.exp)}, ${stale}`]);
  facts.push(["Fresh for", showSpan(claims.refresh ?? 600)]);
  if (claims.withdrawn) facts.push(["Withdrawn", "apps trust nothing until a later release"]);
  for (const digest of claims.deny ?? []) facts.push(["Denied key", digest]);
  for (const log of claims.ct_logs ?? []) {
    const until = log.usable_until === undefined ? "" : `, until ${moment(log.usable_until)}`;
    facts.push(["CT log", `${log.operator}: ${log.id}, key ${log.key}${until}`]);
  }
  if (claims.ct_logs_as_of !== undefined) facts.push(["CT logs as of", moment(claims.ct_logs_as_of)]);
  return facts;
}

/** What happens to domains between two configurations, line by line.
 * @param {any} former @param {any} claims @returns {{ kind: "added" | "removed", subject: string }[]} */
export function compare(former, claims) {
  const lines = (/** @type {any} */ of) => of.domains.flatMap((/** @type {any} */ domain) => describeDomain(domain).map((line) => `${domain.name}: ${line}`));
  const [before, after] = [new Set(lines(former)), new Set(lines(claims))];
  const whole = (/** @type {any} */ of) => describeFile(of).filter(([word]) => !["Release", "Dated", "Valid"].includes(word)).map((pair) => pair.join(": "));
  for (const line of whole(former)) before.add(line);
  for (const line of whole(claims)) after.add(line);
  return [
    ...[...after].filter((line) => !before.has(line)).map((subject) => ({ kind: /** @type {const} */ ("added"), subject })),
    ...[...before].filter((line) => !after.has(line)).map((subject) => ({ kind: /** @type {const} */ ("removed"), subject })),
  ];
}
