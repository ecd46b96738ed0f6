/** Parameters of the Message resource (API reference 1.5 and 3.6). */
import { z } from 'zod';
import type { AddMessage, UpdateMessage } from '../commands.js';
import { body, dateTime, fault, given, jsonText, oneOf, sid, text } from './parameters.js';

const BODY_BYTES_MAX = 32_768;
const shared = {
  Author: text(256, 50310).optional(),
  Body: body(BODY_BYTES_MAX, 50504).optional(),
  DateCreated: dateTime(50308).optional(),
  DateUpdated: dateTime(50309).optional(),
  Attributes: jsonText(4096).optional(),
  Subject: z.string().max(256).optional(),
};

/** Media and templates are parts of later releases: what names one cannot be found. */
export const createMessage = z
  .object({
    ...shared,
    MediaSid: sid('ME', 50510).optional(),
    ContentSid: sid('HX', 50526).optional(),
    ContentVariables: jsonText(27_801, 50527, 50527).optional(),
  })
  .refine((p) => p.ContentVariables === undefined || p.ContentSid !== undefined, fault(50528))
  .refine((p) => p.Body || p.MediaSid !== undefined || p.ContentSid !== undefined, fault(50503))
  .refine((p) => p.ContentSid === undefined, fault(50526))
  .refine((p) => p.MediaSid === undefined, fault(50507))
  .transform((p): AddMessage => ({
    author: p.Author || undefined, body: p.Body, attributes: p.Attributes, subject: p.Subject,
    createdAt: p.DateCreated, updatedAt: p.DateUpdated,
  }));

export const updateMessage = z.object(shared).transform((p): UpdateMessage => given({
  author: p.Author || undefined, body: p.Body, attributes: p.Attributes, subject: p.Subject,
  createdAt: p.DateCreated, updatedAt: p.DateUpdated,
}));

export const listMessages = z.object({ Order: oneOf(['asc', 'desc'], 20001).optional() });
export type ListMessages = z.output<typeof listMessages>;
