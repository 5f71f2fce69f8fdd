'use strict';

// Fetches configurations and sends reports, with nothing of the app's in it: no agent, no pool, no redirect, no cache.

const http = require('node:http');
const https = require('node:https');
const { userAgent } = require('./native');

/**
 * One GET, or a POST of `body`. Resolves to `{ status, etag, retryAfter, body }`; rejects when there is no complete answer.
 */
function fetchOnce({ url, body: report, etag, noCache, maxBytes, timeoutMs }, { ca, keepsAlive }) {
  return new Promise((resolve, reject) => {
    const headers = { 'Accept-Encoding': 'identity', 'User-Agent': userAgent() };
    if (etag) headers['If-None-Match'] = etag;
    if (noCache) headers['Cache-Control'] = 'no-cache';
    if (report !== undefined) headers['Content-Type'] = 'application/json';
    const client = url.startsWith('https:') ? https : http;
    const method = report === undefined ? 'GET' : 'POST';
    // Signed is what comes, and ordinary TLS what it comes by: whatever the environment says.
    const request = client.request(url, { method, headers, agent: false, ca, rejectUnauthorized: true });
    request.end(report);
    const timer = setTimeout(() => request.destroy(new Error(`no complete answer within ${timeoutMs} ms`)), timeoutMs);
    request.on('socket', (socket) => {
      // A refresh in the background keeps no process alive.
      if (!keepsAlive()) {
        socket.unref();
        timer.unref();
      }
    });
    request.on('close', () => clearTimeout(timer));
    request.on('error', reject);
    request.on('response', (response) => {
      if (report !== undefined) {
        request.destroy();
        resolve({ status: response.statusCode, body: Buffer.alloc(0) });
        return;
      }
      const chunks = [];
      let bytes = 0;
      response.on('data', (chunk) => {
        bytes += chunk.length;
        if (bytes > maxBytes) request.destroy(new Error(`more than ${maxBytes} bytes`));
        else chunks.push(chunk);
      });
      response.on('error', reject);
      response.on('end', () => {
        const { statusCode: status, headers: answered } = response;
        const body = status === 200 ? Buffer.concat(chunks) : Buffer.alloc(0);
        resolve({ status, etag: answered.etag, retryAfter: answered['retry-after'], body });
      });
    });
  });
}

module.exports = { fetchOnce };
