/** Kannel, a gateway that is a client of SMPP message centres: started with one of ours, told by HTTP what to send. Loopback only. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { aptAvailable } from '../infra/local/apt-fetch.mjs';
import { downloadsFolder } from '../infra/local/home-folder.mjs';
import { findPeer } from '../infra/local/native-tools.mjs';
import { freePort } from '../infra/local/ports.mjs';
import { until } from './installation.js';

/** Debian's and Ubuntu's package; there is none for others. */
export const kannelIsMissing = aptAvailable() ? undefined : 'Kannel comes through apt, which this system has not';

export class Kannel {
  /** What it told by HTTP, path by path: texts that came (`/mo`), what became of its own (`/dlr`). */
  readonly told: URL[] = [];
  private readonly home = mkdtempSync(join(tmpdir(), 'parley-kannel-'));
  private readonly listener: Server;
  private readonly boxes: ChildProcess[] = [];
  private sendPort = 0;

  private constructor() {
    this.listener = createServer((request, response) => {
      this.told.push(new URL(request.url!, 'http://127.0.0.1'));
      response.end();
    });
  }

  static async start(centrePort: number): Promise<Kannel> {
    const kannel = new Kannel();
    try {
      await kannel.begin(centrePort);
      return kannel;
    } catch (error) {
      await kannel.stop();
      throw error;
    }
  }

  private async begin(centrePort: number): Promise<void> {
    const tool = await findPeer('bearerbox', { packages: ['kannel'], downloads: downloadsFolder(process.env) });
    if (!tool) throw new Error('apt fetched no bearerbox');
    await new Promise<void>((resolve) => this.listener.listen(0, '127.0.0.1', resolve));
    this.sendPort = await freePort();
    const [adminPort, boxPort] = [await freePort(), await freePort()];
    const file = join(this.home, 'kannel.conf');
    writeFileSync(file, configuration({ centrePort, adminPort, boxPort, sendPort: this.sendPort, hearPort: this.hearPort, home: this.home }));
    for (const box of ['bearerbox', 'smsbox']) {
      this.boxes.push(spawn(join(dirname(tool.file), box), ['-v', '4', file], { env: { ...process.env, ...tool.env }, stdio: 'ignore' }));
      const port = box === 'bearerbox' ? adminPort : this.sendPort;
      await until(() => fetch(`http://127.0.0.1:${port}/`).then(() => true, () => undefined), `Kannel's ${box}\n${this.log()}`);
    }
  }

  /** `about` comes back with what became of it. */
  async send(fields: Record<string, string>, about = ''): Promise<string> {
    const report = `http://127.0.0.1:${this.hearPort}/dlr${about}?type=%d`;
    const query = new URLSearchParams({ username: 't', password: 't', 'dlr-mask': '31', 'dlr-url': report, ...fields });
    const response = await fetch(`http://127.0.0.1:${this.sendPort}/cgi-bin/sendsms?${query}`);
    return response.text();
  }

  async stop(): Promise<void> {
    await Promise.all(this.boxes.map((box) => new Promise((resolve) => {
      box.once('exit', resolve);
      if (box.exitCode !== null || box.signalCode !== null || !box.kill('SIGKILL')) resolve(undefined);
    })));
    this.listener.closeAllConnections();
    await new Promise((resolve) => this.listener.close(resolve));
    rmSync(this.home, { recursive: true, force: true });
  }

  private get hearPort(): number { return (this.listener.address() as AddressInfo).port; }

  private log(): string {
    try {
      return readFileSync(join(this.home, 'box.log'), 'utf8').slice(-2_000);
    } catch {
      return '';
    }
  }
}

type Ports = Record<'centrePort' | 'adminPort' | 'boxPort' | 'sendPort' | 'hearPort', number> & { home: string };

const configuration = ({ centrePort, adminPort, boxPort, sendPort, hearPort, home }: Ports) => Object.entries({
  core: [`admin-port = ${adminPort}`, 'admin-interface = 127.0.0.1', `smsbox-port = ${boxPort}`, 'smsbox-interface = 127.0.0.1', 'admin-password = kannel', 'box-allow-ip = 127.0.0.1', `log-file = ${home}/box.log`],
  smsc: ['smsc = smpp', 'smsc-id = centre', 'host = 127.0.0.1', `port = ${centrePort}`, 'transceiver-mode = true', 'smsc-username = kannel', 'smsc-password = secret', 'system-type = VMA', 'enquire-link-interval = 1', 'reconnect-delay = 1'],
  smsbox: ['bearerbox-host = 127.0.0.1', `sendsms-port = ${sendPort}`, 'sendsms-interface = 127.0.0.1', 'global-sender = 15550199999', `log-file = ${home}/smsbox.log`],
  'sendsms-user': ['username = t', 'password = t', 'concatenation = true', 'max-messages = 5'],
  'sms-service': ['keyword = default', `get-url = "http://127.0.0.1:${hearPort}/mo?from=%p&to=%P&text=%a&charset=%C&coding=%c"`, 'max-messages = 0', 'catch-all = true', 'omit-empty = true'],
}).map(([group, lines]) => [`group = ${group}`, ...lines, ''].join('\n')).join('\n');
