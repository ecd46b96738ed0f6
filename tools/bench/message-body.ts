/**
 * The text the load posts: it carries when it was written, so that whoever receives it knows how long it took, and is
 * found and read in a frame's bytes without parsing JSON. 100 characters, about what people write.
 */
import { ByteMark } from './byte-mark.ts';
import { monotonicMillis } from './monotonic.ts';

export const BODY_BYTES = 100;
const DIGITS = 16;
const filler = Buffer.from(' said the one who had been waiting for the parcel since last Thursday, and the other agreed at once.');

/** Writes a body of BODY_BYTES into a prepared request; every byte of it stands for itself in a form and in JSON. */
export function writeBody(request: Buffer, at: number, writtenAt: number): void {
  request.write(`@${Math.round(writtenAt * 1000).toString().padStart(DIGITS, '0')}`, at, 'latin1');
}

/** As it stands in a form. Spaces are `+` there. */
export const emptyBody = (): string =>
  `@${'0'.repeat(DIGITS)}${filler.toString('latin1', 0, BODY_BYTES - DIGITS - 1).replaceAll(' ', '+').replaceAll(',', '.')}`;

/** Where a protocol writes a message's text and index. For each kind of frame one of its own: it remembers where they stood. */
export class MessageMarks {
  private readonly text: ByteMark;
  private readonly index: ByteMark;

  constructor(textName: string, indexName: string) {
    this.text = new ByteMark(`"${textName}":"@`);
    this.index = new ByteMark(`"${indexName}":`);
  }

  /** Milliseconds since the body in these bytes was written; NaN when there is none. */
  ageOf(data: Buffer, start: number, end: number): number {
    const mark = this.text.find(data, start, end);
    if (mark < 0) return Number.NaN;
    return monotonicMillis() - digitsAt(data, mark + this.text.length) / 1000;
  }

  /** The message index in these bytes; -1 when there is none. */
  indexIn(data: Buffer, start: number, end: number): number {
    const mark = this.index.find(data, start, end);
    return mark < 0 ? -1 : digitsAt(data, mark + this.index.length);
  }
}

function digitsAt(data: Buffer, from: number): number {
  let value = 0;
  for (let at = from; ; at++) {
    const digit = data[at]! - 48;
    if (digit >= 0 && digit <= 9) value = value * 10 + digit;
    else if (at > from || digit !== -16) return value; // a space may stand between name and value
  }
}
