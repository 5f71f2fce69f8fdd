'use strict';

// The declarations hold against a program that uses all of them.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const pintle = require('pintle');

test('a program in TypeScript compiles', () => {
  const compiler = path.join(process.env.NODE_PATH, '.bin/tsc');
  const options = ['--noEmit', '--strict', '--target', 'es2022', '--module', 'nodenext', '--types', 'node'];
  const place = { cwd: path.join(__dirname, '..'), encoding: 'utf8' };
  const { status, stdout } = spawnSync(compiler, [...options, 'test/uses.mts'], place);
  assert.equal(status, 0, stdout);
});

test('what is declared is there, and nothing else', () => {
  const declarations = fs.readFileSync(require.resolve('pintle').replace('index.js', 'index.d.ts'), 'utf8');
  const declared = [...declarations.matchAll(/^export (?:const|class|function) (\w+)/gm)].map((found) => found[1]);
  assert.deepEqual(declared.sort(), Object.keys(pintle).sort());
});
