'use strict';

const fs = require('node:fs/promises');
const tls = require('node:tls');
const native = require('./native');
const { Agent, makeDispatcher, openHttp2 } = require('./clients');
const { PintleError, Refused, fromNative } = require('./errors');
const { fetchOnce } = require('./fetcher');
const { Identity, demandStrict, evidenceOf, handshake, platformRefusal, serverName } = require('./tls');

/** The longest that setTimeout can wait. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** A forced refresh is over after five seconds, and whoever drives it may be late. */
const LONGEST_FORCED_MS = 6000;
const SEVERITIES = ['debug', 'info', 'warn', 'error'];

/** Pinning for one project, running: it refreshes in the background until `close`. */
class Pintle {
  #native;
  #options;
  #closed = false;
  #timer;
  #waiters = new Set();
  #listeners = new Set();
  /** Open connections with what they were decided on. */
  #connections = new Map();
  #generation;

  constructor(bundle, options) {
    this.#options = options;
    if (options.listener) this.#listeners.add(options.listener);
    try {
      this.#native = new native.Native({
        bundle,
        seed: options.seed,
        permissive: options.permissive ?? false,
        fetchTimeoutMs: options.fetchTimeoutMs ?? 10_000,
        storageDir: options.storageDir,
        reportTo: options.reportTo,
        httpLoopback: options.dangerousAllowHttpLoopback ?? false,
        leastSeverity: this.#leastSeverity(),
      });
    } catch (error) {
      throw fromNative(error);
    }
    this.#drive();
  }

  get generation() {
    return this.#open().generation();
  }

  async ready({ timeoutMs = 30_000 } = {}) {
    await this.#configured(1, timeoutMs);
  }

  async refresh({ timeoutMs = 30_000 } = {}) {
    const round = this.#open().refreshNow();
    this.#drive();
    if (!(await this.#roundOver(round, timeoutMs))) throw new PintleError('fetch_failed', 'the refresh takes too long');
    const failure = this.#native.lastFailure();
    if (failure) throw new PintleError(failure.code, failure.message);
  }

  async reconfigure(bundle, { timeoutMs = 30_000 } = {}) {
    const bytes = await readBundle(bundle);
    let round;
    try {
      round = this.#open().reconfigure(bytes);
    } catch (error) {
      throw fromNative(error);
    }
    this.#drive();
    await this.#configured(round, timeoutMs);
  }

  setPermissive(permissive) {
    this.#open().setPermissive(permissive);
    this.#drive();
  }

  listen(listener) {
    const native = this.#open();
    this.#listeners.add(listener);
    native.setLeastSeverity(this.#leastSeverity());
    return () => {
      this.#listeners.delete(listener);
      native.setLeastSeverity(this.#leastSeverity());
      // What nobody heard is not told to the next one.
      if (this.#listeners.size === 0) native.takeEvents();
    };
  }

  async check(evidence) {
    const decide = () => {
      const decision = checkBy(this.#open(), evidence);
      // A refusal may make a refresh due, a violation a report; else there is nothing new to do.
      if (decision.code === undefined) this.#tellAll();
      else this.#drive();
      return decision;
    };
    const decision = decide();
    if (decision.code !== 'retry_after_refresh') return decision;
    await this.#roundOver(this.#native.startedRounds(), LONGEST_FORCED_MS);
    return decide();
  }

  /** Decides after the handshake and before anything is sent. */
  async connect(options) {
    demandStrict(options);
    const host = options.servername || options.host;
    if (typeof host !== 'string' || host === '') throw new PintleError('host_invalid', '`host` is needed');
    const byPins = this.#open().isTrustedByPins(host);
    const { session, checkServerIdentity, ...rest } = options;
    const authorities = this.#options.ca === undefined ? {} : { ca: this.#options.ca };
    // The platform enforces by itself, whatever the environment says, but where the pins decide alone.
    const identity = new Identity(host);
    // Node itself sends the name only where it is told to.
    const named = { servername: serverName(host) };
    const checked = { checkServerIdentity: identity.check, rejectUnauthorized: !byPins };
    const socket = tls.connect({ ...authorities, ...rest, ...named, ...checked });
    try {
      await handshake(socket);
      const evidence = evidenceOf(socket, host, identity);
      const decision = await this.check(evidence);
      if (!decision.allowed) throw new Refused(host, decision.code);
      if (socket.destroyed) throw new Error('the connection ended while it was decided');
      this.#guard(socket, evidence, decision.generation);
      return socket;
    } catch (error) {
      socket.destroy();
      throw platformRefusal(error, host);
    }
  }

  agent(options = {}) {
    return new Agent(this, options);
  }

  dispatcher(options = {}) {
    return makeDispatcher(this, options);
  }

  http2(authority, options = {}) {
    return openHttp2(this, authority, options, (socket) => this.#decideAgain(socket));
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const socket of this.#connections.keys()) socket.destroy();
    this.#settle();
  }

  #open() {
    if (this.#closed) throw new PintleError('setup_invalid', 'this Pintle is closed');
    return this.#native;
  }

  // --- connections that are kept ---

  #guard(socket, evidence, generation) {
    this.#connections.set(socket, { evidence, generation });
    socket.once('close', () => this.#connections.delete(socket));
    // Time alone may change trust: every write asks.
    for (const name of ['write', 'end']) {
      const method = socket[name];
      socket[name] = (...given) => {
        try {
          this.#decideAgain(socket);
        } catch {
          return name === 'write' ? false : socket;
        }
        return method.apply(socket, given);
      };
    }
    // Trust may have changed while it was decided.
    this.#decideAgain(socket);
  }

  /** As long as nobody changed what is trusted, one comparison. Destroys the connection and throws where trust left it. */
  #decideAgain(socket) {
    const known = this.#connections.get(socket);
    if (known === undefined) throw new PintleError('internal_error', 'the connection is closed');
    const { evidence, generation } = known;
    if (this.#open().generation() === generation) return;
    const decision = checkBy(this.#native, evidence);
    if (decision.allowed) {
      known.generation = decision.generation;
      return;
    }
    const refusal = new Refused(evidence.host, decision.code);
    this.#connections.delete(socket);
    socket.destroy(refusal);
    setImmediate(() => this.#drive());
    throw refusal;
  }

  /** Drops what trust has left, so that no client finds it among its kept connections. */
  #sweep() {
    const generation = this.#native.generation();
    if (generation === this.#generation) return;
    this.#generation = generation;
    for (const socket of [...this.#connections.keys()]) {
      try {
        this.#decideAgain(socket);
      } catch {
        // Destroyed; whoever held it is told.
      }
    }
  }

  // --- refreshing ---

  /** Starts what is to be fetched, tells what happened, and comes back when there is more to do. */
  #drive() {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    let action = this.#native.poll();
    while (action.fetch) {
      this.#fetch(action.fetch);
      action = this.#native.poll();
    }
    this.#sweep();
    this.#tellAll();
    this.#settle();
    // A listener may have ended it.
    if (this.#closed) return;
    this.#timer = setTimeout(() => this.#drive(), Math.min(Math.ceil(action.waitMs), MAX_TIMER_MS));
    // Who waits for a refresh keeps the process alive, nobody else.
    if (this.#waiters.size === 0) this.#timer.unref();
  }

  async #fetch(fetch) {
    let give;
    try {
      const answer = await fetchOnce(fetch, { ca: this.#options.configCa, keepsAlive: () => this.#waiters.size > 0 });
      give = () => this.#native.answer(fetch.id, answer.status, answer.etag, answer.retryAfter, answer.body);
    } catch (error) {
      give = () => this.#native.fail(fetch.id, error.message || error.code || 'no answer');
    }
    try {
      if (!this.#closed) await give();
    } catch {
      // A fetch that was given up long ago.
    }
    this.#drive();
  }

  /** Where nobody listens, nothing is kept to be told. */
  #leastSeverity() {
    if (this.#listeners.size === 0) return SEVERITIES.length;
    return Math.max(0, SEVERITIES.indexOf(this.#options.leastSeverity));
  }

  #tellAll() {
    if (this.#listeners.size === 0) return;
    for (const event of this.#native.takeEvents()) this.#tell(event);
  }

  #tell(event) {
    for (const listener of [...this.#listeners]) {
      try {
        listener(event);
      } catch (error) {
        process.emitWarning(error instanceof Error ? error.message : String(error), 'PintleListenerWarning');
      }
    }
  }

  #settle() {
    for (const waiter of [...this.#waiters]) waiter();
  }

  /** Resolves to true once refresh `round` is over, to false once `timeoutMs` have passed. */
  #roundOver(round, timeoutMs) {
    return new Promise((resolve, reject) => {
      const end = (settle, value) => {
        clearTimeout(deadline);
        this.#waiters.delete(waiter);
        settle(value);
      };
      const deadline = setTimeout(() => end(resolve, false), Math.min(timeoutMs, MAX_TIMER_MS));
      const waiter = () => {
        if (this.#closed) end(reject, new PintleError('setup_invalid', 'this Pintle is closed'));
        else if (this.#native.completedRounds() >= round) end(resolve, true);
      };
      this.#waiters.add(waiter);
      this.#timer?.ref();
      waiter();
    });
  }

  async #configured(round, timeoutMs) {
    if (this.#open().hasConfiguration()) return;
    const over = await this.#roundOver(round, timeoutMs);
    if (this.#native.hasConfiguration()) return;
    const { code, message } = (over && this.#native.lastFailure()) || { code: 'fetch_failed', message: 'no answer yet' };
    throw new PintleError(code, `no configuration: ${message}`);
  }
}

function checkBy(native, { host, presented, verifiedPath, platformAccepts, ocspResponse, sctList }) {
  return native.check(host, presented, verifiedPath, platformAccepts, ocspResponse, sctList);
}

async function readBundle(bundle) {
  if (bundle instanceof Uint8Array) return bundle;
  try {
    if (typeof bundle === 'string') return await fs.readFile(bundle);
    const { organization, project, publicKey, urls, recoveryKey, builtAt } = bundle;
    const root = { organization, project, public_key: publicKey, urls, recovery_key: recoveryKey, built_at: builtAt };
    return Buffer.from(JSON.stringify(root));
  } catch (error) {
    throw Object.assign(new PintleError('setup_invalid', error.message), { cause: error });
  }
}

async function start(bundle, options = {}) {
  return new Pintle(await readBundle(bundle), options);
}

async function setup(bundle, options = {}) {
  const pins = await start(bundle, options);
  try {
    await pins.ready({ timeoutMs: options.timeoutMs });
  } catch (error) {
    pins.close();
    throw error;
  }
  return pins;
}

module.exports = { Pintle, setup, start };
