/** Every carrier there is; a new one is a folder and its line here (docs/adding-a-channel.md). */
import type { CarrierDefinition } from '../carrier-definition.js';
import { bandwidth } from './bandwidth/definition.js';
import { mailgun } from './mailgun/definition.js';
import { messenger } from './messenger/definition.js';
import { plivo } from './plivo/definition.js';
import { sendgrid } from './sendgrid/definition.js';
import { ses } from './ses/definition.js';
import { simulator } from './simulator/definition.js';
import { smpp } from './smpp/definition.js';
import { smtp } from './smtp/definition.js';
import { telnyx } from './telnyx/definition.js';
import { twilio } from './twilio/definition.js';
import { vonage } from './vonage/definition.js';
import { whatsappCloud } from './whatsapp-cloud/definition.js';

export const carriers: readonly CarrierDefinition[] = [
  simulator,
  twilio,
  telnyx,
  vonage,
  bandwidth,
  plivo,
  whatsappCloud,
  smpp,
  smtp,
  sendgrid,
  mailgun,
  ses,
  messenger,
];

const byName = new Map(carriers.map((definition) => [definition.name, definition]));

export const carrierNamed = (name: string): CarrierDefinition | undefined => byName.get(name);
