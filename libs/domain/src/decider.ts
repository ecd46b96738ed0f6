/**
 * The shape of every aggregate: data and two pure functions. `decide` says which facts follow from a command, or throws
 * DomainError; `evolve` folds a fact into the state. No clock, no ids, no I/O: the caller passes them in.
 */
export type Decider<State, Command, Event> = {
  initialState: State;
  decide(command: Command, state: State): Event[];
  evolve(state: State, event: Event): State;
};

/** State after a list of facts. */
export function fold<State, Command, Event>(
  decider: Decider<State, Command, Event>,
  events: Iterable<Event>,
  from: State = decider.initialState,
): State {
  let state = from;
  for (const event of events) state = decider.evolve(state, event);
  return state;
}
