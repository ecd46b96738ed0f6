/** Every shape of every fact that was ever shipped stays readable, and becomes the rows that its present shape becomes. */
import { readdirSync, readFileSync } from 'node:fs';
import type { RegistryEvent } from '@parley/domain/registry-events';
import { effectsOf, type ProjectedEvent } from './inline-models.js';
import { currentVersion, upcast } from './upcasters.js';

type Golden = { type: ProjectedEvent['type']; schemaVersion: number; stored: Record<string, unknown>; lifted: Record<string, unknown> };

const folder = new URL('../fixtures/events/', import.meta.url);
const golden = readdirSync(folder).map((file) => [file, JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Golden] as const);

it.each(golden)('%s is lifted to the present shape', (_file, { type, schemaVersion, stored, lifted }) => {
  expect(upcast(type, schemaVersion, stored)).toEqual(lifted);
  expect(() => effectsOf({ type, data: lifted } as unknown as ProjectedEvent, 'AC1', 'CH1')).not.toThrow();
});

it('has a golden fact of every version of every type', () => {
  // Facts of the registry are rows of their read model: one golden fact per kind that changed its shape.
  const types: Record<Exclude<ProjectedEvent['type'], RegistryEvent['type']>, true> & Partial<Record<ProjectedEvent['type'], true>> = {
    ConversationCreated: true, ConversationUpdated: true, ConversationStateUpdated: true, ConversationDeleted: true, ParticipantAdded: true,
    ParticipantUpdated: true, ParticipantRemoved: true, MessageAdded: true, MessageUpdated: true, MessageDeleted: true, DeliveryUpdated: true,
    ServiceCreated: true, AddressConfigurationCreated: true, AddressConfigurationUpdated: true, AddressConfigurationDeleted: true,
  };
  const wanted = Object.keys(types).flatMap((type) => Array.from({ length: currentVersion(type) }, (_, i) => `${type}@${i + 1}.json`));
  // `Type@1.what.json`: a shape beside, of fields that came later.
  expect(golden.map(([file]) => file).filter((file) => /^\w+@\d+\.json$/.test(file)).toSorted()).toEqual(wanted.toSorted());
});

it('never guesses at a version it does not know', () => {
  expect(() => upcast('MessageAdded', 99, {})).toThrow('schema version 99');
});
