'use strict';

// One pinned request with fetch.
//
//   node app.js pintle.json https://api.example.com/

const pintle = require('pintle');

async function main(bundle, url) {
  // http is for a CDN on this machine, in trials.
  const pins = await pintle.setup(bundle, { dangerousAllowHttpLoopback: 'PINTLE_DANGEROUS_HTTP' in process.env });
  try {
    const response = await fetch(url, { dispatcher: pins.dispatcher() });
    console.log(response.status, await response.text());
  } finally {
    pins.close();
  }
}

const [bundle, url] = process.argv.slice(2);
if (url === undefined) {
  console.error('usage: app.js pintle.json URL');
  process.exit(2);
}
main(bundle, url).catch((error) => {
  const refusal = pintle.findRefusal(error);
  console.error(refusal ? `refused: ${refusal.code}` : `failed: ${error.message}`);
  process.exitCode = 1;
});
