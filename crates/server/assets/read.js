// Shows what a configuration says, where a page carries its bytes.
// @ts-check

import { compare, describeDomain, describeFile, readClaims } from "./claims.js";
import { element, find } from "./dom.js";
import { fromBase64Url } from "./key.js";

/** The payload of a compact JWS. @param {string} jws */
export const payloadOf = (jws) => fromBase64Url(jws.split(".")[1] ?? "");

const MANY = 20;

/** Shows claims in the elements that the page has for them. @param {any} claims @param {any} former
 * @param {string} doubt why what they are compared with may be another file than apps have */
export function show(claims, former, doubt = "") {
  const facts = describeFile(claims).map(([word, says]) => element("div", {}, element("dt", {}, word), element("dd", {}, says)));
  find("claims-facts").replaceChildren(...facts);
  if (former) {
    const changes = compare(former, claims).map(({ kind, subject }) =>
      element("li", { class: kind }, element("span", { class: "kind" }, kind === "added" ? "+ added" : "− removed"), element("span", { class: "what" }, subject)),
    );
    const heading = element("h3", {}, `Compared with release ${former.ver}`);
    const list = changes.length ? element("ul", { class: "diff" }, ...changes) : element("p", { class: "muted" }, "Nothing but number and dates.");
    find("claims-changes").replaceChildren(heading, ...(doubt ? [element("p", { class: "muted small" }, doubt)] : []), list);
  }
  const domains = claims.domains.map((/** @type {any} */ domain) =>
    element("li", {}, element("span", { class: "kind" }, "Domain"), element("span", { class: "what stack-tight" }, element("strong", {}, domain.name), ...describeDomain(domain).map((line) => element("span", { class: "small" }, line)))),
  );
  const heading = element("h3", {}, `Everything that apps get: ${domains.length} domain${domains.length === 1 ? "" : "s"}`);
  const list = domains.length ? element("ul", { class: "diff" }, ...domains) : element("p", { class: "muted" }, "No domain.");
  // Where what changes stands above it, many of them are for who wants to see them.
  const isFolded = former && domains.length > MANY;
  find("claims-domains").replaceChildren(...(isFolded ? [element("details", {}, element("summary", {}, heading.textContent ?? ""), list)] : [heading, list]));
}

export { readClaims };
