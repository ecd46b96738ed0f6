import { Module } from '@nestjs/common';
import type { Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { bootstrap } from './bootstrap.js';

@Module({})
class Nothing {}

describe('a service', () => {
  it('survives a reset after an upgrade request', async () => {
    const app = await bootstrap(Nothing, { name: 'nothing', port: 0, host: '127.0.0.1' });
    const server = app.getHttpServer() as Server;
    const upgraded = new Promise<Duplex>((resolve) => server.once('upgrade', (_, socket) => resolve(socket)));
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    client.write('GET /x HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    const socket = await upgraded;
    expect(socket.emit('error', new Error('read ECONNRESET'))).toBe(true); // without a listener this throws
    expect(socket.destroyed).toBe(true);
    client.destroy();
    await app.close();
  });
});
