/**
 * What WhatsApp carries beside text and files, in words of our own; each carrier's adapter translates. Part of stored
 * messages (MessageContent): add, never rename.
 */
export type RichHeader = { text: string } | { mediaUrl: string };

/** An approved template, named, with what fills it. Accepted at any time, also when the person has been silent for long. */
export type WhatsappTemplate = {
  kind: 'template';
  name: string;
  /** As the template was approved: `en_US`. */
  language: string;
  /** Approved as marketing, which people may refuse by itself. */
  marketing?: true;
  /** Only where the header takes a file or has placeholders. */
  header?: RichHeader;
  /** What it was filled with, by the names of the placeholders; absent in messages from before it was kept. */
  values?: Readonly<Record<string, string>>;
  /** In the order of the placeholders; named where the template names them. */
  body: { name?: string; value: string }[];
  /** By position; only buttons that take something: the payload of a quick reply, the end of an address. */
  buttons: { index: number; type: 'quick_reply' | 'url'; value: string }[];
};

export type WhatsappRich =
  | { kind: 'buttons'; body: string; header?: RichHeader; footer?: string; buttons: { id: string; title: string }[] }
  | { kind: 'list'; body: string; button: string; rows: { id: string; title: string; description?: string }[] }
  | { kind: 'link'; body: string; header?: RichHeader; footer?: string; title: string; url: string }
  | { kind: 'location'; latitude: number; longitude: number; name?: string; address?: string }
  /** As the Cloud API writes contacts: name.formatted_name, phones[]. */
  | { kind: 'contacts'; contacts: readonly Readonly<Record<string, unknown>>[] }
  /** To the carrier's message; an empty emoji takes the reaction back. */
  | { kind: 'reaction'; messageId: string; emoji: string }
  | WhatsappTemplate;

/** What WhatsApp takes (channel facts, 2.2); what is longer goes as text instead. */
export const richLimits = {
  buttonsMax: 3, buttonTitleChars: 20, buttonIdChars: 256, bodyChars: 1024, footerChars: 60, headerChars: 60,
  rowsMax: 10, rowTitleChars: 24, rowIdChars: 200, rowDescriptionChars: 72,
} as const;
