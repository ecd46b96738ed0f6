/**
 * A lane: one sender of ours to one recipient. At most one delivery of a lane is in flight, in the order of the log; lanes
 * never wait for each other. A job on the work queue only says that a lane has something to do.
 */
export type Lane = { account: string; channel: string; sender: string; recipient: string };

export const DELIVER_QUEUE = { stream: 'DELIVER', subjects: ['deliver.>'] };

/** `deliver.<channel>.<sender token>`; the token is a plain subject token whatever the sender looks like. */
export const jobSubject = ({ account, channel, sender }: Lane): string =>
  `deliver.${channel}.${account}-${Buffer.from(sender).toString('base64url')}`;

/** Senders of different accounts are different, even with the same address. */
export const senderKey = ({ account, channel, sender }: Lane): string => JSON.stringify([account, channel, sender]);
export const laneKey = ({ account, channel, sender, recipient }: Lane): string =>
  JSON.stringify([account, channel, sender, recipient]);
