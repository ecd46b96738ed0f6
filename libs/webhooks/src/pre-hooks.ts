/**
 * Asks a pre-event webhook before something happens (API reference 4.5). The target may let it happen, change some of it, or
 * refuse; a target that does not answer in time has let it happen. Asked once: there are no retries.
 */
import type { Caller } from '@parley/contracts/commands';
import { ApiError } from '@parley/contracts/error-catalogue';
import { isStorable } from '@parley/contracts/rest/parameters';
import type { PreEvent } from '@parley/contracts/webhook-events';
import { DomainError } from '@parley/domain/domain-error';
import type { Accounts } from '@parley/event-store/accounts';
import { logger } from '@parley/telemetry/logger';
import { metrics } from '@parley/telemetry/metrics';
import { configurationFor, type WebhookConfiguration } from './configurations.js';
import { common, type Parameters } from './event-parameters.js';
import { callTarget, TargetError, type TargetAnswer, type TargetOptions } from './target-call.js';

/** Of one account at once; beyond, callers are told to try again. */
const ASKED_MAX = 200;
const TIMEOUT_MILLIS = 5_000;
const log = logger('pre-hooks');
const asked = metrics.counter('parley_pre_hooks_total', 'Pre-event webhooks asked, by what came of it');

export type PreHookParts = {
  /** That of the account and that of the service `place` is, or lies in. */
  configurations(account: string, place: string): Promise<WebhookConfiguration[]>;
  accounts: Pick<Accounts, 'find'>;
  target: Pick<TargetOptions, 'privateAllowed' | 'timeoutMillis'>;
};

/** What the target wants to have otherwise: keys in snake case, unchecked. */
export type Wishes = Readonly<Record<string, unknown>>;
const none: Wishes = {};

export class PreHooks {
  /** By account. */
  private readonly asking = new Map<string, number>();

  constructor(private readonly parts: PreHookParts) {}

  /**
   * Throws DomainError `webhook_refused` or `webhook_failed`: then nothing may happen; `overloaded` when too many are being
   * asked. `parameters` is called only when somebody is to be asked. `until`: the end of a patience shared by several events.
   */
  async ask(
    caller: Caller, place: string, event: PreEvent, parameters: () => Parameters | Promise<Parameters>, until = Infinity,
  ): Promise<Wishes> {
    const { account, webhook } = caller;
    if (!webhook) return none; // nobody is told of it
    const found = await this.parts.configurations(account, place);
    const hook = configurationFor(found, account, found.find(({ sid }) => sid !== account)?.sid, event);
    if (!hook?.pre_webhook_url || !hook.filters.includes(event)) return none;
    const owner = await this.parts.accounts.find(account);
    if (!owner) return none;
    const now = this.asking.get(account) ?? 0;
    if (now >= ASKED_MAX) throw new DomainError('overloaded');
    this.asking.set(account, now + 1);
    try {
      const { timeoutMillis: usual = TIMEOUT_MILLIS, privateAllowed } = this.parts.target;
      const timeoutMillis = Math.min(usual, Math.max(1, until - Date.now()));
      const all = { ...common(event, account, webhook), ...(await parameters()), RetryCount: '0' };
      const call = { url: hook.pre_webhook_url, method: hook.method, parameters: all, authToken: owner.authToken };
      return wishesIn(await callTarget(call, { privateAllowed, timeoutMillis }));
    } catch (error) {
      if (!(error instanceof TargetError)) throw error;
      asked.add(1, { outcome: error.reason });
      log.info('a pre-event webhook did not answer', { account, event, reason: error.reason, code: error.reason === 'timeout' ? 50076 : 50057 });
      if (error.reason === 'timeout') return none;
      throw new DomainError('webhook_failed');
    } finally {
      const left = this.asking.get(account)! - 1;
      if (left === 0) this.asking.delete(account);
      else this.asking.set(account, left);
    }
  }
}

function wishesIn({ status, body }: TargetAnswer): Wishes {
  const outcome = status < 300 ? 'accepted' : status >= 400 && status < 500 ? 'refused' : 'failed';
  asked.add(1, { outcome });
  if (outcome === 'refused') throw new DomainError('webhook_refused');
  if (outcome === 'failed') throw new DomainError('webhook_failed');
  try {
    const wishes = JSON.parse(body) as unknown;
    return typeof wishes === 'object' && wishes !== null && !Array.isArray(wishes) ? (wishes as Wishes) : none;
  } catch {
    return none; // empty, or an `OK` of the target's framework
  }
}

/** The wishes under these keys as a form of the REST API, which is then validated like one. */
export function formOf(wishes: Wishes, names: Readonly<Record<string, string>>): Record<string, string> {
  const form: Record<string, string> = {};
  for (const [key, name] of Object.entries(names)) {
    const wish = wishes[key];
    if (wish === undefined || wish === null) continue;
    const value = typeof wish === 'string' ? wish : JSON.stringify(wish);
    // As a form of the API would be refused: JSON can write what is no text.
    if (!isStorable(value)) throw new ApiError(20001, name);
    form[name] = value;
  }
  return form;
}
export const messageWishes = { body: 'Body', author: 'Author', attributes: 'Attributes' };
export const conversationWishes = { friendly_name: 'FriendlyName' };
