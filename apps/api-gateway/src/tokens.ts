/** Provider of the gateway that is not a class. */
export const GATEWAY_CONFIG = Symbol('GatewayConfig');
