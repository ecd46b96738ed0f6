/** What WhatsApp says beyond the text, as Twilio's webhooks carry it (channel facts, 1.1), in the words of the Cloud API's attributes. */

type Value = (name: string) => string | undefined;

/** Of what strangers wrote; all of it has to fit into attributes (4 KB). */
const CHARS_MAX = 400;
const referralFields = { headline: 'ReferralHeadline', body: 'ReferralBody', source_type: 'ReferralSourceType', source_url: 'ReferralSourceUrl', source_id: 'ReferralSourceId' };

/** A place has no text of its own: its name, its address, the point. */
export function placeText(value: Value): string | undefined {
  const point = pointOf(value);
  return point && [value('Label'), value('Address'), `(${point.latitude},${point.longitude})`].filter(Boolean).join('\n');
}

export function whatsappAttributes(value: Value): { attributes?: { whatsapp: Readonly<Record<string, unknown>> } } {
  const point = pointOf(value);
  const referral = named(value, referralFields);
  const whatsapp = {
    ...(point && { location: { ...point, ...named(value, { name: 'Label', address: 'Address' }) } }),
    ...(value('Forwarded') === 'true' && { forwarded: true }), ...(value('FrequentlyForwarded') === 'true' && { frequently_forwarded: true }),
    ...(Object.keys(referral).length > 0 && { referral }),
  };
  return Object.keys(whatsapp).length > 0 ? { attributes: { whatsapp } } : {};
}

function pointOf(value: Value): { latitude: number; longitude: number } | undefined {
  const [latitude, longitude] = [Number(value('Latitude') ?? Number.NaN), Number(value('Longitude') ?? Number.NaN)];
  return Number.isFinite(latitude) && Number.isFinite(longitude) ? { latitude, longitude } : undefined;
}

const named = (value: Value, fields: Readonly<Record<string, string>>): Record<string, string> => Object.fromEntries(
  Object.entries(fields).flatMap(([name, field]) => (value(field) === undefined ? [] : [[name, value(field)!.slice(0, CHARS_MAX).toWellFormed()]])));
