/** The checker's negative control: spoils good evidence the way a broken system would, so that it can be seen to notice. */
import type { Evidence } from './evidence.ts';
import type { Random } from './random.ts';

export const TAMPERINGS = ['lose', 'double', 'reorder'] as const;
export type Tampering = (typeof TAMPERINGS)[number];

/** Changes one place in the ledger of one observer. Says what it did. Throws when all ledgers are too short for that. */
export function tamper(evidence: Evidence, how: Tampering, random: Random): string {
  const ledgers: [who: string, ledger: unknown[]][] = [
    ...Object.entries(evidence.threads).map(([conversation, thread]): [string, unknown[]] => [`the thread ${conversation}`, thread]),
    ...evidence.sockets.map(({ identity, messages }): [string, unknown[]] => [`the websocket of ${identity}`, messages]),
    // Of one that was not always there nobody knows what it should have.
    ...evidence.handsets.filter(({ partly }) => !partly).map(({ address, received }): [string, unknown[]] => [`the handset ${address}`, received]),
  ];
  const long = ledgers.filter(([, ledger]) => ledger.length >= 2);
  if (long.length === 0) throw new Error('nothing to tamper with: the run was too short');
  const [who, ledger] = random.pick(long);
  const at = Math.floor(random.between(0, ledger.length - 1));
  spoil(ledger, at, how);
  return `${how} at ${at} of ${ledger.length} in ${who}`;
}

function spoil(ledger: unknown[], at: number, how: Tampering): void {
  switch (how) {
    case 'lose': ledger.splice(at, 1); break;
    case 'double': ledger.splice(at + 1, 0, ledger[at]); break;
    case 'reorder': [ledger[at], ledger[at + 1]] = [ledger[at + 1], ledger[at]]; break;
  }
}
