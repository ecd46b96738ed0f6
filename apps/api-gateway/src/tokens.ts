/** Providers of the gateway that are not classes. */
export const GATEWAY_CONFIG = Symbol('GatewayConfig');
export const MEDIA_STORAGE = Symbol('MediaStorage');
