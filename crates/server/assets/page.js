// What every page does where scripts run: moments in the reader's zone, buttons that copy, and forms that are sent once.
// @ts-check

// What answers a form has the address of the page that the form stands on: whoever loads it again or comes back to it is not
// asked whether to send the form once more. What another origin sent has no page here.
const { stoodOn } = document.body.dataset;
if (stoodOn && document.referrer.startsWith(`${location.origin}/`)) history.replaceState(null, "", stoodOn);

for (const time of document.querySelectorAll("time[datetime]")) {
  const moment = new Date(time.getAttribute("datetime") ?? "");
  if (!Number.isNaN(moment.getTime())) {
    time.textContent = moment.toLocaleString(undefined, { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short" });
  }
}

for (const box of document.querySelectorAll(".copy")) {
  const text = box.querySelector("code, pre");
  if (!text || !navigator.clipboard) continue;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text.textContent ?? "");
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 2000);
  });
  box.append(button);
}

/** Forms on their way. A second click, out of habit or doubt, would make a second one of whatever they make. */
const sent = new Set();
document.addEventListener("submit", (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  // Who does the work in the page counts for itself; a download leaves the page where it is.
  if (event.defaultPrevented || form.method !== "post" || "again" in form.dataset) return;
  if (sent.has(form)) event.preventDefault();
  sent.add(form);
  event.submitter?.setAttribute("aria-busy", "true");
});
addEventListener("pageshow", () => {
  sent.clear();
  for (const button of document.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
});
