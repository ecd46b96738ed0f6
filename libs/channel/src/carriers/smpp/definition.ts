/**
 * SMPP 3.4: straight to a message centre of a mobile operator or an aggregator. What a connection has to know; defaults are
 * those most message centres take (channel facts, 1.6).
 */
import { z } from 'zod';
import type { CarrierDefinition } from '../../carrier-definition.js';
import { keywordLanguages } from '../../opt-out.js';

const text = (max: number) => z.string().max(max).regex(/^[\x20-\x7e]*$/);
const typeAndPlan = z.strictObject({ ton: z.int().min(0).max(6), npi: z.int().min(0).max(18) });

const credentials = z.strictObject({
  systemId: text(15).min(1).describe('system_id of the bind, at most 15 characters'),
  password: text(8).describe('password of the bind, at most 8 characters'),
});

const settings = z.strictObject({
  host: z.string().min(1).max(253).describe('host of the message centre'),
  port: z.int().min(1).max(65_535).default(2775).describe('2775 is usual without TLS, 3550 with it'),
  tls: z.boolean().default(false).describe('TLS from the first octet; the certificate is always checked'),
  tlsCa: z.string().max(20_000).optional().describe('PEM of the authority of that certificate, where it is none that everybody knows'),
  systemType: text(12).default('').describe('system_type of the bind'),
  addressRange: text(40).default('').describe('address_range of the bind: whose inbound messages come over it; some message centres want it'),
  bindAs: z.enum(['transceiver', 'transmitter_and_receiver']).default('transceiver')
    .describe('one session for both directions, or two where the message centre knows no transceivers'),
  binds: z.int().min(1).max(16).default(1).describe('sessions of each instance of the service; times the instances, it must not exceed what the contract allows'),
  windowSize: z.int().min(1).max(1_000).default(10).describe('submits without answer on one session'),
  responseSeconds: z.int().min(1).max(120).default(10).describe('so long an answer is waited for; afterwards the outcome is unknown'),
  enquireLinkSeconds: z.int().min(1).max(600).default(30).describe('after so long without traffic the session is tested; two tests without answer end it'),
  submitsPerSecond: z.number().positive().max(10_000).optional().describe('parts of messages, of each instance over all its sessions; throttling lowers it for a while. Without it, as fast as answers come'),
  defaultAlphabet: z.enum(['gsm7', 'latin1', 'utf8']).default('gsm7').describe('what data_coding 0 means at this message centre'),
  smartEncoding: z.boolean().default(true).describe('replace quotes, dashes and spaces that would make a text UCS-2 by their plain forms'),
  keywordLanguages: z.array(z.enum(keywordLanguages)).optional().describe('languages of STOP, START and HELP beside English; default all'),
  sendLatin1: z.boolean().default(false).describe('data_coding 3 for texts that Latin-1 has and GSM-7 has not; otherwise these are UCS-2'),
  longMessages: z.enum(['udh8', 'udh16', 'sar', 'message_payload']).default('udh8')
    .describe('how messages of several parts are sent: header with a reference of 8 or 16 bits, sar_* parameters, or whole in message_payload'),
  messageIdFormat: z.enum(['asIs', 'hexToDec', 'decToHex']).default('asIs')
    .describe('hexToDec: submit_sm_resp names ids in hexadecimal, receipts in decimal; decToHex: the reverse'),
  receipts: z.enum(['final', 'failure', 'none']).default('final').describe('registered_delivery: receipts of success and failure, of failure alone, none'),
  serviceType: text(5).default('').describe('service_type of submits'),
  validitySeconds: z.int().min(60).max(604_800).optional().describe('validity_period of submits, relative; without it the message centre decides'),
  internationalNumbers: typeAndPlan.prefault({ ton: 1, npi: 1 }).describe('type and plan of +E.164 addresses'),
  shortCodes: typeAndPlan.prefault({ ton: 0, npi: 0 }).describe('of short codes as senders; some operators want ton 3'),
  names: typeAndPlan.prefault({ ton: 5, npi: 0 }).describe('of alphanumeric senders'),
  unknownNumbersAreInternational: z.boolean().default(true).describe('inbound addresses of 8 digits and more whose type is unknown are +E.164'),
  duplicateSeconds: z.int().min(0).max(3_600).default(120)
    .describe('inbound messages have no id: the same text from and to the same numbers within this time is the same message; 0: never'),
  inboundIdTag: z.int().min(0x1400).max(0x3fff).optional().describe('the vendor\'s parameter that carries an id of inbound messages, where there is one'),
  retryableStatuses: z.array(z.int().min(0x400).max(0xffff_ffff)).max(50).default([]).describe('command_status values of this vendor that mean "try again later"'),
});

export type SmppCredentials = z.infer<typeof credentials>;
export type SmppSettings = z.infer<typeof settings>;

export const smpp: CarrierDefinition<SmppCredentials, SmppSettings> = {
  name: 'smpp', title: 'SMPP 3.4', channels: ['sms'], credentials, settings, rate: null,
  load: async () => {
    const { SmppAdapter } = await import('./adapter.js');
    return (connection) => new SmppAdapter(connection);
  },
};
