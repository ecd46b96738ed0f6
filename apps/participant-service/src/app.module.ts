/** Commands on participants and address configurations; the address book is their read model. */
import { Global, Module } from '@nestjs/common';
import { PARTICIPANT_COMMANDS } from '@parley/contracts/command-tokens';
import { ParticipantService } from './participant-commands.js';

@Global()
@Module({ providers: [{ provide: PARTICIPANT_COMMANDS, useClass: ParticipantService }], exports: [PARTICIPANT_COMMANDS] })
export class ParticipantServiceModule {}
