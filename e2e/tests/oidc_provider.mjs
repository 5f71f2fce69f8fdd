// Providers of single sign-on for the account journeys. Arguments: the path of the module `oidc-provider`. It prints two
// lines, each the issuer of a provider on a free port, and ends with its standard input.
//
// The first is the real thing, which asks nobody for a password: it signs in whom `login_hint` of the authorization request
// names, or whoever its page is told, where one can also leave. The second is a forger: it answers the code `ATTACK.NONCE` with an ID token that is wrong in the way ATTACK says.

import crypto from "node:crypto";
import http from "node:http";

const { Provider } = await import(process.argv[2]);
const SECRET = "a secret of the provider and this server";

async function listen() {
  const server = http.createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, issuer: `http://127.0.0.1:${server.address().port}` };
}

async function readBody(request) {
  let body = "";
  for await (const chunk of request) body += chunk;
  return body;
}

// --- the real provider

function describe(id) {
  return {
    accountId: id,
    claims: () => ({
      sub: id,
      email: `${id}@example.com`,
      email_verified: !id.startsWith("unverified"),
      name: id.toUpperCase(),
    }),
  };
}

const ASK = `<!doctype html><title>Corp</title><form method="post"><label>Account <input name="account"></label>
<button>Go on</button><button name="leave" value="yes">Leave</button></form>`;

async function startReal() {
  const { server, issuer } = await listen();
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: "pintle",
        client_secret: SECRET,
        application_type: "native",
        redirect_uris: ["http://127.0.0.1/sso/corp", "http://localhost/sso/corp"],
        grant_types: ["authorization_code"],
        response_types: ["code"],
      },
      {
        client_id: "somebody-else",
        client_secret: SECRET,
        application_type: "native",
        redirect_uris: ["http://127.0.0.1/sso/corp"],
        grant_types: ["authorization_code"],
        response_types: ["code"],
      },
    ],
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
    cookies: { keys: [crypto.randomBytes(16).toString("hex")] },
    features: { devInteractions: { enabled: false } },
    findAccount: (_, id) => describe(id),
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    async loadExistingGrant(ctx) {
      const grant = new ctx.oidc.provider.Grant({
        clientId: ctx.oidc.client.clientId,
        accountId: ctx.oidc.session.accountId,
      });
      grant.addOIDCScope("openid email profile");
      await grant.save();
      return grant;
    },
  });
  const callback = provider.callback();
  server.on("request", async (request, response) => {
    if (!request.url.startsWith("/interaction/")) return callback(request, response);
    const { params } = await provider.interactionDetails(request, response);
    const said = new URLSearchParams(await readBody(request));
    const accountId = params.login_hint ?? said.get("account");
    if (accountId === null) return response.writeHead(200, { "content-type": "text/html" }).end(ASK);
    const declined = { error: "access_denied", error_description: "said by the provider" };
    const result = said.has("leave") ? declined : { login: { accountId }, consent: {} };
    await provider.interactionFinished(request, response, result);
  });
  return issuer;
}

// --- the forger

const { publicKey, privateKey } = crypto.generateKeyPairSync("rsa", { modulusLength: 2048 });
const stranger = crypto.generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

function makeToken(issuer, attack, nonce) {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: issuer,
    sub: "mallory",
    aud: "pintle",
    exp: now + 300,
    iat: now,
    nonce,
    email: "mallory@example.com",
    email_verified: true,
  };
  const changes = {
    expired: { iat: now - 300, exp: now - 1 },
    old: { iat: now - 3600 },
    early: { iat: now + 3600, exp: now + 7200 },
    nonce: { nonce: "of another sign-in" },
    "no-nonce": { nonce: undefined },
    issuer: { iss: "https://another.example" },
    audience: { aud: "somebody-else" },
    audiences: { aud: ["pintle", "somebody-else"] },
    party: { azp: "somebody-else" },
    unverified: { sub: "unverified", email_verified: false },
    silent: { sub: "silent", email_verified: undefined },
  };
  const alg = { none: "none", "hs256-key": "HS256", "hs256-secret": "HS256" }[attack] ?? "RS256";
  const signed = `${encode({ alg, kid: "1" })}.${encode({ ...claims, ...changes[attack] })}`;
  return `${signed}.${sign(attack, signed)}`;
}

function sign(attack, text) {
  const hmac = (key) => crypto.createHmac("sha256", key).update(text).digest("base64url");
  switch (attack) {
    case "none":
      return "";
    case "hs256-key":
      return hmac(publicKey.export({ type: "spki", format: "pem" }));
    case "hs256-secret":
      return hmac(SECRET);
    case "key":
      return crypto.sign("sha256", Buffer.from(text), stranger).toString("base64url");
    case "altered":
      return crypto.sign("sha256", Buffer.from(`${text}x`), privateKey).toString("base64url");
    default:
      return crypto.sign("sha256", Buffer.from(text), privateKey).toString("base64url");
  }
}

async function startForger() {
  const { server, issuer } = await listen();
  const documents = {
    "/.well-known/openid-configuration": {
      issuer,
      authorization_endpoint: `${issuer}/auth`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/jwks`,
      response_types_supported: ["code"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["RS256", "HS256", "none"],
      authorization_response_iss_parameter_supported: true,
    },
    "/jwks": { keys: [{ ...publicKey.export({ format: "jwk" }), kid: "1", use: "sig", alg: "RS256" }] },
  };
  server.on("request", async (request, response) => {
    const [attack, nonce] = (new URLSearchParams(await readBody(request)).get("code") ?? "").split(".");
    if (attack === "redirect") return response.writeHead(307, { location: `${issuer}/elsewhere` }).end();
    const answer = documents[request.url] ?? {
      access_token: "a",
      token_type: "Bearer",
      id_token: makeToken(issuer, attack, nonce),
    };
    if (attack === "endless") answer.padding = "x".repeat(1 << 20);
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
  });
  return issuer;
}

console.log(await startReal());
console.log(await startForger());
process.stdin.resume().on("end", () => process.exit(0));
