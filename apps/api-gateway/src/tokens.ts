/** Providers of the gateway that are not classes. */
export const GATEWAY_CONFIG = Symbol('GatewayConfig');
export const READ_POOL = Symbol('ReadPool');
