// Resolves every name to this machine: the tool accepts no address of loopback,
// and no request may leave the machine.
const dns = require('node:dns')
const lookup = dns.lookup
dns.lookup = (_, options, callback) => lookup('127.0.0.1', options, callback)
