/**
 * Connections for work on tables that grow: plans by index whatever the statistics say, made once. A plan that was made while
 * a table was small would read all of it later.
 */
import { appendSettings, createPool, type Pool } from '@parley/event-store/database';

/** DI token. */
export const WORK_POOL = Symbol('WorkPool');

export const createWorkPool = (databaseUrl: string): Pool =>
  createPool(databaseUrl, { max: 4, applicationName: 'parley-delivery', settings: appendSettings });
