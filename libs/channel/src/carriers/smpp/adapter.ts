/**
 * SMPP as a carrier: sessions to one message centre, messages as parts out, texts, parts and receipts in. The protocol has no
 * idempotency key and no webhooks; what follows from that is in docs/channels/smpp.md.
 */
import { metrics } from '@parley/telemetry/metrics';
import type { CarrierConnection } from '../../carrier-definition.js';
import { ChannelAdapter, type ChannelLimits, type Delivery, type InboundSink } from '../../channel-adapter.js';
import { InvalidSignature, SendError } from '../../send-error.js';
import { BODY_MISSING } from '../../twilio/errors.js';
import { isThrottle, sendErrorOf, Status } from './command-status.js';
import type { SmppCredentials, SmppSettings } from './definition.js';
import { eventOf, type Delivered } from './inbound.js';
import { InboundIds } from './inbound-ids.js';
import { idOfSubmit } from './message-id.js';
import { Pace } from './pace.js';
import { SmppSession, type BindAs } from './session.js';
import { submitsOf, type Submit } from './submit.js';
import { Submissions, type Submission } from './submissions.js';

/** As everywhere on SMS (API reference 3.6). */
const BODY_CHARS_MAX = 1600;
/** As large as an upload can be. */
const LINKED_BYTES_MAX = 157_286_400;
const RECONNECT_MILLIS = [1_000, 60_000] as const;

const answered = metrics.counter('parley_smpp_submits_total', 'Parts of messages, by the command_status they were answered with');

type Timing = { responseMillis?: number; enquireLinkMillis?: number; reconnectMillis?: readonly [number, number] };

export class SmppAdapter extends ChannelAdapter {
  readonly limits: ChannelLimits;
  private readonly settings: SmppSettings;
  private readonly pace: Pace;
  private readonly inboundIds: InboundIds;
  private readonly submissions = new Submissions();
  private sending: SmppSession[] = [];
  private receiving: SmppSession[] = [];
  private sink: InboundSink | undefined;
  private closed = false;

  /** `timing`: shorter than the settings can say, for tests. */
  constructor(private readonly connection: CarrierConnection<SmppCredentials, SmppSettings>, private readonly timing: Timing = {}) {
    super();
    this.settings = connection.settings;
    const { submitsPerSecond, duplicateSeconds, inboundIdTag, responseSeconds } = this.settings;
    this.pace = new Pace(submitsPerSecond);
    this.inboundIds = new InboundIds(duplicateSeconds * 1000, inboundIdTag);
    this.limits = { bodyCharsMax: BODY_CHARS_MAX, mediaBytesMax: LINKED_BYTES_MAX, lookupDelayMillis: responseSeconds * 1000 };
  }

  override async send(delivery: Delivery, signal: AbortSignal): Promise<{ providerMessageIds: string[] }> {
    // SMPP has no files: they go as links, one a line.
    const body = [delivery.body, ...delivery.media.map(({ url }) => url)].filter(Boolean).join('\n');
    if (!body) throw new SendError('content_refused', 'permanent', { errorCode: BODY_MISSING });
    const { parts, submitAt } = submitsOf({ ...delivery, body }, this.settings);
    const submission = this.submissions.of(delivery.deliveryId, parts);
    const session = this.sendingSession();
    const ends = await Promise.allSettled(submission.ids.map((id, i) =>
      id === undefined ? this.submit(session, submitAt(i, submission.reference), submission, i, signal) : undefined));
    const failure = worst(ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : [])));
    if (failure === undefined) {
      this.submissions.forget(delivery.deliveryId);
      return { providerMessageIds: submission.ids as string[] };
    }
    if (failure instanceof SendError && failure.outcome === 'permanent') this.submissions.forget(delivery.deliveryId);
    throw failure;
  }

  /** Only what this process heard late: nobody can ask a message centre for what it never answered. */
  override async lookup({ deliveryId }: Delivery): Promise<{ providerMessageIds: string[] } | undefined> {
    const ids = this.submissions.late(deliveryId);
    if (!ids) return undefined;
    this.submissions.forget(deliveryId);
    return { providerMessageIds: ids };
  }

  /** No carrier of this kind calls us by HTTP: whoever does is none. */
  override parseWebhook(): never {
    throw new InvalidSignature();
  }

  override async listen(sink: InboundSink): Promise<void> {
    this.sink = sink;
    const before = this.sending;
    if (this.settings.bindAs === 'transceiver') {
      this.sending = this.receiving = this.sessions('transceiver');
      await Promise.all(before.map((session) => session.close()));
    } else {
      this.receiving = this.sessions('receiver');
      if (before.length === 0) this.sending = this.sessions('transmitter');
    }
  }

  override async close(): Promise<void> {
    this.closed = true;
    await Promise.all([...new Set([...this.sending, ...this.receiving])].map((session) => session.close()));
  }

  /** The least busy that is bound. Who sends without listening binds for that alone: receipts go to those who listen. */
  private sendingSession(): SmppSession {
    if (this.closed) throw new SendError('unreachable', 'retryable');
    if (this.sending.length === 0) this.sending = this.sessions('transmitter');
    const bound = this.sending.filter(({ bound }) => bound);
    return (bound.length > 0 ? bound : this.sending).reduce((best, session) => (session.load < best.load ? session : best));
  }

  private async submit(session: SmppSession, { fields, parameters }: Submit, submission: Submission, part: number, signal: AbortSignal): Promise<void> {
    await this.pace.turn(signal);
    let isLate = false;
    const answer = await session.submit(fields, {
      parameters, signal,
      late: (late) => {
        if (isLate) submission.awaited--;
        if (late?.status === Status.ok && 'messageId' in late.fields) submission.ids[part] = this.idOf(late.fields.messageId);
      },
    }).catch((error: unknown) => {
      if (error instanceof SendError && error.ambiguous && session.bound) {
        isLate = true;
        submission.awaited++;
      }
      throw error;
    });
    answered.add(1, { status: `0x${answer.status.toString(16)}` });
    if (answer.status !== Status.ok) throw this.refusal(answer.status, submission);
    this.pace.accepted();
    submission.ids[part] = this.idOf('messageId' in answer.fields ? answer.fields.messageId : '');
  }

  private refusal(status: number, { refusals }: Submission): SendError {
    const before = refusals.get(status) ?? 0;
    refusals.set(status, before + 1);
    const error = sendErrorOf(status, { vendor: this.settings.retryableStatuses, before });
    if (isThrottle(status)) this.pace.throttled(error.retryAfterMillis ?? 0);
    return error;
  }

  /** Where a message centre gives none, nothing will ever refer to it: any name that nobody else has will do. */
  private idOf(id: string): string {
    return id === '' ? `none-${crypto.randomUUID()}` : this.ours(idOfSubmit(id, this.settings.messageIdFormat));
  }

  /** Message centres count, some from zero: what is unique in one of them is not in an account with two. */
  private ours(id: string): string {
    return `${this.connection.sid.slice(-8)}:${id}`;
  }

  private async deliver(pdu: Delivered): Promise<number> {
    if (!this.sink) return Status.temporaryApplicationError;
    const event = eventOf(pdu, this.settings, () => this.inboundIds.idOf(pdu));
    await this.sink.receive([{ ...event, providerMessageId: this.ours(event.providerMessageId) }]);
    return Status.ok;
  }

  private sessions(bindAs: BindAs): SmppSession[] {
    const { host, port, tls, tlsCa, systemType, addressRange, windowSize, binds, responseSeconds, enquireLinkSeconds } = this.settings;
    const options = {
      host, port, tls, tlsCa, lookup: this.connection.lookup, ...this.connection.credentials, systemType, addressRange, bindAs, windowSize, connection: this.connection.sid,
      responseMillis: responseSeconds * 1000, enquireLinkMillis: enquireLinkSeconds * 1000, reconnectMillis: RECONNECT_MILLIS,
      ...this.timing, deliver: (pdu: Delivered) => this.deliver(pdu),
    };
    return Array.from({ length: binds }, () => new SmppSession(options).start());
  }
}

/** Of several parts: one that never goes makes the message hopeless, one that is unknown makes it unknown. */
function worst(errors: readonly unknown[]): unknown {
  const ranks = ['retryable', 'ambiguous', 'permanent'];
  const rankOf = (error: unknown) => (error instanceof SendError ? ranks.indexOf(error.outcome) : ranks.length);
  return errors.toSorted((a, b) => rankOf(b) - rankOf(a))[0];
}
