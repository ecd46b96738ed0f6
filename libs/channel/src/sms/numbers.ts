/** Numbers of carriers that write them without plus (channel facts, 1.8). */

/** Nothing shorter is taken for an international number: short codes have 3 to 8 digits. */
const international = /^[1-9]\d{8,14}$/;

/** `15550100002` -> `+15550100002`; short codes and names stay as they are. */
export const withPlus = (address: string): string => (international.test(address) ? `+${address}` : address);

export const withoutPlus = (address: string): string => address.replace(/^\+/, '');
