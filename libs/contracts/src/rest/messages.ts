/** Parameters of the Message resource (API reference 1.5 and 3.6). */
import { z } from 'zod';
import { ApiError } from '../error-catalogue.js';
import type { AddMessage, UpdateMessage } from '../commands.js';
import { contentVariables, type ContentVariables } from './content.js';
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

/** The original takes one; the official client SDK sends several, which come here in one parameter. */
const mediaList = z.string().regex(/^ME[0-9a-fA-F]{32}(,ME[0-9a-fA-F]{32}){0,9}$/, fault(50510));

/** What a message is made of, before its file and its template are looked up. A template stands for body and file. */
export type CreateMessage = { message: AddMessage; mediaSids: string[]; contentSid?: string; contentVariables?: ContentVariables };

export const createMessage = z
  .object({
    ...shared,
    MediaSid: mediaList.optional(),
    ContentSid: sid('HX', 50526).optional(),
    ContentVariables: z.string().optional(),
  })
  .refine((p) => p.ContentVariables === undefined || p.ContentSid !== undefined, fault(50528))
  .refine((p) => p.Body || p.MediaSid !== undefined || p.ContentSid !== undefined, fault(50503))
  .superRefine(({ ContentVariables }, context) => {
    const code = faultOf(ContentVariables);
    if (code !== undefined) context.addIssue({ code: 'custom', message: String(code) });
  })
  .transform(({ ContentSid, ContentVariables, MediaSid, ...p }): CreateMessage => ({
    message: {
      author: p.Author || undefined, body: p.Body, attributes: p.Attributes, subject: p.Subject,
      createdAt: p.DateCreated, updatedAt: p.DateUpdated,
    },
    mediaSids: MediaSid === undefined || ContentSid !== undefined ? [] : [...new Set(MediaSid.split(','))],
    ...(ContentSid !== undefined && { contentSid: ContentSid, contentVariables: contentVariables(ContentVariables) }),
  }));

function faultOf(variables: string | undefined): number | undefined {
  try {
    contentVariables(variables);
    return undefined;
  } catch (error) {
    if (error instanceof ApiError) return error.code;
    throw error;
  }
}

export const updateMessage = z.object(shared).transform((p): UpdateMessage => given({
  author: p.Author || undefined, body: p.Body, attributes: p.Attributes, subject: p.Subject,
  createdAt: p.DateCreated, updatedAt: p.DateUpdated,
}));

export const listMessages = z.object({ Order: oneOf(['asc', 'desc'], 20001).optional() });
export type ListMessages = z.output<typeof listMessages>;
