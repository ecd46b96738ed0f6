import { DomainError } from '@parley/domain/domain-error';
import { ApiError, apiErrorOf, notBuilt } from './error-catalogue.js';

const path = '/Conversations/CH00000000000000000000000000000000';

describe('apiErrorOf', () => {
  it.each([
    ['conversation_not_found', 20404, 404, `The requested resource ${path} was not found`],
    ['conversation_closed', 50377, 400, "Can't update conversation as it's in final closed state"],
    ['conversation_unique_name_taken', 50353, 409, 'Conversation with provided unique name already exists'],
    ['idempotency_key_reused', 20409, 409, 'Conflict: this Idempotency-Key was used for another request'],
    ['overloaded', 20503, 503, 'Service unavailable, try again'],
  ] as const)('%s is %d', (name, code, status, message) =>
    expect(apiErrorOf(new DomainError(name), path).toJSON()).toEqual({
      code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status,
    }));
  it('names the conversation that holds an address pair', () =>
    expect(apiErrorOf(new DomainError('address_pair_in_use', { conversationSid: 'CH1' }), path).message).toBe(
      'A binding for this participant and proxy address already exists in Conversation CH1'));
});
describe('ApiError', () => {
  it('has the four documented keys', () =>
    expect(JSON.parse(JSON.stringify(new ApiError(20001, 'Order')))).toEqual({
      code: 20001, message: 'Invalid parameter: Order', more_info: 'https://www.twilio.com/docs/errors/20001', status: 400,
    }));
  it('says plainly what is not built', () =>
    expect(notBuilt('Roles').toJSON()).toMatchObject({ code: 20500, status: 501, message: 'Roles is not built yet' }));
});
