'use strict';

// Every client in the gauntlet.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const https = require('node:https');
const path = require('node:path');
const { test } = require('node:test');
const { setGlobalDispatcher, getGlobalDispatcher, request } = require('undici');
const { WebSocket } = require('ws');
const pintle = require('pintle');
const { Gauntlet, ROOT } = require('./gauntlet');

const PAGE = path.join(ROOT, 'docs/sdk/conformance.md');

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
  const differences = [];
  const compare = (what, seen, expected) => {
    if (seen !== expected) differences.push(`${name} with ${clientName}: ${JSON.stringify(what)}: ${seen}`);
  };
  const pins = await pintle.setup(bundle, { ca, dangerousAllowHttpLoopback: true, fetchTimeoutMs: 2000 });
  const client = CLIENTS[clientName](pins);
  for (const step of steps) {
    if (step.do === 'get') {
      const before = (await gauntlet.seen()).requests;
      compare(step, await outcome(client, `https://${step.host}:${port}/`), step.expect);
      const arrived = (await gauntlet.seen()).requests - before;
      compare(step, `${arrived} requests`, `${Number(step.expect === 'ok')} requests`);
    } else if (step.do === 'refresh') compare(step, await refresh(pins), step.expect);
    else if (step.do === 'permissive') pins.setPermissive(true);
    else await gauntlet.change(step.change);
  }
  await client.close();
  pins.close();
  compare('resumed', (await gauntlet.seen()).resumed, 0);
  return differences;
}

/** The rows of Node in docs/sdk/conformance.md, as `testkit::gauntlet::hold_conformance` writes those of others. */
function holdConformance(cases) {
  const clients = Object.keys(CLIENTS).join(', ');
  const rows = cases.map(({ name, steps }) => {
    const end = steps.filter((step) => step.do === 'get').at(-1).expect;
    return `| ${name.replaceAll('_', ' ')} | ${end === 'ok' ? 'allowed' : end} | ${clients} |\n`;
  });
  const wanted = `\n| case | ends as | with |\n| --- | --- | --- |\n${rows.join('')}\n`;
  const [before, rest] = fs.readFileSync(PAGE, 'utf8').split('<!-- begin Node -->\n');
  const [held, after] = rest.split('<!-- end Node -->\n');
  if (process.env.UPDATE_DOCS) {
    fs.writeFileSync(PAGE, `${before}<!-- begin Node -->\n${wanted}<!-- end Node -->\n${after}`);
  } else assert.equal(held, wanted, 'docs/sdk/conformance.md is old: UPDATE_DOCS=1 and run this test again');
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
    holdConformance(cases);
  } finally {
    gauntlet.close();
  }
});
