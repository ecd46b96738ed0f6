/**
 * Whether a mail is from where it says: what our receiving server wrote above it (RFC 8601), or what we find ourselves when we
 * are that server. Anybody can write such a header; only those on top, by our own server's name, count.
 */
import type { Mail } from './mail.js';

export type Authentication = { dkim?: string; spf?: string; dmarc?: string };
const methods = new Set(['dkim', 'spf', 'dmarc']);

/** Whose word counts: the authserv-id our receiving server signs with, and what a carrier writes in headers of its own. */
export type Authorities = { authenticationServer: string | undefined; statedByCarrier?: (mail: Mail) => Authentication };

export function statedAuthentication(mail: Mail, { authenticationServer: server, statedByCarrier }: Authorities): Authentication {
  const found: Record<string, string> = { ...statedByCarrier?.(mail) };
  if (server === undefined) return found;
  for (const header of mail.headers('authentication-results')) {
    const [id, ...results] = header.replace(/\([^()]*\)/g, ' ').split(';').map((part) => part.trim());
    // One server may write several; the first of somebody else's ends what is ours.
    if (id?.split(/\s/)[0]?.toLowerCase() !== server.toLowerCase()) break;
    for (const result of results) {
      const [, method, value] = /^([a-z]+)\s*=\s*([a-z]+)/i.exec(result)?.map((part) => part.toLowerCase()) ?? [];
      // Of several DKIM signatures one that fits is enough.
      if (method !== undefined && methods.has(method) && found[method] !== 'pass') found[method] = value!;
    }
  }
  return found;
}

export type Arrived = { ip: string; helo: string; sender: string };
export type Resolver = (name: string, type: string) => Promise<string[][] | string[]>;

/** Asks the DNS. What cannot be asked is no verdict: mail is never lost by it. */
export async function foundAuthentication(raw: Buffer, { ip, helo, sender }: Arrived, mta: string, resolver?: Resolver): Promise<Authentication> {
  const { authenticate } = await import('mailauth');
  try {
    const { dkim, spf, dmarc } = await authenticate(raw, { ip, helo, sender, mta, disableArc: true, disableBimi: true, ...(resolver && { resolver }) });
    const signatures = dkim.results.map(({ status }) => status.result as string);
    const dkimVerdict = signatures.includes('pass') ? 'pass' : signatures[0];
    const [spfVerdict, dmarcVerdict] = [spf && spf.status.result as string, dmarc && dmarc.status.result as string];
    return { ...(dkimVerdict && { dkim: dkimVerdict }), ...(spfVerdict && { spf: spfVerdict }), ...(dmarcVerdict && { dmarc: dmarcVerdict }) };
  } catch {
    return {};
  }
}
