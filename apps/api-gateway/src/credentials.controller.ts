/** `/v1/Credentials` (API reference 1.11): what push services ask for. Secrets are sealed before they leave this process. */
import { Controller, Delete, Get, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { REGISTRY_COMMANDS } from '@parley/contracts/command-tokens';
import type { RegistryCommands } from '@parley/contracts/commands';
import { ApiError } from '@parley/contracts/error-catalogue';
import { createCredential, updateCredential, type CredentialChanges } from '@parley/contracts/rest/credentials';
import type { Paging } from '@parley/contracts/rest/paging';
import { isSid, newSid } from '@parley/domain/sid';
import { derivedSid } from '@parley/event-store/derived-sid';
import { SecretBox } from '@parley/event-store/secret-box';
import { credentialFault } from '@parley/push/credential-fault';
import { newVapidKeys, vapidPublicKey } from '@parley/push/vapid';
import { Form, PagingOf, TheCall, type Call } from './call.js';
import { NotFound } from './error-answer.js';
import { text, textOrNull, time } from './json-text.js';
import { listAnswer } from './list-answer.js';
import { readPageToken, sidOfKind } from './page-token.js';
import { prepared, Reads } from './reads.js';
import { Repetitions } from './repetitions.js';

type Row = {
  sid: string; friendly_name: string | null; type: string; sandbox: string; created_at: string; updated_at: string; key_id: string | null; team_id: string | null;
  topic: string | null; subject: string | null; public_key: string | null;
};

// Without the secrets: what is not read cannot slip into an answer.
const columns = 'sid, friendly_name, type, sandbox, created_at, updated_at, key_id, team_id, topic, subject, public_key';
const select = `select ${columns} from model.credential where account = $1 and`;
const page = (after: '>' | '<') => prepared(`credentials${after}`,
  `${select} sid ${after} $2 order by sid ${after === '>' ? 'asc' : 'desc'} limit $3`);
const forward = page('>');
const backward = page('<');
const find = prepared('credential', `${select} sid = $2`);

@Controller('v1/Credentials')
export class CredentialsController {
  constructor(
    @Inject(REGISTRY_COMMANDS) private readonly commands: RegistryCommands,
    @Inject(SecretBox) private readonly box: SecretBox,
    @Inject(Repetitions) private readonly repetitions: Repetitions,
    @Inject(Reads) private readonly reads: Reads,
  ) {}

  @Post()
  async create(@TheCall() call: Call, @Form(createCredential) changes: CredentialChanges): Promise<string> {
    mustBeReadable(changes, changes.open['key_id']);
    const { open, secrets } = changes.open['type'] === 'webpush' ? withKeys(changes) : changes;
    const { account, caller } = call;
    const sid = caller.key === undefined ? newSid('CR') : derivedSid('CR', account.sid, caller.key);
    const at = new Date().toISOString();
    await this.commands.create(caller, 'Credential', {
      friendly_name: null, sandbox: 'False', ...open, ...this.sealed(secrets), sid, created_at: at, updated_at: at,
    });
    return this.fetch(call, sid);
  }

  @Get()
  async list(@TheCall() call: Call, @PagingOf(100) paging: Paging): Promise<string> {
    const cursor = readPageToken(paging.PageToken, 'credentials', ([sid]) => (sidOfKind(sid, 'CR') ? ([sid] as const) : undefined));
    const query = cursor?.back ? backward : forward;
    const rows = await this.reads.query<Row>(query(call.account.sid, cursor?.key[0] ?? '', paging.PageSize + 1));
    return listAnswer({
      key: 'credentials', url: `${call.base}/Credentials`, list: 'credentials', paging, cursor, rows,
      keyOf: ({ sid }) => [sid] as const, json: (row) => credentialJson(call, row),
    });
  }

  @Get(':Sid')
  async fetch(@TheCall() call: Call, @Param('Sid') sid: string): Promise<string> {
    return credentialJson(call, await this.find(call, sid));
  }

  @Post(':Sid')
  @HttpCode(200)
  async update(@TheCall() call: Call, @Param('Sid') sid: string, @Form(updateCredential) { open, secrets }: CredentialChanges): Promise<string> {
    const { type, key_id } = await this.find(call, sid);
    mustBeReadable({ open, secrets }, open['key_id'] === undefined ? key_id : open['key_id']);
    const keys = (open['type'] ?? type) === 'webpush' && publicHalf(secrets);
    const changes = { ...open, ...keys, ...this.sealed(secrets) };
    if (Object.keys(changes).length > 0) await this.commands.update(call.caller, 'Credential', sid, changes);
    return this.fetch(call, sid);
  }

  @Delete(':Sid')
  @HttpCode(204)
  remove(@TheCall() call: Call, @Param('Sid') sid: string): Promise<void> {
    return this.repetitions.orRun(call, async () => {
      if (!isSid(sid, 'CR')) throw new NotFound();
      await this.commands.remove(call.caller, 'Credential', sid);
    });
  }

  private async find({ account }: Call, sid: string): Promise<Row> {
    const [row] = isSid(sid, 'CR') ? await this.reads.query<Row>(find(account.sid, sid)) : [];
    if (!row) throw new NotFound();
    return row;
  }

  private sealed(secrets: CredentialChanges['secrets']): Record<string, string> {
    return Object.fromEntries(Object.entries(secrets).map(([name, secret]) => [name, this.box.seal(secret).toString('base64')]));
  }
}

/** A credential with a KeyId, and no certificate, signs tokens. */
function mustBeReadable({ secrets }: CredentialChanges, keyId: string | null | undefined): void {
  const fault = credentialFault(secrets, Boolean(keyId) && secrets['certificate'] === undefined);
  if (fault !== undefined) throw new ApiError(20001, fault);
}

/** Of a Web Push credential: the keys that are given, or new ones. */
function withKeys({ open, secrets }: CredentialChanges): CredentialChanges {
  if (!open['subject']) throw new ApiError(20001, 'Subject');
  const keys = { private_key: newVapidKeys().privateKey, ...secrets };
  return { open: { ...open, ...publicHalf(keys) }, secrets: keys };
}

/** What browsers subscribe with follows from the private key. */
function publicHalf({ private_key }: CredentialChanges['secrets']): { public_key?: string } {
  if (private_key === undefined) return {};
  const public_key = vapidPublicKey(private_key);
  if (public_key === undefined) throw new ApiError(20001, 'PrivateKey');
  return { public_key };
}

function credentialJson({ account, base }: Call, c: Row): string {
  return `{"sid":"${c.sid}","account_sid":"${account.sid}","friendly_name":${textOrNull(c.friendly_name)},"type":${text(c.type)
  },"sandbox":"${c.sandbox}","date_created":${time(c.created_at)},"date_updated":${time(c.updated_at)},"url":"${base}/Credentials/${c.sid}"${ours(c)}}`;
}

/** Fields that the documented resource does not have, where they were given. */
const ours = (c: Row): string =>
  (['key_id', 'team_id', 'topic', 'subject', 'public_key'] as const).map((name) => (c[name] === null ? '' : `,"${name}":${text(c[name])}`)).join('');
