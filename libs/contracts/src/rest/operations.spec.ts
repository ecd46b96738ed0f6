import { apiPaths, findApiPath } from './operations.js';

describe('apiPaths', () => {
  it('are the 49 documented paths and their 103 operations', () => {
    expect(apiPaths).toHaveLength(49);
    expect(apiPaths.flatMap(({ verbs }) => verbs)).toHaveLength(103);
  });
});
describe('findApiPath', () => {
  it('knows a path in both families', () => {
    expect(findApiPath('/v1/Conversations/CH1/Messages')).toMatchObject({ resource: 'Message', verbs: ['GET', 'POST'] });
    expect(findApiPath('/v1/Services/IS1/Conversations/my%2Fname')).toMatchObject({ resource: 'Conversation' });
  });
  it('knows what is not built', () =>
    expect(findApiPath('/v1/Conversations/CH1/Export')).toMatchObject({ resource: 'Conversation Export', built: [] }));
  it.each(['/v1', '/v1/', '/v1/Tea', '/v2/Conversations', '/v1/Conversations/a/b'])('knows nothing of %s', (path) =>
    expect(findApiPath(path)).toBeUndefined());
});
