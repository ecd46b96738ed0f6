/**
 * What this Postgres can commit on this machine at this moment: one-row inserts, each its own transaction, 8 clients. By
 * pgbench when it is there; otherwise by our own clients on the wire protocol, which is named so in the result.
 */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connectDatabase } from '../../infra/local/database.mjs';

export type CommitLimit = { tool: string; clients: number; commitsPerSecond: number };

const CLIENTS = 8;
const INSERT = `insert into commit_limit (body) values (repeat('x', 200))`;
const DATABASE = 'bench_limit';

export class CommitLimitMeter {
  private readonly url: string;
  readonly tool: string;
  private readonly folder = mkdtempSync(join(tmpdir(), 'parley-limit-'));
  private readonly script = join(this.folder, 'insert.sql');

  private constructor(url: string) {
    this.url = url;
    const version = spawnSync('pgbench', ['--version'], { encoding: 'utf8' });
    this.tool = version.status === 0 ? `pgbench (${version.stdout.trim().replace(/^pgbench \(PostgreSQL\) /, '')})` : 'node pg (pgbench is not on PATH)';
    writeFileSync(this.script, `${INSERT};\n`);
  }

  /** @param superuserUrl of the server under test; a database of its own is made there */
  static async on(superuserUrl: string): Promise<CommitLimitMeter> {
    const admin = await connectDatabase(superuserUrl);
    await admin.query(`drop database if exists ${DATABASE}`);
    await admin.query(`create database ${DATABASE}`);
    await admin.end();
    const url = new URL(superuserUrl);
    url.pathname = `/${DATABASE}`;
    const client = await connectDatabase(url.href);
    await client.query('create table commit_limit (id bigint generated always as identity primary key, body text not null)');
    await client.end();
    return new CommitLimitMeter(url.href);
  }

  async measure(seconds: number): Promise<CommitLimit> {
    const commitsPerSecond = this.tool.startsWith('pgbench') ? await this.byPgbench(seconds) : await this.byNode(seconds);
    return { tool: this.tool, clients: CLIENTS, commitsPerSecond: Math.round(commitsPerSecond) };
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async byPgbench(seconds: number): Promise<number> {
    const { hostname, port, username, password } = new URL(this.url);
    const length = String(Math.max(1, Math.round(seconds)));
    const args = ['-n', '-f', this.script, '-c', String(CLIENTS), '-j', '2', '-T', length, '-h', hostname, '-p', port, '-U', username, DATABASE];
    const env = { ...process.env, LC_ALL: 'C', PGPASSWORD: decodeURIComponent(password) };
    const { stdout } = await promisify(execFile)('pgbench', args, { encoding: 'utf8', env });
    const tps = /^tps = ([\d.]+)/m.exec(stdout)?.[1];
    if (tps === undefined) throw new Error(`pgbench said nothing about its rate: ${stdout}`);
    return Number(tps);
  }

  private async byNode(seconds: number): Promise<number> {
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => connectDatabase(this.url)));
    let commits = 0;
    const begin = performance.now();
    const until = begin + seconds * 1000;
    await Promise.all(clients.map(async (client) => {
      for (; performance.now() < until; commits++) await client.query({ name: 'insert', text: INSERT });
    }));
    const elapsed = performance.now() - begin;
    await Promise.all(clients.map((client) => client.end()));
    return commits / (elapsed / 1000);
  }
}
