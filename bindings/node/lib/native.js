'use strict';

// The addon of this platform, beside the package's files.
const { platform, arch } = process;
try {
  module.exports = require(`../pintle.${platform}-${arch}.node`);
} catch (cause) {
  throw new Error(`pintle has no addon for ${platform}-${arch}: ${cause.message}`, { cause });
}
