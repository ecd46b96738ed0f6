/** What the address of a file tells about it, for carriers that send nothing else along. The bytes decide once they are here. */
const contentTypes: Readonly<Record<string, string>> = {
  jpg: 'image/jpeg', jpeg: 'image/jpeg', png: 'image/png', gif: 'image/gif', webp: 'image/webp', heic: 'image/heic',
  mp3: 'audio/mpeg', amr: 'audio/amr', ogg: 'audio/ogg', m4a: 'audio/mp4', wav: 'audio/wav',
  mp4: 'video/mp4', '3gp': 'video/3gpp', '3gpp': 'video/3gpp', mov: 'video/quicktime',
  vcf: 'text/vcard', ics: 'text/calendar', txt: 'text/plain', pdf: 'application/pdf',
};

/** Undefined for addresses that are none, and for SMIL, which only says how a handset lays out the other files. */
export function fileAt(url: unknown): { url: string; contentType: string; filename?: string } | undefined {
  if (typeof url !== 'string' || !URL.canParse(url)) return undefined;
  const filename = decoded(new URL(url).pathname.split('/').at(-1)!);
  if (/(^smil\.xml|\.smil)$/i.test(filename)) return undefined;
  const extension = /\.(\w{2,4})$/.exec(filename)?.[1]?.toLowerCase();
  return {
    url, contentType: contentTypes[extension ?? ''] ?? 'application/octet-stream', ...(extension !== undefined && { filename }),
  };
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
