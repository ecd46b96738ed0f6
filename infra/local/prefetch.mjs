/** Fetches what the first start will need besides npm packages, while npm installs those. A failure is left to the start itself. */
import { downloadsFolder, homeFolder, prepareFolder } from './home-folder.mjs';
import { findTool } from './native-tools.mjs';

try {
  prepareFolder(homeFolder(process.env)); // closed to others, before anything appears in it
} catch {
  process.exit();
}
const options = { downloads: downloadsFolder(process.env), say: () => {} };
if (!process.env['NATS_URL']) await findTool('nats', options).catch(() => {});
if (!process.env['REDIS_URL']) await findTool('redis', options).catch(() => {});
