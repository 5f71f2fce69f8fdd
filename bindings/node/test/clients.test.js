'use strict';

// Every client in the gauntlet.

const assert = require('node:assert/strict');
const https = require('node:https');
const { test } = require('node:test');
const { setGlobalDispatcher, getGlobalDispatcher, request } = require('undici');
const { WebSocket } = require('ws');
const pintle = require('pintle');
const { Gauntlet } = require('./gauntlet');

function overHttps(agent, url) {
  return new Promise((resolve, reject) => {
    const asked = https.get(url, { agent }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode));
    });
    asked.on('error', reject);
  });
}

/** Each makes `get(url)`, which resolves to a status, and `close()`. */
const CLIENTS = {
  https(pins) {
    const agent = pins.agent();
    return { get: (url) => overHttps(agent, url), close: () => agent.destroy() };
  },
  undici(pins) {
    const dispatcher = pins.dispatcher();
    const get = async (url) => {
      const { statusCode, body } = await request(url, { dispatcher });
      await body.dump();
      return statusCode;
    };
    return { get, close: () => dispatcher.destroy() };
  },
  'global fetch'(pins) {
    const earlier = getGlobalDispatcher();
    const dispatcher = pins.dispatcher();
    setGlobalDispatcher(dispatcher);
    const get = async (url) => {
      const response = await fetch(url);
      await response.arrayBuffer();
      return response.status;
    };
    return {
      get,
      close() {
        setGlobalDispatcher(earlier);
        return dispatcher.destroy();
      },
    };
  },
  // The server speaks no WebSocket: its 200 is what an allowed request ends with.
  ws(pins) {
    const agent = pins.agent();
    const get = (url) =>
      new Promise((resolve, reject) => {
        const socket = new WebSocket(url.replace('https:', 'wss:'), { agent });
        socket.on('unexpected-response', (asked, response) => {
          resolve(response.statusCode);
          asked.destroy();
        });
        socket.on('error', reject);
      });
    return { get, close: () => agent.destroy() };
  },
};

async function outcome(client, url) {
  try {
    const status = await client.get(url);
    return status === 200 ? 'ok' : String(status);
  } catch (error) {
    return pintle.findRefusal(error)?.code ?? String(error.cause ?? error);
  }
}

async function refresh(pins) {
  try {
    await pins.refresh();
    return 'ok';
  } catch (error) {
    return error.code;
  }
}

async function walk(gauntlet, { name, steps }, clientName) {
  const { bundle, ca, port } = await gauntlet.start(name);
  const [ends, differences] = [[], []];
  const compare = (what, seen, expected) => {
    if (seen !== expected) differences.push(`${name} with ${clientName}: ${JSON.stringify(what)}: ${seen}`);
  };
  const pins = await pintle.setup(bundle, { ca, dangerousAllowHttpLoopback: true, fetchTimeoutMs: 2000 });
  const client = CLIENTS[clientName](pins);
  for (const step of steps) {
    if (step.do === 'get') {
      const before = (await gauntlet.seen()).requests;
      ends.push(await outcome(client, `https://${step.host}:${port}/`));
      compare(step, ends.at(-1), step.expect);
      const arrived = (await gauntlet.seen()).requests - before;
      compare(step, `${arrived} requests`, `${Number(step.expect === 'ok')} requests`);
    } else if (step.do === 'refresh') compare(step, await refresh(pins), step.expect);
    else if (step.do === 'permissive') pins.setPermissive(true);
    else await gauntlet.change(step.change);
  }
  await client.close();
  pins.close();
  compare('resumed', (await gauntlet.seen()).resumed, 0);
  await gauntlet.walked({ case: name, client: clientName, ends });
  return differences;
}

test('every case ends as the table says with every client', async () => {
  const gauntlet = new Gauntlet();
  try {
    const cases = await gauntlet.cases();
    const differences = [];
    for (const one of cases) {
      for (const client of Object.keys(CLIENTS)) differences.push(...(await walk(gauntlet, one, client)));
    }
    assert.deepEqual(differences, []);
    assert.equal(await gauntlet.hold('Node'), null);
  } finally {
    gauntlet.close();
  }
});
