'use strict';

// Talks to `crates/testkit/examples/gauntlet.rs`.

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const readline = require('node:readline');

const ROOT = JSON.parse(fs.readFileSync(path.join(__dirname, '../root.json'), 'utf8'));

class Gauntlet {
  #process = spawn(process.env.PINTLE_GAUNTLET, { stdio: ['pipe', 'pipe', 'inherit'] });
  #lines = readline.createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  #folders = [];

  async #ask(line) {
    this.#process.stdin.write(`${line}\n`);
    return JSON.parse((await this.#lines.next()).value);
  }

  cases() {
    return this.#ask('cases');
  }

  /** Resolves to the folder with `pintle.json` and `ca.pem`, and the port of the server. */
  async start(name) {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'pintle-'));
    this.#folders.push(folder);
    const { port } = await this.#ask(`start ${name} ${folder}`);
    const file = (name) => path.join(folder, name);
    return { file, port, bundle: file('pintle.json'), ca: fs.readFileSync(file('ca.pem')) };
  }

  change(change) {
    return this.#ask(`change ${change}`);
  }

  seen() {
    return this.#ask('seen');
  }

  /** How the requests of a case ended with a client. */
  walked(walk) {
    return this.#ask(`walked ${JSON.stringify(walk)}`);
  }

  /** Resolves to what is wrong with the rows of docs/sdk/conformance.md, or null. */
  async hold(sdk) {
    const { error } = await this.#ask(`hold ${sdk} ${path.join(ROOT, 'docs/sdk/conformance.md')}`);
    return error;
  }

  close() {
    this.#process.stdin.end();
    for (const folder of this.#folders) fs.rmSync(folder, { recursive: true, force: true });
  }
}

module.exports = { Gauntlet, ROOT };
