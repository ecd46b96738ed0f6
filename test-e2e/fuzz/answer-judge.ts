/** What must hold for every answer, whatever was asked: our form of errors, no word about our inside, nothing of others. */
import { errorAnswer } from '@parley/contracts/rest/answer-fields';
import type { GeneratedRequest } from './generated-requests.js';

export type Received = { status: number; type: string; text: string };
const inside = /\n\s+at \S+|node_modules|\.[jt]s:\d+|\bselect\b.+\bfrom\b|relation "|syntax error|violates|TypeError|ReferenceError/;

/** What is wrong with it; undefined when nothing is. */
export function faultIn({ method }: GeneratedRequest, { status, type, text }: Received, foreign: readonly string[]): string | undefined {
  if (status >= 500 && status !== 501 && status !== 503) return `status ${status}`;
  const leaked = foreign.find((mark) => text.includes(mark));
  if (leaked !== undefined) return `tells ${leaked}`;
  if (status < 300) return undefined;
  if (status < 400) return `status ${status}`;
  if (method === 'HEAD') return undefined;
  if (!type.startsWith('application/json')) return `a refusal as ${type}`;
  if (inside.test(text)) return 'tells of our inside';
  const answer = errorAnswer.safeParse(parsed(text));
  if (!answer.success) return `no error of ours: ${answer.error.issues[0]!.message}`;
  return answer.data.status === status ? undefined : `says status ${answer.data.status}`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
