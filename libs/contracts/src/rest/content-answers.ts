/** Answers on media and content templates (API reference 3.9 and 11). */
import { z } from 'zod';
import { count, linksOf, listOf, sidOf, textOrNull, time, urlOf } from './answer-fields.js';

const signedUrl = z.string().regex(/^https?:\/\//).meta({ format: 'uri', description: 'Needs no credentials; valid for a time.' });
export const mediaAnswer = z.strictObject({
  sid: sidOf('ME'), account_sid: sidOf('AC'), service_sid: sidOf('IS').nullable(), date_created: time, date_updated: time, date_upload_updated: time,
  channel_sid: sidOf('CH').nullable(), message_sid: sidOf('IM').nullable(), size: count, content_type: z.string(), filename: textOrNull, author: textOrNull,
  category: z.enum(['media', 'body', 'history']), is_multipart_upstream: z.boolean(), url: urlOf('service', 'Media/{ME}'),
  links: z.strictObject({ content: urlOf('service', 'Media/{ME}/Content'), content_direct_temporary: signedUrl }),
});
export const mediaSetAnswer = z.array(z.union([
  z.strictObject({ code: z.literal(200), media_record: mediaAnswer }),
  z.strictObject({ code: z.literal(404), media_record: z.strictObject({ sid: z.string() }) }),
]));

const content = {
  sid: sidOf('HX'), account_sid: sidOf('AC'), friendly_name: textOrNull, language: z.string(), variables: z.record(z.string(), z.string()),
  types: z.record(z.string(), z.record(z.string(), z.unknown())), date_created: time, date_updated: time, url: urlOf('account', 'Content/{HX}'),
  links: linksOf('account', { approval_create: 'Content/{HX}/ApprovalRequests/whatsapp', approval_fetch: 'Content/{HX}/ApprovalRequests' }),
};
export const contentAnswer = z.strictObject(content);
export const approvalAnswer = z.strictObject({
  name: z.string(), category: z.string(), content_type: z.string(), status: z.string(), rejection_reason: z.string(), allow_category_change: z.boolean(),
});
export const approvalRequestsAnswer = z.strictObject({
  sid: sidOf('HX'), account_sid: sidOf('AC'), whatsapp: approvalAnswer.extend({ type: z.literal('whatsapp') }), url: urlOf('account', 'Content/{HX}/ApprovalRequests'),
});
export const contentPage = listOf('contents', contentAnswer);
export const contentAndApprovalsPage = listOf('contents', z.strictObject({ ...content, approval_requests: z.union([approvalAnswer, z.strictObject({})]) }));
