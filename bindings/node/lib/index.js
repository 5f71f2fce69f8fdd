'use strict';

const { codes, protocolLevel } = require('./native');
const { PintleError, Refused, findRefusal } = require('./errors');
const { Pintle, setup, start } = require('./pintle');
const { fetchCertificate } = require('./tls');

exports.CODES = codes();
exports.PROTOCOL_LEVEL = protocolLevel();
exports.Pintle = Pintle;
exports.PintleError = PintleError;
exports.Refused = Refused;
exports.fetchCertificate = fetchCertificate;
exports.findRefusal = findRefusal;
exports.setup = setup;
exports.start = start;
