'use strict';

// Hooks for HTTP clients.

const https = require('node:https');
const { PintleError } = require('./errors');
const { bareHost, demandStrict, serverName } = require('./tls');

/** An `https.Agent` all of whose connections are pinned. */
class Agent extends https.Agent {
  #pins;

  constructor(pins, options) {
    demandStrict(options);
    // A resumed session shows no certificate to decide on.
    super({ keepAlive: true, ...options, maxCachedSessions: 0 });
    this.#pins = pins;
  }

  /** Left to itself, Node names the server by the header `Host`, which an app may pass on from anywhere. */
  addRequest(request, options, ...rest) {
    const servername = options.servername ?? serverName(options.host) ?? '';
    super.addRequest(request, { ...options, servername }, ...rest);
  }

  createConnection(options, callback) {
    this.#pins.connect(options).then((socket) => callback(null, socket), callback);
  }
}

/** A dispatcher of undici all of whose connections are pinned. */
function makeDispatcher(pins, options) {
  const { Agent: UndiciAgent } = require('undici');
  const given = options.connect ?? {};
  demandStrict(given);
  // Its `servername` is the header `Host`, where a request has one.
  const connect = ({ protocol, hostname, port, localAddress }, callback) => {
    if (protocol !== 'https:') {
      callback(httpsOnly(protocol), null);
      return;
    }
    const target = { host: bareHost(hostname), port: port || 443, localAddress };
    pins.connect({ ...given, ...target }).then((socket) => callback(null, socket), (error) => callback(error, null));
  };
  // HTTP/2 there writes past the socket, where nothing could be decided again.
  return new UndiciAgent({ ...options, allowH2: false, connect });
}

/** An HTTP/2 session on a pinned connection; `decideAgain` is asked before each request. */
async function openHttp2(pins, authority, options, decideAgain) {
  const http2 = require('node:http2');
  const { hostname, port, protocol } = new URL(authority);
  if (protocol !== 'https:') throw httpsOnly(protocol);
  const host = bareHost(hostname);
  const target = { host, port: port || 443, servername: serverName(host), ALPNProtocols: ['h2'] };
  const socket = await pins.connect({ ...options, ...target });
  const session = http2.connect(authority, { ...options, createConnection: () => socket });
  const { request } = session;
  session.request = (...given) => {
    decideAgain(socket);
    return request.apply(session, given);
  };
  return session;
}

function httpsOnly(protocol) {
  return new PintleError('host_invalid', `${protocol} is not pinned: https only`);
}

module.exports = { Agent, makeDispatcher, openHttp2 };
