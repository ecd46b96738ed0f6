/** How a group of commands (`parley key …`) is read: actions with positional arguments and options, each with its `--help`. */
import { isSid, type SidPrefix } from '@parley/domain/sid';
import { parseArgs, type ParseArgsConfig } from 'node:util';

/** The command line was not understood: exit code 2. */
export class UsageError extends Error {
  override name = 'UsageError';
}
/** What was asked cannot be done: one line that says why, exit code 1. */
export class CommandError extends Error {
  override name = 'CommandError';
}

type Options = NonNullable<ParseArgsConfig['options']>;
type Values = Record<string, string | string[] | undefined>;
/** An option that is given once. */
export const one = (values: Values, name: string): string | undefined => values[name] as string | undefined;
/** Throws CommandError where there is nothing. */
export function mustBe<T>(found: T | undefined, what: string): T {
  if (found === undefined) throw new CommandError(`the account has no such ${what}`);
  return found;
}
export type Action<Parts> = {
  /** What stands behind the group's name: `create <account> [name]`. */
  usage: string;
  /** How many arguments it takes, options apart. */
  args: readonly [least: number, most: number];
  about: string;
  options?: Options;
  /** Resolves with what is printed, one JSON line each. */
  run(parts: Parts, args: string[], options: Values): Promise<object | object[]>;
};
export type Group<Parts> = { name: string; about: string; actions: Readonly<Record<string, Action<Parts>>> };

/** The help of one group, or of one of its actions. */
export function helpOf<Parts>({ name, about, actions }: Group<Parts>, action?: string): string {
  const asked = action === undefined ? undefined : actions[action];
  if (asked) return `usage: parley ${name} ${asked.usage}\n\n  ${asked.about}`;
  const lines = Object.values(actions).map((each) => `  parley ${name} ${each.usage}\n        ${each.about}`);
  return `${about}\n\n${lines.join('\n')}`;
}

/** Undefined: help was asked for. Otherwise what remains to be done, which needs the databases. */
export function understand<Parts>(group: Group<Parts>, [name = '', ...rest]: string[]): ((parts: Parts) => Promise<object[]>) | undefined {
  if (['--help', '-h', 'help', ''].includes(name)) return undefined;
  const action = Object.hasOwn(group.actions, name) ? group.actions[name] : undefined;
  if (!action) throw new UsageError(`no such command: ${group.name} ${name}; see parley ${group.name} --help`);
  if (rest.includes('--help') || rest.includes('-h')) return undefined;
  const { values, positionals } = parsed(group, action, rest);
  const [least, most] = action.args;
  if (positionals.length < least || positionals.length > most) throw new UsageError(`usage: parley ${group.name} ${action.usage}`);
  return async (parts) => [await action.run(parts, positionals, values)].flat();
}

function parsed<Parts>(group: Group<Parts>, action: Action<Parts>, args: string[]) {
  try {
    return parseArgs({ args, options: action.options ?? {}, allowPositionals: true, strict: true }) as unknown as { values: Values; positionals: string[] };
  } catch (error) {
    throw new UsageError(`${(error as Error).message.split('.')[0]}; usage: parley ${group.name} ${action.usage}`);
  }
}

export function sidArgument(text: string | undefined, prefix: SidPrefix, what: string): string {
  if (text === undefined || !isSid(text, prefix)) throw new UsageError(`${text ?? 'nothing'} is no ${what}: ${prefix} and 32 hex digits`);
  return text;
}
