// Makes a project's key in the page, under a master password that stays there.
// @ts-check

import { field, find } from "./dom.js";
import { makeKey } from "./key.js";
import { arm, choose, offer, onSubmit } from "./new-password.js";

const form = /** @type {HTMLFormElement} */ (find("make"));
arm(form);
onSubmit(form, "Making the key…", async () => {
  const opener = await choose(form, form.dataset.name ?? "");
  const key = await makeKey(opener.password);
  const recovery = field("with-recovery").checked ? await makeKey(opener.password) : undefined;
  const sheet = `2. RECOVERY KEY${recovery ? ` (kid ${recovery.kid})` : ""}
   ${recovery ? "Only here. If the signing key is stolen, it alone shuts the thief out: recover, on the page of the key,\n   or  pintle keys recover" : "None was made."}

${recovery ? recovery.pem : ""}`;
  await offer(form.dataset, key, opener, sheet, { recovery_key: recovery?.publicKey ?? "" });
  find("own").hidden = true;
});
