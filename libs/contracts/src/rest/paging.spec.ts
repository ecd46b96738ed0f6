import { codeOf } from './fault-table.testing.js';
import { paging } from './paging.js';
import { parameters } from './parameters.js';

describe('paging', () => {
  it.each([['0'], ['-1'], ['x'], ['1.5'], ['']])('PageSize=%s is 20007', (PageSize) =>
    expect(codeOf(paging(100), { PageSize })).toBe(20007));
  it('is 50 unless asked for, and as large as allowed when more is asked for', () => {
    expect(parameters(paging(100), {})).toEqual({ PageSize: 50, Page: 0 });
    expect(parameters(paging(100), { PageSize: '1000' }).PageSize).toBe(100);
    expect(parameters(paging(50), { PageSize: '51' }).PageSize).toBe(50);
  });
  it('refuses a page that is no number', () => expect(codeOf(paging(50), { Page: 'two' })).toBe(20001));
});
