/**
 * HTML of strangers: cleaned for people who look at it, freed of what is quoted, turned into text. Nothing of it runs, loads or
 * styles; pictures from elsewhere would tell their owner who reads, so their address is kept aside (`data-src`).
 */
import { compile } from 'html-to-text';
import { DomUtils, parseDocument } from 'htmlparser2';
import sanitizeHtml from 'sanitize-html';

type Node = ReturnType<typeof parseDocument>['children'][number];
type Element = Extract<Node, { attribs: Record<string, string> }>;

/** More is cut: nobody wrote it by hand, and what is quoted stands at the end. Both bound the time one mail may take. */
const HTML_CHARS_MAX = 500_000;
const TAGS_MAX = 30_000;
/** Pictures within the text, which nobody is shown. */
const longData = /data:[^"'\s>]{1000,}/g;

/** Cleaned, with `cid:` pictures as they are. Empty when nothing can be made of it. */
export function cleanHtml(html: string): string {
  return guarded(() => sanitizeHtml(bounded(html), {
    allowedTags: [...sanitizeHtml.defaults.allowedTags, 'img'],
    allowedAttributes: { a: ['href', 'rel', 'target'], img: ['src', 'data-src', 'alt', 'width', 'height'] },
    allowedSchemes: ['http', 'https', 'mailto', 'tel'],
    allowedSchemesByTag: { img: ['cid'] },
    allowProtocolRelative: false,
    nestingLimit: 100,
    transformTags: {
      a: sanitizeHtml.simpleTransform('a', { rel: 'noopener noreferrer nofollow', target: '_blank' }),
      img: (tagName, { src = '', ...attribs }) => ({ tagName, attribs: { ...attribs, ...(src.startsWith('https:') ? { 'data-src': src } : { src }) } }),
    },
  }));
}

const toText = compile({
  wordwrap: false,
  limits: { maxInputLength: HTML_CHARS_MAX, maxDepth: 100 },
  selectors: [
    { selector: 'img', format: 'skip' },
    { selector: 'a', options: { ignoreHref: true } },
    ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((selector) => ({ selector, options: { uppercase: false } })),
    { selector: 'table', options: { uppercaseHeaderCells: false } },
  ],
});

/** Of cleaned HTML. */
export const textOfHtml = (clean: string): string =>
  guarded(() => toText(clean)).replaceAll('\u00a0', ' ').replace(/[ \t]+\n/g, '\n').replace(/\n{3,}/g, '\n\n').trim();

/** What mail programs put around the mail that is answered; for some of them it has no end. */
export function withoutQuotes(html: string): string {
  return guarded(() => {
    const document = parseDocument(bounded(html));
    const waiting = [...document.children].reverse();
    let cut = false;
    while (waiting.length > 0) {
      const node = waiting.pop()!;
      cut ||= isElement(node) && quotesToTheEnd(node);
      if (cut) DomUtils.removeElement(node);
      else if (isElement(node) && isQuote(node)) removeQuote(node);
      else if (isElement(node)) waiting.push(...[...node.children].reverse());
    }
    return DomUtils.getInnerHTML(document);
  });
}

const isElement = (node: Node): node is Element => 'attribs' in node;
const classesOf = ({ attribs }: Element) => new Set((attribs['class'] ?? '').split(/\s+/));

/** Outlook's: a ruled line above who wrote when to whom, and below it, anywhere in the tree, the old mail. */
const quotesToTheEnd = ({ attribs }: Element): boolean =>
  ['appendonsend', 'divRplyFwdMsg'].includes(attribs['id'] ?? '') || /border-top:\s*solid\s+#(?:E1E1E1|B5C4DF)/i.test(attribs['style'] ?? '');

function isQuote(element: Element): boolean {
  const classes = classesOf(element);
  return classes.has('gmail_quote') || classes.has('yahoo_quoted') || classes.has('moz-cite-prefix')
    || (element.name === 'blockquote' && (element.attribs['type'] === 'cite' || follows(element, 'moz-cite-prefix')));
}

/** The line "X wrote:" stays as long as the quote behind it is known by it. */
function removeQuote(element: Element): void {
  if (!classesOf(element).has('moz-cite-prefix')) return DomUtils.removeElement(element);
  element.children = [];
}

function follows(element: Element, name: string): boolean {
  let before = element.prev;
  while (before && !isElement(before as Node)) before = before.prev;
  return before !== null && classesOf(before as Element).has(name);
}

function bounded(html: string): string {
  const cut = html.replace(longData, '').slice(0, HTML_CHARS_MAX);
  let at = -1;
  for (let tags = 0; tags < TAGS_MAX; tags++) {
    at = cut.indexOf('<', at + 1);
    if (at < 0) return cut;
  }
  return cut.slice(0, at);
}

/** Nested deeper than a stack goes: no mail program makes that. */
function guarded(work: () => string): string {
  try {
    return work();
  } catch (error) {
    if (error instanceof RangeError) return '';
    throw error;
  }
}
