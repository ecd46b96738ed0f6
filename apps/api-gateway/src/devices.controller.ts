/**
 * `/v1/Services/{IS}/Devices`: who can be pushed to (docs/push.md). What is registered here is a Binding there; the official
 * client SDK's registrations come this way too (realtime-gateway). Registering again is how a device says that it still lives.
 */
import { Controller, Delete, Get, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { PARTICIPANT_COMMANDS, REGISTRY_COMMANDS } from '@parley/contracts/command-tokens';
import type { ParticipantCommands, RegistryCommands } from '@parley/contracts/commands';
import { ApiError } from '@parley/contracts/error-catalogue';
import { createDevice, type CreateDevice } from '@parley/contracts/rest/devices';
import { DomainError } from '@parley/domain/domain-error';
import { isSid, type ServiceSid } from '@parley/domain/sid';
import { pushBindingSid } from '@parley/event-store/push-binding-sid';
import { isPrivateTarget, privateTargetsAllowed } from '@parley/webhooks/target-address';
import { bindingJson, type BindingRow } from './binding-json.js';
import { Form, TheCall, type Call } from './call.js';
import { NotFound } from './error-answer.js';
import { prepared, Reads } from './reads.js';
import { Repetitions } from './repetitions.js';
import { ServiceLookup } from './service-lookup.js';

/** Of one user in one service; a new one takes the place of the one that was silent longest. */
const DEVICES_MAX = 20;
/** A device that registers more often than that changes nothing by it. */
const REFRESHED_MILLIS = 86_400_000;

type Row = BindingRow & { address: string };
const find = prepared('device', 'select * from model.push_binding where account = $1 and chat_service_sid = $2 and sid = $3');
/** From the newest on. */
const surplus = prepared('devices-surplus', `select sid, identity, updated_at from (select sid, identity, updated_at from model.push_binding where chat_service_sid = $1 and identity = $2) b
  where sid <> $3 order by updated_at desc, sid offset $4`);
const credentialType = prepared('credential-type', 'select type from model.credential where sid = $1 and account = $2');

@Controller('v1/Services/:ChatServiceSid/Devices')
export class DevicesController {
  private readonly privateAllowed = privateTargetsAllowed();

  constructor(
    @Inject(REGISTRY_COMMANDS) private readonly registry: RegistryCommands,
    @Inject(PARTICIPANT_COMMANDS) private readonly participants: ParticipantCommands,
    @Inject(ServiceLookup) private readonly services: ServiceLookup,
    @Inject(Repetitions) private readonly repetitions: Repetitions,
    @Inject(Reads) private readonly reads: Reads,
  ) {}

  @Post()
  async register(@TheCall() call: Call, @Form(createDevice) device: CreateDevice): Promise<string> {
    await this.services.mustExist(call);
    this.mustBeReachable(device);
    const identity = call.member?.identity ?? device.identity;
    if (identity === undefined) throw new ApiError(50204);
    const credential = await this.credentialFor(call, device);
    const sid = pushBindingSid(call.account.sid, call.service, device.bindingType, device.address);
    const at = new Date().toISOString();
    const { bindingType: binding_type, address, endpoint = sid, messageTypes: message_types } = device;
    const wanted = { credential_sid: credential, endpoint, identity, binding_type, message_types, address };
    const known = await this.lookUp(call, sid);
    if (known && same(known, wanted) && Date.now() - Date.parse(known.updated_at) < REFRESHED_MILLIS) return bindingJson(call, known);
    if (!call.member) await this.participants.ensureUser({ account: call.account.sid }, call.service as ServiceSid, identity);
    const { key: _key, hash: _hash, ...caller } = call.caller; // it is its own repetition, whatever its key
    // Who follows its former owner is told that he may be notified no more, who follows the new one that he can be.
    if (known && known.identity !== identity) await this.removeSeen(call, known);
    const row = { ...wanted, sid, chat_service_sid: call.service, created_at: at, updated_at: at };
    await this.registry.createOrUpdate(caller, 'PushBinding', row, { ...wanted, updated_at: at });
    await this.makeRoom(call, identity, sid); // of many that come at once, the last sees all
    return bindingJson(call, (await this.lookUp(call, sid)) ?? row); // one of them may have taken its place already
  }

  @Get(':Sid')
  async fetch(@TheCall() call: Call, @Param('Sid') sid: string): Promise<string> {
    const row = await this.lookUp(call, sid);
    if (!row) throw new NotFound();
    return bindingJson(call, row);
  }

  @Delete(':Sid')
  @HttpCode(204)
  remove(@TheCall() call: Call, @Param('Sid') sid: string): Promise<void> {
    return this.repetitions.orRun(call, async () => {
      if (!(await this.lookUp(call, sid))) throw new NotFound();
      // That it is his was read before: by now it may be whoever's registered there last.
      await this.registry.remove(call.caller, 'PushBinding', sid, call.member && { identity: call.member.identity });
    });
  }

  private async lookUp({ account, service }: Call, sid: string): Promise<Row | undefined> {
    if (!isSid(sid, 'BS')) return undefined;
    const [row] = await this.reads.query<Row>(find(account.sid, service, sid));
    return row;
  }

  /** Browsers' push services are outside; an address inside would have us call our own network. */
  private mustBeReachable({ bindingType, address }: CreateDevice): void {
    if (bindingType !== 'webpush' || this.privateAllowed) return;
    const { endpoint } = JSON.parse(address) as { endpoint: string };
    if (!endpoint.startsWith('https:') || isPrivateTarget(endpoint)) throw new ApiError(20001, 'Address');
  }

  /** The one that is named, else the access token's: it must be the account's and of that platform. */
  private async credentialFor({ account, member }: Call, { credentialSid: named, bindingType }: CreateDevice): Promise<string> {
    const credentialSid = named ?? member?.pushCredentialSid;
    const [found] = credentialSid === undefined ? [] : await this.reads.query<{ type: string }>(credentialType(credentialSid, account.sid));
    const platform = (type: string) => (type === 'gcm' ? 'fcm' : type);
    if (!found || platform(found.type) !== platform(bindingType)) throw new ApiError(20001, 'CredentialSid');
    return credentialSid!;
  }

  private async makeRoom(call: Call, identity: string, sid: string): Promise<void> {
    const rows = await this.reads.query<Pick<Row, 'sid' | 'identity' | 'updated_at'>>(surplus(call.service, identity, sid, DEVICES_MAX - 1));
    for (const row of rows) await this.removeSeen(call, row);
  }

  private async removeSeen(call: Call, { sid, identity, updated_at }: Pick<Row, 'sid' | 'identity' | 'updated_at'>): Promise<void> {
    await this.registry.remove({ account: call.account.sid }, 'PushBinding', sid, { identity, updated_at }).catch((error: unknown) => {
      if (!(error instanceof DomainError && error.code === 'resource_not_found')) throw error; // somebody else removed it too, or it was heard of
    });
  }
}

const same = (row: Row, wanted: Omit<Row, 'sid' | 'created_at' | 'updated_at'>): boolean =>
  (Object.keys(wanted) as (keyof typeof wanted)[]).every((name) => String(row[name]) === String(wanted[name]));
