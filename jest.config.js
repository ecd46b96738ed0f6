/** Unit and integration specs live beside the code; black-box stories in test-e2e. Sources are transformed, not built. */
const transform = {
  '^.+\\.ts$': [
    '@swc/jest',
    {
      jsc: {
        parser: { syntax: 'typescript', decorators: true },
        transform: { legacyDecorator: true, decoratorMetadata: true },
        target: 'es2024',
      },
      module: { type: 'es6' },
    },
  ],
};
const base = {
  testEnvironment: 'node',
  setupFiles: ['<rootDir>/infra/local/ports-of-worker.mjs'],
  extensionsToTreatAsEsm: ['.ts'],
  transform,
  testEnvironmentOptions: { customExportConditions: ['source', 'node', 'node-addons'] },
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
};
export default {
  testTimeout: 120_000, // a machine that does much else at once is five times slower; whatever waits says itself, and sooner, what never came
  maxWorkers: 2, // stories wait for their installations most of the time; jest would take one worker on two cores
  projects: [
    { ...base, displayName: 'unit', testMatch: ['<rootDir>/{libs,apps}/*/src/**/*.spec.ts', '<rootDir>/tools/*/*.spec.ts'] },
    { ...base, displayName: 'e2e', testMatch: ['<rootDir>/test-e2e/**/*.e2e.ts'] },
  ],
};
