/** A document that is made from the schemas and checked in: written, or with `--check` only compared with what they give. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';

const repository = new URL('../', import.meta.url);

/**
 * `file`, `source` (where its version stands) and `command` (that makes it) are paths from the repository's root. Exits with 1 when the
 * document is of another version than the package, or with `--check` is not the file's content.
 * @param {{ file: string; source: string; command: string; document: { info: { version: string } } }} made
 */
export function writeOrCheck({ file, source, command, document }) {
  const place = new URL(file, repository);
  const text = `${JSON.stringify(document, null, 1)}\n`;
  const { version } = JSON.parse(readFileSync(new URL('package.json', repository), 'utf8'));
  const problems = [];
  if (document.info.version !== version) problems.push(`the document is of version ${document.info.version}, package.json of ${version}: see ${source}`);
  if (process.argv.includes('--check')) {
    if (readOrNothing(place) !== text) problems.push(`${file} is not what the schemas give: run \`node ${command}\` and commit it`);
  } else {
    mkdirSync(new URL('.', place), { recursive: true });
    writeFileSync(place, text);
  }
  if (problems.length === 0) return;
  console.error(problems.join('\n'));
  process.exit(1);
}

/** @param {URL} place */
function readOrNothing(place) {
  try {
    return readFileSync(place, 'utf8');
  } catch {
    return undefined;
  }
}
