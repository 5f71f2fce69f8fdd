'use strict';

// What a developer meets before any client does.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const http = require('node:http');
const https = require('node:https');
const path = require('node:path');
const tls = require('node:tls');
const { after, before, test } = require('node:test');
const pintle = require('pintle');
const { fetchOnce } = require('pintle/lib/fetcher');
const { Gauntlet, ROOT } = require('./gauntlet');

let gauntlet;
before(() => {
  gauntlet = new Gauntlet();
});
after(() => gauntlet.close());

const OPTIONS = { dangerousAllowHttpLoopback: true };

function get(url, options) {
  return new Promise((resolve, reject) => {
    const asked = https.get(url, options, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode));
    });
    asked.on('error', reject);
  });
}

/** Runs lines as an app would, to the end of what they ask for. */
async function runShown(...shown) {
  const { bundle, ca, port, file } = await gauntlet.start('pinned_leaf');
  const { organization, project, public_key: publicKey, urls } = JSON.parse(fs.readFileSync(bundle));
  const asked = [];
  const modules = {
    'node:https': {
      ...https,
      get: (...given) => {
        const request = https.get(...given);
        asked.push(new Promise((resolve, reject) => request.on('close', resolve).on('error', reject)));
        return request;
      },
    },
    pintle: {
      ...pintle,
      setup: (given, options) => {
        const root = typeof given === 'string' ? bundle : { ...given, organization, project, publicKey, urls };
        return pintle.setup(root, { ...options, ...OPTIONS, ca, storageDir: file('kept') });
      },
    },
  };
  const script = shown.join('\n').replaceAll('https://api.example.com/', `https://localhost:${port}/`);
  const AsyncFunction = (async () => {}).constructor;
  const inFunction = script
    .replaceAll(/^import (?:\* as )?(.+) from ('.+');$/gm, 'var $1 = require($2);')
    .replaceAll(/^const /gm, 'var ');
  const run = new AsyncFunction('require', 'console', `${inFunction}\nreturn pins;`);
  const pins = await run((name) => modules[name] ?? require(name), { log() {} });
  await Promise.all(asked);
  pins.close();
  return (await gauntlet.seen()).requests;
}

test('the blocks of the README run', async () => {
  const readme = fs.readFileSync(path.join(ROOT, 'bindings/node/README.md'), 'utf8');
  const blocks = [...readme.matchAll(/```js\n(.*?)```/gs)].map((found) => found[1]);
  assert.ok(blocks.length >= 4);
  assert.ok((await runShown(...blocks)) >= 3);
});

test('the lines of the set-up page run', async () => {
  const [app, values] = ['app.js', 'values.js'].map((name) => fs.readFileSync(path.join(ROOT, 'crates/server/setup', name), 'utf8'));
  assert.equal(await runShown(app), 1);
  assert.equal(await runShown(values), 0);
});

test('four values are as good as a bundle, and a wrong root is named', async () => {
  const { bundle } = await gauntlet.start('pinned_leaf');
  const { public_key: publicKey, ...rest } = JSON.parse(fs.readFileSync(bundle));
  const pins = await pintle.setup({ ...rest, publicKey }, OPTIONS);
  assert.ok(pins.generation > 0);
  pins.close();
  for (const wrong of [Buffer.from('{'), Buffer.from('{}'), { organization: 'a' }, '/nowhere/pintle.json']) {
    await assert.rejects(pintle.setup(wrong), { code: 'setup_invalid' });
  }
});

test('without a network the first start says so, and later ones begin from what was kept', async () => {
  const { bundle, ca, port, file } = await gauntlet.start('pinned_leaf');
  (await pintle.setup(bundle, { ...OPTIONS, storageDir: file('kept') })).close();
  await gauntlet.change('cdn_dead');
  await assert.rejects(pintle.setup(bundle, { ...OPTIONS, storageDir: file('elsewhere') }), { code: 'fetch_failed' });
  const pins = await pintle.setup(bundle, { ...OPTIONS, ca, storageDir: file('kept') });
  assert.equal(await get(`https://localhost:${port}/`, { agent: pins.agent() }), 200);
  pins.close();
});

test('a report is posted, and of its answer the status alone is read', async () => {
  const seen = [];
  const collector = http.createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      seen.push([request.method, request.url, request.headers['content-type'], Buffer.concat(chunks).toString()]);
      response.end('more than was asked for');
    });
  });
  await new Promise((resolve) => collector.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${collector.address().port}/reports`;
  const report = { url, body: '{}', noCache: false, maxBytes: 0, timeoutMs: 5000 };
  const answer = await fetchOnce(report, { keepsAlive: () => true });
  collector.close();
  assert.deepEqual(answer, { status: 200, body: Buffer.alloc(0) });
  assert.deepEqual(seen, [['POST', '/reports', 'application/json', '{}']]);
});

test('a collector is a URL that configurations could come from', async () => {
  const { bundle } = await gauntlet.start('pinned_leaf');
  for (const reportTo of ['http://collector.example', 'collector.example', '']) {
    await assert.rejects(pintle.setup(bundle, { ...OPTIONS, reportTo }), { code: 'setup_invalid' });
  }
});

test('verification cannot be switched off, not by an option and not by the environment', async () => {
  // The environment of this test says NODE_TLS_REJECT_UNAUTHORIZED=0.
  assert.equal(process.env.NODE_TLS_REJECT_UNAUTHORIZED, '0');
  const { bundle, ca, port } = await gauntlet.start('self_signed');
  const pins = await pintle.setup(bundle, { ...OPTIONS, ca });
  assert.throws(() => pins.agent({ rejectUnauthorized: false }), TypeError);
  assert.throws(() => pins.dispatcher({ connect: { rejectUnauthorized: false } }), TypeError);
  await assert.rejects(pins.connect({ host: 'localhost', port, rejectUnauthorized: false }), TypeError);
  const url = `https://localhost:${port}/`;
  await assert.rejects(get(url, { agent: pins.agent(), rejectUnauthorized: false }), TypeError);
  await assert.rejects(get(url, { agent: pins.agent() }), { code: 'platform_rejected' });
  await assert.rejects(get(url, { agent: pins.agent(), checkServerIdentity: () => undefined }), { code: 'platform_rejected' });
  await assert.rejects(fetch(url.replace('https:', 'http:'), { dispatcher: pins.dispatcher() }), ({ cause }) => cause.code === 'host_invalid');
  assert.equal((await gauntlet.seen()).requests, 0);
  pins.close();
});

test('the header Host chooses no other entry', async () => {
  const { request } = require('undici');
  const byHttps = (pins, url, headers) => get(url, { agent: pins.agent(), headers });
  const byUndici = async (pins, url, headers) => {
    const { statusCode, body } = await request(url, { dispatcher: pins.dispatcher(), headers });
    await body.dump();
    return statusCode;
  };
  for (const ask of [byHttps, byUndici]) {
    // A trusted certificate for the name in the header, which has no entry, at the pinned host.
    for (const [name, headers, code] of [['wrong_name', { Host: 'elsewhere.test' }], ['pinned_leaf', { host: 'elsewhere.test:1' }, 200]]) {
      const { bundle, ca, port } = await gauntlet.start(name);
      const pins = await pintle.setup(bundle, { ...OPTIONS, ca, permissive: true });
      const asked = ask(pins, `https://localhost:${port}/`, headers);
      if (code === 200) assert.equal(await asked, 200);
      else await assert.rejects(asked, { host: 'localhost', code: 'platform_rejected' });
      assert.equal((await gauntlet.seen()).requests, code === 200 ? 1 : 0);
      pins.close();
    }
  }
});

test('listeners are told, and one that fails harms nobody', async () => {
  const { bundle, ca, port } = await gauntlet.start('wrong_leaf_from_trusted_ca');
  const events = [];
  const listener = (event) => {
    events.push(event);
    throw new Error("a listener's own");
  };
  const pins = await pintle.setup(bundle, { ...OPTIONS, ca, listener, leastSeverity: 'warn' });
  await assert.rejects(get(`https://localhost:${port}/`, { agent: pins.agent() }), { name: 'Refused', code: 'pin_mismatch' });
  const refused = events.find((event) => event.kind === 'connection');
  assert.deepEqual([refused.code, refused.host, refused.severity], ['pin_mismatch', 'localhost', 'warn']);
  assert.ok(events.every((event) => ['warn', 'error'].includes(event.severity)));
  pins.close();
});

test('a connection that is still pinned is kept across a release', async () => {
  const { bundle, ca, port } = await gauntlet.start('kept_connection_after_release');
  const pins = await pintle.setup(bundle, { ...OPTIONS, ca });
  const agent = pins.agent();
  assert.equal(await get(`https://localhost:${port}/`, { agent }), 200);
  await gauntlet.change('release');
  // Longer than a timer can wait.
  await pins.refresh({ timeoutMs: Infinity });
  assert.equal(await get(`https://localhost:${port}/`, { agent }), 200);
  assert.equal((await gauntlet.seen()).connections, 1);
  pins.close();
});

test('a kept connection is refused once its pin has expired', async () => {
  const { bundle, ca, port } = await gauntlet.start('pinned_leaf');
  const pins = await pintle.setup(bundle, { ...OPTIONS, ca });
  const agent = pins.agent({ maxSockets: 1 });
  const url = `https://localhost:${port}/`;
  assert.equal(await get(url, { agent }), 200);
  await gauntlet.change('expire_soon');
  await pins.refresh();
  let requests;
  const untilRefused = async () => {
    for (const deadline = Date.now() + 30_000; Date.now() < deadline; ) {
      ({ requests } = await gauntlet.seen());
      await get(url, { agent });
    }
  };
  await assert.rejects(untilRefused(), ({ code }) => ['all_pins_expired', 'retry_after_refresh'].includes(code));
  assert.equal((await gauntlet.seen()).requests, requests);
  await assert.rejects(get(url, { agent }), { code: 'all_pins_expired' });
  pins.close();
});

test('a session that was kept is not resumed', async () => {
  const { bundle, ca, port } = await gauntlet.start('pinned_leaf');
  const session = await new Promise((resolve, reject) => {
    const socket = tls.connect({ host: 'localhost', port, ca, servername: 'localhost' });
    socket.once('error', reject);
    socket.once('session', (ticket) => {
      socket.destroy();
      resolve(ticket);
    });
  });
  const pins = await pintle.setup(bundle, { ...OPTIONS, ca });
  const socket = await pins.connect({ host: 'localhost', port, session });
  assert.equal(socket.isSessionReused(), false);
  assert.equal((await gauntlet.seen()).resumed, 0);
  pins.close();
});

test('a certificate is shown without a request', async () => {
  const { port } = await gauntlet.start('wrong_leaf_from_trusted_ca');
  const chain = await pintle.fetchCertificate('localhost', { port });
  assert.ok(chain.length > 0 && chain.every((der) => der[0] === 0x30));
  assert.equal((await gauntlet.seen()).requests, 0);
});

test('another root is taken up, and until its configuration comes everything is refused', async () => {
  const elsewhere = fs.readFileSync((await gauntlet.start('pinned_leaf')).bundle);
  const { bundle, ca, port } = await gauntlet.start('pinned_leaf');
  const pins = await pintle.setup(bundle, { ...OPTIONS, ca });
  const agent = pins.agent();
  assert.equal(await get(`https://localhost:${port}/`, { agent }), 200);
  // Its CDN ended with its case.
  await assert.rejects(pins.reconfigure(elsewhere), { code: 'fetch_failed' });
  await assert.rejects(get(`https://localhost:${port}/`, { agent }), { code: 'config_missing' });
  assert.equal((await gauntlet.seen()).requests, 1);
  pins.close();
});

test('after close nothing is connected, and what was open is ended', async () => {
  const { bundle, ca, port } = await gauntlet.start('pinned_leaf');
  const pins = await pintle.setup(bundle, { ...OPTIONS, ca });
  const socket = await pins.connect({ host: 'localhost', port });
  pins.close();
  assert.ok(socket.destroyed);
  await assert.rejects(pins.connect({ host: 'localhost', port }), pintle.PintleError);
  assert.throws(() => pins.generation, pintle.PintleError);
});

test('several instances live side by side', async () => {
  const { bundle, ca, port } = await gauntlet.start('pinned_leaf');
  const instances = await Promise.all([1, 2, 3].map(() => pintle.setup(bundle, { ...OPTIONS, ca })));
  const statuses = await Promise.all(instances.map((pins) => get(`https://localhost:${port}/`, { agent: pins.agent() })));
  assert.deepEqual(statuses, [200, 200, 200]);
  instances.forEach((pins) => pins.close());
});

test('an HTTP/2 session is pinned, and its requests are decided again', async () => {
  // The gauntlet speaks HTTP/1.1, and takes the session's preface for a request.
  const { bundle, port } = await gauntlet.start('self_signed_trusted_by_pins');
  const pins = await pintle.setup(bundle, OPTIONS);
  const session = await pins.http2(`https://localhost:${port}/`);
  session.on('error', () => {});
  await gauntlet.change('revoke');
  await pins.refresh();
  assert.throws(() => session.request({ ':path': '/' }), pintle.PintleError);
  assert.ok((await gauntlet.seen()).requests <= 1);
  session.destroy();
  pins.close();
});
