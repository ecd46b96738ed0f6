/** Commands of a service that runs as another process: the same token, a NATS client behind it. */
import { Module, type DynamicModule } from '@nestjs/common';
import { CONVERSATION_COMMANDS, PARTICIPANT_COMMANDS, REGISTRY_COMMANDS, ROUTER_COMMANDS } from '@parley/contracts/command-tokens';
import { remote } from '@parley/messaging/command-client';
import type { Connection } from '@parley/messaging/connection';
import { NATS } from './parts.js';

const tokens = { conversation: CONVERSATION_COMMANDS, participant: PARTICIPANT_COMMANDS, registry: REGISTRY_COMMANDS, router: ROUTER_COMMANDS };
export type CommandService = keyof typeof tokens;

@Module({})
export class RemoteCommandsModule {
  static of(...services: CommandService[]): DynamicModule {
    const providers = services.map((service) => ({
      provide: tokens[service], inject: [NATS], useFactory: (nats: Connection) => remote(nats, service),
    }));
    return { module: RemoteCommandsModule, global: true, providers, exports: providers.map(({ provide }) => provide) };
  }
}
