/** `…/Services/{IS}/Media` (API reference 3.9) without the bytes: those are in media-routes.ts. */
import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiError } from '@parley/contracts/error-catalogue';
import { mediaSet } from '@parley/contracts/rest/media';
import { isSid } from '@parley/domain/sid';
import { MediaStore, type MediaRow } from '@parley/media/media-store';
import { SignedUrls } from '@parley/media/signed-url';
import { TheCall, type Call } from './call.js';
import { NotFound } from './error-answer.js';
import { mediaJson } from './media-json.js';
import { prepared, Reads } from './reads.js';
import { Repetitions } from './repetitions.js';
import { ServiceLookup } from './service-lookup.js';

const memberOf = prepared('media-member', 'select 1 from model.participant where conversation_sid = $1 and identity = $2');

@Controller('v1/Services/:ChatServiceSid')
export class MediaController {
  constructor(
    @Inject(MediaStore) private readonly media: MediaStore,
    @Inject(ServiceLookup) private readonly services: ServiceLookup,
    @Inject(Reads) private readonly reads: Reads,
    @Inject(SignedUrls) private readonly urls: SignedUrls,
    @Inject(Repetitions) private readonly repetitions: Repetitions,
  ) {}

  @Get('Media/:Sid')
  async fetch(@TheCall() call: Call, @Param('Sid') sid: string): Promise<string> {
    const row = await this.find(call, sid);
    if (!row) throw new NotFound();
    return mediaJson(call, this.urls, row);
  }

  @Delete('Media/:Sid')
  @HttpCode(204)
  remove(@TheCall() call: Call, @Param('Sid') sid: string): Promise<void> {
    return this.repetitions.orRun(call, async () => {
      const row = await this.find(call, sid);
      if (!row || !(await this.media.remove(row.sid, call.account.sid, call.caller))) throw new NotFound();
    });
  }

  /** Many at once, each with a code of its own. */
  @Post('MediaSet')
  @HttpCode(200)
  @RouteConfig({ body: 'json' })
  async set(@TheCall() call: Call, @Body() body: unknown): Promise<string> {
    await this.services.mustExist(call);
    const asked = mediaSet.safeParse(body);
    if (!asked.success) throw new ApiError(20001, asked.error.issues[0]!.path.join('.') || 'body');
    const entries = await Promise.all(asked.data.list.map(async ({ media_sid: sid }) => {
      const row = await this.find(call, sid);
      return row ? `{"code":200,"media_record":${mediaJson(call, this.urls, row)}}` : `{"code":404,"media_record":{"sid":${JSON.stringify(sid)}}}`;
    }));
    return `[${entries.join(',')}]`;
  }

  private async find({ account, service, member }: Call, sid: string): Promise<MediaRow | undefined> {
    const row = isSid(sid, 'ME') ? await this.media.find(sid, account.sid) : undefined;
    if (row?.chat_service_sid !== service) return undefined;
    return member === undefined || row.author === member.identity || (await this.isIn(row.conversation_sid, member.identity)) ? row : undefined;
  }

  private async isIn(conversation: string | null, identity: string): Promise<boolean> {
    return conversation !== null && (await this.reads.query(memberOf(conversation, identity))).length > 0;
  }
}
