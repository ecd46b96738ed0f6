/// <reference types="jest" />
/** Test harness for deciders: earlier facts, one command, then the facts or the refusal. */
import { fold, type Decider } from './decider.js';
import { DomainError, type DomainErrorCode } from './domain-error.js';

export function givenWhenThen<S, C, E>(decider: Decider<S, C, E>) {
  return (...events: E[]) => ({
    when(command: C) {
      const decide = () => decider.decide(command, fold(decider, events));
      return {
        then: (...expected: E[]) => expect(decide()).toEqual(expected),
        thenNothing: () => expect(decide()).toEqual([]),
        thenRejects(code: DomainErrorCode) {
          try {
            decide();
          } catch (error) {
            expect(error).toBeInstanceOf(DomainError);
            expect((error as DomainError).code).toBe(code);
            return;
          }
          throw new Error(`expected refusal ${code}, but the command was accepted`);
        },
      };
    },
  });
}
