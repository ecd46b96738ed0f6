/** Refuses webhook URLs that plainly lead into a private network, already when they are configured (docs/webhooks.md). */
import { Injectable } from '@nestjs/common';
import { ApiError } from '@parley/contracts/error-catalogue';
import { isPrivateTarget, privateTargetsAllowed } from '@parley/webhooks/target-address';

@Injectable()
export class WebhookTargets {
  private readonly allPrivate = privateTargetsAllowed();

  /** Throws ApiError 50054. What a name resolves to is asked at each call. */
  mustBeAllowed(...urls: (string | null | undefined)[]): void {
    if (this.allPrivate) return;
    for (const url of urls)
      if (url && isPrivateTarget(url))
        throw new ApiError(50054, '', { message: 'Invalid webhook format: the URL leads into a private network, which this installation refuses' });
  }
}
