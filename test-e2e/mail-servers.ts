/**
 * Postfix, Dovecot and swaks as they are: independent readings of SMTP, LMTP, IMAP and of what a bounce looks like. The servers want users,
 * paths and folders of their own, so they run in a mount and process namespace where those exist; the system stays as it is. Loopback only.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { aptAvailable } from '../infra/local/apt-fetch.mjs';
import { downloadsFolder } from '../infra/local/home-folder.mjs';
import { findPeer } from '../infra/local/native-tools.mjs';
import { freePort } from '../infra/local/ports.mjs';
import { until } from './installation.js';

/** Only root may give programs users that the system lacks, and not in every container. */
export const mailServersAreMissing = !aptAvailable() ? 'Postfix and Dovecot come through apt, which this system has not'
  : process.getuid?.() !== 0 || !mayMount() ? 'Postfix and Dovecot want users of their own, which only root may give them, where it may mount' : undefined;

function mayMount(): boolean {
  try {
    execFileSync('unshare', ['-m', '-p', '-f', 'mount', '-t', 'overlay', 'overlay', '-o', 'lowerdir=/usr/sbin:/usr/lib', '/usr/sbin'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const users = ['postfix', 'postdrop', 'dovecot', 'dovenull', 'vmail'];

export class MailServers {
  readonly password = 'secret';
  smtpPort = 0;
  imapPort = 0;
  private readonly home = mkdtempSync(join(tmpdir(), 'parley-mail-'));
  private process: ChildProcess | undefined;

  /** Mail for `inbox.example.test` goes to Parley's LMTP port, for `far.example.test` to a mail server elsewhere. */
  static async start(parleyPort: number, farPort: number): Promise<MailServers> {
    const servers = new MailServers();
    try {
      await servers.begin(parleyPort, farPort);
      return servers;
    } catch (error) {
      await servers.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    const { process: root } = this;
    if (root && root.exitCode === null && root.signalCode === null) await new Promise((resolve) => { root.once('exit', resolve); root.stdin!.end(); });
    rmSync(this.home, { recursive: true, force: true });
  }

  private async begin(parleyPort: number, farPort: number): Promise<void> {
    const downloads = downloadsFolder(process.env);
    const [dovecot, postfix] = [await findPeer('dovecot', { packages: ['dovecot-imapd', 'dovecot-lmtpd'], downloads }), await findPeer('postfix', { packages: ['postfix'], downloads })];
    if (!dovecot || !postfix) throw new Error('apt fetched no mail servers');
    [this.smtpPort, this.imapPort] = [await freePort(), await freePort()];
    const lmtpPort = await freePort();
    chmodSync(this.home, 0o755);
    for (const folder of ['etc', 'spool', 'data', 'run', 'mail']) mkdirSync(join(this.home, folder));
    const roots = [dovecot, postfix].map(({ file }) => dirname(dirname(dirname(file))));
    this.write('passwd', `${readFileSync('/etc/passwd', 'utf8')}${users.map((name, i) => `${name}:x:${61_000 + i}:${61_000 + i}::/:/bin/false\n`).join('')}`);
    this.write('group', `${readFileSync('/etc/group', 'utf8')}${users.map((name, i) => `${name}:x:${61_000 + i}:\n`).join('')}`);
    copyFileSync(join(roots[1]!, 'etc/postfix/postfix-files'), join(this.home, 'etc/postfix-files'));
    this.write('etc/main.cf', postfixMain({ home: this.home, parleyPort, farPort, lmtpPort }));
    this.write('etc/master.cf', postfixMaster(this.smtpPort));
    this.write('dovecot.conf', dovecotConf({ home: this.home, imapPort: this.imapPort, lmtpPort, password: this.password }));
    this.write('start.sh', [
      'set -e',
      ...['/usr/lib', '/usr/sbin', '/usr/bin'].map((place) => `mount -t overlay overlay -o lowerdir=${roots.map((root) => root + place).filter((folder) => existsSync(folder)).join(':')}:${place} ${place}`),
      `mount --bind ${this.home}/passwd /etc/passwd`, `mount --bind ${this.home}/group /etc/group`, 'mount -t proc proc /proc',
      `chown vmail ${this.home}/mail`, `chown postfix ${this.home}/data`,
      `postfix -c ${this.home}/etc set-permissions create-missing || true`,
      `dovecot -F -c ${this.home}/dovecot.conf &`, `postfix -c ${this.home}/etc start-fg &`,
      // Until we close it, or are no more: the first of a process namespace takes all others with it.
      'cat > /dev/null',
    ].join('\n'));
    const libraries = [dovecot, postfix].map(({ env }) => env['LD_LIBRARY_PATH']).join(':');
    this.process = spawn('unshare', ['-m', '-p', '-f', 'bash', join(this.home, 'start.sh')], {
      stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, LD_LIBRARY_PATH: libraries, MAIL_CONFIG: join(this.home, 'etc') },
    });
    let said = '';
    for (const stream of [this.process.stdout!, this.process.stderr!]) stream.on('data', (chunk: Buffer) => { said += chunk.toString(); });
    for (const port of [this.smtpPort, this.imapPort, lmtpPort]) await until(() => answers(port), `a mail server on ${port}`)
      .catch((error: Error) => { throw new Error(`${error.message}: ${said}\n${this.log()}`); });
  }

  /** The client of mail administrators, in Perl; resolves with what was said, both ways, and how it ended: 0 is well, 24 no recipient taken. */
  async swaks(...args: string[]): Promise<{ said: string; end: number | null }> {
    const swaks = await findPeer('swaks', { packages: ['swaks'], downloads: downloadsFolder(process.env) });
    if (!swaks) throw new Error('apt fetched no swaks');
    const perl = join(dirname(dirname(swaks.file)), 'share', 'perl');
    const modules = existsSync(perl) ? readdirSync(perl).map((version) => join(perl, version)) : [];
    const child = spawn(swaks.file, ['--timeout', '10', ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...swaks.env, PERL5LIB: modules.join(':') } });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { said += chunk.toString(); });
    const end = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
    return { said, end };
  }

  log(): string {
    return ['maillog', 'dovecot.log'].map((name) => {
      try {
        return readFileSync(join(this.home, name), 'utf8').slice(-3_000);
      } catch {
        return '';
      }
    }).join('\n');
  }

  private write(name: string, text: string): void {
    writeFileSync(join(this.home, name), text, { mode: 0o644 });
  }
}

const answers = (port: number) => new Promise<boolean>((resolve) => {
  const socket = connect(port, '127.0.0.1', () => { socket.destroy(); resolve(true); });
  socket.once('error', () => resolve(false));
});

/** remote: mailboxes here. far: taken here, decided elsewhere. inbox: ours. */
const postfixMain = ({ home, parleyPort, farPort, lmtpPort }: { home: string; parleyPort: number; farPort: number; lmtpPort: number }) => `
compatibility_level = 3.6
queue_directory = ${home}/spool
data_directory = ${home}/data
maillog_file = ${home}/maillog
maillog_file_prefixes = ${home}
import_environment = MAIL_CONFIG LD_LIBRARY_PATH
export_environment = MAIL_CONFIG LD_LIBRARY_PATH
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
shlib_directory = /usr/lib/postfix
meta_directory = ${home}/etc
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.example.test
mydestination =
mynetworks = 127.0.0.0/8
recipient_delimiter = +
virtual_mailbox_domains = remote.example.test
virtual_mailbox_maps = inline:{ support@remote.example.test=ok, ana@remote.example.test=ok }
virtual_transport = lmtp:inet:127.0.0.1:${lmtpPort}
relay_domains = far.example.test, inbox.example.test
transport_maps = inline:{ { far.example.test = smtp:[127.0.0.1]:${farPort} }, { inbox.example.test = lmtp:inet:127.0.0.1:${parleyPort} } }
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtputf8_enable = no
alias_maps =
alias_database =
`;

const postfixMaster = (port: number) => [
  `127.0.0.1:${port} inet n - n - - smtpd`,
  'pickup unix n - n 60 1 pickup', 'cleanup unix n - n - 0 cleanup', 'qmgr unix n - n 300 1 qmgr', 'tlsmgr unix - - n 1000? 1 tlsmgr',
  ...['rewrite trivial-rewrite', 'smtp smtp', 'relay smtp', 'error error', 'retry error', 'discard discard', 'lmtp lmtp', 'proxymap proxymap', 'showq showq']
    .map((service) => `${service.split(' ')[0]} unix - - n - - ${service.split(' ')[1]}`),
  ...['bounce', 'defer', 'trace'].map((name) => `${name} unix - - n - 0 bounce`),
  'verify unix - - n - 1 verify', 'flush unix n - n 1000? 0 flush', 'anvil unix - - n - 1 anvil', 'scache unix - - n - 1 scache', 'postlog unix-dgram n - n - 1 postlogd', '',
].join('\n');

const dovecotConf = ({ home, imapPort, lmtpPort, password }: { home: string; imapPort: number; lmtpPort: number; password: string }) => `
base_dir = ${home}/run
state_dir = ${home}/run
log_path = ${home}/dovecot.log
protocols = imap lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
mail_location = maildir:${home}/mail/%u
first_valid_uid = 1
recipient_delimiter = +
auth_username_format = %Lu
passdb {
  driver = static
  args = password=${password}
}
userdb {
  driver = static
  args = uid=vmail gid=vmail home=${home}/mail/%u allow_all_users=yes
}
service imap-login {
  inet_listener imap {
    address = 127.0.0.1
    port = ${imapPort}
  }
  inet_listener imaps {
    port = 0
  }
}
service lmtp {
  inet_listener lmtp {
    address = 127.0.0.1
    port = ${lmtpPort}
  }
}
namespace inbox {
  inbox = yes
}
`;
