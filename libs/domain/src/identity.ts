/** Who users can be: up to 256 characters of anything but the few names that already mean something. */
import { isSid } from './sid.js';

export const IDENTITY_CHARS_MAX = 256;
/** Author of what no user wrote. */
export const SYSTEM = 'system';

/** In a path a user's SID means that user, so nobody can be called like one. */
export const looksLikeUser = (text: string): boolean => isSid(text, 'US');

/** No text column takes a NUL, or half a character. */
export const isIdentity = (text: string): boolean =>
  text !== '' && text.length <= IDENTITY_CHARS_MAX && !text.includes('\0') && text.isWellFormed() && text !== SYSTEM && !looksLikeUser(text);
