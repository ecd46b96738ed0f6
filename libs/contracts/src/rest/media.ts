/** Parameters of media (API reference 3.9): the query of an upload, and the JSON body that asks for many. */
import { isSid } from '@parley/domain/sid';
import { z } from 'zod';
import { oneOf, text } from './parameters.js';

export const uploadMedia = z.object({
  Category: oneOf(['media', 'body', 'history'], 20001).default('media'),
  Filename: text(255, 20001).optional(),
});

const SET_MAX = 100;
export const mediaSet = z.object({
  command: z.literal('get'),
  list: z.array(z.object({ media_sid: z.string().refine((sid) => isSid(sid, 'ME')) })).min(1).max(SET_MAX),
});
