/**
 * Logs: one JSON object per line on stdout. `const log = logger('relay')`, then `log.info('published', { events })`.
 * LOG_LEVEL: debug, info (default), warn, error or silent. What people wrote and where they live is never logged: fields
 * named like a body, an address or a secret are replaced, at any depth up to four.
 */
export type LogFields = Readonly<Record<string, unknown>>;
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

const severity: Record<LogLevel, number> = { debug: 10, info: 20, warn: 30, error: 40, silent: 100 };
const DEPTH_MAX = 4;
const TEXT_CHARS_MAX = 4_000;
const privateField = new RegExp(
  '^(body|text|address|proxy_?address|author|identity|friendly_?name|attributes|recipients|from|to|email|media|data'
  + '|authorization|cookie|password|.*token|.*secret|.*signature|kek)$', 'i');

export class Logger {
  constructor(
    private readonly name: string,
    private readonly bound: LogFields = {},
    private readonly write: (line: string) => void = (line) => void process.stdout.write(line),
  ) {}

  debug(message: string, fields?: LogFields): void { this.log('debug', message, fields); }
  info(message: string, fields?: LogFields): void { this.log('info', message, fields); }
  warn(message: string, fields?: LogFields): void { this.log('warn', message, fields); }
  error(message: string, fields?: LogFields): void { this.log('error', message, fields); }

  /** The same logger with fields that every line of it carries. */
  with(fields: LogFields): Logger {
    return new Logger(this.name, { ...this.bound, ...fields }, this.write);
  }

  /** For callers that would have to build expensive fields. */
  enabled(level: LogLevel): boolean { return severity[level] >= threshold; }

  private log(level: LogLevel, message: string, fields: LogFields = {}): void {
    if (!this.enabled(level)) return;
    const line = { time: new Date().toISOString(), level, logger: this.name, message };
    this.write(`${JSON.stringify({ ...line, ...redact({ ...this.bound, ...fields }, 0) as object })}\n`);
  }
}

const fromEnvironment = process.env.LOG_LEVEL?.toLowerCase() as LogLevel | undefined;
// Specs provoke failures on purpose; what they log is of use only to somebody who asks for it.
const usual: LogLevel = process.env.NODE_ENV === 'test' ? 'silent' : 'info';
let threshold = severity[fromEnvironment ?? usual] ?? severity[usual];

/** Changes the level of every logger of the process. */
export function setLogLevel(level: LogLevel): void { threshold = severity[level]; }

export function logger(name: string, bound?: LogFields): Logger { return new Logger(name, bound); }

/** A copy that is safe to log; errors become name, message, code, stack and cause. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return value.length > TEXT_CHARS_MAX ? `${value.slice(0, TEXT_CHARS_MAX)}…` : value;
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= DEPTH_MAX) return '[deep]';
  if (value instanceof Error) return describe(value, depth);
  if (value instanceof Date) return value;
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (Array.isArray(value)) return value.slice(0, 20).map((item) => redact(item, depth + 1));
  const copy: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(value)) copy[key] = privateField.test(key) ? '[private]' : redact(field, depth + 1);
  return copy;
}

/** Driver errors carry the offending row in fields of their own (`detail`, `where`): only the harmless ones are kept. */
function describe(error: Error, depth: number): object {
  const { name, message, stack, cause } = error;
  const { code, constraint } = error as { code?: unknown; constraint?: unknown };
  return {
    name, message: redact(message), code, constraint, stack: redact(stack),
    ...(cause === undefined ? {} : { cause: redact(cause, depth + 1) }),
  };
}
