/**
 * Lifts stored facts of older shapes to the current one. Each entry `<Type>@<n>` is a pure function from version n to n+1;
 * every version ever shipped has a golden fact in ../fixtures/events, which the spec lifts and compares.
 */
type Shape = Record<string, unknown>;

/** Types whose shape changed since version 1. */
const versions: Readonly<Record<string, number>> = { ServiceCreated: 2 };
const lifts: Readonly<Record<string, (old: Shape) => Shape>> = {
  'ServiceCreated@1': (old) => ({ reachability_enabled: false, ...old }),
};

export const currentVersion = (type: string): number => versions[type] ?? 1;

/** Throws for a version newer than this build knows: such a fact must wait, never be guessed at. */
export function upcast(type: string, from: number, data: Shape): Shape {
  const current = currentVersion(type);
  if (from > current) throw new Error(`event ${type} has schema version ${from}, this build knows ${current}`);
  let shape = data;
  for (let version = from; version < current; version++) shape = lifts[`${type}@${version}`]!(shape);
  return shape;
}
