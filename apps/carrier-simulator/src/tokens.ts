/** DI token of the simulator's own settings. */
export const SIMULATOR_CONFIG = Symbol('SimulatorConfig');
