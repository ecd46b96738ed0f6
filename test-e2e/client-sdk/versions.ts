/** The versions of the official client SDK that applications have; each is a dependency under a name of its own. */
export const sdkVersions = ['3.0.1', '2.7.0', '2.4.1'] as const;
export type SdkVersion = (typeof sdkVersions)[number];
