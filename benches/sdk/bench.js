'use strict';

// What pinning costs in Node: `bench.js FOLDER PORT`, by `cargo xtask bench sdk`. A line of JSON for each figure.

const fs = require('node:fs');
const path = require('node:path');
const tls = require('node:tls');
const pintle = require('pintle');

const HOST = 'localhost';
const [folder, port] = [process.argv[2], Number(process.argv[3])];
const file = (name) => path.join(folder, name);
const ca = fs.readFileSync(file('ca.pem'));

async function measure(times, work) {
  const taken = [];
  for (let i = 0; i < times; i++) {
    const begun = process.hrtime.bigint();
    await work();
    taken.push(Number(process.hrtime.bigint() - begun));
  }
  return taken;
}

function tell(name, taken) {
  taken.sort((a, b) => a - b);
  const at = (share) => taken[Math.min(taken.length - 1, Math.floor(taken.length * share))];
  console.log(JSON.stringify({ name, least: taken[0], p50: at(0.5), p99: at(0.99) }));
}

function connectUnpinned() {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ host: '127.0.0.1', port, servername: HOST, ca }, () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', reject);
  });
}

(async () => {
  const storageDir = file('storage');
  const options = { storageDir, ca, dangerousAllowHttpLoopback: true };
  const setUp = () => pintle.setup(file('pintle.json'), options);
  (await setUp()).close();
  const held = [];
  tell('set-up', await measure(200, async () => held.push(await setUp())));
  for (const each of held.splice(1)) each.close();
  const [pins] = held;

  const connectPinned = async () => (await pins.connect({ host: '127.0.0.1', port, servername: HOST })).destroy();
  const presented = await pintle.fetchCertificate(HOST, { port, address: '127.0.0.1' });
  const evidence = { host: HOST, presented, verifiedPath: presented, platformAccepts: true };
  const decide = () => pins.check(evidence);
  if (!(await decide()).allowed) throw new Error('refused');
  await measure(1000, decide);
  tell('decision', await measure(20_000, decide));

  const taken = { unpinned: [], pinned: [] };
  for (let i = 0; i < 300; i++) {
    taken.unpinned.push(...(await measure(1, connectUnpinned)));
    taken.pinned.push(...(await measure(1, connectPinned)));
  }
  for (const [name, each] of Object.entries(taken)) tell(`handshake, ${name}`, each);
  pins.close();
})();
