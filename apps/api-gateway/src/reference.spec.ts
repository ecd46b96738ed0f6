import { openApiDocument } from '@parley/contracts/rest/openapi';
import { referencePage, type OpenApi } from './reference-page.js';

const document = openApiDocument() as OpenApi;
const page = referencePage(document);

describe('referencePage', () => {
  it('shows every operation and every schema', () => {
    expect(page.split('<summary><b class=')).toHaveLength(1 + Object.values(document.paths).flatMap((item) => Object.keys(item)).length);
    for (const name of Object.keys(document.components.schemas)) expect(page).toContain(`id="schema-${name}"`);
  });
  it('leads nowhere else and runs nothing', () => {
    expect(page).not.toMatch(/<script|https?:\/\/(?!\[)[a-z]/);
    for (const [, target] of page.matchAll(/href="#([^"]+)"/g)) expect(page).toContain(`id="${target}"`);
  });
  it('escapes', () => {
    const html = referencePage({ ...document, info: { ...document.info, title: '<b>"x"&' } });
    expect(html).toContain('<title>&lt;b&gt;&quot;x&quot;&amp; API</title>');
  });
});
