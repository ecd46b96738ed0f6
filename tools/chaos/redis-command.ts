/** One command to a Redis server, over its inline protocol: all that a fault needs of it. */
import { connect } from 'node:net';

const ANSWER_MILLIS = 2000;

/** Resolves with the answer to the last line; the first one authenticates when the URL has a password. */
export function redisCommand(url: string, command: string): Promise<string> {
  const { hostname, port, password } = new URL(url);
  const lines = [...(password === '' ? [] : [`AUTH ${decodeURIComponent(password)}`]), command];
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), timeout: ANSWER_MILLIS });
    let answer = '';
    socket.on('error', reject);
    socket.on('timeout', () => socket.destroy(new Error('Redis did not answer')));
    socket.on('close', () => reject(new Error('Redis closed the connection')));
    socket.setEncoding('utf8').on('data', (text: string) => {
      answer += text;
      const answers = answer.split('\r\n').filter((line) => line !== '');
      if (answers.length < lines.length) return;
      resolve(answers.at(-1)!);
      socket.destroy();
    });
    socket.write(lines.map((line) => `${line}\r\n`).join(''));
  });
}
