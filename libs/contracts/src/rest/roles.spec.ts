import { codeOf } from './fault-table.testing.js';
import { parameters } from './parameters.js';
import { createRole, updateRole } from './roles.js';

const role = { FriendlyName: 'moderator', Type: 'conversation', Permission: ['sendMessage'] };
const without = (name: keyof typeof role) => Object.fromEntries(Object.entries(role).filter(([key]) => key !== name));

describe('createRole', () => {
  it.each([
    [without('FriendlyName'), 50000],
    [{ ...role, FriendlyName: '' }, 50000],
    [{ ...role, FriendlyName: 'x'.repeat(65) }, 50003],
    [without('Type'), 50105],
    [{ ...role, Type: '' }, 50105],
    [{ ...role, Type: 'deployment' }, 50105],
    [without('Permission'), 50104],
    [{ ...role, Permission: [''] }, 50104],
    [{ ...role, Permission: ['sendMessage', 'fly'] }, 50104],
    [{ ...role, Permission: ['x'.repeat(10_000)] }, 50104],
    [role, undefined],
  ])('%j is %s', (form, code) => expect(codeOf(createRole, form)).toBe(code));

  it('takes each permission once, the type in any case', () =>
    expect(parameters(createRole, { ...role, Type: 'SERVICE', Permission: ['joinConversation', 'joinConversation', 'createConversation'] }))
      .toEqual({ friendly_name: 'moderator', type: 'service', permissions: ['joinConversation', 'createConversation'] }));
});

describe('updateRole', () => {
  it.each([
    [{}, 50104],
    [{ Permission: ['fly'] }, 50104],
    [{ Permission: ['sendMessage'], FriendlyName: 'other' }, undefined],
  ])('%j is %s', (form, code) => expect(codeOf(updateRole, form)).toBe(code));
});
