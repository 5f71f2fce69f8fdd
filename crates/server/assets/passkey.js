// Passkeys: asks the authenticator and sends its answer as an ordinary form.
// @ts-check

/** @param {string} path @param {Record<string, string>} fields */
async function begin(path, fields) {
  const response = await fetch(path, { method: "POST", body: new URLSearchParams(fields) });
  if (!response.ok || response.redirected) {
    // The page that says why: signing in again, most of the time.
    location.assign(response.redirected ? response.url : "/sign-in");
    throw new Error("not begun");
  }
  return response.json();
}

/** @param {string} path @param {Record<string, string>} fields */
function send(path, fields) {
  const form = document.createElement("form");
  form.method = "post";
  form.action = path;
  for (const [name, value] of Object.entries(fields)) {
    const input = document.createElement("input");
    input.type = "hidden";
    input.name = name;
    input.value = value;
    form.append(input);
  }
  document.body.append(form);
  form.submit();
}

/** @param {unknown} error */
function tell(error) {
  const wrong = document.getElementById("passkey-wrong");
  if (!wrong) return;
  const cancelled = error instanceof DOMException && error.name === "NotAllowedError";
  wrong.textContent = cancelled ? "The authenticator was not asked, or did not answer." : `That did not work: ${error}`;
  wrong.hidden = false;
}

const PK = /** @type {any} */ (window).PublicKeyCredential;
const box = document.getElementById("passkey");
const token = /** @type {HTMLInputElement | null} */ (document.querySelector("input[name=form_token]"))?.value ?? "";

// A browser knows no passkeys under an address in place of a name.
if (box && PK?.parseRequestOptionsFromJSON && !/^[\d.]+$|^\[/.test(location.hostname)) {
  box.hidden = false;
  document.getElementById("passkey-sign-in")?.addEventListener("click", async (event) => {
    const button = /** @type {HTMLElement} */ (event.currentTarget);
    try {
      const publicKey = PK.parseRequestOptionsFromJSON(await begin("/sign-in/passkey/begin", {}));
      const credential = /** @type {any} */ (await navigator.credentials.get({ publicKey }));
      send("/sign-in/passkey", { form_token: token, next: button.dataset.next ?? "/", credential: JSON.stringify(credential.toJSON()) });
    } catch (error) {
      tell(error);
    }
  });
  document.getElementById("passkey-add")?.addEventListener("click", async () => {
    const field = /** @type {HTMLInputElement} */ (document.getElementById("passkey-name"));
    const name = field.value.trim() || "passkey";
    try {
      const publicKey = PK.parseCreationOptionsFromJSON(await begin("/account/passkeys/begin", { form_token: token }));
      const credential = /** @type {any} */ (await navigator.credentials.create({ publicKey }));
      send("/account/passkeys", { form_token: token, name, credential: JSON.stringify(credential.toJSON()) });
    } catch (error) {
      tell(error);
    }
  });
}
