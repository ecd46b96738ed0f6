import type { RoleRow } from './roles.js';
import { newService, permissions } from './roles.js';

const at = '2026-01-01T00:00:00.000Z';
const facts = newService({ sid: 'IS1', account: 'AC1', friendly_name: 'Support', created_at: at, updated_at: at });
const service = facts.at(-1)!;
const roles = facts.slice(0, -1).map(({ data }) => data as RoleRow);

it('makes a service with its four roles', () => {
  expect(service.type).toBe('ServiceCreated');
  expect(roles.map(({ friendly_name, type }) => [friendly_name, type])).toEqual([
    ['service admin', 'service'], ['service user', 'service'], ['channel admin', 'conversation'], ['channel user', 'conversation'],
  ]);
  expect(new Set(roles.map(({ sid }) => sid)).size).toBe(4);
  for (const role of roles) expect(role).toMatchObject({ account: 'AC1', chat_service_sid: 'IS1', created_at: at });
});

it.each([
  ['default_chat_service_role_sid', 'service user'], ['default_conversation_role_sid', 'channel user'],
  ['default_conversation_creator_role_sid', 'channel admin'],
])('%s is %s', (column, name) => expect(roles.find(({ sid }) => sid === service.data[column])?.friendly_name).toBe(name));

it('grants nothing unknown', () => {
  for (const role of roles) expect(permissions).toEqual(expect.arrayContaining(role.permissions));
});
