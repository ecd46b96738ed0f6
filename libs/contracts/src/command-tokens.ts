/** DI tokens of the command interfaces; bound to the service itself in one process, to a NATS client otherwise. */
export const CONVERSATION_COMMANDS = Symbol('ConversationCommands');
export const PARTICIPANT_COMMANDS = Symbol('ParticipantCommands');
export const REGISTRY_COMMANDS = Symbol('RegistryCommands');
export const ROUTER_COMMANDS = Symbol('RouterCommands');
