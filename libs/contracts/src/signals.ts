/** What services tell each other and keep nowhere: plain NATS messages in JSON, missed by nobody when they are lost. */

/** NATS subject, with a `TypingSignal`: a member of the chat is typing. Told again every few seconds while it lasts. */
export const TYPING_SIGNAL = 'client.typing';
export type TypingSignal = { conversation: string; identity: string };
