import { isSid, newSid } from '../sid.js';
import { receiptSidOf } from './receipt-sid.js';

describe('receiptSidOf', () => {
  const message = newSid('IM');
  const participant = newSid('MB');

  it('is a receipt SID that starts with the time of its message', () => {
    const sid = receiptSidOf(message, participant);
    expect(isSid(sid, 'DY')).toBe(true);
    expect(sid.slice(2, 14)).toBe(message.slice(2, 14));
  });
  it('is the same every time', () => {
    expect(receiptSidOf(message, participant)).toBe(receiptSidOf(message, participant));
  });
  it('differs per recipient and per message', () => {
    const sids = [
      receiptSidOf(message, participant), receiptSidOf(message, newSid('MB')), receiptSidOf(newSid('IM'), participant),
    ];
    expect(new Set(sids).size).toBe(3);
  });
  it('keeps its length when the mixture starts with zeros', () => {
    const mirrored = `MB${message.slice(2)}` as const;
    expect(receiptSidOf(message, mirrored)).toBe(`DY${message.slice(2, 14)}${'0'.repeat(20)}`);
  });
});
