/** The load generator as a process of its own: takes calls of its parent one after another, ends with it. */
import { CrowdLoad } from './loads/crowd-load.ts';
import { InboundLoad } from './loads/inbound-load.ts';
import { ListLoad } from './loads/list-load.ts';
import { MessageLoad } from './loads/message-load.ts';
import { MixedLoad } from './loads/mixed-load.ts';
import { ReadLoad } from './loads/read-load.ts';
import { sdkProtocol } from './protocols.ts';
import type { Load, LoadKind } from './load.ts';
import type { Member } from './member-socket.ts';
import type { Access } from './rest-client.ts';
import type { Pace } from './request-pool.ts';

export type LoadCall = { call: 'open'; access: Access; members?: readonly Member[] } | { call: 'round'; pace: Pace } | { call: 'verify' };
export type LoadReply = { result: unknown } | { error: string };

const loads: Record<LoadKind, () => Load> = {
  write: () => new MessageLoad({ conversations: 100, membersEach: 5, connections: 64 }),
  fanout: () => new MessageLoad({ conversations: 1, membersEach: 1000, connections: 8 }),
  fanoutSdk: () => new MessageLoad({ conversations: 1, membersEach: 1000, connections: 8, protocol: sdkProtocol }),
  inbound: () => new InboundLoad(),
  read: () => new ReadLoad(),
  list: () => new ListLoad(),
  mixed: () => new MixedLoad(),
  crowd: () => new CrowdLoad(),
};
const load = loads[process.argv[2] as LoadKind]();

process.on('disconnect', () => process.exit(0));
process.on('message', (call: LoadCall) => {
  perform(call).then(
    (result) => process.send!({ result } satisfies LoadReply),
    (error: unknown) => process.send!({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) } satisfies LoadReply),
  );
});

function perform(call: LoadCall): Promise<unknown> {
  switch (call.call) {
    case 'open': return load.open(call.access, call.members);
    case 'round': return load.round(call.pace);
    case 'verify': return load.verify();
  }
}
