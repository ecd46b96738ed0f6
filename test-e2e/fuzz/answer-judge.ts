/** What must hold for every answer, whatever was asked: our form of errors, no word about our inside, nothing of others. */
import { errorAnswer } from '@parley/contracts/rest/answer-fields';
import type { GeneratedRequest } from './generated-request.js';
import type { Received } from './wire-request.js';

const inside = /\n\s+at \S+|node_modules|\.[jt]s:\d+|\bselect\b.+\bfrom\b|relation "|syntax error|violates|TypeError|ReferenceError/;

/** What is wrong with it; undefined when nothing is. `foreign`: texts that who asked may not see. */
export function faultIn(request: GeneratedRequest, answer: Received, foreign: readonly string[]): string | undefined {
  const { operation, method, whose } = request;
  const { status, headers, text } = answer;
  if (status >= 500 && !operation.statuses.has(status)) return `status ${status}`;
  const told = text + JSON.stringify(headers);
  const leaked = foreign.find((mark) => told.includes(mark));
  if (leaked !== undefined) return `tells ${leaked}`;
  if (status < 400 && whose === 'nobody' && !operation.open && method !== 'OPTIONS') return `status ${status} for nobody`;
  if (status < 300) return undefined;
  if (status < 400) return status === 304 && isContent(operation.template) ? undefined : `status ${status}`;
  return method === 'HEAD' ? undefined : faultInRefusal(answer);
}

const isContent = (template: string): boolean => template.endsWith('/Content');

/** Also of what is no request of an operation at all. */
export function faultInRefusal({ status, headers, text }: Omit<Received, 'millis'>): string | undefined {
  if (!headers['content-type']?.startsWith('application/json')) return `a refusal as ${headers['content-type']}`;
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
