/** What `npm start` prints when everything runs: where it is, and three lines to try it. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { databasePlace } from './database.mjs';
import { shownPath } from './home-folder.mjs';

/**
 * @param {import('./installation.mjs').Installation} installation
 * @param {number} seconds it took
 * @returns {string}
 */
export function welcome({ home, info, servers, apps }, seconds) {
  const folder = (/** @type {string} */ name) => shownPath(join(home, name));
  const whose = (/** @type {unknown} */ server, /** @type {string} */ name) => (server ? `private, data in ${folder(name)}/` : 'given');
  const rows = [
    ['REST', `${info.restUrl}/v1`],
    ['Websocket', info.wsUrl],
    ['Client SDK', info.clientWsUrl],
    ['Webhooks', info.webhookUrl],
    ['Simulator', info.simulatorUrl],
    ...(info.tokenUrl === undefined ? [] : [['Test tokens', `${info.tokenUrl}?identity=alice&password=${info.tokenPassword}`]]),
    ['Postgres', `${databasePlace(info.databaseUrl)} (${whose(servers.postgres, 'postgres')})`],
    ['NATS', `${withoutPassword(info.natsUrl)} (${whose(servers.nats, 'nats')})`],
    ['Redis', `${withoutPassword(info.redisUrl)} (${servers.redis ? 'private, in memory' : 'given'})`],
    ['Processes', Object.entries(apps).map(([name, app]) => `${name} ${app.pid}`).join(', ')],
    ['Logs', `${folder('log')}/`],
    ['Keys, URLs', folder('run.json')],
  ];
  const conversation = `tour-${randomBytes(3).toString('hex')}`; // a new one at each start: names are unique
  const curl = `curl -u ${info.accountSid}:${info.authToken} ${info.restUrl}/v1/Conversations`;
  return [
    `Parley ${info.version} is ready (${seconds.toFixed(1)} s)`,
    '',
    ...rows.map(([name, value]) => `  ${name?.padEnd(11)} ${value}`),
    '',
    'Try it: a conversation, somebody in it, a message',
    '',
    `  ${curl} -d UniqueName=${conversation} -d FriendlyName=Tour`,
    `  ${curl}/${conversation}/Participants -d Identity=alice`,
    `  ${curl}/${conversation}/Messages -d Author=alice -d Body=Hello`,
    '',
  ].join('\n');
}

/** @param {string} urls */
function withoutPassword(urls) {
  return urls.replaceAll(/\/\/[^@/,]*@/g, '//');
}
