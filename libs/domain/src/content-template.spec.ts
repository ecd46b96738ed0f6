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
