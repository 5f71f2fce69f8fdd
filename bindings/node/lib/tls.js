'use strict';

// What Node says of a connection.

const net = require('node:net');
const tls = require('node:tls');
const { PintleError, Refused } = require('./errors');

/** More than any chain that is decided. */
const MAX_CHAIN = 33;
/** Codes of Node and OpenSSL for chains, names and dates that they refuse. */
const PLATFORM_CODES =
  /^(CERT_|ERR_TLS_CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|ERROR_IN_CERT_|HOSTNAME_MISMATCH|INVALID_(CA|PURPOSE))/;

/** Whoever asks for less than verification gets no connection. */
function demandStrict(options) {
  if (options.rejectUnauthorized === false) {
    throw new TypeError('rejectUnauthorized: false cannot be had with pinning; for a self-signed server there is trust "pins"');
  }
}

/** Resolves once the handshake is through; nothing has been sent then. */
function handshake(socket) {
  return new Promise((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the connection ended during the handshake')));
    socket.once('timeout', () => reject(new Error('the handshake takes too long')));
  }).finally(() => socket.removeAllListeners('timeout'));
}

/** Node's own check of names, which is shown the chain: asking Node for it again takes a third of a millisecond. */
class Identity {
  leaf;
  named = false;

  constructor(host) {
    this.check = (name, leaf) => {
      const error = tls.checkServerIdentity(name, leaf);
      if (name === host) {
        this.leaf = leaf;
        this.named = error === undefined;
      }
      return error;
    };
  }
}

/** What the server presented, linked by name: it proves nothing, and the core proves what it needs. */
function evidenceOf(socket, host, identity = new Identity(host)) {
  // Not asked where the chain failed, or where authorities are left out.
  if (identity.leaf === undefined) {
    const leaf = socket.getPeerCertificate(true);
    if (leaf?.raw) identity.check(host, leaf);
  }
  const presented = [];
  let certificate = identity.leaf;
  while (certificate?.raw && presented.length < MAX_CHAIN) {
    presented.push(certificate.raw);
    if (certificate.issuerCertificate === certificate) break;
    certificate = certificate.issuerCertificate;
  }
  // A resumed session shows no certificate; we resume none.
  return { host, presented, platformAccepts: socket.authorized && identity.named && !socket.isSessionReused() };
}

/** Node refuses by itself what the platform refuses, before the pins are asked. */
function platformRefusal(error, host) {
  if (error instanceof PintleError || !PLATFORM_CODES.test(error.code ?? '')) return error;
  return Object.assign(new Refused(host, 'platform_rejected'), { cause: error });
}

/** No name is sent for an address. */
function serverName(host) {
  return net.isIP(host) ? undefined : host;
}

/** A URL's host without the brackets of an address. */
function bareHost(hostname) {
  return hostname.replace(/^\[|\]$/g, '');
}

/** What `host` presents, in DER, leaf first. It proves nothing, and nothing is sent. */
async function fetchCertificate(host, { port = 443, address, timeoutMs = 10_000 } = {}) {
  const where = { host: address ?? host, port, servername: serverName(host), timeout: timeoutMs };
  const socket = tls.connect({ ...where, rejectUnauthorized: false });
  try {
    await handshake(socket);
    return evidenceOf(socket, host).presented;
  } finally {
    socket.destroy();
  }
}

module.exports = { Identity, bareHost, demandStrict, evidenceOf, fetchCertificate, handshake, platformRefusal, serverName };
