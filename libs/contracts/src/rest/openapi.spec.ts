import { openApiDocument } from './openapi.js';
import { apiPaths } from './operations.js';

const { paths, components } = openApiDocument() as { paths: Record<string, Record<string, any>>; components: { schemas: Record<string, any> } };
const all = Object.values(paths).flatMap((item) => Object.values(item));

describe('openApiDocument', () => {
  it('has every operation, each with a name of its own', () => {
    const operations = apiPaths.flatMap(({ verbs }) => verbs);
    const names = all.map(({ operationId }) => operationId as string).filter(Boolean);
    expect(names).toHaveLength(new Set(names).size);
    expect(names.length).toBeGreaterThanOrEqual(operations.length);
  });
  it('refers only to what it has', () => {
    const references = JSON.stringify([paths, components]).match(/#\/components\/schemas\/\w+/g)!;
    for (const reference of references) expect(components.schemas).toHaveProperty([reference.split('/').at(-1)!]);
  });
  it('names a path\'s parameters as they are in the path', () => {
    for (const [path, item] of Object.entries(paths))
      for (const { parameters = [] } of Object.values(item)) {
        const names = (parameters as any[]).filter((parameter) => parameter.in === 'path').map(({ name }) => `{${name}}`);
        expect(path.match(/\{\w+\}/g) ?? []).toEqual(names);
      }
  });
  it('tells enums, limits and formats', () => {
    const form = paths['/v1/Conversations']!['post'].requestBody.content['application/x-www-form-urlencoded'].schema;
    expect(form.properties).toMatchObject({
      State: { enum: ['active', 'inactive', 'closed'] }, FriendlyName: { maxLength: 256 }, Attributes: { contentMediaType: 'application/json' },
    });
    expect(paths['/v1/Conversations']!['get'].parameters.map(({ name }: any) => name)).toEqual(['StartDate', 'EndDate', 'State', 'PageSize', 'Page', 'PageToken']);
    expect(components.schemas['Message'].required).not.toContain('chat_service_sid');
    expect(components.schemas['ServiceMessage'].required).toContain('chat_service_sid');
  });
});
