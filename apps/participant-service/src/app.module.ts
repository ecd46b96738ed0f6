/** Commands on participants and on what accounts configure; the address book is their read model. */
import { Global, Module } from '@nestjs/common';
import { PARTICIPANT_COMMANDS, REGISTRY_COMMANDS } from '@parley/contracts/command-tokens';
import { ParticipantService } from './participant-commands.js';
import { RegistryService } from './registry-commands.js';

@Global()
@Module({
  providers: [
    { provide: PARTICIPANT_COMMANDS, useClass: ParticipantService }, { provide: REGISTRY_COMMANDS, useClass: RegistryService },
  ],
  exports: [PARTICIPANT_COMMANDS, REGISTRY_COMMANDS],
})
export class ParticipantServiceModule {}
