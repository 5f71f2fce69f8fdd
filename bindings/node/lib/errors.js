'use strict';

/** Something failed; `code` is its stable code. */
class PintleError extends Error {
  constructor(code, message) {
    super(`${code}: ${message}`);
    this.name = 'PintleError';
    this.code = code;
  }
}

/** The pins refuse the connection; no byte of a request was sent. */
class Refused extends PintleError {
  constructor(host, code) {
    super(code, `${host} is refused`);
    this.name = 'Refused';
    this.host = host;
  }
}

/** The refusal that made an HTTP client fail, if one did: clients wrap it in errors of their own. */
function findRefusal(error) {
  const seen = new Set();
  const pending = [error];
  while (pending.length > 0) {
    const candidate = pending.pop();
    if (candidate instanceof Refused) return candidate;
    if (candidate instanceof Error && !seen.has(candidate)) {
      seen.add(candidate);
      pending.push(candidate.cause, ...(candidate.errors ?? []));
    }
  }
  return undefined;
}

/** What the native half throws begins with its code. */
function fromNative(error) {
  const [, code, message] = /^([a-z_]+): (.*)$/s.exec(error.message) ?? [];
  return code === undefined ? error : new PintleError(code, message);
}

module.exports = { PintleError, Refused, findRefusal, fromNative };
