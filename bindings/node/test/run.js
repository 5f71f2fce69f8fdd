'use strict';

// Builds the addon, lays the package out as npm would, and runs the tests: `node bindings/node/test/run.js`.
// Needs undici, ws and TypeScript (`cargo xtask setup`). With UPDATE_DOCS set, writes the rows of docs/sdk/conformance.md.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const ROOT = path.resolve(__dirname, '../../..');
const TARGET = process.env.CARGO_TARGET_DIR ?? path.join(ROOT, 'target');
const MODULES = path.join(ROOT, 'target/tools/node/node_modules');
const PLACE = path.join(TARGET, 'node');

function run(program, ...given) {
  const { status, error } = spawnSync(program, given, { cwd: ROOT, stdio: 'inherit', env: ENVIRONMENT });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

const ENVIRONMENT = {
  ...process.env,
  NODE_PATH: MODULES,
  NODE_TLS_REJECT_UNAUTHORIZED: '0', // what an app must not get away with
  NODE_NO_WARNINGS: '1',
  PINTLE_GAUNTLET: path.join(TARGET, 'debug/examples/gauntlet'),
};

const LIBRARY = { darwin: 'libpintle_node.dylib', win32: 'pintle_node.dll' }[process.platform] ?? 'libpintle_node.so';

run('cargo', 'build', '--quiet', '--locked', '--package', 'pintle-testkit', '--example', 'gauntlet');
// A debug build with the door for vectors: what ships has neither.
run('cargo', 'build', '--quiet', '--locked', '--package', 'pintle-node', '--features', 'dangerous-test');
const installed = path.join(PLACE, 'node_modules/pintle');
fs.rmSync(PLACE, { recursive: true, force: true });
fs.mkdirSync(installed, { recursive: true });
fs.cpSync(path.join(__dirname, '../lib'), path.join(installed, 'lib'), { recursive: true });
fs.copyFileSync(path.join(__dirname, '../package.json'), path.join(installed, 'package.json'));
fs.copyFileSync(path.join(TARGET, 'debug', LIBRARY), path.join(installed, `pintle.${process.platform}-${process.arch}.node`));
// The tests live beside the package, where `require('pintle')` finds it as in any project.
fs.cpSync(__dirname, path.join(PLACE, 'test'), { recursive: true });
fs.writeFileSync(path.join(PLACE, 'root.json'), JSON.stringify(ROOT));
fs.symlinkSync(path.join(MODULES, '@types'), path.join(PLACE, 'node_modules/@types'), 'dir');

const chosen = process.argv.slice(2);
const tests = chosen.length > 0 ? chosen : ['api', 'clients', 'types', 'vectors'];
run(process.execPath, '--test', ...tests.map((name) => path.join(PLACE, 'test', `${name}.test.js`)));
