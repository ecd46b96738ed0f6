import { renderContent, type ContentTypes } from './content-template.js';

const actions = [{ type: 'QUICK_REPLY', title: 'Yes', id: 'y' }, { type: 'URL', title: 'Order', url: 'https://shop.example/{{2}}' }];

describe('renderContent', () => {
  it.each<[string, ContentTypes, Record<string, string>, string, string | null, string | null]>([
    ['text', { 'twilio/text': { body: 'Hi {{name}}, {{ 1 }}{{none}}' } }, { name: 'Ann', 1: 'ok' }, 'Hi Ann, ok{{none}}', 'Hi Ann, ok{{none}}', 'Hi Ann, ok{{none}}'],
    ['quick replies', { 'twilio/quick-reply': { body: '{{1}}?', actions } }, { 1: 'Now', 2: '17' }, 'Now?', 'Now?\n- Yes\n- Order: https://shop.example/17',
      'Now?\n- Yes\n- Order: https://shop.example/17'],
    ['text beside quick replies', { 'twilio/text': { body: 'T' }, 'twilio/quick-reply': { body: 'Q', actions } }, { 2: '1' }, 'T', 'T',
      'Q\n- Yes\n- Order: https://shop.example/1'],
    ['a list', { 'twilio/list-picker': { body: 'Pick', button: 'B', items: [{ id: '1', item: 'A', description: 'first' }, { id: '2', item: 'B' }] } }, {},
      'Pick', 'Pick\n- A: first\n- B', 'Pick\n- A: first\n- B'],
    ['a card', { 'twilio/card': { title: 'Top', subtitle: 'below', actions: [{ type: 'PHONE_NUMBER', title: 'Call', phone: '+1' }] } }, {},
      'Top\nbelow', 'Top\nbelow\n- Call: +1', 'Top\nbelow\n- Call: +1'],
    ['a place', { 'twilio/location': { latitude: 1.5, longitude: -2, label: 'Here' } }, {}, 'Here\n1.5,-2', 'Here\n1.5,-2', 'Here\n1.5,-2'],
    ['media alone', { 'twilio/media': { media: ['https://x.example/a.png'] } }, {}, '', null, null],
  ])('%s', (_, types, variables, body, sms, whatsapp) => {
    const rendered = renderContent(types, variables)!;
    expect([rendered.body, rendered.channels.sms.body, rendered.channels.whatsapp.body]).toEqual([body, sms, whatsapp]);
  });
  it('fills addresses of media', () => {
    expect(renderContent({ 'twilio/media': { body: 'b', media: ['https://x.example/{{1}}.png'] } }, { 1: 'a' })!.channels.sms)
      .toEqual({ body: 'b', mediaUrls: ['https://x.example/a.png'] });
  });
  it('does not render what no conversation can carry', () => expect(renderContent({ 'whatsapp/flows': { body: 'x' } }, {})).toBeUndefined());
});

describe('in WhatsApp\'s own form', () => {
  const whatsapp = (types: ContentTypes, variables: Record<string, string> = {}) => renderContent(types, variables)!.channels.whatsapp.rich;
  const reply = (title: string) => ({ type: 'QUICK_REPLY', title, id: title.toLowerCase() });

  it('quick replies are buttons', () => expect(whatsapp({ 'twilio/quick-reply': { body: 'Hi {{1}}', actions: [reply('Yes'), { title: 'No' }] } }, { 1: 'Ann' }))
    .toEqual({ kind: 'buttons', body: 'Hi Ann', buttons: [{ id: 'yes', title: 'Yes' }, { id: 'No', title: 'No' }] }));
  it.each<[string, ContentTypes]>([
    ['four buttons', { 'twilio/quick-reply': { body: 'x', actions: ['a', 'b', 'c', 'd'].map(reply) } }],
    ['buttons of one name', { 'twilio/quick-reply': { body: 'x', actions: [reply('a'), reply('a')] } }],
    ['a long button', { 'twilio/quick-reply': { body: 'x', actions: [reply('x'.repeat(21))] } }],
    ['a long text', { 'twilio/quick-reply': { body: 'x'.repeat(1025), actions: [reply('a')] } }],
    ['replies beside a link', { 'twilio/quick-reply': { body: 'x', actions: [reply('a'), { type: 'URL', title: 'b', url: 'https://x.example' }] } }],
    ['a number to call', { 'twilio/call-to-action': { body: 'x', actions: [{ type: 'PHONE_NUMBER', title: 'Call', phone: '+1' }] } }],
    ['eleven rows', { 'twilio/list-picker': { body: 'x', button: 'b', items: Array.from({ length: 11 }, (_, i) => ({ item: String(i) })) } }],
    ['text', { 'twilio/text': { body: 'x' } }],
  ])('%s: text alone', (_, types) => expect(whatsapp(types)).toBeUndefined());
  it('a list picker is a list', () => expect(whatsapp({ 'twilio/list-picker': { body: 'Pick', button: 'Open', items: [{ id: '1', item: 'A', description: 'first' }, { item: 'B' }] } }))
    .toEqual({ kind: 'list', body: 'Pick', button: 'Open', rows: [{ id: '1', title: 'A', description: 'first' }, { id: 'B', title: 'B' }] }));
  it('a call to action is a link', () => expect(whatsapp({ 'twilio/call-to-action': { body: 'x', actions: [{ type: 'URL', title: 'Go', url: 'https://x.example/{{1}}' }] } }, { 1: '7' }))
    .toEqual({ kind: 'link', body: 'x', title: 'Go', url: 'https://x.example/7' }));
  it('a card shows its picture above', () => expect(whatsapp({ 'twilio/card': { title: 'T', subtitle: 'S', media: ['https://x.example/a.png'], actions: [reply('Ok')] } }))
    .toEqual({ kind: 'buttons', body: 'T', footer: 'S', header: { mediaUrl: 'https://x.example/a.png' }, buttons: [{ id: 'ok', title: 'Ok' }] }));
  it('a place is a pin', () => expect(whatsapp({ 'twilio/location': { latitude: '{{1}}', longitude: 13.4, label: 'Here' } }, { 1: '52.5' }))
    .toEqual({ kind: 'location', latitude: 52.5, longitude: 13.4, name: 'Here' }));

  const approval = { name: 'order_update', language: 'en_US' };
  const template = (types: ContentTypes, variables: Record<string, string>) => renderContent(types, variables, approval)!.channels.whatsapp.template;
  it('once approved: the template by name, its values in the order of their numbers', () => expect(
    template({ 'twilio/quick-reply': { body: '{{2}} for {{1}}, {{2}}', actions: [reply('Yes'), { type: 'URL', title: 'Order', url: 'https://shop.example/{{3}}' }] } }, { 1: 'Ann', 2: '17', 3: 'a' }))
    .toEqual({ kind: 'template', ...approval, values: { 1: 'Ann', 2: '17', 3: 'a' }, body: [{ value: 'Ann' }, { value: '17' }], buttons: [{ index: 0, type: 'quick_reply', value: 'yes' }, { index: 1, type: 'url', value: 'a' }] }));
  it('named placeholders keep their names', () => expect(template({ 'twilio/text': { body: '{{who}} {{when}}' } }, { who: 'Ann' })!.body)
    .toEqual([{ name: 'who', value: 'Ann' }, { name: 'when', value: '{{when}}' }]));
  it('a code is given to text and button', () => expect(template({ 'whatsapp/authentication': {} }, { 1: '123' }))
    .toMatchObject({ body: [{ value: '123' }], buttons: [{ index: 0, type: 'url', value: '123' }] }));
});
