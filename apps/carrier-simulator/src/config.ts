/** Settings of the simulator alone, beside those every service shares. */
import type { Config } from '@parley/runtime/config';

export type SimulatorConfig = {
  /** Webhooks go below this address and nowhere else. */
  webhooksUrl: string;
};

export const simulatorConfig = ({ publicUrl }: Config): SimulatorConfig => ({ webhooksUrl: `${publicUrl}/webhooks/` });
