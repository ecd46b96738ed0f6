/**
 * Preloaded into the official command line: whatever it would send over HTTPS reaches the Parley at PARLEY_URL instead, as
 * if conversations.twilio.com were there. Nothing leaves this machine.
 */
const http = require('node:http');
const https = require('node:https');

const { hostname, port } = new URL(process.env.PARLEY_URL);
https.request = (options, callback) =>
  http.request({ ...options, protocol: 'http:', hostname, host: hostname, port, agent: undefined, agents: undefined }, callback);
https.get = (options, callback) => {
  const request = https.request(options, callback);
  request.end();
  return request;
};
