/** A web application's own site, on another origin than Parley: pages made of given files and texts. Loopback only. */
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

type Content = { type: string; body: string | Buffer };

export class WebSite {
  private readonly contents = new Map<string, Content>();
  private readonly server: Server;

  private constructor() {
    this.server = createServer((request, response) => {
      const content = this.contents.get(request.url!);
      if (!content) return void response.writeHead(404).end();
      response.writeHead(200, { 'Content-Type': content.type }).end(content.body);
    });
  }

  static async start(): Promise<WebSite> {
    const site = new WebSite();
    await new Promise<void>((resolve) => void site.server.listen(0, '127.0.0.1', resolve));
    return site;
  }

  get url(): string { return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`; }

  page(path: string, head: string): string {
    this.contents.set(path, { type: 'text/html; charset=utf-8', body: `<!doctype html><title>A site</title>${head}` });
    return this.url + path;
  }

  script(path: string, file: string): void {
    this.contents.set(path, { type: 'text/javascript; charset=utf-8', body: readFileSync(file) });
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
