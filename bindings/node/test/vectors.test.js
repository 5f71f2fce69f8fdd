'use strict';

// Runs `vectors/` through this package, as `vectors/README.md` asks.
//
// Time, chance and what is kept on disk are the runner's, by the door that ships in no package; everything else goes the way an
// app goes: set-up, fetches and their answers, checks, events.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const { isDeepStrictEqual } = require('node:util');
const pintle = require('pintle');
const native = require('pintle/lib/native');
const { ROOT } = require('./gauntlet');

const VECTORS = path.join(ROOT, 'vectors');
const ACCEPTED_AT = 1_800_000_000;
const SKIPPED = new Map(readJson(path.join(__dirname, 'skipped.json')).map(({ of, reason }) => [of, reason]));
// Thousands of stores are written and synced: not to a disk, where there is something else.
const MEMORY = fs.existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir();

function readJson(file) {
  return JSON.parse(fs.readFileSync(file, 'utf8'));
}

function toBytes(text) {
  return text == null ? undefined : Buffer.from(text, 'base64');
}

function makeFolder() {
  return fs.mkdtempSync(path.join(MEMORY, 'pintle-'));
}

/** The native half with a clock of ours. */
class Installation {
  constructor(bundle, { now = ACCEPTED_AT, monotonicMs = 1, random = '1', storage, ...options } = {}) {
    const given = { bundle, permissive: false, fetchTimeoutMs: 10_000, httpLoopback: false, leastSeverity: 0, storageDir: storage, ...options };
    this.native = native.dangerousTestOpen(given, random, now, monotonicMs);
  }

  setClock(now, monotonicMs) {
    native.dangerousTestSetClock(this.native, now, monotonicMs);
  }

  poll() {
    const fetches = [];
    for (;;) {
      const { fetch, waitMs } = this.native.poll();
      if (!fetch) return { fetches, waitMs };
      fetches.push(fetch);
    }
  }

  check({ host, presented, verifiedPath, platformAccepts, ocspResponse, sctList }) {
    const decided = this.native.check(host, presented, verifiedPath, platformAccepts, ocspResponse, sctList);
    const { verdict, ctListStale, entry, pin, position, code, generation } = decided;
    assert.equal(generation, this.native.generation(), 'a decision carries the generation');
    const answer = { verdict, ct_list_stale: ctListStale };
    if (verdict !== 'not_covered') answer.entry = entry ?? null;
    if (verdict === 'pinned') Object.assign(answer, { pin, position });
    else if (code != null) answer.code = code;
    return answer;
  }

  async checkFinally(evidence) {
    const answer = this.check(evidence);
    if (answer.code !== 'retry_after_refresh') return answer;
    // The forced refresh brings no news, so that the refusal is final.
    for (const { id } of this.poll().fetches) assert.equal(await this.native.fail(id, 'nothing'), 'fetch_failed');
    return this.check(evidence);
  }
}

/** A first start shows it, as it draws its draw. */
function findStore(storage, bundle) {
  new Installation(bundle, { storage });
  return path.join(storage, fs.readdirSync(storage)[0]);
}

const storeNames = new Map();

function storeName(bundle) {
  const key = bundle.toString();
  if (!storeNames.has(key)) {
    const folder = makeFolder();
    storeNames.set(key, path.basename(findStore(folder, bundle)));
    fs.rmSync(folder, { recursive: true });
  }
  return storeNames.get(key);
}

function persisted(store) {
  const file = path.join(store, 'state.json');
  if (!fs.existsSync(file)) return { state: null, gone: false, draw: null };
  const { floor, chain, time_floor, withdrawn, gone, draw } = readJson(file);
  const claims_digest = floor && Buffer.from(floor.claims_digest, 'hex').toString('base64');
  return { state: floor && { floor: { ...floor, claims_digest }, chain, time_floor, withdrawn }, gone, draw };
}

function persist(store, state, draw = null, withdrawn = false) {
  const floor = state && { ...state.floor, claims_digest: toBytes(state.floor.claims_digest).toString('hex') };
  const none = { chain: [], time_floor: 0, withdrawn };
  const memory = { format: 1, ...none, ...state, floor, gone: false, draw, etags: {} };
  fs.writeFileSync(path.join(store, 'state.json'), JSON.stringify(memory));
}

function fileBytes(file) {
  if (typeof file === 'string') return Buffer.from(file);
  if (file.base64) return toBytes(file.base64);
  const pieces = file.concat.map((piece) => (typeof piece === 'string' ? piece : piece.repeat.repeat(piece.times)));
  return Buffer.from(pieces.join(''));
}

function anyCertificate() {
  return toBytes(Object.values(readJson(path.join(VECTORS, 'decide/pins.json')).shared.certificates)[0]);
}

/** Decides under the file, mode, draw and time of `input`. */
async function decideUnder({ file, mode, draw = null, t = ACCEPTED_AT }, shared, folder, evidence) {
  const bundle = Buffer.from(JSON.stringify(shared.bundles.plain));
  const withdrawn = file !== null && typeof file === 'object';
  const keeps = withdrawn || draw !== null;
  if (keeps) persist(findStore(folder, bundle), null, draw, withdrawn);
  const installation = new Installation(bundle, { permissive: mode === 'permissive', storage: keeps ? folder : undefined });
  if (typeof file === 'string') {
    const [{ id }] = installation.poll().fetches;
    const body = Buffer.from(shared.files[file]);
    assert.equal(await installation.native.answer(id, 200, undefined, undefined, body), 'updated');
  }
  installation.setClock(t, 2);
  return installation.checkFinally(evidence);
}

const ASK = {
  async verify({ input }, shared, folder) {
    const bundle = Buffer.from(JSON.stringify(shared.bundles[input.root]));
    const store = findStore(folder, bundle);
    persist(store, input.state);
    const installation = new Installation(bundle, { now: input.now, storage: folder });
    installation.native.takeEvents();
    const [{ id }] = installation.poll().fetches;
    const judged = await installation.native.answer(id, 200, undefined, undefined, fileBytes(input.file));
    if (judged !== 'updated' && judged !== 'unchanged') return { code: judged };
    const stale = installation.native.takeEvents().some(({ kind }) => kind === 'config_stale');
    return { state: persisted(store).state, stale };
  },

  decide({ input }, shared, folder) {
    const der = (name) => {
      assert.equal(typeof name, 'string', 'an anchor without a certificate');
      return toBytes(shared.certificates[name]);
    };
    return decideUnder(input, shared, folder, {
      host: input.host,
      presented: input.presented.map(der),
      verifiedPath: input.path?.map(der),
      platformAccepts: input.platform === 'accepted',
      ocspResponse: toBytes(input.ocsp),
      sctList: toBytes(input.sct_tls),
    });
  },

  async match({ input }, shared, folder) {
    // Whether a name has an entry shows with any certificate.
    const evidence = { host: input.host, presented: [anyCertificate()], platformAccepts: true };
    return { entry: (await decideUnder(input, shared, folder, evidence)).entry };
  },

  setup({ input, expect }, _, folder) {
    let installation;
    try {
      const options = { storage: folder, httpLoopback: input.http_loopback };
      installation = new Installation(Buffer.from(input.bundle), options);
    } catch (error) {
      return { code: error.message.split(':')[0] };
    }
    const { root } = expect;
    assert.ok(root.pointer_urls.includes(installation.poll().fetches[0].url));
    assert.ok(fs.existsSync(path.join(folder, toBytes(root.store_key).toString('hex'))));
    return expect;
  },

  host({ input, expect }) {
    const { bundle } = readJson(path.join(VECTORS, 'setup/bundles.json')).cases[0].input;
    const installation = new Installation(Buffer.from(bundle));
    // Before there is a configuration, a check tells hosts from what is none.
    const { code } = installation.check({ host: input.text, presented: [], platformAccepts: false });
    assert.equal(code, expect.host === null ? 'host_invalid' : 'config_missing');
    return expect;
  },

  codes: () => ({ codes: pintle.CODES }),
};

/** An installation that lives through steps. */
class Scenario {
  fetches = [];

  constructor(shared, folder) {
    this.shared = shared;
    this.folder = folder;
    this.dir = path.join(folder, 'state');
  }

  get store() {
    return path.join(this.dir, storeName(this.bundle(this.root)));
  }

  bundle(name) {
    return Buffer.from(JSON.stringify(this.shared.bundles[name]));
  }

  body(name) {
    return name == null ? undefined : Buffer.from(this.shared.bodies[name]);
  }

  async problemOf({ input, expect }) {
    for (const [number, step] of input.steps.entries()) {
      const problem = await this.take(step);
      if (problem) return `step ${number}, ${step.do}: ${problem}`;
    }
    const kept = persisted(this.store);
    return isDeepStrictEqual(kept, expect) ? undefined : `persisted: ${JSON.stringify(kept)}`;
  }

  async take(step) {
    this.installation?.setClock(step.now, step.monotonic_ms);
    const seen = (await this[step.do](step)) ?? {};
    const earlier = this.fetches;
    this.fetches = [...earlier, ...(seen.fetches ?? [])];
    const told = this.installation.native.takeEvents();
    const aboutConnections = ['connection', 'refresh_forced'];
    const codes = told.filter(({ kind, code }) => code && !aboutConnections.includes(kind)).map(({ code }) => code);
    const before = this.generation;
    this.generation = this.installation.native.generation();
    const moved = before === undefined ? undefined : this.generation > before ? 'raised' : 'kept';
    const { expect } = step;
    if (expect.events && !isDeepStrictEqual([...expect.events].sort(), codes.sort())) return `events ${codes}`;
    if (expect.generation && expect.generation !== moved) return `generation ${moved}`;
    if (expect.decision !== seen.decision) return `decision ${seen.decision}`;
    if (expect.judged !== seen.judged) return `judged ${seen.judged}`;
    return problemOfPoll(expect, seen, earlier, step.monotonic_ms);
  }

  start(step) {
    this.root = step.root;
    this.generation = undefined;
    this.installation = new Installation(this.bundle(step.root), {
      now: step.now,
      monotonicMs: step.monotonic_ms,
      seed: this.body(step.seed),
      permissive: step.mode === 'permissive',
      storage: step.store ? this.dir : undefined,
      random: step.random,
      fetchTimeoutMs: step.fetch_timeout_ms,
      reportTo: step.report_to,
    });
  }

  reconfigure({ root }) {
    this.root = root;
    this.installation.native.reconfigure(this.bundle(root));
  }

  set_mode({ mode }) {
    this.installation.native.setPermissive(mode === 'permissive');
  }

  poll() {
    return this.installation.poll();
  }

  async answer({ to, with: given }) {
    const { id, url } = this.fetches[to];
    const { native: installation } = this.installation;
    const byUrl = Object.entries(given.etag_by_url ?? {}).find(([start]) => url.startsWith(start))?.[1];
    const body = this.body(given.body) ?? Buffer.alloc(0);
    const retryAfter = given.retry_after == null ? undefined : String(given.retry_after);
    const judged = given.failed
      ? await installation.fail(id, given.failed)
      : await installation.answer(id, given.status, given.etag ?? byUrl, retryAfter, body);
    return { judged: ['updated', 'unchanged', 'too_late'].includes(judged) ? judged : 'rejected' };
  }

  check({ host, certificate, platform }) {
    const presented = [toBytes(this.shared.certificates[certificate])];
    const answer = this.installation.check({ host, presented, platformAccepts: platform === 'accepted' });
    return { decision: answer.verdict === 'refused' ? answer.code : answer.verdict };
  }

  wait() {}

  damage({ part }) {
    fs.writeFileSync(path.join(this.store, part === 'file' ? 'pins.jws' : 'state.json'), 'damaged');
  }

  replace_file({ body }) {
    fs.writeFileSync(path.join(this.store, 'pins.jws'), this.body(body));
  }

  break_store() {
    fs.renameSync(this.dir, path.join(this.folder, 'away'));
    fs.writeFileSync(this.dir, '');
  }

  mend_store() {
    fs.unlinkSync(this.dir);
    fs.renameSync(path.join(this.folder, 'away'), this.dir);
  }
}

function problemOfPoll(expect, { fetches = [], waitMs }, earlier, monotonicMs) {
  if (expect.fetch) {
    const { urls, bodies = {}, count, unlike, no_cache: noCache, timeout_ms: [shortest, longest] } = expect.fetch;
    const asked = unlike.map((number) => earlier[number].url);
    for (const fetch of fetches) {
      const fits = !asked.includes(fetch.url) && fetch.url in urls && urls[fetch.url] === (fetch.etag ?? null);
      const body = fetch.body && JSON.parse(fetch.body);
      const inTime = shortest <= fetch.timeoutMs && fetch.timeoutMs <= longest;
      if (!fits || !isDeepStrictEqual(body, bodies[fetch.url]) || !inTime || fetch.noCache !== noCache) return `fetch ${JSON.stringify(fetch)}`;
      asked.push(fetch.url);
    }
    return fetches.length === count ? undefined : `${fetches.length} fetches`;
  }
  if (fetches.length > 0) return `fetches ${JSON.stringify(fetches)}`;
  const range = expect.idle_until_ms;
  if (range) {
    const until = Math.round(waitMs) + monotonicMs;
    if (!(range[0] <= until && until <= range[1])) return `idle for ${waitMs}`;
  }
  const mustWait = Boolean(expect.waiting || range);
  return mustWait === (waitMs !== undefined) ? undefined : `idle for ${waitMs}`;
}

async function problemOf(suite, one) {
  const folder = makeFolder();
  try {
    if (suite.kind === 'scenario') return await new Scenario(suite.shared, folder).problemOf(one);
    const answer = await ASK[suite.kind](one, suite.shared, folder);
    return isDeepStrictEqual(answer, one.expect) ? undefined : `expected ${JSON.stringify(one.expect)}, got ${JSON.stringify(answer)}`;
  } catch (error) {
    return String(error);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

test('every case is answered as it says', async () => {
  const wrong = [];
  let ran = 0;
  const kinds = fs.readdirSync(VECTORS, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  for (const { name: kind } of kinds) {
    for (const file of fs.readdirSync(path.join(VECTORS, kind)).sort()) {
      const suite = readJson(path.join(VECTORS, kind, file));
      const name = `${kind}/${path.basename(file, '.json')}`;
      if (SKIPPED.has(suite.kind) || SKIPPED.has(name)) continue;
      for (const one of suite.cases) {
        assert.ok(one.level <= pintle.PROTOCOL_LEVEL);
        const full = `${name}/${one.name}`;
        const problem = await problemOf(suite, one);
        if (!SKIPPED.has(full)) ran += 1;
        if (SKIPPED.has(full) && !problem) wrong.push(`${full} passes, but is skipped`);
        if (!SKIPPED.has(full) && problem) wrong.push(`${full}: ${problem}`);
      }
    }
  }
  assert.deepEqual(wrong, []);
  assert.ok(ran > 1300);
});
